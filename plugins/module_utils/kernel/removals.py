# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a host a plan takes away, and whether that is so much that somebody has to say yes first: pure.

A list that lost half of its entries on its way looks like one that is meant: only the share tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .changes import PackedPrefix, prefix_changes, prefix_texts
from .model import Hop, RouteKey, RouteKind
from .routes import RoutePlan

LOOPBACK = "lo"
_SHOWN = 5


@dataclass(frozen=True)
class RemovalLimit:
    """What goes without a yes: at most `percent` of a host's instance prefixes, or `floor` of them if that is more.

    Never all of them, however few they are.
    """

    percent: int
    floor: int

    def __post_init__(self) -> None:
        """Raises ValueError, naming the option."""
        if not 0 <= self.percent <= 100:
            raise ValueError(f"max_removed_percent: {self.percent} is not valid; expected 0 to 100")
        if self.floor < 0:
            raise ValueError(f"max_removed_floor: {self.floor} is not valid; expected 0 or more prefixes")

    def accepts(self, removed: int, of: int) -> bool:
        """Whether so many may go."""
        return removed < of and (removed <= self.floor or 100 * removed <= self.percent * of)


@dataclass(frozen=True)
class MassRemoval:
    """More than the limit: these `prefixes` (sorted, as text) of the host's `of` instance prefixes would go."""

    prefixes: tuple[str, ...]
    of: int
    limit: RemovalLimit

    @property
    def percent(self) -> int:
        """The share that would go, rounded down."""
        return 100 * len(self.prefixes) // self.of

    def __str__(self) -> str:
        count, left = len(self.prefixes), len(self.prefixes) - _SHOWN
        which = ", ".join(self.prefixes[:_SHOWN]) + (f" and {left} more" if left > 0 else "")
        return (
            f"{count} of the {self.of} instance prefixes ({self.percent} %) would be removed: {which}; "
            f"expected at most {self.limit.percent} % or {self.limit.floor} of them, and never all"
        )


def mass_removal(plan: RoutePlan, limit: RemovalLimit) -> MassRemoval | None:
    """What the plan takes away, if that is more than `limit`; None if it may go.

    Loopbacks, blackholes and the aggregates that have a blackhole below them do not count: they stay when every
    instance is gone, and would hide it. A prefix that keeps a route, or gets one of another metric, is not removed.
    """
    if not plan.remove:
        return None
    counted = set(_instances(plan.before, plan.names))
    gone = counted & prefix_changes(plan)[0]
    if not gone or limit.accepts(len(gone), len(counted)):
        return None
    return MassRemoval(tuple(prefix_texts(gone)), len(counted), limit)


def _instances(routes: Mapping[RouteKey, Hop], names: Mapping[int, str]) -> Iterator[PackedPrefix]:
    """Prefixes that lead to instances. Names are compared and not indexes: lo is 1 in practice, not by promise."""
    dropped = {key[:2] for key, (_oif, kind) in routes.items() if kind == RouteKind.BLACKHOLE.value}
    for key, (oif, _kind) in routes.items():
        if key[:2] not in dropped and names.get(oif) != LOOPBACK:
            yield key[:2]
