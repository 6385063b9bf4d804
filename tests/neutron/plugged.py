"""Instances of new ports in the lab with a real Neutron, and what their hosts' watchers say."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab import instances
from lab.api import Api
from lab.errors import LabError

from tests.lab.fabric import Fabric, eventually

from .cloud import NEUTRON, create, prefixes

HOSTS = ("hv1", "hv2", "hv3")
SWITCHES = ("tor1", "tor2")


def plug(fabric: Fabric, ports: Sequence[dict[str, Any]], known: Path | None = None) -> None:
    """Plug the instances of these ports; `known` is a file of what Neutron had said, where it cannot be asked."""
    instances.plug(fabric.settings, fabric.topology, NEUTRON, known, [port["id"] for port in ports])


def addresses(port: dict[str, Any]) -> list[str]:
    return [prefix.partition("/")[0] for prefix in sorted(prefixes(port))]


def tap(port: dict[str, Any]) -> str:
    return f"tap{port['id'][:11]}"


def of_all(ports: Sequence[dict[str, Any]]) -> set[str]:
    """The host routes of several ports."""
    return set[str]().union(*map(prefixes, ports))


def plain(wanted: set[str]) -> set[str]:
    """As `ip route` prints them."""
    return {prefix.removesuffix("/32").removesuffix("/128") for prefix in wanted}


def route_lines(fabric: Fabric, host: str) -> list[str]:
    """A host's own routes, as `ip route` prints them."""
    shown = [fabric.ip(host, family, "route", "show", "table", "142", "proto", "142") for family in ("-4", "-6")]
    return [line for text in shown for line in text.splitlines()]


def routes(fabric: Fabric, host: str) -> set[str]:
    """Destinations of a host's own routes."""
    return {line.split()[0] for line in route_lines(fabric, host)}


def all_routes(fabric: Fabric) -> dict[str, set[str]]:
    return {host: routes(fabric, host) for host in HOSTS}


def watcher(fabric: Fabric, host: str) -> dict[str, Any]:
    """What a host's watcher says of itself; waits while it has just been started and says nothing yet."""
    path = "/run/roth-ports/status.json"
    shown = eventually(lambda: fabric.run(host, "sh", "-c", f"cat {path} || true"), bool, f"{path} on {host}")
    return dict(json.loads(shown))


def failure(fabric: Fabric, host: str, told: bool, seconds: float = 60) -> dict[str, Any]:
    """Wait until a host's watcher tells of a failure, or of none."""
    what = "a failed read" if told else "a read that succeeds"
    found = eventually(
        lambda: watcher(fabric, host)["failure"], lambda it: (it is not None) == told, f"{host}: {what}", seconds
    )
    return dict(found or {})


def read_now(fabric: Fabric, host: str) -> dict[str, Any]:
    """Have a host's watcher read Neutron, and wait until that has ended in one way or the other.

    `tried` is when a read began: one that was under way before does not count."""
    asked = time.time()
    fabric.run(host, "systemctl", "reload", "roth-ports")
    return eventually(
        lambda: watcher(fabric, host), lambda it: (it["tried"] or 0.0) >= asked, f"{host} has asked Neutron", 120
    )


def recovered(fabric: Fabric) -> None:
    """Each host's watcher reads Neutron again, when it is asked to."""
    for host in HOSTS:
        fabric.run(host, "systemctl", "reload", "roth-ports")
        failure(fabric, host, told=False)


def nowhere(fabric: Fabric, wanted: set[str]) -> None:
    """Wait until no switch has any of these prefixes."""
    eventually(
        lambda: {name: sorted(wanted & fabric.prefixes_at(name).keys()) for name in SWITCHES},
        lambda found: not any(found.values()),
        "these prefixes at no switch",
        60,
    )


def everywhere(fabric: Fabric, wanted: set[str], seconds: float = 60) -> None:
    """Wait until each switch has all of these prefixes."""
    eventually(
        lambda: {name: sorted(wanted - fabric.prefixes_at(name).keys()) for name in SWITCHES},
        lambda missing: not any(missing.values()),
        "no prefix that a switch lacks",
        seconds,
    )


@contextmanager
def ports(api: Api, fabric: Fabric, where: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    """New ports, one for each host that is named; gone afterwards from Neutron, their hosts and the switches."""
    made: list[dict[str, Any]] = []
    try:
        for number, host in enumerate(where):
            made.append(create(api, host, f"new-{number}"))
        yield made
    finally:
        known = {row["id"] for row in api.rows("ports")}
        for port in made:
            if port["id"] in known:
                api.delete("port", port["id"])
        plugged = [port["id"] for port in made if port["id"] in fabric.instances]
        if plugged:
            instances.unplug(fabric.settings, plugged)
        nowhere(fabric, of_all(made))


def answers(api: Api) -> bool:
    """Whether Neutron's API answers with success."""
    try:
        api.rows("networks")
    except LabError:
        return False
    return True
