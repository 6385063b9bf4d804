# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of hosts and switches in the words of a reconciliation: the World that `reconcile` compares. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from ipaddress import ip_network

from ..inventory.uplinks import HostVars, loopbacks
from ..kernel.model import HostRoute, Prefix, route_key
from ..kernel.routes import settled_key
from ..kernel.text import format_route, route_text
from ..reconcile.model import Host, PortName, Session, SwitchPath, World
from ..wanted.document import PortDocument
from ..wanted.networks import host_prefix, provider_networks
from ..wanted.prefixes import AllowedPrefix, allowed_prefixes
from .compare import Expectation, plugged
from .expectation import expectations
from .hosts import HostState, TableRoute
from .switches import SwitchState


def world(
    hostvars: HostVars,
    hypervisors: Collection[str],
    document: PortDocument,
    states: Mapping[str, HostState],
    switches: Mapping[str, SwitchState | str],
) -> World:
    """All hypervisors, of which `states` were looked at.

    Raises ValueError naming host and variable where the inventory or the document is wrong.
    """
    hosts: dict[str, Host] = {}
    subnets: dict[Prefix, None] = {}
    for name, expected in plugged(expectations(hostvars, hypervisors, document), states).items():
        networks = provider_networks(hostvars[name].get("roth_provider_networks") or [])
        subnets |= {subnet.prefix: None for network in networks for subnet in network.subnets}
        allowed = tuple(allowed_prefixes(networks, name, loopbacks(hostvars, name)))
        hosts[name] = _host(expected, allowed, states.get(name))
    return World(
        hosts=hosts,
        switches={
            name: seen
            if isinstance(seen, str)
            else tuple(SwitchPath(it.prefix, it.peer, it.stale) for it in seen.paths)
            for name, seen in switches.items()
        },
        subnets=tuple(subnets),
        ports=_ports(document),
    )


def _ports(document: PortDocument) -> dict[str, tuple[PortName, ...]]:
    """Every port by each prefix it has, as a fixed address or as an allowed address pair."""
    found: dict[str, list[PortName]] = defaultdict(list)
    for port in document.ports:
        name = PortName(port.id, port.name, port.host)
        prefixes = [host_prefix(str(fixed.address)) for fixed in port.fixed] + [pair.prefix for pair in port.pairs]
        for prefix in dict.fromkeys(map(str, prefixes)):
            found[prefix].append(name)
    return {prefix: tuple(ports) for prefix, ports in found.items()}


def _host(expected: Expectation, allowed: tuple[AllowedPrefix, ...], state: HostState | None) -> Host:
    wanted: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for route in expected.routes:
        wanted[str(route.prefix)] += (format_route(route),)
    drained = frozenset() if state is None else state.drained
    sessions = tuple(
        Session(each.tor, each.family, each.local, each.peer, each.uplink in drained) for each in expected.peerings
    )
    if state is None:
        return Host(dict(wanted), sessions, allowed, left_out=expected.left_out, looked_at=False)
    return Host(
        wanted=dict(wanted),
        sessions=sessions,
        allowed=allowed,
        kernel=_kernel(state.announced, expected.protocol),
        foreign=_foreign(expected.routes, state.announced or (), expected.protocol),
        announced=_announced(state),
        withheld=state.withheld,
        left_out=expected.left_out,
        given_up=state.given_up,
        unread=_unread(state),
    )


def _kernel(table: Iterable[TableRoute] | None, protocol: int) -> dict[str, tuple[str, ...]] | None:
    if table is None:
        return None
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for route in table:
        if route.protocol == protocol:
            found[route.prefix] += (_text(route),)
    return dict(found)


def _text(route: TableRoute) -> str:
    """In the grammar of host_routes where a route can be one of ours, else in words; a settled one for an arrival."""
    key = settled_key(route_key(ip_network(route.prefix), route.metric))
    if route.kind == "blackhole" or (route.kind == "unicast" and route.device):
        return route_text(key, route.device)
    return f"{route.kind} {route.prefix} metric {route.metric}"


def _foreign(wanted: Iterable[HostRoute], table: Iterable[TableRoute], protocol: int) -> dict[str, str]:
    """What other protocols have under the prefix and metric of a wanted route."""
    others = {(each.prefix, each.metric): each for each in table if each.protocol != protocol}
    found = {str(route.prefix): others.get((str(route.prefix), route.metric)) for route in wanted}
    return {prefix: f"{_text(each)} proto {each.protocol}" for prefix, each in found.items() if each is not None}


def _announced(state: HostState) -> dict[str, frozenset[str]] | None:
    if state.adj_rib_out is None:
        return None
    found: dict[str, set[str]] = defaultdict(set)
    for route in state.adj_rib_out:
        found[route.peer].add(route.prefix)
    return {peer: frozenset(prefixes) for peer, prefixes in found.items()}


def _unread(state: HostState) -> dict[str, str]:
    """What of the host could not be read, and why; `host` when nothing could."""
    reasons = {
        what: next((problem for problem in state.problems if problem.startswith(start)), "no answer")
        for what, start, read in (
            ("kernel", "kernel", state.announced),
            ("adj-rib-out", "agent", state.adj_rib_out),
        )
        if read is None
    }
    if len(reasons) == 2 and set(reasons.values()) == {"no answer"}:
        return {"host": state.problems[0] if state.problems else "no answer"}
    return reasons
