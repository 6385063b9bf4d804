# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that leave a link with the routes of a plan, and what the kernel knows of them there: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .model import Hop, KernelNeighbor, RouteKey, RouteKind
from .routes import RoutePlan

Place = tuple[bytes, int]
"""An address in network byte order, and the ifindex of the link that it is behind."""


def _place(key: RouteKey, hop: Hop) -> Place | None:
    """Where a route of one address leads; None for a prefix, a blackhole, or a form that ours never have."""
    oif, kind = hop
    return (key[0], oif) if key[1] == 8 * len(key[0]) and kind == RouteKind.UNICAST.value else None


def departures(plan: RoutePlan, failed: Collection[RouteKey] = ()) -> set[Place]:
    """Addresses whose last route of ours through a link goes with the plan; `failed` are changes that didn't succeed.

    A route of another metric that stays, or comes, keeps the address where it is.
    """
    lost = [*plan.remove.items(), *((key, found) for key, (found, _wanted) in plan.change.items())]
    gone = {place for key, hop in lost if key not in failed and (place := _place(key, hop)) is not None}
    if not gone:
        return gone
    stay = [item for item in plan.before.items() if item[0] not in plan.remove and item[0] not in plan.change]
    come = [*plan.install.items(), *((key, wanted) for key, (_found, wanted) in plan.change.items())]
    return gone - {_place(key, hop) for key, hop in (*stay, *come)}


def obsolete(neighbors: Iterable[KernelNeighbor], places: Collection[Place], protocol: int) -> list[KernelNeighbor]:
    """Neighbour entries of addresses that have left; static ones of another protocol are not ours."""
    return [
        entry
        for entry in neighbors
        if (entry.address.packed, entry.oif) in places and (not entry.permanent or entry.protocol == protocol)
    ]
