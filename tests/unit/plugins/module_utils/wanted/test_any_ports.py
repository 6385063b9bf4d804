"""What holds whatever ports Neutron answers with: nobody takes another's address, a gateway, or a route elsewhere."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_network

from ansible_collections.roth.fabric.plugins.module_utils.wanted.document import read_document
from ansible_collections.roth.fabric.plugins.module_utils.wanted.ports import PortPlan
from hypothesis import given
from hypothesis import strategies as st
from networks_of_lab import HOSTS, networks, raw_document

SUBNETS = {entry["id"]: ip_network(entry["cidr"]) for entry in raw_document()["subnets"]}
NETWORK_OF = {subnet: entry["id"] for entry in raw_document()["networks"] for subnet in entry["subnets"]}
# a few addresses of each subnet, its gateway among them, so that ports collide
addresses = st.tuples(st.sampled_from(sorted(SUBNETS)), st.integers(1, 4)).map(
    lambda drawn: {"subnet_id": drawn[0], "ip_address": str(SUBNETS[drawn[0]][drawn[1]])}
)
pairs = st.one_of(
    addresses.map(lambda fixed: {"ip_address": fixed["ip_address"]}),
    st.sampled_from(["10.64.0.0/28", "10.64.0.0/16", "0.0.0.0/0", "203.0.113.9", "2001:db8:64::/120", "::/0"]).map(
        lambda prefix: {"ip_address": prefix}
    ),
)


@st.composite
def port_lists(draw):
    ports = []
    for number in range(draw(st.integers(1, 8))):
        fixed = draw(st.lists(addresses, min_size=1, max_size=3))
        ports.append(
            {
                "id": f"port-{number}",
                "name": "",
                "network_id": NETWORK_OF[fixed[0]["subnet_id"]],
                "binding:host_id": draw(st.sampled_from([*HOSTS, "", "elsewhere"])),
                "binding:vif_type": draw(st.sampled_from(["ovs", "ovs", "ovs", "unbound", "binding_failed"])),
                "device_owner": draw(st.sampled_from(["compute:nova", "compute:nova", "network:dhcp", ""])),
                "admin_state_up": draw(st.sampled_from([True, True, False])),
                "mac_address": f"fa:16:3e:00:00:{number:02x}",
                "fixed_ips": fixed,
                "allowed_address_pairs": draw(st.lists(pairs, max_size=2)),
            }
        )
    return ports


def prefix_of(route):
    return ip_network(route.removeprefix("blackhole ").split()[0])


@given(port_lists(), st.booleans(), st.sampled_from([28, 32]), st.sampled_from(["host_routes", "aggregate", "both"]))
def test_whatever_the_ports_are_no_host_announces_what_is_not_its_own(ports, anycast, length, announce):
    shared = "anycast" if anycast else "none"
    parsed = networks(
        mobile={"shared_addresses": shared, "pair_prefix_length": {"ipv4": length}},
        pinned={"shared_addresses": shared, "announce": announce},
    )
    plan = PortPlan(read_document({**raw_document(), "ports": ports}), parsed)
    found = {host: plan.routes(host).routes for host in HOSTS}
    for host, routes in found.items():
        subnets = {subnet.prefix: subnet for network in parsed for subnet in network.subnets_of(host)}
        aggregates = {each.prefix for it in parsed if it.announces_subnets for each in it.subnets_of(host)}
        for route in routes:
            prefix = prefix_of(route)
            assert any(prefix.version == each.version and prefix.subnet_of(each) for each in subnets), route
            gateways = [subnet.gateway for each, subnet in subnets.items() if each not in aggregates or each != prefix]
            assert not any(gateway in prefix for gateway in gateways), f"{route} has a gateway in it"
            assert prefix in aggregates or prefix.prefixlen >= (length if prefix.version == 4 else 128), route
    announced = Counter(prefix for routes in found.values() for prefix in {prefix_of(route) for route in routes})
    assert anycast or set(announced.values()) <= {1}, announced


@given(port_lists(), st.randoms(use_true_random=False))
def test_the_order_of_any_ports_does_not_matter(ports, random):
    first, second = ({**raw_document(), "ports": each} for each in (ports, random.sample(ports, len(ports))))
    for host in HOSTS:
        one, other = (
            PortPlan(read_document(first), networks()).routes(host),
            PortPlan(read_document(second), networks()).routes(host),
        )
        assert one.routes == other.routes
        assert sorted(map(str, one.left_out)) == sorted(map(str, other.left_out))
