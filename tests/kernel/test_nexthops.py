"""Nexthop objects, bridge ports, neighbours, rules and links of a real kernel."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import (
    Action,
    Family,
    Neighbor,
    Nexthop,
    NexthopGroup,
    RouteOperation,
)
from ansible_collections.roth.fabric.plugins.module_utils.kernel.nexthops import apply_nexthops, plan_nexthops

from tests.kernel.conftest import eventually


@pytest.fixture
def uplinks(shell, index):
    """Two uplinks with addresses; their nexthops."""
    shell("ip link set v1 nomaster; ip address add 10.1.1.1/31 dev v0; ip address add 10.2.1.1/31 dev v1")
    return [
        Nexthop(142104, index("v0"), ip_address("10.1.1.0")),
        Nexthop(142114, index("v1"), ip_address("10.2.1.0")),
    ]


def bring(kernel, nexthops, groups):
    """Plan and apply; the number of operations."""
    plan = plan_nexthops(nexthops, groups, *kernel.nexthops(142))
    apply_nexthops(kernel, 142, plan)
    return len(plan)


def test_a_group_is_created_changed_and_deleted(shell, kernel, uplinks):
    both = NexthopGroup(142004, ((142104, 1), (142114, 3)))
    assert bring(kernel, uplinks, [both]) == 3
    assert kernel.nexthops(142) == ({item.id: item for item in uplinks}, {142004: both})
    assert bring(kernel, uplinks, [both]) == 0
    one = NexthopGroup(142004, ((142104, 1),))
    assert bring(kernel, uplinks[:1], [one]) == 2
    assert kernel.nexthops(142) == ({142104: uplinks[0]}, {142004: one})
    assert bring(kernel, [], []) == 2
    assert shell("ip nexthop") == ""


def test_a_default_route_uses_the_group_and_the_source(shell, kernel, uplinks):
    shell("ip address add 192.0.2.11/32 dev lo; ip rule add pref 143 lookup 143")
    bring(kernel, uplinks, [NexthopGroup(142004, ((142104, 1), (142114, 1)))])
    for _again in range(2):
        kernel.replace_group_route(ip_network("0.0.0.0/0"), 142004, 143, 20, 142, ip_address("192.0.2.11"))
    (route,) = kernel.routes(143, 142, Family.IPV4)
    assert (str(route.prefix), route.metric, route.nhid) == ("0.0.0.0/0", 20, 142004)
    assert route.source == ip_address("192.0.2.11")
    kernel.replace_group_route(ip_network("0.0.0.0/0"), 142004, 143, 20, 142)
    assert [route.source for route in kernel.routes(143, 142, Family.IPV4)] == [None]
    kernel.replace_group_route(ip_network("0.0.0.0/0"), 142004, 143, 20, 142, ip_address("192.0.2.11"))
    assert "src 192.0.2.11" in shell("ip route get 203.0.113.10")
    assert kernel.apply(143, 142, [RouteOperation(Action.REMOVE, route.prefix, 20, None)]) == []
    assert kernel.routes(143, 142, Family.IPV4) == []


def test_an_ipv6_default_route_uses_a_group(shell, kernel, index):
    shell("ip address add 2001:db8:1::b/127 dev v0 nodad; ip address add 2001:db8:ffff::11/128 dev lo nodad")
    nexthop = Nexthop(142106, index("v0"), ip_address("2001:db8:1::a"))
    bring(kernel, [nexthop], [NexthopGroup(142006, ((142106, 1),))])
    for source in (None, ip_address("2001:db8:ffff::11")):
        kernel.replace_group_route(ip_network("::/0"), 142006, 143, 20, 142, source)
        (route,) = kernel.routes(143, 142, Family.IPV6)
        assert (str(route.prefix), route.metric, route.nhid, route.source) == ("::/0", 20, 142006, source)


def test_lost_carrier_deletes_nexthops_silently_and_a_plan_restores_them(shell, kernel, events, uplinks):
    group = NexthopGroup(142004, ((142104, 1), (142114, 1)))
    bring(kernel, uplinks, [group])
    events.read()
    shell("ip link set v1 down")
    eventually(lambda: kernel.nexthops(142), ({}, {}))  # both ends of the veth pair lose it, one after the other
    assert not [event for event in events.read() if type(event).__name__ == "NexthopEvent"]
    shell("ip link set v1 up")
    assert bring(kernel, uplinks, [group]) == 3
    assert kernel.nexthops(142)[1] == {142004: group}


def test_foreign_nexthops_are_not_ours(shell, kernel):
    shell("ip nexthop add id 7 dev v0 proto static")
    assert kernel.nexthops(142) == ({}, {})
    assert kernel.nexthop_protocols() == {7: 4}


def test_deleting_an_absent_nexthop_is_no_error(kernel):
    kernel.delete_nexthop(142104)


def test_a_refused_nexthop_raises_the_kernels_errno(kernel):
    with pytest.raises(OSError, match="nexthop 142104") as caught:
        kernel.replace_nexthop(Nexthop(142104, 9999, ip_address("10.1.1.0")), 142)
    assert (caught.value.errno, "Invalid device index" in str(caught.value)) == (22, True)


def test_a_bridge_port_is_isolated(shell, kernel, index):
    v1 = index("v1")
    assert (kernel.links()[v1].isolated, kernel.links()[v1].master) == (False, index("br0"))
    kernel.isolate_port(v1)
    assert kernel.links()[v1].isolated is True
    assert "isolated on" in shell("ip -d link show v1")


def test_isolating_what_is_no_bridge_port_raises(kernel, index):
    with pytest.raises(OSError, match="isolation of bridge port"):
        kernel.isolate_port(index("v0"))


def test_links_are_told_with_state_master_and_kind(shell, kernel):
    shell("ip link set v0 down")
    links = {link.name: link for link in kernel.links().values()}
    assert (links["lo"].up, links["lo"].kind, links["lo"].isolated) == (True, None, None)
    assert (links["v0"].up, links["v0"].carrier, links["v0"].kind) == (False, False, "veth")
    assert (links["v1"].up, links["v1"].carrier, links["v1"].master) == (True, False, links["br0"].index)


def test_static_neighbours_are_ours_by_their_protocol(shell, kernel, index):
    v0, addresses = index("v0"), [ip_address("10.64.1.53"), ip_address("2001:db8:64::135")]
    for address in addresses:
        kernel.replace_neighbor(Neighbor(address, v0, "fa:16:3e:00:00:01"), 142)
    ours = [item for item in kernel.neighbors(v0) if item.protocol == 142]
    assert [(item.address, item.mac, item.permanent) for item in ours] == [
        (address, "fa:16:3e:00:00:01", True) for address in addresses
    ]
    for address in addresses * 2:
        kernel.delete_neighbor(address, v0)
    assert not [item for item in kernel.neighbors(v0) if item.permanent]
    assert "10.64.1.53" not in shell("ip neigh")


def test_rules_are_read_with_what_the_collection_uses(shell, kernel):
    shell("ip rule add pref 144 from all iif v0 lookup main suppress_prefixlength 0")
    shell("ip -6 rule add pref 142 from 2001:db8::/32 to 2001:db8:1::/48 lookup 142 proto 142")
    shell("ip rule add pref 145 iif v0 unreachable")
    (rule,) = [rule for rule in kernel.rules(Family.IPV4) if rule.priority == 144]
    assert (rule.iif, rule.table, rule.action, rule.suppress_prefix_length) == ("v0", 254, 1, 0)
    (rule,) = [rule for rule in kernel.rules(Family.IPV4) if rule.priority == 145]
    assert (rule.action, rule.suppress_prefix_length) == (7, None)
    (rule,) = [rule for rule in kernel.rules(Family.IPV6) if rule.priority == 142]
    assert (rule.source, rule.destination, rule.table, rule.protocol) == ("2001:db8::/32", "2001:db8:1::/48", 142, 142)


def test_addresses_are_read(shell, kernel, index):
    shell("ip address add 10.1.1.1/31 dev v0; ip address add 2001:db8:1::b/127 dev v0 nodad")
    (found,) = [item for item in kernel.addresses(Family.IPV4) if item.index == index("v0")]
    assert (str(found.address), found.prefix_length) == ("10.1.1.1", 31)
    assert ip_address("2001:db8:1::b") in [item.address for item in kernel.addresses(Family.IPV6)]
