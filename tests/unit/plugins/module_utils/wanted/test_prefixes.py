from __future__ import annotations

from ipaddress import ip_network

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.wanted.document import read_document
from ansible_collections.roth.fabric.plugins.module_utils.wanted.networks import provider_networks
from ansible_collections.roth.fabric.plugins.module_utils.wanted.ports import PortPlan
from ansible_collections.roth.fabric.plugins.module_utils.wanted.prefixes import allowed_prefixes
from hypothesis import given, settings
from hypothesis import strategies as st
from networks_of_lab import HOSTS, networks, raw_document, raw_networks


def shown(*arguments):
    return [(str(entry.prefix), entry.ge, entry.le) for entry in allowed_prefixes(*arguments)]


def test_loopbacks_addresses_and_own_pinned_subnets_are_allowed():
    assert shown(networks(), "hv1", ["192.0.2.11", "2001:db8:ffff::11"]) == [
        ("192.0.2.11/32", 32, 32),
        ("2001:db8:ffff::11/128", 128, 128),
        ("10.64.0.0/16", 32, 32),
        ("2001:db8:64::/64", 128, 128),
        ("198.51.100.0/26", 26, 26),
        ("198.51.100.0/26", 32, 32),
        ("2001:db8:100::/64", 64, 64),
        ("2001:db8:100::/64", 128, 128),
    ]


def test_an_aggregate_allows_exactly_the_subnet():
    assert shown(networks(pinned={"announce": "aggregate"})[1:], "hv3", []) == [
        ("198.51.100.128/26", 26, 26),
        ("2001:db8:300::/64", 64, 64),
    ]


def test_pair_prefix_length_opens_shorter_prefixes_but_never_the_subnet_itself():
    lengths = {"pair_prefix_length": {"ipv4": 28, "ipv6": 48}}
    assert shown(networks(mobile=lengths)[:1], "hv1", []) == [("10.64.0.0/16", 28, 32), ("2001:db8:64::/64", 64, 128)]


def test_a_loopback_that_is_no_address_is_an_error():
    with pytest.raises(ValueError, match=r"192\.0\.2\.300"):
        allowed_prefixes((), "hv1", ["192.0.2.300"])


@pytest.mark.parametrize("announce", ["host_routes", "aggregate", "both"])
@settings(max_examples=20, deadline=None)
@given(host=st.sampled_from(HOSTS), ipv4=st.integers(17, 32))
def test_every_wanted_route_is_allowed(announce, host, ipv4):
    plan = networks(mobile={"pair_prefix_length": {"ipv4": ipv4}}, pinned={"announce": announce})
    allowed = allowed_prefixes(plan, host, ["192.0.2.11"])
    for route in PortPlan(read_document(raw_document()), plan).routes(host, ["192.0.2.11"]).routes:
        prefix = ip_network(route.removeprefix("blackhole ").split()[0])
        inside = [e for e in allowed if e.version == prefix.version and prefix.subnet_of(e.prefix)]
        assert any(e.ge <= prefix.prefixlen <= e.le for e in inside), route


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"announce": "both"}, r"roth_provider_networks\[0\]: a spanning network is announced as host_routes only"),
        ({"plan": "pinned"}, r"\[0\]: each subnet of a pinned network needs its host"),
        ({"subnets": [{"gateway": "10.64.0.1"}]}, r"\[0\]: 'cidr' is missing"),
        ({"plan": "both"}, r"\[0\]: plan 'both'"),
    ],
)
def test_wrong_networks_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        provider_networks(raw_networks(mobile=change))
