"""Live migration under load: the target is preferred before the source withdraws, and nothing is left behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

import pytest
from lab.api import Api

from tests.lab.fabric import Fabric, Loss, Monitor, eventually

from .cloud import prefixes
from .migration import Migration, Pause
from .plugged import SWITCHES, addresses, plain, plug, ports, route_lines, tap, watcher
from .preferences import Preferences, preferences

RUNS = int(os.environ.get("ROTH_MIGRATIONS", "2"))
"""Migrations that are counted; 20 for figures that are published."""
RATE = float(os.environ.get("ROTH_MIGRATION_RATE", "1000"))
"""Packets a second of each flow."""
PAUSE = 0.15  # seconds in which the instance runs nowhere
OLD_COPY = 0.05  # seconds for which the source's tap outlives the pause
SOURCE, TARGET, THIRD = "hv1", "hv3", "hv2"
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


def expected(fabric: Fabric, port: dict[str, Any], host: str) -> None:
    eventually(lambda: watcher(fabric, host)["expected"], lambda found: tap(port) in found, "the tap is known", 30)


def arrived(fabric: Fabric, port: dict[str, Any], host: str) -> None:
    eventually(
        lambda: lines(fabric, host, port),
        lambda found: len(found) == 2 and all(ARRIVED in line for line in found),
        f"{host} has both addresses as just arrived",
        30,
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


@contextmanager
def moving(api: Api, fabric: Fabric) -> Iterator[tuple[dict[str, Any], Migration]]:
    """A port of the source whose instance runs there and is expected on the target."""
    with ports(api, fabric, [SOURCE]) as (port,):
        plug(fabric, [port])
        settled(fabric, port, SOURCE)
        move = Migration(api, fabric, port, SOURCE, TARGET)
        move.prepare()
        expected(fabric, port, TARGET)
        yield port, move


def migrate(move: Migration) -> Pause:
    """From the moment that the memory is copied; the tap is here and known."""
    pause = move.move(PAUSE)
    end = threading.Timer(OLD_COPY, move.unplug)
    end.start()
    move.activate()
    end.join()
    move.finish()
    return pause


def test_while_an_instance_moves_the_target_is_preferred_and_never_two_hosts_alike(api: Api, fabric: Fabric) -> None:
    """Prints what each flow lost, and what of it was sent when the instance ran somewhere."""
    flows = {"client": "client", "third host": neighbor(fabric, THIRD), "source's neighbour": neighbor(fabric, SOURCE),
             "target's neighbour": neighbor(fabric, TARGET)}  # fmt: skip
    beyond: dict[str, list[int]] = {name: [] for name in flows}
    for number in range(RUNS):
        with ports(api, fabric, [SOURCE]) as (port,):
            pause, losses, equal = one(api, fabric, port, list(flows.values()))
            for name, loss in zip(flows, losses, strict=True):
                beyond[name].append(told(f"{number}: {name}", loss, pause))
            assert equal == []
    for name, counts in beyond.items():
        print(f"{name}: lost beyond the pause: median {median(counts)}, most {max(counts)}, of {RUNS} migrations")


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


def one(
    api: Api, fabric: Fabric, port: dict[str, Any], sources: Sequence[str]
) -> tuple[Pause, list[Loss], list[tuple[str, Preferences]]]:
    """One migration under load, until nothing is left of it on the source and the target has it like any other."""
    plug(fabric, [port])
    wanted = addresses(port)
    for source in sources:
        assert None not in fabric.reach(source, wanted, 60).values()
    move = Migration(api, fabric, port, SOURCE, TARGET)
    move.prepare()
    expected(fabric, port, TARGET)
    with preferences(fabric, SWITCHES, wanted[0]) as seen:
        with ExitStack() as stack:
            monitors = {name: stack.enter_context(fabric.monitoring(name)) for name in SWITCHES}
            streams = [stack.enter_context(fabric.streaming(source, wanted, RATE)) for source in sources]
            assert lines(fabric, TARGET, port) == [], "a route before the instance runs here"
            pause = migrate(move)
            arrived(fabric, port, TARGET)
            gone(fabric, port, SOURCE)
        settled(fabric, port, TARGET)
    for name, monitor in monitors.items():
        forwarded(name, monitor, prefixes(port), pause)
    print(f"{seen.looks} looks at the switches: {seen.of}")
    for found in seen.of.values():
        assert {TARGET: 200} in found
        assert found[-1] == {TARGET: 100}
    assert None not in fabric.reach("client", wanted, 60).values()
    return pause, [stream.result for stream in streams], seen.equal()


def forwarded(switch: str, monitor: Monitor, wanted: set[str], pause: Pause) -> None:
    """A switch's kernel forwarded to one host at a time. Prints when it went over to the target."""
    changes = [each for each in monitor.changes if each.prefix in wanted]
    shared = [each.text for each in changes if each.text.count("dev hv") > 1]
    assert shared == [], f"{switch} spread flows over both hosts"
    for prefix in sorted(wanted):
        over = [
            each.when for each in changes if each.prefix == prefix and not each.deleted and f"dev {TARGET}" in each.text
        ]
        assert over, f"{switch} never went over to {TARGET} for {prefix}"
        print(f"{switch}: {prefix} went over {1000 * (over[0] - pause.ended):.0f} ms after the pause")


def test_a_copy_that_stays_on_the_source_is_withdrawn_without_its_tap(api: Api, fabric: Fabric) -> None:
    """The source has read that its port is to leave: from then on it reads more often."""
    with moving(api, fabric) as (port, move):
        fabric.run(SOURCE, "systemctl", "reload", "roth-ports")  # else it would read so within its period
        eventually(lambda: watcher(fabric, SOURCE)["leaving"], lambda found: tap(port) in found, "it knows", 30)
        with preferences(fabric, SWITCHES, addresses(port)[0]) as seen:
            move.move(PAUSE)
            move.activate()
            gone(fabric, port, SOURCE)
            assert len(lines(fabric, TARGET, port)) == 2
            settled(fabric, port, TARGET)
        assert tap(port) in fabric.ip(SOURCE, "-br", "link")
        assert seen.equal() == []
        move.finish()
        move.unplug()


@pytest.mark.slow  # it waits for 30 s that Neutron might still bind it there
def test_an_instance_that_neutron_does_not_bind_where_it_was_seen_is_given_back(api: Api, fabric: Fabric) -> None:
    with moving(api, fabric) as (port, move):
        with preferences(fabric, SWITCHES, addresses(port)[0]) as seen:
            move.move(PAUSE)
            arrived(fabric, port, TARGET)
            gone(fabric, port, TARGET)
            eventually(
                lambda: [found[-1] for found in seen.of.values()],
                lambda last: all(it == {SOURCE: 100} for it in last),
                "the source alone at both switches",
                30,
            )
        assert len(lines(fabric, SOURCE, port)) == 2
        assert seen.equal() == []
