"""Which removals of a plan may be written, by how its knowledge was had. Pure.

Adding is safe: a route is only wanted for a port that Neutron placed here and whose tap is here. Removing is not.
A read that lacks a port may be a truncated answer, so a share of the host bounds it, with the code and the limits of
the module `host_routes`. A tap that is gone was seen to go: it bounds nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from ..kernel.changes import prefix_changes
from ..kernel.model import RouteKey
from ..kernel.removals import MassRemoval, RemovalLimit, mass_removal
from ..kernel.routes import RoutePlan


@dataclass(frozen=True)
class Verdict:
    """The plan that may be written; `refused` says why it lacks the removals of `kept`."""

    plan: RoutePlan
    refused: MassRemoval | None = None
    kept: frozenset[RouteKey] = field(default_factory=frozenset)


def judge_read(plan: RoutePlan, departed: Collection[RouteKey], limit: RemovalLimit) -> Verdict:
    """After a fresh and whole answer: everything, unless that takes away more than `limit` of what is here.

    Prefixes that have departed, with their tap or by Neutron's own word, count neither among the removed nor among the
    present. A route whose prefix has another one goes in any case: that of an address which had arrived and is settled.
    """
    lost = prefix_changes(plan)[0]
    rest = {key: hop for key, hop in plan.remove.items() if key not in departed and key[:2] in lost}
    present = {key: hop for key, hop in plan.before.items() if key not in departed}
    refused = mass_removal(replace(plan, remove=rest, before=present), limit)
    if refused is None:
        return Verdict(plan)
    return Verdict(_without(plan, rest), refused, frozenset(rest))


def judge_event(plan: RoutePlan, departed: Collection[RouteKey]) -> Verdict:
    """After anything but a fresh answer: of what is not wanted only that goes whose tap has gone.

    Somebody else may know more: a playbook that has read Neutron since, or an operator.
    """
    rest = {key for key in plan.remove if key not in departed}
    return Verdict(_without(plan, rest), None, frozenset(rest))


def _without(plan: RoutePlan, kept: Collection[RouteKey]) -> RoutePlan:
    remove = {key: hop for key, hop in plan.remove.items() if key not in kept}
    surplus = plan.surplus.copy()
    for key in kept:
        surplus.pop(key, None)
    return replace(plan, remove=remove, surplus=surplus)
