"""The port document is read from Neutron whole, with the server's filters, or not at all."""

from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.neutron import reading
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import NeutronError
from ansible_collections.roth.fabric.plugins.module_utils.neutron.reading import (
    PORT_FIELDS,
    read_ports,
    read_ports_of,
)
from ansible_collections.roth.fabric.plugins.module_utils.wanted.document import read_document
from ansible_collections.roth.fabric.plugins.module_utils.wanted.networks import provider_networks
from ansible_collections.roth.fabric.plugins.module_utils.wanted.ports import PortPlan
from recorded_neutron import RecordedNeutron, recorded

HOSTS = ("hv1", "hv2", "hv3")
BOTH = ("mobile", "pinned")
OPTIONAL = ("name", "project_id", "tags")  # the last two are needed where a network selects by them


def provider(**mobile):
    pinned = [
        {"cidr": entry["cidr"], "host": HOSTS[index // 2]}
        for index, entry in enumerate(e for e in recorded()["subnets"] if e["segment_id"])
    ]
    entries = [
        {"name": "mobile", "bridge": "br-mobile", "subnets": [{"cidr": "10.64.0.0/16"}, {"cidr": "2001:db8:64::/64"}]},
        {"name": "pinned", "bridge": "br-pinned", "plan": "pinned", "subnets": pinned},
    ]
    return provider_networks([{**entries[0], **mobile}, entries[1]])


def plan(document, networks):
    return PortPlan(read_document(document), networks)


def ports_of(document, host):
    return [port for port in document["ports"] if port["binding:host_id"] == host]


def failure(cloud, host=None, networks=BOTH):
    with pytest.raises(NeutronError) as caught:
        read_ports(cloud, networks, host)
    return caught.value


@pytest.mark.parametrize("host", HOSTS)
def test_a_read_of_one_host_plans_the_same_as_a_read_of_all(host):
    networks = provider()
    everything = read_ports_of(RecordedNeutron(), networks)
    alone = read_ports_of(RecordedNeutron(), networks, host)
    assert plan(alone, networks).routes(host) == plan(everything, networks).routes(host)
    assert plan(alone, networks).routes(host).routes


def test_the_answer_of_the_server_makes_the_same_plan_as_the_whole_file():
    networks = provider()
    read = read_ports_of(RecordedNeutron(), networks)
    for host in HOSTS:
        assert plan(read, networks).routes(host) == plan(recorded(), networks).routes(host)


def test_host_networks_and_fields_are_filtered_by_the_server():
    cloud = RecordedNeutron()
    read_ports(cloud, ["mobile"], "hv1")
    first = next(query for kind, query in cloud.asked if kind == "ports")
    ids = {entry["id"] for entry in recorded()["networks"] if entry["name"] == "mobile"}
    assert ("binding:host_id", "hv1") in first
    assert {value for name, value in first if name == "network_id"} == ids
    assert tuple(value for name, value in first if name == "fields") == PORT_FIELDS


def test_without_pairs_nobody_is_asked_who_shares_them():
    asked = {}
    for pairs in (True, False):
        cloud = RecordedNeutron()
        networks = provider(address_pairs=pairs)
        found = plan(read_ports_of(cloud, networks, "hv1"), networks).routes("hv1")
        asked[pairs] = sum(kind == "ports" for kind, _query in cloud.asked)
        assert ("10.64.200.10/32 dev br-mobile" in found.routes) is pairs
    assert asked[True] > asked[False] == 1


def test_a_network_is_found_by_its_id():
    identity = next(entry["id"] for entry in recorded()["networks"] if entry["name"] == "pinned")
    document = read_ports(RecordedNeutron(), [identity])
    assert [entry["name"] for entry in document["networks"]] == ["pinned"]


@pytest.mark.parametrize("size", [1, 3, 7])
def test_all_pages_are_followed_whatever_host_their_links_name(size):
    whole = read_ports(RecordedNeutron(), BOTH)
    paged = read_ports(RecordedNeutron(page=size), BOTH)
    assert sorted(port["id"] for port in paged["ports"]) == sorted(port["id"] for port in whole["ports"])
    assert "ports_links" not in paged


def test_a_link_that_leads_back_ends_the_read():
    def spoil(kind, answer):
        if kind == "ports":
            answer["ports_links"] = [{"rel": "next", "href": "http://x/v2.0/ports?marker=a"}]

    assert "leads back" in str(failure(RecordedNeutron(spoil=spoil)))


def test_a_network_that_is_not_there_is_named():
    error = failure(RecordedNeutron(), networks=["mobile", "nosuch"])
    assert (error.kind, str(error)) == (
        "broken",
        "Neutron shows no network 'nosuch': not there, or not for this account",
    )


def test_an_empty_answer_on_networks_is_no_document():
    assert failure(RecordedNeutron(spoil=lambda kind, answer: answer.update({kind: []}))).kind == "broken"


def drop_key(key):
    def spoil(kind, answer):
        if kind == "ports":
            for port in answer["ports"]:
                port.pop(key)

    return spoil


@pytest.mark.parametrize("key", [field for field in PORT_FIELDS if field not in OPTIONAL])
def test_a_port_without_a_field_is_no_answer(key):
    error = failure(RecordedNeutron(spoil=drop_key(key)))
    assert error.kind == "broken"
    assert key in str(error)


def test_a_server_that_drops_the_host_filter_is_noticed(monkeypatch):
    monkeypatch.setattr(reading, "MOST_MOVING", 10)

    class Forgetful(RecordedNeutron):
        def get(self, path, query=()):
            return super().get(path, [pair for pair in query if pair[0] != "binding:host_id"])

    error = failure(Forgetful(), "hv1")
    assert error.kind == "broken"
    assert "only those of 'hv1' were asked for" in str(error)


def test_bindings_that_nova_has_left_behind_end_no_read_however_many_they_are(monkeypatch):
    monkeypatch.setattr(reading, "MOST_MOVING", 1)
    left = [port for port in recorded()["ports"] if port["binding:host_id"] in ("hv2", "hv3")]

    class Littered(RecordedNeutron):
        def get(self, path, query=()):
            answer = super().get(path, query)
            more = left if ("binding:host_id", "hv1") in query else []
            return {key: [*value, *more] if key == "ports" else value for key, value in answer.items()}

    document, own = read_ports(Littered(), BOTH, "hv1"), read_ports(RecordedNeutron(), BOTH, "hv1")
    assert plan(document, provider()).routes("hv1") == plan(own, provider()).routes("hv1")


def test_a_port_of_another_host_that_has_an_inactive_binding_on_the_host_comes_with_its_ports():
    """Neutron's filter by host finds ports by every binding (ml2/plugin.py, _ml2_port_result_filter_hook)."""
    (coming,) = [port for port in recorded()["ports"] if port["name"] == "hv2-vm0"]

    class Migrating(RecordedNeutron):
        def get(self, path, query=()):
            answer = super().get(path, query)
            more = [coming] if ("binding:host_id", "hv1") in query else []
            return {key: [*value, *more] if key == "ports" else value for key, value in answer.items()}

    document, own = read_ports(Migrating(), BOTH, "hv1"), read_ports(RecordedNeutron(), BOTH, "hv1")
    assert set(document[reading.MATCHED]) == {*own[reading.MATCHED], coming["id"]}
    assert plan(document, provider()).routes("hv1") == plan(own, provider()).routes("hv1")


def test_a_server_that_drops_the_network_filter_is_noticed():
    class Forgetful(RecordedNeutron):
        def get(self, path, query=()):
            return super().get(path, [pair for pair in query if pair[0] != "network_id"])

    assert "was not asked for" in str(failure(Forgetful(), networks=["mobile"]))


@pytest.mark.parametrize(
    "answer", [{}, {"ports": None}, {"ports": "x"}, {"ports": [1]}, {"ports": [], "ports_links": 1}]
)
def test_an_answer_of_another_form_is_broken(answer):
    def spoil(kind, given):
        if kind == "ports":
            given.clear()
            given.update(answer)

    assert failure(RecordedNeutron(spoil=spoil)).kind == "broken"


def mobile_ports(document, host, count):
    network = next(entry for entry in document["networks"] if entry["name"] == "mobile")
    return [port for port in ports_of(document, host) if port["network_id"] == network["id"]][:count]


def pair(address):
    return [{"ip_address": address, "mac_address": "fa:16:3e:00:00:01"}]


def listings(cloud):
    """Reads of ports without a filter by host or address: the dear ones."""
    return [q for kind, q in cloud.asked if kind == "ports" and not {"binding:host_id", "fixed_ips"} & dict(q).keys()]


def without_pairs():
    document = recorded()
    for port in document["ports"]:
        port["allowed_address_pairs"] = []
    return document


def test_without_pairs_one_host_costs_one_read_of_ports():
    cloud = RecordedNeutron(without_pairs())
    read_ports(cloud, BOTH, "hv1")
    assert [kind for kind, _query in cloud.asked] == ["networks", "subnets", "ports"]


@pytest.mark.parametrize("address", ["203.0.113.9", "0.0.0.0/0", "10.64.0.0/28"])
def test_a_pair_that_is_never_routed_costs_no_further_read(address):
    document = without_pairs()
    mobile_ports(document, "hv1", 1)[0]["allowed_address_pairs"] = pair(address)
    cloud = RecordedNeutron(document)
    read_ports(cloud, BOTH, "hv1")
    assert [kind for kind, _query in cloud.asked] == ["networks", "subnets", "ports"]


def test_a_pair_that_is_anothers_fixed_address_is_settled_by_one_question():
    document = without_pairs()
    owner = mobile_ports(document, "hv2", 1)[0]
    mine = mobile_ports(document, "hv1", 1)[0]
    mine["allowed_address_pairs"] = pair(owner["fixed_ips"][0]["ip_address"])
    cloud, networks = RecordedNeutron(document), provider()
    read = read_ports_of(cloud, networks, "hv1")
    assert owner["id"] in {port["id"] for port in read["ports"]}
    assert plan(read, networks).routes("hv1") == plan(document, networks).routes("hv1")
    assert listings(cloud) == []


def test_a_pair_that_another_hosts_port_has_too_is_announced_from_neither():
    document = without_pairs()
    for host in ("hv1", "hv2"):
        mobile_ports(document, host, 1)[0]["allowed_address_pairs"] = pair("10.64.200.1")
    networks = provider()
    read = read_ports_of(RecordedNeutron(document), networks, "hv1")
    routes = plan(read, networks).routes("hv1")
    assert routes == plan(document, networks).routes("hv1")
    assert not [route for route in routes.routes if route.startswith("10.64.200.1/")]
    assert [entry.reason for entry in routes.left_out if entry.address == "10.64.200.1"]


def test_a_pair_of_this_host_alone_is_routed_after_one_listing_of_its_network():
    document = without_pairs()
    mobile_ports(document, "hv1", 1)[0]["allowed_address_pairs"] = pair("10.64.200.1")
    cloud, networks = RecordedNeutron(document), provider()
    read = read_ports_of(cloud, networks, "hv1")
    assert "10.64.200.1/32 dev br-mobile" in plan(read, networks).routes("hv1").routes
    assert len(listings(cloud)) == 1


def test_a_prefix_pair_is_looked_for_where_the_network_routes_that_length():
    document = without_pairs()
    for host in ("hv1", "hv3"):
        mobile_ports(document, host, 1)[0]["allowed_address_pairs"] = pair("10.64.208.0/28")
    networks = provider(pair_prefix_length={"ipv4": 28})
    read = read_ports_of(RecordedNeutron(document), networks, "hv1")
    assert plan(read, networks).routes("hv1") == plan(document, networks).routes("hv1")
    assert not [route for route in plan(read, networks).routes("hv1").routes if "208.0/28" in route]


def test_a_failure_of_a_later_request_gives_no_half_document():
    def spoil(kind, _answer):
        if kind == "ports":
            raise NeutronError("unreachable", "connection refused")

    assert failure(RecordedNeutron(spoil=spoil), "hv1").kind == "unreachable"


def test_many_networks_fit_in_request_lines_of_servers():
    document = recorded()
    base = document["networks"][0]
    document["networks"] = [
        {**base, "id": f"{number:08x}-0000-4000-8000-000000000000", "name": f"network-{number}", "subnets": []}
        for number in range(500)
    ]
    document["subnets"], document["ports"] = [], []
    cloud = RecordedNeutron(document)
    read = read_ports(cloud, [entry["name"] for entry in document["networks"]])
    assert len(read["networks"]) == 500
    assert max(sum(len(name) + len(value) + 2 for name, value in query) for _kind, query in cloud.asked) < 6000


def test_whether_a_host_has_a_binding_of_ports_is_one_small_question():
    ports = [port["id"] for port in recorded()["ports"] if port["binding:host_id"] in HOSTS]
    expected = {port["id"] for port in recorded()["ports"] if port["binding:host_id"] == "hv1"}
    cloud = RecordedNeutron()
    assert reading.bound_to(cloud, "hv1", ports) == expected
    assert reading.bound_to(cloud, "hv1", []) == set()
    ((kind, query),) = cloud.asked
    assert (kind, {pair for pair in query if pair[0] != "id"}) == (
        "ports",
        {("binding:host_id", "hv1"), ("fields", "id")},
    )
