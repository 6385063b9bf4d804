"""What a topology file may say, and what is said of a wrong one."""

from __future__ import annotations

from typing import Any

import pytest
from lab.errors import TopologyError
from lab.topology import load, parse


def document(**changes: Any) -> dict[str, Any]:
    good: dict[str, Any] = {
        "nodes": {"tor1": {"loopbacks": ["192.0.2.1/32"], "forwarding": True}, "hv1": None},
        "links": [{"tor1:hv1": ["10.1.1.0/31"], "hv1:up0": []}],
    }
    return {**good, **changes}


def test_nodes_and_links_are_read():
    topology = parse(document(suite="trixie"))
    assert list(topology.nodes) == ["tor1", "hv1"]
    assert topology.suite == "trixie"
    (link,) = topology.links
    assert [str(end) for end in link.ends] == ["tor1:hv1", "hv1:up0"]
    assert [str(address) for address in link.a.addresses] == ["10.1.1.0/31"]


def test_addresses_towards_a_peer_are_the_peers_own():
    topology = parse(document(links=[{"tor1:hv1": ["10.1.1.0/31"], "hv1:up0": ["10.1.1.1/31"]}]))
    assert [str(a) for a in topology.addresses_towards("tor1", "hv1")] == ["10.1.1.1/31"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"nodes": {}}, "nodes: expected at least one node"),
        ({"node": {}}, "topology: unknown key 'node'; expected one of links, nodes, suite"),
        ({"nodes": ["tor1"]}, "nodes: expected a mapping, found ['tor1']"),
        ({"nodes": {"i-1": {}, "tor1": {}, "hv1": {}}}, "nodes.i-1: expected a name of 1 to 15 lower-case letters"),
        ({"nodes": {"tor1": {"asn": 1}, "hv1": {}}}, "nodes.tor1: unknown key 'asn'"),
        (
            {"nodes": {"tor1": {"forwarding": "yes"}, "hv1": {}}},
            "nodes.tor1.forwarding: expected true or false, found 'yes'",
        ),
        (
            {"nodes": {"tor1": {"hash_seed": 0}, "hv1": {}}},
            "nodes.tor1.hash_seed: expected a number from 1 to 4294967295",
        ),
        ({"nodes": {"tor1": {"loopbacks": ["192.0.2.1"]}, "hv1": {}}}, "'192.0.2.1' has no prefix length"),
        (
            {"nodes": {"tor1": {"bgp": {"asn": 65000, "peers": ["hv1"]}}, "hv1": {}}},
            "nodes.tor1.bgp.peers: no link with addresses between tor1 and 'hv1'",
        ),
        ({"nodes": {"tor1": {"gateways": ["203.0.113.1"]}, "hv1": {}}}, "203.0.113.1 is in no subnet of tor1's links"),
        ({"links": [{"tor1:hv1": []}]}, "links[0]: expected two ends 'node:interface', found tor1:hv1"),
        ({"links": [{"tor1:hv1": [], "hv9:up0": []}]}, "links[0] hv9:up0: unknown node 'hv9'; known are tor1, hv1"),
        (
            {"links": [{"tor1:interface-too-long": [], "hv1:up0": []}]},
            "expected node:interface, the interface in 1 to 15",
        ),
        (
            {"links": [{"tor1:a": [], "hv1:up0": []}, {"tor1:b": [], "hv1:up0": []}]},
            "links[1] hv1:up0: this interface already has a link",
        ),
        (
            {"links": [{"tor1:hv1": ["192.0.2.1/31"], "hv1:up0": []}]},
            "192.0.2.1 is already used by nodes.tor1.loopbacks",
        ),
        (
            {"links": [{"tor1:hv1": ["10.1.1.0/31"], "hv1:up0": ["10.1.1.2/31"]}]},
            "links[0] tor1:hv1: 10.1.1.0/31 has no address of its subnet at the other end, hv1:up0",
        ),
        ({"suite": "Debian 12"}, "suite: expected a release name such as bookworm, found 'Debian 12'"),
    ],
)
def test_a_wrong_topology_is_refused_with_its_place(changes, expected):
    with pytest.raises(TopologyError) as refused:
        parse(document(**changes))
    assert expected in str(refused.value)


def test_all_problems_are_reported_at_once():
    with pytest.raises(TopologyError) as refused:
        parse({"nodes": {"A": {}}, "links": [{"b:c": []}], "extra": 1})
    assert len(refused.value.problems) >= 3


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TopologyError, match=r"no-such\.yml: No such file"):
        load(tmp_path / "no-such.yml")


def test_a_file_that_is_no_yaml_is_named(tmp_path):
    (tmp_path / "topology.yml").write_text("nodes: [")
    with pytest.raises(TopologyError, match=r"topology\.yml: no YAML"):
        load(tmp_path / "topology.yml")
