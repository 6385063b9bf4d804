"""Each host gets the same routes, whether it was asked for by itself or all ports were listed."""

from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import NeutronError
from ansible_collections.roth.fabric.plugins.module_utils.neutron.ports_by_host import ports_by_host
from ansible_collections.roth.fabric.plugins.module_utils.wanted.document import read_document
from ansible_collections.roth.fabric.plugins.module_utils.wanted.networks import provider_networks
from recorded_neutron import RecordedNeutron, recorded

HOSTS = ("hv1", "hv2", "hv3")


def networks(**more):
    subnets = [{"cidr": "10.64.0.0/16"}, {"cidr": "2001:db8:64::/64"}]
    return provider_networks([{"name": "mobile", "bridge": "br-mobile", "subnets": subnets, **more}])


def queries(cloud):
    return [dict(query).get("binding:host_id") for kind, query in cloud.asked if kind == "ports"]


def without_pairs():
    document = recorded()
    for port in document["ports"]:
        port["allowed_address_pairs"] = []
    return document


@pytest.mark.parametrize("more", [{}, {"shared_addresses": "anycast"}, {"pair_prefix_length": {"ipv4": 28}}])
def test_both_ways_give_the_same_routes_and_reasons(more):
    alone = ports_by_host(RecordedNeutron(), networks(**more), HOSTS, listing_from=4)
    listed = ports_by_host(RecordedNeutron(), networks(**more), HOSTS, listing_from=3)
    assert (alone.queries, listed.queries) == (3, 1)
    assert alone.hosts == listed.hosts
    assert all(found.routes for found in alone.hosts.values())
    assert any(found.left_out for found in alone.hosts.values())


def test_few_hosts_are_asked_for_by_themselves():
    cloud = RecordedNeutron(without_pairs())
    ports_by_host(cloud, networks(), HOSTS[:2], listing_from=3)
    assert queries(cloud) == ["hv1", "hv2"]
    assert [kind for kind, _query in cloud.asked] == ["networks", "subnets", "ports", "ports"]


def test_many_hosts_cost_one_listing():
    cloud = RecordedNeutron(without_pairs())
    ports_by_host(cloud, networks(), HOSTS, listing_from=3)
    assert queries(cloud) == [None]


def test_without_hosts_all_that_have_ports_are_told():
    assert set(ports_by_host(RecordedNeutron(), networks()).hosts) > set(HOSTS)


def test_a_host_without_ports_has_no_routes_and_no_error():
    assert ports_by_host(RecordedNeutron(), networks(), ["hv9"]).hosts["hv9"].routes == ()


def test_the_documents_of_several_hosts_are_one_whole_document():
    found = ports_by_host(RecordedNeutron(), networks(), HOSTS, listing_from=9)
    assert {port.host for port in read_document(found.document).ports} >= set(HOSTS)


def test_a_port_that_moved_between_two_queries_is_in_the_document_once():
    document = without_pairs()
    network = next(entry["id"] for entry in document["networks"] if entry["name"] == "mobile")
    on_hv1 = [port for port in document["ports"] if port["binding:host_id"] == "hv1"]
    port = next(port for port in on_hv1 if port["network_id"] == network)

    class Moving(RecordedNeutron):
        def get(self, path, query=()):
            answer = super().get(path, query)
            if dict(query).get("binding:host_id") == "hv1":
                port["binding:host_id"] = "hv2"
            return answer

    found = ports_by_host(Moving(document), networks(), HOSTS, listing_from=9)
    again = [entry for entry in found.document["ports"] if entry["id"] == port["id"]]
    assert [entry["binding:host_id"] for entry in again] == ["hv2"]


def test_a_network_of_another_name_is_told_as_neutrons_failure():
    with pytest.raises(NeutronError, match="shows no network 'mobil'"):
        ports_by_host(RecordedNeutron(), networks(name="mobil"), ["hv1"])
