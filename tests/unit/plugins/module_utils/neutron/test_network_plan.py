"""Which steps lead from what Neutron has to what is wanted, and what is refused because Neutron cannot do it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.neutron.found import (
    FoundNetwork,
    FoundPort,
    FoundSegment,
    FoundSubnet,
)
from ansible_collections.roth.fabric.plugins.module_utils.neutron.network_plan import plan_absent, plan_present
from ansible_collections.roth.fabric.plugins.module_utils.neutron.routed import routed_network

HOSTS = ("hv1", "hv2", "hv3")


def segments(*hosts):
    return [{"physical_network": f"rpn-{host}"} for host in hosts]


SPANNING = [
    {"cidr": "10.64.0.0/16", "gateway": "10.64.0.1", "service_types": ["compute:nova"]},
    {"cidr": "2001:db8:64::/64", "gateway": "2001:db8:64::1", "ipv6_mode": "dhcpv6-stateful"},
]
PINNED = [{"cidr": "198.51.100.0/26", "gateway": "198.51.100.1", "segment": "rpn-hv1"}]


def wanted(hosts=HOSTS, subnets=SPANNING, shared=None, mtu=None, more=()):
    return routed_network("mobile", [*segments(*hosts), *more], subnets, shared, mtu)


def found_segment(host, name=None):
    return FoundSegment(f"id-{host}", f"rpn-{host}" if name is None else name, "flat", f"rpn-{host}", None)


def found_subnet(cidr, gateway, segment=None, types=(), mode=None):
    prefix = ip_network(cidr)
    return FoundSubnet(
        f"id-{cidr}", "", prefix, segment, ip_address(gateway), True, types, (), ((prefix[2], prefix[-2]),), mode, mode
    )


SUBNETS = (
    found_subnet("10.64.0.0/16", "10.64.0.1", types=("compute:nova",)),
    found_subnet("2001:db8:64::/64", "2001:db8:64::1", mode="dhcpv6-stateful"),
)
ON_HV1 = (found_subnet("198.51.100.0/26", "198.51.100.1", segment="id-hv1"),)


def found(hosts=HOSTS, subnets=SUBNETS, ports=None):
    mapped = {f"rpn-{host}": frozenset({host}) for host in HOSTS}
    return FoundNetwork("id", "mobile", True, 1500, tuple(map(found_segment, hosts)), tuple(subnets), ports, mapped)


def port(name, host="hv3", subnet="id-10.64.0.0/16"):
    return FoundPort(f"id-{name}", name, host, frozenset({subnet}))


def steps(plan):
    assert plan.refused == ()
    return [f"{step.action} {step.text}" for step in plan.steps]


def refusals(*arguments, **options):
    plan = plan_present(*arguments, **options)
    assert plan.steps == ()
    return list(plan.refused)


def test_from_nothing_the_network_its_segments_and_subnets_are_made():
    assert steps(plan_present(wanted(("hv1", "hv2"), shared=True, mtu=9000), None, {})) == [
        "create network mobile mtu=9000 shared=yes",
        "create segment rpn-hv1 network_type=flat",
        "create segment rpn-hv2 network_type=flat",
        "create subnet 10.64.0.0/16 gateway_ip=10.64.0.1 ip_version=4 service_types=compute:nova",
        "create subnet 2001:db8:64::/64 gateway_ip=2001:db8:64::1 ip_version=6 ipv6_address_mode=dhcpv6-stateful"
        " ipv6_ra_mode=dhcpv6-stateful",
    ]


def test_what_is_there_already_needs_no_step():
    assert steps(plan_present(wanted(shared=True, mtu=1500), found(), {})) == []


def test_a_new_host_adds_its_segment_and_nothing_else():
    assert steps(plan_present(wanted(), found(("hv1", "hv2")), {})) == ["create segment rpn-hv3 network_type=flat"]


def test_a_new_pinned_host_adds_its_segment_and_its_subnet():
    subnets = [*PINNED, {"cidr": "198.51.100.64/26", "gateway": "198.51.100.65", "segment": "rpn-hv2"}]
    plan = plan_present(wanted(("hv1", "hv2"), subnets), found(("hv1",), ON_HV1), {})
    assert steps(plan) == [
        "create segment rpn-hv2 network_type=flat",
        "create subnet 198.51.100.64/26 gateway_ip=198.51.100.65 ip_version=4 segment=rpn-hv2",
    ]
    assert plan.steps[1].segment == ("flat", "rpn-hv2", None)


def test_one_host_may_have_several_segments():
    more = [{"physical_network": "storage-hv1", "network_type": "vlan", "segmentation_id": 7, "name": "hv1-storage"}]
    plan = plan_present(wanted(more=more), found(), {})
    assert steps(plan) == [
        "create segment hv1-storage network_type=vlan physical_network=storage-hv1 segmentation_id=7"
    ]


def test_a_host_that_left_keeps_its_segment_and_is_told():
    plan = plan_present(wanted(("hv1", "hv2")), found(), {})
    assert (steps(plan), plan.surplus) == ([], ("segment rpn-hv3",))


def test_purge_removes_what_nothing_is_on():
    plan = plan_present(wanted(("hv1", "hv2")), found(ports=(port("a", "hv1"),)), {}, purge=True)
    assert (steps(plan), plan.surplus) == (["delete segment rpn-hv3"], ())


def test_what_neutron_can_change_is_changed():
    changed = [{**SPANNING[0], "service_types": [], "enable_dhcp": False}, SPANNING[1]]
    plan = plan_present(wanted(subnets=changed, mtu=9000), found(), {})
    assert plan.diff() == {
        "before": "network mobile mtu=1500\nsubnet 10.64.0.0/16 enable_dhcp=yes service_types=compute:nova\n",
        "after": "network mobile mtu=9000\nsubnet 10.64.0.0/16 enable_dhcp=no service_types=none\n",
    }


def test_a_gateway_inside_the_allocation_pool_is_refused():
    changed = [{**SPANNING[0], "gateway": "10.64.0.9"}]
    assert refusals(wanted(subnets=changed), found(), {}) == [
        "network mobile, subnet 10.64.0.0/16: gateway is 10.64.0.9, which lies in its allocation pool 10.64.0.2 to"
        " 10.64.255.254: expected an address outside of it, or allocation_pools without it"
    ]


def test_gateway_and_pools_may_change_together():
    pools = [{"start": "10.64.1.0", "end": "10.64.2.255"}]
    changed = [{"cidr": "10.64.0.0/16", "gateway": "10.64.0.9", "allocation_pools": pools}]
    assert steps(plan_present(wanted(subnets=changed), found(), {})) == [
        "update subnet 10.64.0.0/16 allocation_pools=10.64.1.0-10.64.2.255 gateway_ip=10.64.0.9"
    ]


def test_a_segment_without_name_gets_one():
    there = found()
    nameless = replace(there, segments=(found_segment("hv1", ""), *there.segments[1:]))
    assert steps(plan_present(wanted(), nameless, {})) == ["update segment rpn-hv1"]
    assert plan_present(wanted(), nameless, {}).steps[0].body == {"name": "rpn-hv1"}


def test_the_order_of_service_types_means_nothing():
    both = ("compute:nova", "network:routed")
    there = found(subnets=(replace(SUBNETS[0], service_types=both), SUBNETS[1]))
    turned = [{**SPANNING[0], "service_types": list(reversed(both))}, SPANNING[1]]
    assert steps(plan_present(wanted(subnets=turned), there, {})) == []


def test_a_segment_that_moves_is_refused():
    more = [{"name": "rpn-hv3", "physical_network": "rack9"}]
    assert refusals(wanted(("hv1", "hv2"), more=more), found(), {}) == [
        "network mobile, segment rpn-hv3: is flat on rpn-hv3 in Neutron and flat on rack9 here; Neutron cannot change a"
        " segment: expected flat on rpn-hv3, or another name for a new segment"
    ]


def test_a_segment_of_another_network_is_refused():
    assert refusals(wanted(), found(("hv1", "hv2")), {("flat", "rpn-hv3", None): "net2"}) == [
        "network mobile, segment rpn-hv3: flat on rpn-hv3 is a segment of network net2 already, expected one of its own"
    ]


def test_a_changed_cidr_is_refused():
    assert refusals(wanted(subnets=[{"cidr": "10.64.0.0/15"}]), found(), {}) == [
        "network mobile, subnet 10.64.0.0/15: overlaps 10.64.0.0/16, which is there; Neutron cannot change a subnet's"
        " cidr: expected 10.64.0.0/16, or a prefix apart from it"
    ]


@pytest.mark.parametrize(
    ("there", "here", "words"),
    [
        ("id-hv1", "rpn-hv2", "its segment is rpn-hv1 in Neutron and rpn-hv2 here"),
        (None, "rpn-hv2", "its segment is none in Neutron and rpn-hv2 here"),
        ("id-hv1", None, "its segment is rpn-hv1 in Neutron and none here"),
        ("id-hv1", "rpn-hv4", "its segment is rpn-hv1 in Neutron and rpn-hv4 here"),
    ],
)
def test_a_subnet_that_moves_is_refused(there, here, words):
    subnets = [{"cidr": "198.51.100.0/26", "segment": here}]
    there = (found_subnet("198.51.100.0/26", "198.51.100.1", segment=there),)
    (text,) = refusals(wanted((*HOSTS, "hv4"), subnets), found(subnets=there), {})
    assert text.startswith(f"network mobile, subnet 198.51.100.0/26: {words}; Neutron cannot move a subnet: expected ")


def test_a_changed_ipv6_mode_is_refused():
    changed = [{"cidr": "2001:db8:64::/64", "ipv6_mode": "slaac"}]
    assert refusals(wanted(subnets=changed), found(), {}) == [
        "network mobile, subnet 2001:db8:64::/64: its IPv6 modes are dhcpv6-stateful (addresses) and dhcpv6-stateful"
        " (router advertisements) in Neutron and slaac here; Neutron cannot change them"
    ]


def test_subnets_with_and_without_segment_are_refused_together():
    assert refusals(wanted(subnets=[SPANNING[0], *PINNED]), None, {}) == [
        "network mobile: subnets with a segment (198.51.100.0/26) and without one (10.64.0.0/16); Neutron takes no"
        " mixture: expected a segment for each of them, or for none"
    ]


def test_a_subnet_with_segment_beside_those_that_are_there_without_is_refused():
    (text,) = refusals(wanted(subnets=PINNED), found(), {})
    assert "(198.51.100.0/26) and without one (10.64.0.0/16, 2001:db8:64::/64)" in text


def test_a_subnet_for_routed_addresses_goes_beside_pinned_ones():
    routed = {"cidr": "203.0.113.0/24", "service_types": ["network:routed"]}
    plan = plan_present(wanted(subnets=[*PINNED, routed]), found(subnets=ON_HV1), {})
    assert steps(plan) == ["create subnet 203.0.113.0/24 ip_version=4 service_types=network:routed"]


def test_purge_refuses_a_segment_with_ports_on_its_hosts():
    ports = tuple(port(f"vm{number}") for number in range(7))
    assert refusals(wanted(("hv1", "hv2")), found(ports=ports), {}, purge=True) == [
        "network mobile, segment rpn-hv3: 7 ports (vm0, vm1, vm2, vm3, vm4 and 2 more) are on its hosts, expected none"
        " before it is removed"
    ]


def test_purge_refuses_a_subnet_with_ports():
    assert refusals(wanted(subnets=SPANNING[1:]), found(ports=(port("vm0"),)), {}, purge=True) == [
        "network mobile, subnet 10.64.0.0/16: 1 port (vm0) is in it, expected none before it is removed"
    ]


def test_purge_refuses_a_segment_that_a_wanted_subnet_is_pinned_to():
    subnets = [{"cidr": "198.51.100.0/26"}]
    refused = refusals(wanted(("hv2",), subnets), found(("hv1", "hv2"), ON_HV1, ()), {}, purge=True)
    assert any("segment rpn-hv1: subnets are pinned to it (198.51.100.0/26), expected none" in text for text in refused)


def test_everything_that_is_refused_is_told_at_once():
    changed = [{"cidr": "10.64.0.0/15"}, {"cidr": "2001:db8:64::/64", "ipv6_mode": "slaac"}]
    assert len(refusals(wanted(subnets=changed), found(), {})) == 2


def test_absent_refuses_while_ports_are_there():
    plan = plan_absent("mobile", found(ports=(port("vm0"), port(""))))
    assert plan.refused == ("network mobile: 2 ports (id-, vm0) are there, expected none before it is removed",)
    assert plan.steps == ()


def test_absent_removes_a_network_without_ports():
    assert steps(plan_absent("mobile", found(("hv1",), ports=()))) == [
        "delete subnet 10.64.0.0/16",
        "delete subnet 2001:db8:64::/64",
        "delete segment rpn-hv1",
        "delete network mobile",
    ]
    assert steps(plan_absent("mobile", None)) == []


@pytest.mark.parametrize(
    ("segments", "subnets", "mtu", "text"),
    [
        ([], [], None, "network n: segments is empty, expected at least one: one a host, or one a rack"),
        (
            [{"physical_network": ""}],
            [],
            None,
            "network n, segment (no name): physical_network is missing, expected a key of the host's bridge_mappings",
        ),
        ([{"physical_network": "a"}] * 2, [], None, "network n: segment a is there twice, expected once"),
        (
            [{"physical_network": "a"}, {"physical_network": "a", "name": "b"}],
            [],
            None,
            "network n: segment flat on a is there twice, expected once",
        ),
        (
            [{"physical_network": "a", "segmentation_id": 5}],
            [],
            None,
            "network n, segment a: segmentation_id is 5, expected none: it is flat",
        ),
        (
            [{"physical_network": "a", "network_type": "vlan", "segmentation_id": 4095}],
            [],
            None,
            "network n, segment a: segmentation_id is 4095, expected a VLAN from 1 to 4094",
        ),
        ([{"physical_network": "a"}], [], 60, "network n: mtu is 60, expected 68 to 65535 bytes"),
        (
            [{"physical_network": "a"}],
            [{"cidr": "10.0.0.1/8"}],
            None,
            "network n, subnet 10.0.0.1/8: cidr is '10.0.0.1/8', expected a prefix without host bits",
        ),
        (
            [{"physical_network": "a"}],
            [{"cidr": "10.0.0.0/8"}, {"cidr": "10.1.0.0/16"}],
            None,
            "network n, subnet 10.1.0.0/16: overlaps 10.0.0.0/8, expected subnets apart from each other",
        ),
        (
            [{"physical_network": "a"}],
            [{"cidr": "10.0.0.0/8", "segment": "b"}],
            None,
            "network n, subnet 10.0.0.0/8: segment is 'b', expected one of a",
        ),
        (
            [{"physical_network": "a"}],
            [{"cidr": "10.0.0.0/8", "gateway": "11.0.0.1"}],
            None,
            "network n, subnet 10.0.0.0/8: gateway is '11.0.0.1', expected an address of 10.0.0.0/8",
        ),
        (
            [{"physical_network": "a"}],
            [
                {
                    "cidr": "10.0.0.0/8",
                    "gateway": "10.0.0.1",
                    "allocation_pools": [{"start": "10.0.0.1", "end": "10.0.0.2"}],
                }
            ],
            None,
            "network n, subnet 10.0.0.0/8: gateway is 10.0.0.1, expected an address outside allocation_pools",
        ),
        (
            [{"physical_network": "a"}],
            [{"cidr": "10.0.0.0/8", "ipv6_mode": "slaac"}],
            None,
            "network n, subnet 10.0.0.0/8: ipv6_mode is 'slaac', expected none: it is IPv4",
        ),
        (
            [{"physical_network": "a"}],
            [{"cidr": "10.0.0.0/8", "dns_nameservers": ["x"]}],
            None,
            "network n, subnet 10.0.0.0/8: dns_nameservers is 'x', expected an IPv4 or IPv6 address",
        ),
        (
            [{"physical_network": "a"}],
            [{"cidr": "10.0.0.0/8", "allocation_pools": [{"start": "10.0.0.9", "end": "10.0.0.2"}]}],
            None,
            "network n, subnet 10.0.0.0/8: allocation_pools has 10.0.0.9 to 10.0.0.2, expected the lower address first",
        ),
    ],
)
def test_a_wrong_option_is_named_with_what_was_expected(segments, subnets, mtu, text):
    with pytest.raises(ValueError) as caught:
        routed_network("n", segments, subnets, None, mtu)
    assert str(caught.value) == text
