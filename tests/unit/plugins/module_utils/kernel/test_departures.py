"""Addresses that leave a link with the routes of a plan."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.departures import departures, obsolete
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import KernelNeighbor, Link, RouteTable
from ansible_collections.roth.fabric.plugins.module_utils.kernel.routes import operations, plan_routes
from ansible_collections.roth.fabric.plugins.module_utils.kernel.text import parse_routes

LINKS = {2: Link(2, "a", up=True, carrier=True), 3: Link(3, "b", up=True, carrier=True)}
STALE, PERMANENT = 0x04, 0x80


def left(before, after):
    have = plan_routes(parse_routes(before), RouteTable(), {}, LINKS)
    table = RouteTable({key: hop for _action, key, hop in operations(have)})
    found = departures(plan_routes(parse_routes(after), table, {}, LINKS))
    return {(str(ip_address(packed)), LINKS[oif].name) for packed, oif in found}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["10.0.0.1/32 dev a", "2001:db8::1/128 dev a"], [], {("10.0.0.1", "a"), ("2001:db8::1", "a")}),
        (["10.0.0.1/32 dev a"], ["10.0.0.1/32 dev b"], {("10.0.0.1", "a")}),
        (["10.0.0.1/32 dev a", "10.0.0.1/32 dev a metric 9"], ["10.0.0.1/32 dev a"], set()),
        (["10.0.0.1/32 dev a metric 9"], ["10.0.0.1/32 dev a"], set()),
        (["10.0.0.1/32 dev a metric 9"], ["10.0.0.1/32 dev b"], {("10.0.0.1", "a")}),
        (["10.0.0.0/24 dev a", "blackhole 10.0.0.9/32", "2001:db8::/64 dev a"], [], set()),
        ([], ["10.0.0.1/32 dev a"], set()),
    ],
    ids=["removed", "changed", "another metric stays", "another metric comes", "moved", "no single address", "came"],
)
def test_an_address_leaves_a_link_with_its_last_route_through_it(before, after, expected):
    assert left(before, after) == expected


def test_a_static_entry_of_another_protocol_is_not_ours_to_remove():
    one, other = ip_address("10.0.0.1"), ip_address("10.0.0.2")
    entries = [
        KernelNeighbor(one, 2, "fa:16:3e:00:00:01", STALE, 0),
        KernelNeighbor(one, 3, "fa:16:3e:00:00:01", STALE, 0),
        KernelNeighbor(other, 2, "fa:16:3e:00:00:01", PERMANENT, 4),
        KernelNeighbor(other, 3, "fa:16:3e:00:00:01", PERMANENT, 142),
    ]
    places = {(one.packed, 2), (other.packed, 2), (other.packed, 3)}
    assert obsolete(entries, places, 142) == [entries[0], entries[3]]
