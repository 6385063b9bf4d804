# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary of a comparison: one row for a host, shares as found/expected, printed as a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from ipaddress import ip_network

from .compare import FAMILIES, Expectation, Finding, default_hops
from .hosts import HostState
from .switches import SwitchState

UNREAD = "?"
SHOWN = 10
"""So many findings of one kind are told one by one, of each host at each switch; of the rest, the number."""


def rows(
    expected: Mapping[str, Expectation],
    hosts: Mapping[str, HostState],
    switches: Mapping[str, SwitchState | str],
    findings: Sequence[Finding],
) -> list[dict[str, str]]:
    """One row for each of `hosts`, in order of their names. What is drained, or waits for a tap, where there is any."""
    waiting = any(state.waiting for state in hosts.values())
    drained = any(state.drained or state.given_up for state in hosts.values())
    return [
        {
            "host": host,
            **_sessions(expected[host], state),
            **{f"default {family}": _default(expected[host], state, family) for family in FAMILIES},
            **_prefixes(expected[host], state),
            **{f"at {name}": _at_switch(name, expected[host], seen) for name, seen in sorted(switches.items())},
            **({"without tap": str(len(state.waiting))} if waiting else {}),
            **({"drained": _drained(expected[host], state)} if drained else {}),
            "findings": str(sum(finding.host == host for finding in findings)),
        }
        for host, state in sorted(hosts.items())
    ]


def table(listed: Sequence[Mapping[str, str]]) -> str:
    """The rows as text with a header. Raises ImportError without `tabulate`, which the controller has."""
    from tabulate import tabulate

    return tabulate([dict(row) for row in listed], headers="keys", disable_numparse=True)


def told(findings: Iterable[Finding], shown: int = SHOWN) -> list[tuple[str | None, str]]:
    """Host and line of each finding, in their order; a host that has lost all its prefixes does not fill the screen."""
    kinds: dict[tuple[str | None, str | None, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        kinds[finding.host, finding.switch, finding.kind].append(finding)
    lines: list[tuple[str | None, str]] = []
    for (host, switch, kind), same in kinds.items():
        lines += [(host, finding.text) for finding in same[:shown]]
        if len(same) > shown:
            where = " ".join(part for part in (host, switch and f"at {switch}") if part)
            lines.append((host, f"{where}: and {len(same) - shown} more {kind}"))
    return lines


def _drained(expected: Expectation, state: HostState) -> str:
    tors = {peering.uplink: peering.tor for peering in expected.peerings}
    named = [f"{uplink} ({tors.get(uplink, '?')})" for uplink in sorted(state.drained)]
    if state.given_up:
        named.append(f"{len(state.given_up)} shared prefixes")
    return ", ".join(named) or "-"


def _share(found: int, wanted: int) -> str:
    return f"{found}/{wanted}"


def _sessions(expected: Expectation, state: HostState) -> dict[str, str]:
    bgp = [peering.peer for peering in expected.peerings]
    bfd = [peering.peer for peering in expected.peerings if peering.bfd]
    return {
        "BGP": _count_of(state.sessions, bgp, "established"),
        "BFD": _count_of(state.bfd, bfd, "up"),
    }


def _count_of(states: Mapping[str, str] | None, peers: Collection[str], good: str) -> str:
    return UNREAD if states is None else _share(sum(states.get(peer) == good for peer in peers), len(peers))


def _default(expected: Expectation, state: HostState, family: str) -> str:
    if state.defaults is None:
        return UNREAD
    wanted = {(peering.uplink, peering.peer) for peering in expected.peerings if peering.family == family}
    return _share(len(wanted & set(default_hops(state.defaults, family))), len(wanted))


def _prefixes(expected: Expectation, state: HostState) -> dict[str, str]:
    """`kernel` counts prefixes with a route of ours, `announced` those that ExaBGP has for every peer of the family."""
    wanted = expected.prefixes
    kernel = announced = None
    if state.announced is not None:
        kernel = len(wanted & {route.prefix for route in state.announced if route.protocol == expected.protocol})
    if state.adj_rib_out is not None:
        sent = {(route.peer, route.prefix) for route in state.adj_rib_out}
        announced = sum(all((peer, name) in sent for peer in _peers(expected, name)) for name in wanted)
    return {
        "wanted": str(len(wanted)),
        "kernel": UNREAD if kernel is None else str(kernel),
        "announced": UNREAD if announced is None else str(announced),
    }


def _peers(expected: Expectation, name: str) -> list[str]:
    family = FAMILIES[ip_network(name).version == 6]
    return [peering.peer for peering in expected.peerings if peering.family == family]


def _at_switch(switch: str, expected: Expectation, seen: SwitchState | str) -> str:
    """How many wanted prefixes the switch has with this host as their next hop; `-` where the host has no uplink."""
    local = {peering.local for peering in expected.peerings if peering.tor == switch}
    if not local:
        return "-"
    if isinstance(seen, str):
        return UNREAD
    return str(len({path.prefix for path in seen.paths if path.next_hop in local} & expected.prefixes))
