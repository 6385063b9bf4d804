# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wanted against kernel against ExaBGP against every switch: what differs, by host, prefix and switch. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

from ..kernel.model import HostRoute, route_key
from ..kernel.routes import settled_key
from .hosts import HostState, TableRoute
from .switches import Path, SwitchState

FAMILIES = ("ipv4", "ipv6")
AT_BOOT = frozenset({"roth-sysctl.service"})
"""Units that run once at boot: until the first reboot after the deployment they are inactive, and rightly so."""


@dataclass(frozen=True)
class Peering:
    """A BGP session that the inventory asks for: `local` is the host's address, `peer` the switch's."""

    uplink: str
    tor: str
    family: str
    local: str
    local_asn: int
    peer: str
    bfd: bool


@dataclass(frozen=True)
class Expectation:
    """What the inventory and the ports want of one hypervisor. `left_out` holds the reason by prefix not wanted."""

    routes: tuple[HostRoute, ...]
    peerings: tuple[Peering, ...]
    protocol: int = 142
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefixes(self) -> frozenset[str]:
        """What is to be announced: a blackhole and the route it backs are one prefix."""
        return frozenset(str(route.prefix) for route in self.routes)


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. `switch` and `prefix` are None where it is about none."""

    kind: str
    host: str | None
    switch: str | None
    prefix: str | None
    observed: str
    expected: str

    @property
    def text(self) -> str:
        """One line for a person: where, what, observed, expected."""
        where = " ".join(part for part in (self.host, self.switch and f"at {self.switch}") if part)
        subject = f"{self.prefix} {self.kind}" if self.prefix else self.kind
        return f"{where}: {subject}: {self.observed}; expected {self.expected}"


def plugged(expected: Mapping[str, Expectation], hosts: Mapping[str, HostState]) -> dict[str, Expectation]:
    """What is expected, without the prefixes that wait for their instance's tap on a host with a port watcher."""
    waiting = {host: state.waiting for host, state in hosts.items()}
    return {
        host: replace(each, routes=tuple(it for it in each.routes if str(it.prefix) not in waiting.get(host, ())))
        for host, each in expected.items()
    }


def compare(
    expected: Mapping[str, Expectation],
    hosts: Mapping[str, HostState],
    switches: Mapping[str, SwitchState | str],
) -> list[Finding]:
    """All findings about `hosts`, and about `switches` as far as they concern `hosts`.

    `expected` holds every hypervisor of the inventory, so that a prefix at the wrong host is told from a leak.
    A switch that could not be read is given by the text that says why.

    What an operator has drained may be down: its sessions, their BFD and what the switch has from them are no findings,
    nor is a switch that can't be read when all of its uplinks are drained.
    """
    findings: list[Finding] = []
    active = {host: _active(expectation, hosts.get(host)) for host, expectation in expected.items()}
    for host, state in sorted(hosts.items()):
        findings += _host_findings(host, expected[host], active[host], state)
    for switch, seen in sorted(switches.items()):
        if not isinstance(seen, str):
            findings += _switch_findings(switch, seen, active, expected, frozenset(hosts))
        elif not _is_drained(switch, hosts, expected, active):
            findings.append(Finding("not readable", None, switch, None, seen, "its sessions and routes"))
    return findings


def _active(expectation: Expectation, state: HostState | None) -> Expectation:
    """What must be there of a host: nothing on its drained uplinks, and no route that it has given up at a switch."""
    if state is None:
        return expectation
    return replace(
        expectation,
        routes=tuple(route for route in expectation.routes if str(route.prefix) not in state.given_up),
        peerings=tuple(peering for peering in expectation.peerings if peering.uplink not in state.drained),
    )


def _is_drained(
    switch: str,
    hosts: Iterable[str],
    expected: Mapping[str, Expectation],
    active: Mapping[str, Expectation],
) -> bool:
    """Whether all of the hosts' uplinks to a switch are drained, and there are some."""

    def count(wanted: Mapping[str, Expectation]) -> int:
        return sum(peering.tor == switch for host in hosts for peering in wanted[host].peerings)

    return count(expected) > 0 and count(active) == 0


