from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.wanted.document import read_document
from ansible_collections.roth.fabric.plugins.module_utils.wanted.switches import max_prefix, tor_neighbors
from networks_of_lab import port_named, raw_document, raw_networks


def inventory():
    hosts = {
        name: {
            "roth_asn": 65010 + number,
            "roth_loopback_ipv4": f"192.0.2.1{number}",
            "roth_provider_networks": raw_networks(),
            "roth_uplinks": [
                {"name": "up0", "tor": "tor1", "ipv4": f"10.1.{number}.1/31", "ipv6": f"2001:db8:1:{number}::b/127"},
                {"name": "up1", "tor": "tor2", "ipv4": f"10.2.{number}.1/31", "password": "key", "bfd": False},
            ],
        }
        for number, name in enumerate(("hv1", "hv2"), 1)
    }
    return {**hosts, "tor1": {"roth_asn": 65101, "roth_switch_ports": {"hv2": "swp2"}}, "tor2": {"roth_asn": 65102}}


def test_a_switch_has_a_neighbor_for_each_uplink_that_leads_to_it():
    found = tor_neighbors(inventory(), "tor1")
    assert [(n.host, n.uplink.name, n.interface, n.asn) for n in found] == [
        ("hv1", "up0", "hv1", 65011),
        ("hv2", "up0", "swp2", 65012),
    ]
    assert [(peer.family, str(peer.local.ip), str(peer.address)) for peer in found[0].peers] == [
        ("ipv4", "10.1.1.1", "10.1.1.0"),
        ("ipv6", "2001:db8:1:1::b", "2001:db8:1:1::a"),
    ]


def test_key_and_bfd_come_from_the_uplink():
    uplink = tor_neighbors(inventory(), "tor2")[0].uplink
    assert (uplink.password, uplink.bfd) == ("key", False)


def test_a_host_may_announce_its_own_prefixes_only():
    first, second = tor_neighbors(inventory(), "tor1")
    assert "198.51.100.0/26" in {str(entry.prefix) for entry in first.prefixes[4]}
    assert "198.51.100.0/26" not in {str(entry.prefix) for entry in second.prefixes[4]}


@pytest.mark.parametrize(("expected", "limit"), [(0, 256), (128, 256), (129, 512), (1000, 2048), (1024, 2048)])
def test_the_prefix_limit_leaves_twice_the_room_and_moves_in_steps(expected, limit):
    assert max_prefix(expected) == limit


def test_the_prefix_limit_follows_the_port_document():
    document = raw_document()
    port = port_named(document, "hv1-vm0")
    port["allowed_address_pairs"] = [{"ip_address": f"10.64.99.{last}"} for last in range(200)]
    limits = {n.host: n.max_prefix for n in tor_neighbors(inventory(), "tor1", read_document(document))}
    assert limits == {"hv1": {4: 512, 6: 256}, "hv2": {4: 256, 6: 256}}


def test_a_switch_without_hosts_has_no_neighbors():
    assert tor_neighbors({**inventory(), "tor9": {"roth_asn": 65109}}, "tor9") == ()


def test_a_host_without_asn_is_named():
    broken = inventory()
    del broken["hv1"]["roth_asn"]
    with pytest.raises(ValueError, match="hv1: roth_asn is missing"):
        tor_neighbors(broken, "tor1")


def test_an_uplink_to_a_switch_without_asn_is_named():
    broken = inventory()
    del broken["tor1"]["roth_asn"]
    with pytest.raises(ValueError, match=r"hv1: roth_uplinks\[0\]: 'roth_asn' is missing"):
        tor_neighbors(broken, "tor1")
