"""What is true of the running lab, in the words of the model, and where the two differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.lab.fabric import Fabric

from .world import World

FAMILIES = {"ipv4": "-4", "ipv6": "-6"}


@dataclass(frozen=True)
class HostView:
    """One host: prefixes in its kernel, prefixes by peer in ExaBGP's adj-rib-out, uplinks by family in its default."""

    kernel: frozenset[str]
    told: dict[str, frozenset[str]]
    uplinks: dict[str, frozenset[str]]
    sessions: dict[str, str]


@dataclass(frozen=True)
class View:
    """The whole lab; `known` holds prefixes by switch and peer address."""

    hosts: dict[str, HostView]
    known: dict[str, dict[str, frozenset[str]]]


def look(fabric: Fabric) -> View:
    """Read everything, all nodes at a time."""
    with ThreadPoolExecutor() as pool:
        hosts = {host: pool.submit(_host, fabric, host) for host in fabric.hosts}
        switches = {name: pool.submit(_switch, fabric, name) for name in fabric.switches}
        return View(
            {host: future.result() for host, future in hosts.items()},
            {name: future.result() for name, future in switches.items()},
        )


def kernel_prefixes(fabric: Fabric, host: str) -> frozenset[str]:
    """Prefixes of our protocol in our table."""
    found = set()
    for option, length in (("-4", 32), ("-6", 128)):
        for route in json.loads(fabric.ip(host, option, "-j", "route", "show", "table", "142", "proto", "142") or "[]"):
            found.add(route["dst"] if "/" in route["dst"] else f"{route['dst']}/{length}")
    return frozenset(found)


def _host(fabric: Fabric, host: str) -> HostView:
    uplinks = fabric.default_uplinks(host)
    told: dict[str, set[str]] = {}
    for route in _answer(fabric, host, "routes").get("routes", ()):
        told.setdefault(route["peer"], set()).add(route["prefix"])
    sessions = {item["peer"]: item["state"] for item in _answer(fabric, host, "status").get("sessions", ())}
    return HostView(
        kernel=kernel_prefixes(fabric, host),
        told={peer: frozenset(prefixes) for peer, prefixes in told.items()},
        uplinks={family: frozenset(uplinks[option]) for family, option in FAMILIES.items()},
        sessions=sessions,
    )


def _answer(fabric: Fabric, host: str, question: str) -> dict[str, Any]:
    """The agent's document, also of a degraded host; empty while the agent cannot be asked."""
    return dict(json.loads(fabric.run(host, "sh", "-c", f"roth {question} --json || true").strip() or "{}"))


def _switch(fabric: Fabric, name: str) -> dict[str, frozenset[str]]:
    known: dict[str, set[str]] = {peer: set() for peer in fabric.uplinks}
    for path in fabric.switch(name).paths:
        if path.peer in known:
            known[path.peer].add(path.prefix if not path.stale else f"{path.prefix} (stale)")
    return {peer: frozenset(prefixes) for peer, prefixes in known.items()}


@dataclass(frozen=True)
class Session:
    """A session of the inventory: the host's own address, the switch's, and the uplink between them."""

    host: str
    switch: str
    uplink: str
    family: str
    local: str
    peer: str


def _of_family(prefixes: frozenset[str], family: str) -> frozenset[str]:
    return frozenset(prefix for prefix in prefixes if (":" in prefix) == (family == "ipv6"))


def differences(world: World, view: View, sessions: tuple[Session, ...]) -> list[str]:
    """Where what is there is not what should be."""
    found: list[str] = []
    for host in world.hosts:
        found += _unequal(f"{host}: kernel", world.kernel(host), view.hosts[host].kernel)
    for session in sessions:
        found += _session_differences(world, view, session)
    for host in world.hosts:
        cut = world.cuts.get(host)
        wanted = frozenset(s.uplink for s in sessions if s.host == host and not (cut and s.switch == cut.switch))
        for family in FAMILIES:
            found += _unequal(f"{host}: {family} default", wanted, view.hosts[host].uplinks[family])
    return found


def _session_differences(world: World, view: View, session: Session) -> Iterator[str]:
    host, cut = view.hosts[session.host], world.cuts.get(session.host)
    place = f"{session.host} to {session.switch} {session.family}"
    state = host.sessions.get(session.peer, "no answer from the agent")
    wanted = _of_family(world.known(session.host, session.switch), session.family)
    yield from _unequal(f"{place}: at the switch", wanted, view.known[session.switch].get(session.local, frozenset()))
    if cut and cut.switch == session.switch:
        if state == "established":
            yield f"{place}: established over a link that is cut"
        return
    if state != "established":
        yield f"{place}: session {state}"
    told = host.told.get(session.peer, frozenset())
    yield from _unequal(f"{place}: adj-rib-out", _of_family(world.announced(session.host), session.family), told)


def _unequal(place: str, wanted: frozenset[str], found: frozenset[str]) -> Iterator[str]:
    for word, prefixes in (("lacks", wanted - found), ("has too much", found - wanted)):
        if prefixes:
            more = f" and {len(prefixes) - 5} more" if len(prefixes) > 5 else ""
            yield f"{place} {word}: {', '.join(sorted(prefixes)[:5])}{more}"
