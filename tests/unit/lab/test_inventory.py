"""The lab's topology and its inventory describe the same machines."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab.topology import End, Topology, load

INVENTORY = Path(__file__).parents[3] / "inventories" / "lab"


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load(INVENTORY / "topology.yml")


def host_vars(name: str) -> dict[str, Any]:
    return yaml.safe_load((INVENTORY / "host_vars" / f"{name}.yml").read_text())


def groups() -> dict[str, list[str]]:
    tree = yaml.safe_load((INVENTORY / "hosts.yml").read_text())["all"]["children"]["lab"]["children"]
    return {group: list(content["hosts"]) for group, content in tree.items()}


def far_end(topology: Topology, node: str, port: str) -> End:
    for link in topology.links:
        for end, other in (link.ends, link.ends[::-1]):
            if (end.node, end.port) == (node, port):
                return other
    raise AssertionError(f"the topology has no {node}:{port}")


def test_every_node_is_in_exactly_one_group(topology):
    members = [name for names in groups().values() for name in names]
    assert sorted(members) == sorted(topology.nodes)


@pytest.mark.parametrize("host", groups()["hypervisors"])
def test_uplinks_are_the_cables_of_the_topology(topology, host):
    uplinks = host_vars(host)["roth_uplinks"]
    assert {uplink["name"] for uplink in uplinks} == {end.port for end in topology.ends_of(host)}
    for uplink in uplinks:
        far = far_end(topology, host, uplink["name"])
        assert (far.node, far.port) == (uplink["tor"], host)
        networks = {address.network for address in far.addresses}
        assert {ip_interface(uplink[family]).network for family in ("ipv4", "ipv6")} == networks
        addresses = {address.ip for address in far.addresses}
        assert {ip_address(uplink[peer]) for peer in ("peer_ipv4", "peer_ipv6") if peer in uplink} <= addresses
        assert not addresses & {ip_interface(uplink[family]).ip for family in ("ipv4", "ipv6")}
        assert uplink.get("peer_asn", host_vars(far.node)["roth_asn"]) == host_vars(far.node)["roth_asn"]


def test_hypervisors_get_no_address_from_the_topology(topology):
    for host in groups()["hypervisors"]:
        assert not topology.nodes[host].loopbacks
        assert not any(end.addresses for end in topology.ends_of(host))


@pytest.mark.parametrize("router", [*groups()["tors"], *groups()["spines"]])
def test_loopbacks_of_switches_agree(topology, router):
    variables = host_vars(router)
    expected = {ip_address(variables[f"roth_loopback_{family}"]) for family in ("ipv4", "ipv6")}
    assert {address.ip for address in topology.nodes[router].loopbacks} == expected


@pytest.mark.parametrize("switch", groups()["tors"])
def test_switch_uplinks_lead_to_the_spine(topology, switch):
    (uplink,) = host_vars(switch)["roth_switch_uplinks"]
    addresses = {address.ip for address in topology.addresses_towards(switch, uplink["peer"])}
    assert {ip_address(uplink["peer_ipv4"]), ip_address(uplink["peer_ipv6"])} == addresses
    bgp = topology.nodes[uplink["peer"]].bgp
    assert bgp is not None
    assert (bgp.asn, switch in bgp.peers) == (uplink["peer_asn"], True)


def test_hash_seeds_of_routers_in_a_row_differ(topology):
    seeds = [node.hash_seed for node in topology.nodes.values() if node.forwarding]
    assert None not in seeds
    assert len(set(seeds)) == len(seeds)
