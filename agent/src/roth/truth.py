"""`roth reconcile`: what this host's lists want against its kernel against what ExaBGP announces.

The switches are not asked, and of the fabric only this host is known: a prefix that is on another host as well is found
by playbooks/reconcile.yml. What cannot be read is a finding of its own and never counts as agreement.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar

from .config import Config, ConfigError, load
from .exabgp_api import FAMILY_NAMES
from .kernel.model import Family, HostRoute, KernelRoute, Link, RouteKind, route_key
from .kernel.routes import settled_key
from .kernel.text import format_route, route_text
from .lists import newest
from .reconcile.findings import disagreements
from .reconcile.model import Finding, Host, Kind, PortName, Session, World
from .reconcile.summary import document, tables
from .restore import Listed, read_listed
from .status import ask

AGREE, DIFFER, UNREAD = 0, 1, 2
SHOWN = 20  # findings of one kind in the table; the JSON document has all

_T = TypeVar("_T")
Table = tuple[list[KernelRoute], dict[int, Link]]
"""All routes of our table, of every protocol, and the interfaces by ifindex."""


@dataclass
class Read:
    """What was read of this host; what could not be is None, and `unread` says why."""

    listed: Listed | None = None
    table: Table | None = None
    status: dict[str, Any] | None = None
    routes: list[dict[str, str]] | None = None
    unread: dict[str, str] = field(default_factory=dict)


def read_table(config: Config) -> Table:
    """From the kernel. Raises OSError."""
    from .kernel.netlink import Netlink

    with Netlink() as kernel:
        return [it for family in Family for it in kernel.routes(config.table, None, family)], kernel.links()


def read_host(config: Config, socket: str, table: Callable[[Config], Table] = read_table) -> Read:
    """Lists, kernel and agent, one after the other. Raises nothing: what fails is in `unread`."""
    found = Read()

    def attempt(what: str, read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        except (OSError, ValueError, KeyError) as error:
            found.unread[what] = str(error)
            return None

    found.listed = attempt("list", lambda: _listed(config))
    found.table = attempt("kernel", lambda: table(config))
    found.status = attempt("agent", lambda: _answer(socket, "status"))
    found.routes = attempt("adj-rib-out", lambda: list(_answer(socket, "adj-rib-out")["routes"]))
    return found


def _listed(config: Config) -> Listed:
    pair = newest(config.lists)
    os.stat(pair.routes)  # noqa: PTH116  a list that is not there wants nothing, which would make all of it orphans
    return read_listed(pair)


def _answer(socket: str, command: str) -> dict[str, Any]:
    answer = ask(socket, command)
    if "error" in answer:
        raise ValueError(str(answer["error"]))
    return answer


def own_world(config: Config, name: str, read: Read) -> World:
    """This host alone, as the planner compares it. Pure."""
    if read.listed is None:  # nobody knows what is wanted
        return World({name: Host({}, unread=read.unread)})
    wanted: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for route in read.listed.routes.values():
        wanted[str(route.prefix)] += (format_route(_settled(route)),)
    drain = (read.status or {}).get("drain") or {}
    kernel, foreign = _kernel(config, read)
    host = Host(
        wanted=dict(wanted),
        sessions=_sessions(config, drain.get("uplinks") or ()),
        allowed=config.allowed_prefixes,
        kernel=kernel,
        foreign=foreign,
        announced=None if read.routes is None else _announced(read.routes),
        withheld={item["prefix"]: item["reason"] for item in (read.status or {}).get("withheld", ())},
        left_out=dict.fromkeys((kernel or {}).keys() - wanted.keys(), "not on the list"),
        given_up=frozenset(drain.get("withdrawn") or ()) if drain.get("host") else frozenset(),
        unread=read.unread,
    )
    ports = {str(prefix): (PortName(tap.removeprefix("tap"), tap, name),) for prefix, tap in read.listed.taps.items()}
    return World({name: host}, ports=ports)


def _sessions(config: Config, drained: Iterable[Mapping[str, str]]) -> tuple[Session, ...]:
    out = {each["uplink"] for each in drained if each["state"] in ("draining", "drained")}
    return tuple(
        Session(uplink.tor, FAMILY_NAMES[peer.family], str(peer.local_address), str(address), uplink.name in out)
        for address, (uplink, peer) in config.peers().items()
    )


def _kernel(config: Config, read: Read) -> tuple[dict[str, tuple[str, ...]] | None, dict[str, str]]:
    """Our routes by prefix, and what other protocols have in the place of wanted ones."""
    if read.table is None or read.listed is None:
        return None, {}
    routes, links = read.table
    ours: dict[str, tuple[str, ...]] = defaultdict(tuple)
    foreign = {}
    for route in routes:
        if route.protocol == config.protocol:
            ours[str(route.prefix)] += (_text(route, links),)
        elif (route.prefix, route.metric) in read.listed.routes:
            foreign[str(route.prefix)] = f"{_text(route, links)} proto {route.protocol}"
    return dict(ours), foreign


def _settled(route: HostRoute) -> HostRoute:
    """An address that has just arrived has a route of another metric, which is as good."""
    return replace(route, metric=settled_key(route_key(route.prefix, route.metric))[2])


def _text(route: KernelRoute, links: Mapping[int, Link]) -> str:
    """In the grammar of the list where a route can be one of ours, else in words."""
    key = settled_key(route_key(route.prefix, route.metric))
    if route.kind == RouteKind.BLACKHOLE.value:
        return route_text(key, None)
    if route.kind == RouteKind.UNICAST.value and route.oif is not None:
        link = links.get(route.oif)
        return route_text(key, f"if{route.oif}" if link is None else link.name)
    return f"type {route.kind} {route.prefix} metric {route.metric}"


def _announced(routes: Iterable[Mapping[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for route in routes:
        found[str(ip_address(route["peer"]))].add(str(ip_network(route["prefix"])))
    return {peer: frozenset(prefixes) for peer, prefixes in found.items()}


def exit_code(findings: Sequence[Finding]) -> int:
    """0 when all agree, 1 when not, 2 when not all could be read."""
    if any(finding.kind is Kind.UNREADABLE for finding in findings):
        return UNREAD
    return DIFFER if findings else AGREE


def run(path: str, socket: str, table: bool, read: Callable[[Config, str], Read] = read_host) -> int:
    """Print the JSON document, or the table, and return the exit code. `path` is that of agent.json."""
    try:
        config = load(path)
    except ConfigError as error:
        print(f"roth: {error}", file=sys.stderr)
        if not table:
            print(json.dumps({"agree": False, "error": str(error)}, indent=2))
        return UNREAD
    world = own_world(config, os.uname().nodename, read(config, socket))
    findings = disagreements(world)
    print(tables(world, findings, SHOWN) if table else json.dumps(document(world, findings), indent=2))
    return exit_code(findings)
