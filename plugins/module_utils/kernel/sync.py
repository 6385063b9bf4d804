# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading, planning and writing the routes of one table and protocol: the steps that every writer shares."""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from .collector import collector_paused
from .departures import Place, departures, obsolete
from .model import Address, KernelNeighbor, Link, RouteChange, RouteKey, RouteTable
from .routes import RoutePlan, RouteProblem, operations, plan_routes
from .text import Wanted

_REASONS = {
    errno.ENETDOWN: "link is down",
    errno.ENODEV: "link is gone",
    errno.EEXIST: "another route of the same prefix and metric was there first",
    errno.EACCES: "IPv6 is disabled on the link (disable_ipv6)",
}


class RouteStore(Protocol):
    """What a sync needs of the kernel; netlink.Netlink is the real one."""

    def links(self) -> dict[int, Link]:
        """All interfaces by ifindex."""

    def route_table(self, table: int, protocol: int) -> RouteTable:
        """Our routes, both families."""

    def foreign_routes(self, table: int, protocol: int) -> dict[RouteKey, int]:
        """Keys that other protocols hold in the table."""

    def write(self, table: int, protocol: int, changes: Sequence[RouteChange]) -> list[tuple[int, int, str]]:
        """Position, errno and text of each change that failed."""

    def neighbors(self, index: int | None = None) -> list[KernelNeighbor]:
        """Neighbour entries, of one interface or all."""

    def delete_neighbor(self, address: Address, oif: int) -> None:
        """Remove one; absent is not an error."""


@collector_paused()
def read_plan(store: RouteStore, table: int, protocol: int, wanted: Wanted, purge: bool = True) -> RoutePlan:
    """Read the kernel and plan. Raises OSError when a read fails: nothing is planned against half a table."""
    current, links = store.route_table(table, protocol), store.links()
    plan = plan_routes(wanted, current, {}, links, purge)
    if not (plan.install or plan.change):
        return plan  # foreign routes could not matter: the dump of a table with 100k of them is spared
    foreign: Mapping[RouteKey, int] = store.foreign_routes(table, protocol)
    if foreign.keys().isdisjoint(plan.install) and foreign.keys().isdisjoint(plan.change):
        return plan
    return plan_routes(wanted, current, foreign, links, purge)


class Written(NamedTuple):
    """What became of a plan: every problem, those of the plan included, and the addresses that left their link."""

    problems: list[RouteProblem]
    left: set[Place]


@collector_paused()
def apply_plan(
    store: RouteStore, table: int, protocol: int, wanted: Wanted, plan: RoutePlan, purge: bool = True
) -> Written:
    """Write the plan.

    After an EEXIST (a dump under churn can miss routes, another writer can be faster) it reads, plans and writes once
    more, but removes nothing that the given plan doesn't name: that one was judged, and is what gets reported.
    What the kernel knows of neighbours whose address leaves a link is forgotten.
    Raises PermissionError without CAP_NET_ADMIN.
    """
    failures = _write(store, table, protocol, plan)
    left = departures(plan, {problem.key for problem, _code in failures})
    if any(code == errno.EEXIST for _problem, code in failures):
        judged = plan.remove.keys()
        plan = read_plan(store, table, protocol, wanted, purge)
        plan.remove = {key: hop for key, hop in plan.remove.items() if key in judged}
        failures = _write(store, table, protocol, plan)
        left |= departures(plan, {problem.key for problem, _code in failures})
    _forget_neighbors(store, protocol, left)
    return Written(plan.problems + [problem for problem, _code in failures], left)


def _forget_neighbors(store: RouteStore, protocol: int, left: Collection[Place]) -> None:
    """The next instance with the address has another MAC, and the host would send to the old one until it doubts it
    (net/core/neighbour.c: DELAY_PROBE_TIME and three probes, together 8 s)."""
    for index in {index for _address, index in left}:
        for entry in obsolete(store.neighbors(index), left, protocol):
            store.delete_neighbor(entry.address, entry.oif)


def _write(store: RouteStore, table: int, protocol: int, plan: RoutePlan) -> list[tuple[RouteProblem, int]]:
    changes = operations(plan)
    return [
        (RouteProblem(changes[position][1], _REASONS.get(code, text)), code)
        for position, code, text in store.write(table, protocol, changes)
    ]
