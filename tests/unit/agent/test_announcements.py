"""Which kernel routes are announced."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from roth.announcements import is_preferred, reason_withheld
from roth.kernel.model import KernelRoute, Link
from roth.kernel.preference import ARRIVED_METRIC

from tests.unit.agent.fakes import config

ALLOWED = config().allowed_prefixes
UP, DOWN, NO_CARRIER = (
    Link(4, "br-mobile", True, True),
    Link(4, "br-mobile", False, False),
    Link(4, "tap1", True, False),
)


def route(prefix: str = "10.64.1.53/32", oif: int | None = 4, kind: int = 1, linkdown: bool = False) -> KernelRoute:
    return KernelRoute(ip_network(prefix), 0, oif, kind, 142, 142, linkdown=linkdown)


@pytest.mark.parametrize(
    ("routes", "link", "reason"),
    [
        ([route()], UP, None),
        ([route()], DOWN, "br-mobile is down"),
        ([route()], NO_CARRIER, "tap1 has no carrier"),
        ([route(linkdown=True)], UP, "br-mobile has no carrier"),
        ([route(oif=9)], UP, "its interface is gone"),
        ([route(kind=7)], UP, "route type 7 is neither unicast nor blackhole"),
        ([], UP, "no route"),
        ([route("10.99.0.1/32")], UP, "outside the allowed prefixes"),
        ([route("0.0.0.0/0")], UP, "outside the allowed prefixes"),
        ([route("198.51.100.0/26", None, 6)], UP, None),
        ([route("198.51.100.0/26"), route("198.51.100.0/26", None, 6)], DOWN, None),
    ],
)
def test_a_prefix_is_announced_or_withheld_with_a_reason(routes: list, link: Link, reason: str | None) -> None:
    prefix = routes[0].prefix if routes else ip_network("10.64.1.53/32")
    assert reason_withheld(prefix, routes, {4: link}, ALLOWED) == reason


@pytest.mark.parametrize(
    ("metrics", "link", "expected"),
    [
        ([ARRIVED_METRIC], UP, True),
        ([0, ARRIVED_METRIC], UP, True),
        ([0], UP, False),
        ([ARRIVED_METRIC + 1], UP, False),
        ([ARRIVED_METRIC], DOWN, False),
        ([0, ARRIVED_METRIC], NO_CARRIER, False),
    ],
)
def test_a_prefix_is_preferred_while_a_route_that_works_says_it_has_just_arrived(
    metrics: list[int], link: Link, expected: bool
) -> None:
    for prefix in map(ip_network, ("10.64.1.53/32", "2001:db8:64::bd/128")):
        routes = {metric: KernelRoute(prefix, metric, 4, 1, 142, 142) for metric in metrics}
        assert is_preferred(prefix, routes, {4: link}) is expected


def test_an_aggregate_is_never_preferred() -> None:
    prefix = ip_network("198.51.100.0/26")
    routes = {ARRIVED_METRIC: KernelRoute(prefix, ARRIVED_METRIC, None, 6, 142, 142)}
    assert reason_withheld(prefix, routes.values(), {4: UP}, ALLOWED) is None
    assert not is_preferred(prefix, routes, {4: UP})
