"""From inventory and port document to what is expected of a host."""

from __future__ import annotations

from ansible_collections.roth.fabric.plugins.module_utils.report.compare import Peering
from ansible_collections.roth.fabric.plugins.module_utils.report.expectation import expectations
from ansible_collections.roth.fabric.plugins.module_utils.wanted.document import read_document

HOSTVARS = {
    "hv1": {
        "roth_asn": 65011,
        "roth_loopback_ipv4": "192.0.2.11",
        "roth_protocol": 150,
        "roth_uplinks": [
            {"name": "up0", "tor": "tor1", "ipv4": "10.1.1.1/31", "ipv6": "2001:db8:1:1::b/127"},
            {"name": "up1", "tor": "tor2", "ipv4": "10.2.1.1/31", "bfd": False},
        ],
        "roth_provider_networks": [
            {"name": "mobile", "bridge": "br-mobile", "subnets": [{"cidr": "10.64.0.0/16", "gateway": "10.64.0.1"}]}
        ],
    },
    "tor1": {"roth_asn": 65101},
    "tor2": {"roth_asn": 65102},
}
PORT = {
    "id": "ecb2dd23-2c00-4000-8000-000000000001",
    "name": "vm0",
    "network_id": "net",
    "binding:host_id": "hv1",
    "binding:vif_type": "ovs",
    "device_owner": "compute:nova",
    "admin_state_up": True,
    "mac_address": "fa:16:3e:00:00:01",
    "fixed_ips": [{"subnet_id": "sub", "ip_address": "10.64.1.53"}],
    "allowed_address_pairs": [],
}
DOCUMENT = read_document(
    {
        "networks": [{"id": "net", "name": "mobile", "subnets": ["sub"]}],
        "segments": [],
        "subnets": [{"id": "sub", "cidr": "10.64.0.0/16"}],
        "ports": [PORT],
    }
)


def test_a_hosts_ports_and_loopbacks_are_its_prefixes():
    found = expectations(HOSTVARS, ["hv1"], DOCUMENT)["hv1"]
    assert found.prefixes == {"10.64.1.53/32", "192.0.2.11/32"}
    assert {(str(route.prefix), route.device) for route in found.routes} == {
        ("10.64.1.53/32", "br-mobile"),
        ("192.0.2.11/32", "lo"),
    }
    assert found.protocol == 150


def test_each_family_of_an_uplink_is_a_peering():
    assert expectations(HOSTVARS, ["hv1"], DOCUMENT)["hv1"].peerings == (
        Peering("up0", "tor1", "ipv4", "10.1.1.1", 65011, "10.1.1.0", True),
        Peering("up0", "tor1", "ipv6", "2001:db8:1:1::b", 65011, "2001:db8:1:1::a", True),
        Peering("up1", "tor2", "ipv4", "10.2.1.1", 65011, "10.2.1.0", False),
    )
