"""What a topology file may say, and what is said of a wrong one."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from lab.errors import TopologyError
from lab.topology import chain, load, parse


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
        (
            {"nodes": {"tor1": {"neutron": {"bridge_mappings": {"hv9": {}}}}, "hv1": {}}},
            "nodes.tor1.neutron.bridge_mappings: unknown node 'hv9'",
        ),
        (
            {"nodes": {"tor1": {"neutron": {"bridge_mappings": {"hv1": {"rpn": ["br"]}}}}, "hv1": {}}},
            "nodes.tor1.neutron.bridge_mappings.hv1.rpn: expected the name of a bridge, found ['br']",
        ),
        (
            {"nodes": {"tor1": {"neutron": {"mode": "big"}}, "hv1": {}}},
            "nodes.tor1.neutron.mode: expected one of min, full, found 'big'",
        ),
        (
            {"nodes": {"tor1": {"neutron": {}}, "hv1": {"neutron": {}}}},
            "nodes: expected one node with neutron, found tor1, hv1",
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


@pytest.fixture
def two(tmp_path):
    """A lab, and one that extends it by a node."""
    below, above = tmp_path / "below", tmp_path / "above"
    for folder in (below, above):
        folder.mkdir()
    (below / "topology.yml").write_text(yaml.safe_dump(document(suite="trixie"), sort_keys=False))
    more = {
        "extends": "../below",
        "nodes": {"extra": {}},
        "links": [{"tor1:extra": ["10.2.0.0/31"], "extra:eth0": ["10.2.0.1/31"]}],
    }
    (above / "topology.yml").write_text(yaml.safe_dump(more, sort_keys=False))
    return below, above


def test_an_extending_topology_adds_its_nodes_and_links(two):
    below, above = two
    topology = load(above / "topology.yml")
    assert list(topology.nodes) == ["tor1", "hv1", "extra"]
    assert [str(end) for link in topology.links for end in link.ends] == [
        "tor1:hv1",
        "hv1:up0",
        "tor1:extra",
        "extra:eth0",
    ]
    assert topology.suite == "trixie"
    assert (chain(above), chain(below)) == ([above, below], [below])


def test_a_node_of_both_is_laid_over_key_by_key(two):
    _, above = two
    more = {"extends": "../below", "nodes": {"tor1": {"hash_seed": 7}}}
    (above / "topology.yml").write_text(yaml.safe_dump(more))
    node = load(above / "topology.yml").nodes["tor1"]
    assert (node.hash_seed, node.forwarding) == (7, True)


def test_the_topology_that_is_extended_stays_as_it_is(two):
    below, _ = two
    assert list(load(below / "topology.yml").nodes) == ["tor1", "hv1"]


def test_a_contradiction_between_the_two_is_refused(two):
    _, above = two
    text = (above / "topology.yml").read_text().replace("tor1:extra", "tor1:hv1")
    (above / "topology.yml").write_text(text)
    with pytest.raises(TopologyError, match="tor1:hv1: this interface already has a link"):
        load(above / "topology.yml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("extends: ../nowhere\n", "nowhere/topology.yml: No such file or directory"),
        ("extends: ../above\nnodes: {}\n", "extends: ../above leads back to itself"),
    ],
)
def test_what_cannot_be_extended_is_named(two, text, expected):
    _, above = two
    (above / "topology.yml").write_text(text)
    with pytest.raises(TopologyError) as refused:
        load(above / "topology.yml")
    assert expected in str(refused.value)
