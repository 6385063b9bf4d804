"""What hosts and switches have of an address whose instance moves, step by step, and what its flows lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from lab.api import Api

from tests.lab.fabric import Fabric, Loss, Monitor, eventually

from .cloud import prefixes
from .migration import Migration, Pause
from .plugged import HOSTS, plain, plug, ports, route_lines, tap, watcher

PAUSE = 0.15  # seconds in which the instance runs nowhere
OLD_COPY = 0.05  # seconds for which the source's tap outlives the pause
ARRIVED = "metric 142"


def neighbor(fabric: Fabric, host: str) -> str:
    """An instance on a host in the network that the ports are made in."""
    (network,) = [each["id"] for each in fabric.document["networks"] if each["name"] == "mobile"]
    return next(
        str(port["name"])
        for port in fabric.good_ports
        if (port["binding:host_id"], port["network_id"]) == (host, network)
    )


def lines(fabric: Fabric, host: str, port: dict[str, Any]) -> list[str]:
    """A host's own routes to the port's addresses."""
    wanted = plain(prefixes(port))
    return [line for line in route_lines(fabric, host) if line.split()[0] in wanted]


@contextmanager
def running(api: Api, fabric: Fabric, host: str) -> Iterator[dict[str, Any]]:
    """A port whose instance runs on a host, which has its addresses like any other."""
    with ports(api, fabric, [host]) as (port,):
        plug(fabric, [port])
        settled(fabric, port, host)
        yield port


def prepare(move: Migration) -> None:
    """All that is done before the memory is copied; the target knows the tap of the instance that is to come."""
    move.prepare()
    eventually(
        lambda: watcher(move.fabric, move.target)["expected"],
        lambda found: tap(move.port) in found,
        "the tap is known",
        60,
    )


def arrived(fabric: Fabric, port: dict[str, Any], host: str) -> None:
    eventually(
        lambda: lines(fabric, host, port),
        lambda found: len(found) == 2 and all(ARRIVED in line for line in found),
        f"{host} has both addresses as just arrived",
        60,
    )


def settled(fabric: Fabric, port: dict[str, Any], host: str) -> None:
    eventually(
        lambda: lines(fabric, host, port),
        lambda found: len(found) == 2 and not any(ARRIVED in line for line in found),
        f"{host} has both addresses like any other",
        60,
    )


def gone(fabric: Fabric, port: dict[str, Any], host: str) -> None:
    eventually(lambda: lines(fabric, host, port), lambda found: not found, f"no route on {host}", 120)


def migrate(move: Migration) -> Pause:
    """From the moment that the memory is copied; the tap is here and known."""
    pause = move.move(PAUSE)
    end = threading.Timer(OLD_COPY, move.unplug)
    end.start()
    move.activate()
    end.join()
    move.finish()
    return pause


def reads(fabric: Fabric, before: Mapping[str, int] | None = None) -> dict[str, int]:
    """How many reads of Neutron each host has begun since it was started, or since `before`."""
    return {host: watcher(fabric, host)["reads"] - (before or {}).get(host, 0) for host in HOSTS}


def shared(monitor: Monitor, wanted: set[str]) -> list[str]:
    """What a switch's kernel said when it forwarded an address to two hosts."""
    return [each.text for each in monitor.changes if each.prefix in wanted and each.text.count("dev hv") > 1]


def forwarded(switch: str, monitor: Monitor, wanted: set[str], target: str, pause: Pause) -> None:
    """A switch's kernel forwarded to one host at a time. Prints when it went over to the target."""
    changes = [each for each in monitor.changes if each.prefix in wanted]
    assert shared(monitor, wanted) == [], f"{switch} spread flows over both hosts"
    for prefix in sorted(wanted):
        over = [
            each.when
            for each in changes
            if each.prefix == prefix and not each.deleted and f"dev {target}" in each.text and each.when >= pause.began
        ]
        assert over, f"{switch} never went over to {target} for {prefix}"
        print(f"{switch}: {prefix} went over {1000 * (over[0] - pause.ended):.0f} ms after the pause")


def told(name: str, loss: Loss, pause: Pause) -> int:
    """A line of figures; how many packets were lost that were sent when the instance ran somewhere."""
    late = [1000 * (when - pause.ended) for when in loss.losses if when not in pause]
    span = f", sent {', '.join(spans(late))} ms after it" if late else ""
    took = 1000 * (pause.ended - pause.began)
    print(f"{name}: {loss.lost} of {loss.sent} lost, {len(late)} beyond the pause of {took:.0f} ms{span}")
    print(f"{name}: {loss.reordered} reordered")
    return len(late)


def spans(when: Sequence[float]) -> list[str]:
    """Ascending times (ms) as text, those together that are less than 100 ms apart."""
    found: list[list[float]] = []
    for each in when:
        if found and each - found[-1][1] < 100:
            found[-1][1] = each
        else:
            found.append([each, each])
    return [f"{first:.0f} to {last:.0f}" for first, last in found]