def _host_findings(host: str, expected: Expectation, due: Expectation, state: HostState) -> Iterator[Finding]:
    for problem in state.problems:
        yield Finding("not readable", host, None, None, problem, "an answer")
    for unit, active in sorted(state.units.items()):
        if active != "active" and not (active == "inactive" and unit in AT_BOOT):
            yield Finding("unit not active", host, None, None, f"{unit} is {active}", "active")
    yield from _session_findings(host, due, state)
    if state.defaults is not None:
        yield from _default_findings(host, due, state.defaults)
    if state.announced is not None:
        yield from _kernel_findings(host, expected, state.announced)
    yield from _announce_findings(host, replace(due, peerings=expected.peerings), state)
    for alarm in state.alarms:
        yield Finding("alarm of the agent", host, None, None, alarm, "none")
    for alarm in state.watcher_alarms:
        yield Finding("alarm of the port watcher", host, None, None, alarm, "none")


def _session_findings(host: str, expected: Expectation, state: HostState) -> Iterator[Finding]:
    for peering in expected.peerings:
        place = f"{peering.uplink} {peering.peer}"
        if state.sessions is not None:
            session = state.sessions.get(peering.peer, "absent")
            if session != "established":
                why = f" ({state.reasons[peering.peer]})" if peering.peer in state.reasons else ""
                yield Finding("BGP session down", host, peering.tor, None, f"{place} is {session}{why}", "established")
        if peering.bfd and state.bfd is not None:
            bfd = state.bfd.get(peering.peer, "absent")
            if bfd != "up":
                yield Finding("BFD session down", host, peering.tor, None, f"{place} is {bfd}", "up")


def default_hops(defaults: Iterable[TableRoute], family: str) -> tuple[tuple[str, str], ...]:
    """Device and gateway of each hop of the family's default route."""
    name = {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}[family]
    return tuple(hop for route in defaults if route.prefix == name and route.kind == "unicast" for hop in route.hops)


def _default_findings(host: str, expected: Expectation, defaults: Iterable[TableRoute]) -> Iterator[Finding]:
    for family in FAMILIES:
        wanted = {(item.uplink, item.peer) for item in expected.peerings if item.family == family}
        found = set(default_hops(defaults, family))
        if found != wanted:
            kind = f"{family} default not over all uplinks" if found < wanted else f"{family} default over others"
            yield Finding(kind, host, None, None, _hops(found), _hops(wanted))


