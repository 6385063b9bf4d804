from __future__ import annotations

from ipaddress import ip_interface

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.inventory.uplinks import loopbacks, other_end, uplinks
from hypothesis import given
from hypothesis import strategies as st


def hosts(**uplink):
    return {"hv1": {"roth_uplinks": [{"name": "up0", "tor": "tor1", **uplink}]}, "tor1": {"roth_asn": 65101}}


def test_peer_and_asn_have_defaults():
    (uplink,) = uplinks(hosts(ipv4="10.1.1.1/31", ipv6="2001:db8:1:1::b/127"), "hv1")
    assert [(peer.family, str(peer.address), peer.asn) for peer in uplink.peers] == [
        ("ipv4", "10.1.1.0", 65101),
        ("ipv6", "2001:db8:1:1::a", 65101),
    ]
    assert (uplink.index, uplink.bfd, uplink.mtu, uplink.password) == (0, True, None, None)


def test_what_the_inventory_says_wins():
    (uplink,) = uplinks(hosts(ipv4="10.1.1.9/29", peer_ipv4="10.1.1.10", peer_asn=65199, bfd=False), "hv1")
    assert [(str(peer.address), peer.asn) for peer in uplink.peers] == [("10.1.1.10", 65199)]
    assert uplink.bfd is False


def test_a_peer_that_cannot_be_told_is_named():
    with pytest.raises(ValueError, match=r"hv1: roth_uplinks\[0\]: peer_ipv4 is needed: 10\.1\.1\.9/29 is no /31"):
        uplinks(hosts(ipv4="10.1.1.9/29"), "hv1")


@given(st.ip_addresses())
def test_the_other_end_of_the_other_end_is_the_own_address(address):
    local = ip_interface(f"{address}/{address.max_prefixlen - 1}")
    peer = other_end(local)
    assert peer != local.ip
    assert other_end(ip_interface(f"{peer}/{local.network.prefixlen}")) == local.ip


def test_loopbacks_come_in_order_and_may_be_one():
    assert loopbacks({"hv1": {"roth_loopback_ipv6": "2001:db8::1", "roth_loopback_ipv4": "192.0.2.1"}}, "hv1") == (
        "192.0.2.1",
        "2001:db8::1",
    )
    assert loopbacks({"hv1": {"roth_loopback_ipv4": "192.0.2.1"}}, "hv1") == ("192.0.2.1",)


@pytest.mark.parametrize(
    ("software", "bfd", "gtsm"), [("bird", True, True), ("frr", True, False), ("frr", False, True), (None, True, True)]
)
def test_frr_has_no_ttl_security_together_with_bfd(software, bfd, gtsm):
    content = hosts(ipv4="10.1.1.1/31", bfd=bfd)
    content["tor1"]["roth_switch_software"] = software
    assert uplinks(content, "hv1")[0].gtsm is gtsm
