# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wanted routes against what the kernel has: pure planning, no socket and no clock.

Foreign routes are never touched: a wanted route whose prefix and metric another protocol holds is a problem that is
reported, not overwritten. Nor is anything removed for a wanted route that cannot be installed right now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .model import (
    ODD,
    Action,
    Hop,
    KernelRoute,
    Link,
    RouteChange,
    RouteKey,
    RouteKind,
    RouteTable,
    key_text,
    route_key,
)
from .preference import ARRIVED_METRIC, arrived
from .text import DEFAULT_METRIC, Wanted, format_route, parse_route, parse_routes, route_text, wanted_routes

__all__ = [
    "RoutePlan",
    "RouteProblem",
    "arriving_key",
    "format_route",
    "keep_arrivals",
    "operations",
    "parse_route",
    "parse_routes",
    "plan_routes",
    "route_table",
    "settled_key",
    "wanted_routes",
]

BLACKHOLE: Hop = (0, RouteKind.BLACKHOLE.value)
_ANY: Hop = (0, ODD)


@dataclass(frozen=True)
class RouteProblem:
    """A wanted route that could not be had, and why."""

    key: RouteKey
    reason: str

    @property
    def prefix(self) -> str:
        """The prefix as text."""
        return key_text(self.key)


@dataclass
class RoutePlan:
    """What has to happen to the routes of one table and protocol.

    `change` leads from the hop found to the hop wanted; `surplus` counts further routes of ours with the same prefix
    and metric, which go as well; `before` is what the kernel had; `names` are interface names by ifindex.
    """

    install: dict[RouteKey, Hop] = field(default_factory=dict)
    change: dict[RouteKey, tuple[Hop, Hop]] = field(default_factory=dict)
    remove: dict[RouteKey, Hop] = field(default_factory=dict)
    surplus: Counter[RouteKey] = field(default_factory=Counter)
    unchanged: int = 0
    problems: list[RouteProblem] = field(default_factory=list)
    before: Mapping[RouteKey, Hop] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.install or self.change or self.remove)

    def leave_out(self, problems: Iterable[RouteProblem]) -> None:
        """Forget what the kernel refused, so that the plan says what was done."""
        for problem in problems:
            for part in (self.install, self.change, self.remove):
                part.pop(problem.key, None)

    def text(self, key: RouteKey, hop: Hop) -> str:
        """A route as text; one of a form that ours never have is marked."""
        oif, kind = hop
        if kind == RouteKind.BLACKHOLE.value:
            return route_text(key, None)
        name = self.names.get(oif, f"if{oif}") if oif else "?"
        return route_text(key, name) + (" (of another form)" if kind != RouteKind.UNICAST.value else "")


def route_table(routes: Iterable[KernelRoute]) -> RouteTable:
    """Typed routes of ours in the form that plan_routes takes."""
    table = RouteTable()
    for route in routes:
        key, hop = route_key(route.prefix, route.metric), (route.oif or 0, route.kind if route.plain else ODD)
        if table.hops.setdefault(key, hop) != hop:
            table.extra.append((key, hop))
    return table


def settled_key(key: RouteKey) -> RouteKey:
    """The key that the route of an address that has just arrived will have once it is settled; any other as it is."""
    return (*key[:2], DEFAULT_METRIC[len(key[0])]) if arrived(key) else key


def arriving_key(key: RouteKey) -> RouteKey:
    """The key of a host's route while its address has just arrived; that of any other prefix as it is."""
    return (*key[:2], ARRIVED_METRIC) if key[1] == 8 * len(key[0]) else key


def keep_arrivals(desired: Wanted, current: RouteTable) -> Wanted:
    """What is wanted, where the kernel may have a route of an address that has just arrived in the settled one's place.

    To replace the route in the middle of a migration would announce two hosts alike.
    """
    if desired.settles:
        return desired
    here = {settled_key(key): key for key in current.hops if arrived(key)}
    if here.keys().isdisjoint(desired.routes):
        return desired
    routes = {here.get(key, key): device for key, device in desired.routes.items()}
    return Wanted(routes, desired.repeated, desired.contradictory)


def plan_routes(
    desired: Wanted,
    current: RouteTable,
    foreign: Mapping[RouteKey, int],
    links: Mapping[int, Link],
    purge: bool = True,
) -> RoutePlan:
    """The plan from `current` to `desired`.

    `foreign` gives the protocol of each route of others in the table by key. Without `purge` routes of ours that are
    not wanted stay.
    """
    desired = keep_arrivals(desired, current)
    plan = RoutePlan(before=current.hops, names={link.index: link.name for link in links.values()})
    surplus = Counter(key for key, _hop in current.extra)
    have = current.hops.get
    for key, hop in _targets(desired, links, plan.problems).items():
        found = have(key)
        if found == hop and key not in surplus:
            plan.unchanged += 1
        elif key in foreign:
            reason = f"protocol {foreign[key]} has a route of the same prefix and metric {key[2]}"
            plan.problems.append(RouteProblem(key, reason))
        elif found is None:
            plan.install[key] = hop
        else:
            plan.change[key] = found, hop
    if purge:
        wanted, unclear = desired.routes, desired.contradictory
        plan.remove = {key: hop for key, hop in current.hops.items() if key not in wanted and key not in unclear}
    plan.surplus = Counter({key: n for key, n in surplus.items() if key in plan.change or key in plan.remove})
    return plan


def _targets(desired: Wanted, links: Mapping[int, Link], problems: list[RouteProblem]) -> dict[RouteKey, Hop]:
    """Where each wanted route leads; those that lead nowhere become problems."""
    hops: dict[str | None, Hop] = {
        link.name: (link.index, RouteKind.UNICAST.value) for link in links.values() if link.up
    }
    hops[None] = BLACKHOLE
    existing = {link.name for link in links.values()}
    targets: dict[RouteKey, Hop] = {}
    for key, device in desired.routes.items():
        hop = hops.get(device)
        if hop is not None:
            targets[key] = hop
        else:
            problems.append(RouteProblem(key, f"link {device} {'is down' if device in existing else 'does not exist'}"))
    for key, texts in desired.contradictory.items():
        problems.append(RouteProblem(key, "listed with contradictions: " + ", ".join(texts)))
    return targets


def _is_aggregate(key: RouteKey, hop: Hop) -> bool:
    return hop[1] == RouteKind.BLACKHOLE.value or key[1] < 8 * len(key[0])


def operations(plan: RoutePlan) -> list[RouteChange]:
    """The plan in the order of writing: make before break, and aggregates are the first to come and the last to go.

    A blackhole that covers a subnet must be there before the agent announces it, and until it no longer does.
    """
    aggregates = sorted((item for item in plan.install.items() if _is_aggregate(*item)), key=lambda item: item[0][1])
    changes: list[RouteChange] = [(Action.ADD, key, hop) for key, hop in aggregates]
    done = {key for key, _hop in aggregates}
    changes += [(Action.ADD, key, hop) for key, hop in plan.install.items() if key not in done]
    for key, (_found, hop) in plan.change.items():
        # One route of this key always stays until REPLACE has turned it into the wanted one.
        changes += [(Action.REMOVE, key, _ANY)] * plan.surplus[key]
        changes.append((Action.REPLACE, key, hop))
    last: list[RouteChange] = []
    for key, hop in plan.remove.items():
        removals: list[RouteChange] = [(Action.REMOVE, key, _ANY)] * plan.surplus[key]
        removals.append((Action.REMOVE, key, _ANY if removals else hop))
        (last if _is_aggregate(key, hop) else changes).extend(removals)
    return changes + last