def _hops(hops: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{device} via {gateway}" for device, gateway in sorted(hops)) or "no uplink"


def _kernel_findings(host: str, expected: Expectation, found: tuple[TableRoute, ...]) -> Iterator[Finding]:
    by_prefix: dict[str, list[TableRoute]] = defaultdict(list)
    for route in found:
        by_prefix[route.prefix].append(route)
    for wanted in expected.routes:
        name = str(wanted.prefix)
        if not any(_same(route, wanted, expected.protocol) for route in by_prefix[name]):
            seen = ", ".join(map(_described, by_prefix[name])) or "no route"
            kind = "wrong in kernel" if by_prefix[name] else "missing in kernel"
            yield Finding(kind, host, None, name, seen, _wanted(wanted))
    for route in found:
        if route.protocol == expected.protocol and route.prefix not in expected.prefixes:
            yield Finding("unexpected in kernel", host, None, route.prefix, _described(route), "no route of ours")


def _same(route: TableRoute, wanted: HostRoute, protocol: int) -> bool:
    _address, _length, metric = settled_key(route_key(ip_network(route.prefix), route.metric))
    return (route.protocol, route.device, route.kind, metric) == (
        protocol,
        wanted.device,
        wanted.kind.name.lower(),
        wanted.metric,
    )


def _wanted(route: HostRoute) -> str:
    return f"{route.kind.name.lower()} dev {route.device}" if route.device else route.kind.name.lower()


def _described(route: TableRoute) -> str:
    device = f" dev {route.device}" if route.device else ""
    return f"{route.kind}{device} metric {route.metric} proto {route.protocol}"


def _announce_findings(host: str, expected: Expectation, state: HostState) -> Iterator[Finding]:
    for name, reason in sorted(state.withheld.items()):
        if name in state.given_up:
            continue
        yield Finding("withheld by the agent", host, None, name, reason, "no such route")
    if state.adj_rib_out is None:
        return
    sent: dict[tuple[str, str], set[str]] = defaultdict(set)
    for route in state.adj_rib_out:
        sent[route.peer, route.prefix].add(route.next_hop)
    for peering in expected.peerings:
        for name in sorted(expected.prefixes):
            if _family(name) != peering.family:
                continue
            next_hops = sent.pop((peering.peer, name), set())
            if next_hops != {peering.local}:
                kind = "announced with a wrong next hop" if next_hops else "not announced"
                observed = ", ".join(sorted(next_hops)) or f"not in the adj-rib-out for {peering.peer}"
                yield Finding(kind, host, peering.tor, name, observed, f"next hop {peering.local}")
    tors = {peering.peer: peering.tor for peering in expected.peerings}
    for (peer, name), _next_hops in sorted(sent.items()):
        yield Finding("announced", host, tors.get(peer), name, f"in the adj-rib-out for {peer}", "nothing of the kind")


def _family(name: str) -> str:
    return "ipv6" if ":" in name else "ipv4"


def _switch_findings(
    switch: str,
    seen: SwitchState,
    active: Mapping[str, Expectation],
    expected: Mapping[str, Expectation],
    hosts: frozenset[str],
) -> Iterator[Finding]:
    sessions = {session.peer: session for session in seen.sessions}
    bfd = {session.peer: session.state for session in seen.bfd}
    for host in sorted(hosts):
        for peering in active[host].peerings:
            if peering.tor != switch:
                continue
            session = sessions.get(peering.local)
            state = "absent" if session is None else session.state
            if state != "established":
                yield Finding("BGP session down", host, switch, None, f"{peering.local} is {state}", "established")
            elif session is not None and session.asn != peering.local_asn:
                yield Finding("wrong ASN", host, switch, None, f"{session.asn}", f"{peering.local_asn}")
            if session is not None and session.limit_reached is not None:
                observed = f"{peering.local}: no prefix beyond {session.limit_reached} is taken"
                wanted = "fewer; BIRD 2.0 then needs `birdc reload in` for this session"
                yield Finding("prefix limit reached", host, switch, None, observed, wanted)
            if peering.bfd and bfd.get(peering.local, "absent") != "up":
                observed = f"{peering.local} is {bfd.get(peering.local, 'absent')}"
                yield Finding("BFD session down", host, switch, None, observed, "up")
    yield from _path_findings(switch, seen, active, expected, hosts)


def _path_findings(
    switch: str,
    seen: SwitchState,
    active: Mapping[str, Expectation],
    expected: Mapping[str, Expectation],
    hosts: frozenset[str],
) -> Iterator[Finding]:
    owners = _owners(switch, expected)
    holders: dict[str, set[str]] = defaultdict(set)
    for host, expectation in active.items():
        for name in expectation.prefixes:
            holders[name].add(host)
    received: dict[tuple[str, str], Path] = {}
    for path in seen.paths:
        if path.peer in owners:  # else it came from the spine: not a host's word
            received[path.peer, path.prefix] = path
    drained = owners.keys() - _owners(switch, active).keys()
    for (peer, name), path in sorted(received.items()):
        if peer in drained and path.stale:
            continue  # all that a switch that was switched off has of this host
        finding = _path_finding(switch, owners[peer], path, holders[name], hosts)
        if finding is not None:
            yield finding
    up = {session.peer for session in seen.sessions if session.state == "established"}
    for peer, (host, family) in sorted(_owners(switch, active).items()):
        if host not in hosts or peer not in up:  # a session that is down is a finding of its own, and explains the rest
            continue
        for name in sorted(active[host].prefixes):
            if _family(name) == family and (peer, name) not in received:
                yield Finding("missing at switch", host, switch, name, f"no path from {peer}", f"next hop {peer}")


def _owners(switch: str, expected: Mapping[str, Expectation]) -> dict[str, tuple[str, str]]:
    """Host and family by the address that the switch sees as its peer."""
    return {
        peering.local: (host, peering.family)
        for host, expectation in expected.items()
        for peering in expectation.peerings
        if peering.tor == switch
    }


def _path_finding(
    switch: str, owner: tuple[str, str], path: Path, holders: set[str], hosts: frozenset[str]
) -> Finding | None:
    host, _family = owner
    if host not in holders:
        if holders & hosts:
            there = ", ".join(sorted(holders))
            return Finding("at the wrong host", host, switch, path.prefix, f"next hop {path.next_hop}", f"on {there}")
        if host in hosts:
            observed = f"next hop {path.next_hop}"
            return Finding("unexpected at switch", host, switch, path.prefix, observed, "no path: no host wants it")
        return None
    if host not in hosts:
        return None
    if path.next_hop != path.peer:
        observed, wanted = f"next hop {path.next_hop}", f"next hop {path.peer}"
        return Finding("wrong next hop", host, switch, path.prefix, observed, wanted)
    if path.stale:
        return Finding("stale at switch", host, switch, path.prefix, "kept by graceful restart only", "a live path")
    return None
