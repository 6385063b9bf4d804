"""What the inventory's provider networks are in Neutron: one segment a hypervisor, or one a rack."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.roth.fabric.plugins.filter.routed_networks import routed_networks
from ansible_collections.roth.fabric.plugins.module_utils.neutron.routed import routed_network

HOSTS = ("hv1", "hv2")
MOBILE = {
    "name": "mobile",
    "bridge": "br-mobile",
    "plan": "spanning",
    "mtu": 9000,
    "shared": True,
    "pair_prefix_length": {"ipv4": 28},
    "subnets": [
        {"cidr": "10.64.0.0/16", "gateway": "10.64.0.1", "service_types": ["compute:nova"]},
        {"cidr": "2001:db8:64::/64", "gateway": "2001:db8:64::1", "ipv6_mode": "dhcpv6-stateful"},
    ],
}
PINNED = {
    "name": "pinned",
    "bridge": "br-pinned",
    "plan": "pinned",
    "physical_network": "pin-{host}",
    "subnets": [
        {"cidr": "198.51.100.0/26", "gateway": "198.51.100.1", "host": "hv1"},
        {"cidr": "198.51.100.64/26", "gateway": "198.51.100.65", "host": "hv2"},
    ],
}


SEGMENTS = {
    "name": "layered",
    "bridge": "br-layered",
    "plan": "pinned",
    "physical_network": "pin-{host}",
    "subnets": [
        {"cidr": "10.66.1.0/26", "gateway": "10.66.1.1", "host": "hv1", "segmentation_id": 101},
        {"cidr": "10.66.2.0/26", "gateway": "10.66.2.1", "host": "hv1", "segmentation_id": 102},
        {
            "cidr": "2001:db8:66::/64",
            "gateway": "2001:db8:66::1",
            "host": "hv1",
            "physical_network": "{name}-back",
            "segmentation_id": 103,
        },
    ],
}
"""Three segments of one network on one host."""


def computed(*networks, hosts=HOSTS, own=None):
    hostvars = {host: {"roth_provider_networks": list(networks)} for host in hosts}
    for host, physical in (own or {}).items():
        hostvars[host]["roth_physical_networks"] = physical
    return routed_networks(hostvars, hosts)


def physical(options):
    return [segment["physical_network"] for segment in options["segments"]]


def test_a_spanning_network_has_a_segment_for_each_host_and_subnets_without():
    assert computed(MOBILE) == [
        {
            "name": "mobile",
            "mtu": 9000,
            "shared": True,
            "segments": [{"physical_network": "mobile-hv1"}, {"physical_network": "mobile-hv2"}],
            "subnets": [
                {"cidr": "10.64.0.0/16", "gateway": "10.64.0.1", "service_types": ["compute:nova"]},
                {"cidr": "2001:db8:64::/64", "gateway": "2001:db8:64::1", "ipv6_mode": "dhcpv6-stateful"},
            ],
        }
    ]


def test_pinned_subnets_go_to_their_hosts_segments():
    (options,) = computed(PINNED)
    assert physical(options) == ["pin-hv1", "pin-hv2"]
    assert [subnet["segment"] for subnet in options["subnets"]] == ["pin-hv1", "pin-hv2"]


def test_hosts_of_a_rack_share_a_segment():
    (options,) = computed(MOBILE, own={host: {"mobile": ["rack1"]} for host in HOSTS})
    assert options["segments"] == [{"physical_network": "rack1"}]


def test_a_host_in_several_segments_has_its_subnets_in_the_first():
    (options,) = computed(PINNED, own={"hv1": {"pinned": ["front-hv1", "back-hv1"]}})
    assert physical(options) == ["front-hv1", "back-hv1", "pin-hv2"]
    assert options["subnets"][0]["segment"] == "front-hv1"


def test_each_subnet_goes_to_the_segment_that_it_names():
    (options,) = computed(SEGMENTS)
    assert options["segments"] == [
        {
            "name": f"{physical}-{vlan}",
            "physical_network": physical,
            "network_type": "vlan",
            "segmentation_id": vlan,
        }
        for physical, vlan in (("pin-hv1", 101), ("pin-hv1", 102), ("layered-back", 103))
    ]
    assert [it["segment"] for it in options["subnets"]] == ["pin-hv1-101", "pin-hv1-102", "layered-back-103"]


def test_a_subnet_that_names_no_segment_goes_to_the_hosts_own_beside_others():
    usual = {"cidr": "10.66.4.0/26", "gateway": "10.66.4.1", "host": "hv1"}
    (options,) = computed({**SEGMENTS, "subnets": [usual, *SEGMENTS["subnets"]]})
    assert [it.get("name") for it in options["segments"]] == [
        None,
        "pin-hv1-101",
        "pin-hv1-102",
        "layered-back-103",
        None,
    ]
    assert physical(options)[::4] == ["pin-hv1", "pin-hv2"]
    assert options["subnets"][0]["segment"] == "pin-hv1"


def test_a_segment_that_a_subnet_names_without_a_vlan_is_flat():
    subnet = {"cidr": "10.66.4.0/26", "gateway": "10.66.4.1", "host": "hv1", "physical_network": "back-{host}"}
    (options,) = computed({**SEGMENTS, "subnets": [subnet]})
    assert options["segments"] == [{"physical_network": "back-hv1"}]


def test_a_vlan_is_that_of_every_segment():
    (options,) = computed({**MOBILE, "segmentation_id": 100})
    assert options["segments"][0] == {
        "physical_network": "mobile-hv1",
        "network_type": "vlan",
        "segmentation_id": 100,
    }


def test_a_host_without_the_network_has_no_segment():
    hostvars = {"hv1": {"roth_provider_networks": [MOBILE]}, "hv2": {"roth_provider_networks": []}}
    (options,) = routed_networks(hostvars, HOSTS)
    assert physical(options) == ["mobile-hv1"]


def test_a_new_host_adds_its_segment_and_nothing_else():
    (before,), (after,) = computed(MOBILE), computed(MOBILE, hosts=(*HOSTS, "hv3"))
    assert after["segments"] == [*before["segments"], {"physical_network": "mobile-hv3"}]
    assert after["subnets"] == before["subnets"]


def test_what_comes_out_is_what_the_module_takes():
    for options, count in zip(computed(MOBILE, PINNED, SEGMENTS), (2, 2, 3), strict=True):
        taken = routed_network(
            options["name"], options["segments"], options["subnets"], options.get("shared"), options.get("mtu")
        )
        assert len(taken.segments) == count


def test_a_subnet_of_a_host_without_the_network_is_refused():
    with pytest.raises(AnsibleFilterError, match=r"network pinned, subnet 198.51.100.64/26: its host has no segment"):
        computed(PINNED, hosts=("hv1",))


def test_an_unknown_brace_is_refused():
    text = r"hv1: roth_provider_networks\[0\].physical_network = 'x-\{rack\}': expected no other braces than \{host\}"
    with pytest.raises(AnsibleFilterError, match=text):
        computed({**MOBILE, "physical_network": "x-{rack}"})


def test_an_unknown_brace_of_a_subnet_is_refused():
    subnet = {**SEGMENTS["subnets"][0], "physical_network": "x-{rack}"}
    text = r"hv1: roth_provider_networks\[0\].subnets\[0\].physical_network = 'x-\{rack\}': expected no other braces"
    with pytest.raises(AnsibleFilterError, match=text):
        computed({**SEGMENTS, "subnets": [subnet]})
