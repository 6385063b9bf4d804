"""Floating IPs are read with the ports, by the server's filters, and only where a network announces them."""

from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import NeutronError
from ansible_collections.roth.fabric.plugins.module_utils.neutron.once import read_once
from ansible_collections.roth.fabric.plugins.module_utils.neutron.ports_by_host import ports_by_host
from ansible_collections.roth.fabric.plugins.module_utils.neutron.reading import read_ports_of
from ansible_collections.roth.fabric.plugins.module_utils.wanted.document import read_document
from ansible_collections.roth.fabric.plugins.module_utils.wanted.networks import provider_networks
from ansible_collections.roth.fabric.plugins.module_utils.wanted.ports import PortPlan
from recorded_neutron import RecordedNeutron, recorded

HOSTS = ("hv1", "hv2", "hv3")
FLOATING = "10.64.99.9"


def networks(**changed):
    mobile = {"name": "mobile", "bridge": "br-mobile", "floating_ips": True, "subnets": [{"cidr": "10.64.0.0/16"}]}
    return provider_networks([{**mobile, **changed}])


def neutron(pair_on=None, spoil=None):
    """The recorded Neutron with router r1, its gateway on hv2, and one floating IP; `pair_on` names a thief's host."""
    document = recorded()
    mobile = next(entry for entry in document["networks"] if entry["name"] == "mobile")
    subnet = next(entry for entry in document["subnets"] if entry["cidr"] == "10.64.0.0/16")
    like = next(entry for entry in document["ports"] if entry["name"] == "hv2-vm0")

    def port(identity, owner, host, device, address):
        fixed = [{"ip_address": address, "subnet_id": subnet["id"]}]
        changed = {"id": identity, "name": "", "device_owner": owner, "binding:host_id": host, "device_id": device}
        return {**like, **changed, "fixed_ips": fixed, "allowed_address_pairs": []}

    document["ports"] += [
        port("gateway", "network:router_gateway", "hv2", "r1", "10.64.99.1"),
        port("keeper", "network:floatingip", "", "f1", FLOATING),
    ]
    if pair_on:
        thief = next(entry for entry in document["ports"] if entry["name"] == f"{pair_on}-vm0")
        thief["allowed_address_pairs"] = [{"ip_address": FLOATING}]
    known = {"floating_network_id": mobile["id"], "project_id": "p", "tags": []}
    document["floatingips"] = [
        {"id": "f1", "floating_ip_address": FLOATING, "router_id": "r1", "status": "ACTIVE", **known},
        {"id": "f2", "floating_ip_address": "10.64.99.10", "router_id": None, **known},
        {"id": "f3", "floating_ip_address": "192.0.2.9", "router_id": "r2", **known, "floating_network_id": "other"},
    ]
    document["routers"] = [{"id": each, "distributed": False, "name": each} for each in ("r1", "r2")]
    return RecordedNeutron(document, spoil=spoil)


def hosts_with(cloud, *, alone):
    wanted = networks()
    found = []
    for host in HOSTS:
        document = read_ports_of(cloud, wanted, host if alone else None)
        routes = PortPlan(read_document(document), wanted).routes(host).routes
        found += [host for route in routes if route == f"{FLOATING}/32 dev br-mobile"]
    return found


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("pair_on", [None, *HOSTS])
def test_a_read_of_one_host_and_one_of_all_route_it_from_the_gateways_host_whoever_else_claims_it(alone, pair_on):
    assert hosts_with(neutron(pair_on), alone=alone) == ["hv2"]


def test_only_those_that_a_router_delivers_are_kept():
    document = read_ports_of(neutron(), networks())
    assert [entry["id"] for entry in document["floatingips"]] == ["f1"]
    assert document["routers"] == [{"id": "r1", "distributed": False}]


def test_a_host_without_a_routers_gateway_asks_for_none():
    cloud = neutron()
    document = read_ports_of(cloud, networks(), "hv1")
    assert (document["floatingips"], document["routers"]) == ([], [])
    assert {kind for kind, _query in cloud.asked} == {"networks", "subnets", "ports"}


def test_a_host_with_one_asks_for_its_routers_alone():
    cloud = neutron()
    read_ports_of(cloud, networks(), "hv2")
    (query,) = [query for kind, query in cloud.asked if kind == "floatingips"]
    assert ("router_id", "r1") in query
    assert len([value for name, value in query if name == "floating_network_id"]) == 1


def test_without_the_option_nothing_is_asked_that_was_not_before():
    cloud = neutron()
    document = read_ports_of(cloud, networks(floating_ips=False))
    assert "floatingips" not in document
    assert {kind for kind, _query in cloud.asked} == {"networks", "subnets", "ports"}
    assert all("device_id" not in dict(map(reversed, query)) for _kind, query in cloud.asked)


@pytest.mark.parametrize(
    ("host", "row"),
    [
        (None, {"id": "x", "floating_network_id": "other", "router_id": "r1"}),
        ("hv2", {"id": "x", "router_id": "r7"}),
    ],
)
def test_a_server_that_drops_the_filter_is_refused(host, row):
    def more(kind, answer):
        if kind == "floatingips":
            answer["floatingips"].append({**answer["floatingips"][0], **row})

    with pytest.raises(NeutronError, match="floating IP x came, which was not asked for"):
        read_ports_of(neutron(spoil=more), networks(), host)


def test_a_router_that_does_not_show_whether_it_is_distributed_makes_no_document():
    def hide(kind, answer):
        for entry in answer[kind] if kind == "routers" else ():
            del entry["distributed"]

    with pytest.raises(NeutronError, match=r"'distributed' is missing \(Neutron shows it to administrators only\)"):
        read_ports_of(neutron(spoil=hide), networks())


@pytest.mark.parametrize("listing_from", [1, 20])
def test_one_document_of_several_hosts_has_the_floating_ips_of_all(listing_from):
    found = ports_by_host(neutron(), networks(), HOSTS, listing_from=listing_from)
    assert [entry["id"] for entry in found.document["floatingips"]] == ["f1"]
    assert f"{FLOATING}/32 dev br-mobile" in found.hosts["hv2"].routes


def test_a_run_that_has_read_ports_reads_again_when_floating_ips_are_wanted(tmp_path):
    clouds = []

    def connect(name, timeout):
        clouds.append(name)
        return neutron()

    assert "floatingips" not in read_once(tmp_path, "hq", ["mobile"], 5.0, connect)
    for floating in (["mobile"], [], ["mobile"]):
        assert "floatingips" in read_once(tmp_path, "hq", ["mobile"], 5.0, connect, floating)
    assert clouds == ["hq", "hq"]
