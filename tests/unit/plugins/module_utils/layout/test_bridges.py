"""The bridges of a host."""

from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.layout.bridges import bridges, common_mac

SPANNING = {
    "name": "mobile",
    "bridge": "br-mobile",
    "plan": "spanning",
    "subnets": [
        {"cidr": "10.64.0.0/16", "gateway": "10.64.0.1"},
        {"cidr": "2001:db8:64::/64", "gateway": "2001:db8:64::1"},
    ],
}
PINNED = {
    "name": "pinned",
    "bridge": "br-pinned",
    "plan": "pinned",
    "announce": "both",
    "mtu": 9000,
    "gateway_mac": "02:8e:00:00:00:07",
    "subnets": [
        {"cidr": "198.51.100.0/26", "gateway": "198.51.100.1", "host": "hv1"},
        {"cidr": "2001:db8:100::/64", "gateway": "2001:db8:100::1", "host": "hv1"},
        {"cidr": "198.51.100.64/26", "gateway": "198.51.100.65", "host": "hv2"},
    ],
}


def test_gateways_of_a_spanning_network_are_host_addresses():
    (bridge,) = bridges([SPANNING], "hv1")
    assert bridge.gateways == ("10.64.0.1/32", "2001:db8:64::1/128")
    assert bridge.spanning


def test_gateways_of_a_pinned_network_have_the_length_of_this_hosts_subnets():
    (bridge,) = bridges([PINNED], "hv1")
    assert bridge.gateways == ("198.51.100.1/26", "2001:db8:100::1/64")
    assert not bridge.spanning


def test_a_pinned_network_without_a_subnet_for_the_host_has_no_bridge():
    assert bridges([PINNED], "hv3") == ()


def test_only_ipv6_prefixes_of_this_host_are_advertised():
    assert [bridge.advertised for bridge in bridges([SPANNING, PINNED], "hv2")] == [("2001:db8:64::/64",), ()]


def test_a_subnet_without_gateway_gives_the_bridge_no_address():
    network = {**SPANNING, "subnets": [{"cidr": "10.64.0.0/16"}]}
    assert bridges([network], "hv1")[0].gateways == ()


def test_mtu_and_mac_are_as_the_inventory_says_or_have_defaults():
    spanning, pinned = bridges([SPANNING, PINNED], "hv1")
    assert (pinned.mtu, pinned.mac) == (9000, "02:8e:00:00:00:07")
    assert (spanning.mtu, spanning.mac) == (1500, common_mac("mobile"))


@pytest.mark.parametrize("name", ["mobile", "pinned", "ü"])
def test_the_common_mac_is_local_and_unicast(name: str):
    first = int(common_mac(name).split(":")[0], 16)
    assert first & 0b11 == 0b10
    assert len(common_mac(name).split(":")) == 6


def test_a_bridge_is_of_the_kernel_unless_the_inventory_says_else():
    found = bridges([SPANNING, {**PINNED, "bridge_kind": "openvswitch"}], "hv1")
    assert [bridge.kind for bridge in found] == ["linux", "openvswitch"]


def test_an_unknown_kind_of_bridge_is_named():
    with pytest.raises(ValueError, match="network 'mobile': bridge_kind 'ovs': expected linux or openvswitch"):
        bridges([{**SPANNING, "bridge_kind": "ovs"}], "hv1")


LAYERED = {
    **PINNED,
    "bridge_kind": "openvswitch",
    "agent_bridge": "br-provider",
    "segmentation_id": 7,
    "subnets": [
        {**PINNED["subnets"][0], "segmentation_id": 102},
        {**PINNED["subnets"][1], "segmentation_id": 101},
        PINNED["subnets"][2],
        {"cidr": "2001:db8:101::/64", "host": "hv1", "segmentation_id": 101},
    ],
}


@pytest.mark.parametrize(("host", "vlans"), [("hv1", (101, 102)), ("hv2", (7,))])
def test_a_bridge_beside_the_agents_has_the_vlans_of_this_hosts_segments(host: str, vlans: tuple[int, ...]):
    (bridge,) = bridges([LAYERED], host)
    assert (bridge.agent_bridge, bridge.vlans) == ("br-provider", vlans)


def test_a_spanning_network_beside_the_agents_bridge_has_one_vlan():
    keys = {"bridge_kind": "openvswitch", "agent_bridge": "br-provider", "segmentation_id": 7}
    assert bridges([{**SPANNING, **keys}], "hv1")[0].vlans == (7,)


def test_vlans_that_the_agent_itself_takes_to_the_bridge_are_not_joined():
    (bridge,) = bridges([{key: value for key, value in LAYERED.items() if key != "agent_bridge"}], "hv1")
    assert (bridge.agent_bridge, bridge.vlans) == (None, ())


def test_a_bridge_of_the_kernel_is_not_joined_to_an_agents():
    with pytest.raises(ValueError, match="network 'pinned': agent_bridge 'br-provider': expected none, or openvswitch"):
        bridges([{**LAYERED, "bridge_kind": "linux"}], "hv1")


def test_networks_have_different_macs():
    assert common_mac("mobile") != common_mac("pinned")


def test_a_broken_network_is_named():
    with pytest.raises(ValueError, match=r"roth_provider_networks\[1\]"):
        bridges([SPANNING, {"name": "x", "bridge": "br-x", "subnets": [{"cidr": "nonsense"}]}], "hv1")
