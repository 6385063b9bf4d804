"""Which of the kernel's routes are announced and preferred, and why the others are not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .kernel.model import KernelRoute, Link, Prefix, RouteKind, route_key
from .kernel.preference import ARRIVED_METRIC, arrived
from .wanted.prefixes import AllowedPrefix


def reason_withheld(
    prefix: Prefix, routes: Iterable[KernelRoute], links: Mapping[int, Link], allowed: Sequence[AllowedPrefix]
) -> str | None:
    """None when `prefix` is to be announced, else the reason for the operator.

    `routes` are all of ours for that prefix, one a metric: one that works is enough.
    """
    if not any(entry.covers(prefix) for entry in allowed):
        return "outside the allowed prefixes"
    reason = "no route"
    for route in routes:
        found = _unusable(route, links)
        if found is None:
            return None
        reason = found
    return reason


def is_preferred(prefix: Prefix, routes: Mapping[int, KernelRoute], links: Mapping[int, Link]) -> bool:
    """Whether `prefix` is to be preferred to other hosts' announcements of it: its instance has just arrived here.

    `routes` are all of ours for that prefix, by metric.
    """
    route = routes.get(ARRIVED_METRIC)
    return route is not None and arrived(route_key(prefix, route.metric)) and _unusable(route, links) is None


def _unusable(route: KernelRoute, links: Mapping[int, Link]) -> str | None:
    if route.kind == RouteKind.BLACKHOLE.value:
        return None  # an aggregate: it stands whatever becomes of links
    if route.kind != RouteKind.UNICAST.value:
        return f"route type {route.kind} is neither unicast nor blackhole"
    link = links.get(route.oif) if route.oif is not None else None
    if link is None:
        return "its interface is gone"
    if not link.up:
        return f"{link.name} is down"
    if not link.carrier or route.linkdown:
        return f"{link.name} has no carrier"
    return None
