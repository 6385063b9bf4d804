"""Broken arguments of the modules on Neutron: refused before a cloud is looked for."""

from __future__ import annotations

from typing import Any

from .arguments import HUGE, Case

SEGMENTS = [{"physical_network": "rpn-hv1"}, {"physical_network": "rpn-hv2"}]


def network(**changes: object) -> dict[str, Any]:
    return {"cloud": "none", "name": "mobile", "segments": SEGMENTS, **changes}


def segment(**changes: object) -> dict[str, Any]:
    return network(segments=[{"physical_network": "rpn-hv1", **changes}])


def subnet(**changes: object) -> dict[str, Any]:
    return network(subnets=[{"cidr": "10.64.0.0/16", **changes}])


def ports(**changes: object) -> dict[str, Any]:
    known = {"name": "mobile", "bridge": "br-mobile", "subnets": [{"cidr": "10.64.0.0/16"}]}
    return {"cloud": "none", "networks": [known], **changes}


NEUTRON_CASES: list[Case] = [
    (
        "a routed network without a name",
        "routed_network",
        network(name=" "),
        "name = ' ': expected the name of the network; nothing was changed",
    ),
    (
        "a routed network without a segment",
        "routed_network",
        network(segments=[]),
        "network mobile: segments is empty, expected at least one: one a host, or one a rack; nothing was changed",
    ),
    (
        "an absurd MTU of a network",
        "routed_network",
        network(mtu=HUGE),
        "network mobile: mtu is 10000000000000000000000000000000000000000, expected 68 to 65535 bytes; "
        "nothing was changed",
    ),
    (
        "a segment that is there twice",
        "routed_network",
        network(segments=[SEGMENTS[0], SEGMENTS[0]]),
        "network mobile: segment rpn-hv1 is there twice, expected once; nothing was changed",
    ),
    (
        "a VLAN without its number",
        "routed_network",
        segment(network_type="vlan"),
        "network mobile, segment rpn-hv1: segmentation_id is None, expected a VLAN from 1 to 4094; nothing was changed",
    ),
    (
        "a VLAN beyond 802.1Q",
        "routed_network",
        segment(network_type="vlan", segmentation_id=4095),
        "network mobile, segment rpn-hv1: segmentation_id is 4095, expected a VLAN from 1 to 4094; nothing was changed",
    ),
    (
        "a flat segment with a VLAN",
        "routed_network",
        segment(segmentation_id=100),
        "network mobile, segment rpn-hv1: segmentation_id is 100, expected none: it is flat; nothing was changed",
    ),
    (
        "a segment of a type that is not routed here",
        "routed_network",
        segment(network_type="vxlan"),
        "value of network_type must be one of: flat, vlan, got: vxlan found in segments",
    ),
    (
        "a subnet with host bits",
        "routed_network",
        subnet(cidr="10.64.0.1/16"),
        "network mobile, subnet 10.64.0.1/16: cidr is '10.64.0.1/16', expected a prefix without host "
        "bits; nothing was changed",
    ),
    (
        "a subnet that is none",
        "routed_network",
        subnet(cidr="10.64.0.0\n/16"),
        "network mobile, subnet '10.64.0.0\\n/16': cidr is '10.64.0.0\\n/16', expected a prefix without "
        "host bits; nothing was changed",
    ),
    (
        "a gateway outside its subnet",
        "routed_network",
        subnet(gateway="10.65.0.1"),
        "network mobile, subnet 10.64.0.0/16: gateway is '10.65.0.1', expected an address of "
        "10.64.0.0/16; nothing was changed",
    ),
    (
        "a gateway of another family",
        "routed_network",
        subnet(gateway="2001:db8::1"),
        "network mobile, subnet 10.64.0.0/16: gateway is '2001:db8::1', expected an address of "
        "10.64.0.0/16; nothing was changed",
    ),
    (
        "a segment that the network does not have",
        "routed_network",
        subnet(segment="rack1"),
        "network mobile, subnet 10.64.0.0/16: segment is 'rack1', expected one of rpn-hv1, rpn-hv2; "
        "nothing was changed",
    ),
    (
        "an IPv6 mode of an IPv4 subnet",
        "routed_network",
        subnet(ipv6_mode="slaac"),
        "network mobile, subnet 10.64.0.0/16: ipv6_mode is 'slaac', expected none: it is IPv4; nothing was changed",
    ),
    (
        "a pool that ends before it starts",
        "routed_network",
        subnet(allocation_pools=[{"start": "10.64.9.9", "end": "10.64.1.1"}]),
        "network mobile, subnet 10.64.0.0/16: allocation_pools has 10.64.9.9 to 10.64.1.1, expected the "
        "lower address first; nothing was changed",
    ),
    (
        "a gateway inside a pool",
        "routed_network",
        subnet(gateway="10.64.0.1", allocation_pools=[{"start": "10.64.0.1", "end": "10.64.0.9"}]),
        "network mobile, subnet 10.64.0.0/16: gateway is 10.64.0.1, expected an address outside "
        "allocation_pools; nothing was changed",
    ),
    (
        "overlapping subnets",
        "routed_network",
        network(subnets=[{"cidr": "10.64.0.0/16"}, {"cidr": "10.64.1.0/24"}]),
        "network mobile, subnet 10.64.1.0/24: overlaps 10.64.0.0/16, expected subnets apart from each "
        "other; nothing was changed",
    ),
    (
        "a misspelt option of a subnet",
        "routed_network",
        subnet(gatway="10.64.0.1"),
        "Unsupported parameters for (roth.fabric.routed_network) module: subnets.gatway. Supported "
        "parameters include: allocation_pools, cidr, dns_nameservers, enable_dhcp, gateway, ipv6_mode, "
        "name, segment, service_types. Did you mean gateway?",
    ),
    (
        "a name server that is no address",
        "routed_network",
        subnet(dns_nameservers=["ns.example"]),
        "network mobile, subnet 10.64.0.0/16: dns_nameservers is 'ns.example', expected an IPv4 or IPv6 "
        "address; nothing was changed",
    ),
    (
        "no time at all for Neutron",
        "routed_network",
        network(timeout=0),
        "timeout = 0: expected 1 to 3600 seconds; nothing was changed",
    ),
    (
        "a cloud that nobody knows",
        "routed_network",
        network(),
        "cloud 'none': Cloud none was not found; nothing was changed",
    ),
    (
        "ports of a network without a bridge",
        "neutron_ports_info",
        ports(networks=[{"name": "mobile"}]),
        "networks[0]: 'subnets' is missing",
    ),
    (
        "ports of an unknown plan",
        "neutron_ports_info",
        ports(networks=[{"name": "m", "bridge": "b", "plan": "floating", "subnets": []}]),
        "networks[0]: plan 'floating', announce 'host_routes': expected spanning or pinned, and "
        "host_routes, aggregate or both",
    ),
    (
        "ports of no device owner",
        "neutron_ports_info",
        ports(device_owners=[]),
        "device_owners: expected at least one, none of them empty",
    ),
    (
        "a listing from no host on",
        "neutron_ports_info",
        ports(listing_from=0),
        "listing_from = 0: expected 1 to 1000000 hosts",
    ),
    (
        "ports of a cloud that nobody knows",
        "neutron_ports_info",
        ports(),
        "cloud 'none': Cloud none was not found; no ports were read",
    ),
    ("no networks to read ports of", "neutron_ports_info", {"cloud": "none"}, "missing required arguments: networks"),
]
