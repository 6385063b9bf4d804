# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hypervisor does, from its kernel, its bfdd, its systemd and its agent. Read by C(fabric_info)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..kernel.model import KernelRoute, Link, Nexthop, NexthopGroup
from .switches import address, prefix

_KINDS = {1: "unicast", 2: "local", 6: "blackhole", 7: "unreachable", 8: "prohibit"}  # rtm_type, linux/rtnetlink.h


@dataclass(frozen=True)
class TableRoute:
    """A route of a kernel table. `device` is None for a blackhole, `hops` are those of its nexthop group."""

    prefix: str
    kind: str
    device: str | None
    metric: int
    protocol: int
    linkdown: bool = False
    hops: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Announcement:
    """A route that ExaBGP has for one peer."""

    peer: str
    prefix: str
    next_hop: str


@dataclass(frozen=True)
class HostState:
    """What one hypervisor does. What could not be read is None and named in `problems`.

    `sessions` and `bfd` hold a state by peer address, `reasons` why such a session went down, `units` a systemd active
    state by unit name; `withheld` holds the agent's reason by prefix. `drained` are uplinks that an operator took the
    traffic from, `given_up` prefixes of a drained host that other hosts announce, `waiting` those of instances
    whose tap is not on the host: the port watcher routes them when it comes.
    """

    announced: tuple[TableRoute, ...] | None = None
    defaults: tuple[TableRoute, ...] | None = None
    sessions: Mapping[str, str] | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    bfd: Mapping[str, str] | None = None
    adj_rib_out: frozenset[Announcement] | None = None
    withheld: Mapping[str, str] = field(default_factory=dict)
    alarms: tuple[str, ...] = ()
    watcher_alarms: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    drained: frozenset[str] = frozenset()
    given_up: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()

    @classmethod
    def from_result(cls, fabric: Mapping[str, Any]) -> HostState:
        """From the `fabric` of C(fabric_info); raises KeyError or TypeError on anything else."""
        status, adj_rib_out, bfd = fabric["agent"], fabric["adj_rib_out"], fabric["bfd"]
        drain = (status or {}).get("drain") or {}  # an agent from before there was any
        return cls(
            announced=_table(fabric["routes"]),
            defaults=_table(fabric["defaults"]),
            sessions=None if status is None else _states(status["sessions"]),
            reasons={} if status is None else _reasons(status["sessions"]),
            bfd=None if bfd is None else _states(bfd),
            adj_rib_out=None if adj_rib_out is None else frozenset(map(_announcement, adj_rib_out)),
            withheld={} if status is None else {item["prefix"]: item["reason"] for item in status["withheld"]},
            alarms=() if status is None else tuple(map(str, status["alarms"])),
            watcher_alarms=tuple(fabric.get("watcher_alarms", ())),
            units=dict(fabric["units"]),
            drained=_drained(drain.get("uplinks", ())),
            given_up=frozenset(map(prefix, drain["withdrawn"])) if drain.get("host") else frozenset(),
            waiting=frozenset(map(prefix, fabric.get("waiting", ()))),
            problems=tuple(fabric["problems"]),
        )


def _table(routes: Iterable[Mapping[str, Any]] | None) -> tuple[TableRoute, ...] | None:
    if routes is None:
        return None
    return tuple(
        TableRoute(**{**route, "hops": tuple((hop["device"], hop["gateway"]) for hop in route["hops"])})
        for route in routes
    )


def _states(sessions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {address(session["peer"]): str(session["state"]) for session in sessions}


def _reasons(sessions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {address(session["peer"]): str(session["reason"]) for session in sessions if session.get("reason")}


def _drained(uplinks: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(each["uplink"] for each in uplinks if each["state"] in ("draining", "drained"))


def _announcement(route: Mapping[str, Any]) -> Announcement:
    return Announcement(address(route["peer"]), prefix(route["prefix"]), address(route["next_hop"]))


def table_routes(
    routes: Iterable[KernelRoute],
    links: Mapping[int, Link],
    nexthops: Mapping[int, Nexthop],
    groups: Mapping[int, NexthopGroup],
) -> list[dict[str, Any]]:
    """Kernel routes in plain types with names for numbers, sorted by prefix."""

    def name(index: int | None) -> str | None:
        return None if index is None else links[index].name if index in links else f"if{index}"

    def hops(route: KernelRoute) -> list[dict[str, str | None]]:
        group = groups.get(route.nhid) if route.nhid is not None else None
        members = () if group is None else tuple(nexthops[id] for id, _weight in group.members if id in nexthops)
        return [{"device": name(member.oif), "gateway": str(member.gateway)} for member in members]

    return [
        {
            "prefix": str(route.prefix),
            "kind": _KINDS.get(route.kind, str(route.kind)),
            # The kernel names lo as the device of an IPv6 blackhole.
            "device": name(route.oif) if route.kind == 1 else None,
            "metric": route.metric,
            "protocol": route.protocol,
            "linkdown": route.linkdown,
            "hops": hops(route),
        }
        for route in sorted(routes, key=lambda route: (route.prefix.version, route.prefix, route.metric))
    ]
