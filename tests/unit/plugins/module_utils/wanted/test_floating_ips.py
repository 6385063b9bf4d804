"""Floating IPs are routed to the host of the gateway port of their router, and only where a network announces them."""

from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.wanted.document import read_document
from ansible_collections.roth.fabric.plugins.module_utils.wanted.networks import provider_networks
from ansible_collections.roth.fabric.plugins.module_utils.wanted.ports import PortPlan

NETWORK = {
    "name": "mobile",
    "bridge": "br-mobile",
    "subnets": [{"cidr": "10.64.0.0/16", "gateway": "10.64.0.1"}, {"cidr": "203.0.113.0/24", "gateway": "203.0.113.1"}],
}
HOSTS = ("hv1", "hv2")


def port(identity, host, owner, device, *addresses, pairs=()):
    return {
        "id": identity,
        "name": identity,
        "network_id": "n",
        "binding:host_id": host,
        "binding:vif_type": "ovs" if host else "unbound",
        "device_owner": owner,
        "device_id": device,
        "admin_state_up": True,
        "mac_address": "fa:16:3e:00:00:01",
        "fixed_ips": [
            {"ip_address": each, "subnet_id": "s2" if each.startswith("203") else "s1"} for each in addresses
        ],
        "allowed_address_pairs": [{"ip_address": each} for each in pairs],
        "project_id": "" if owner.startswith("network:") else "tenant",
        "tags": [],
    }


def document(*more, floating=(("203.0.113.9", "r1"),), distributed=False, **changed):
    floatingips = [
        {
            "id": f"f-{address}",
            "floating_ip_address": address,
            "floating_network_id": "n",
            "router_id": router,
            "project_id": "tenant",
            "tags": ["public"],
            **changed,
        }
        for address, router in floating
    ]
    return {
        "networks": [{"id": "n", "name": "mobile", "subnets": ["s1", "s2"]}],
        "subnets": [{"id": "s1", "cidr": "10.64.0.0/16"}, {"id": "s2", "cidr": "203.0.113.0/24"}],
        "ports": [
            port("gateway", "hv2", "network:router_gateway", "r1", "10.64.7.7"),
            port("keeper", "", "network:floatingip", "f-203.0.113.9", "203.0.113.9"),
            *more,
        ],
        "floatingips": floatingips,
        "routers": [{"id": "r1", "distributed": distributed}],
    }


def plan(raw, **settings):
    settings = {"floating_ips": True, **settings}
    return PortPlan(read_document(raw), provider_networks([{**NETWORK, **settings}]))


def reasons(raw, host, **settings):
    return {entry.address: entry.reason for entry in plan(raw, **settings).routes(host).left_out}


def test_it_is_routed_where_its_routers_gateway_port_is_and_the_routers_own_address_with_it():
    found = plan(document())
    assert found.routes("hv2").routes == ("10.64.7.7/32 dev br-mobile", "203.0.113.9/32 dev br-mobile")
    assert found.routes("hv1").routes == ()


def test_a_network_announces_none_unless_it_says_so():
    assert plan(document(), floating_ips=False).routes("hv2").routes == ()
    assert reasons(document(), "hv2", floating_ips=False) == {
        "10.64.7.7": "device owner network:router_gateway is not announced"
    }


def test_a_routers_interface_is_in_its_own_namespace_so_no_tap_is_waited_for():
    assert plan(document()).routes("hv2").taps == ()


def test_its_static_neighbor_is_the_routers_interface():
    (neighbor, _other) = plan(document(), static_neighbors=True).routes("hv2").neighbors[::-1]
    assert (neighbor.address, neighbor.mac) == ("203.0.113.9", "fa:16:3e:00:00:01")


def test_one_that_no_router_has_leads_nowhere():
    assert plan(document(floating=[("203.0.113.9", None)])).routes("hv2").routes == ("10.64.7.7/32 dev br-mobile",)


def test_of_a_router_without_a_bound_gateway_port_it_is_told_that_no_host_has_it():
    raw = document()
    raw["ports"][0].update({"binding:host_id": "", "binding:vif_type": "unbound"})
    told = {entry.address: entry.reason for entry in plan(raw).unplaced(HOSTS)}
    assert told == {"10.64.7.7": "bound to no host", "203.0.113.9": "bound to no host"}


def test_a_distributed_routers_is_left_out_with_the_reason():
    assert reasons(document(distributed=True), "hv2") == {
        "203.0.113.9": "router r1 is distributed: no port tells which host delivers the address"
    }


def test_a_gateway_port_whose_binding_failed_delivers_nothing():
    raw = document()
    raw["ports"][0]["binding:vif_type"] = "binding_failed"
    assert plan(raw).routes("hv2").routes == ()
    assert len(reasons(raw, "hv2")) == 2


@pytest.mark.parametrize("host", ["hv1", "hv2"])
@pytest.mark.parametrize("announced", [True, False])
def test_a_pair_of_somebodys_never_takes_a_floating_ip(host, announced):
    thief = port("thief", host, "compute:nova", "vm", "10.64.1.1", pairs=["203.0.113.9"])
    raw = document(thief)
    if not announced:
        del raw["floatingips"]
    found = plan(raw, floating_ips=announced)
    assert reasons(raw, host, floating_ips=announced)["203.0.113.9"] == "the fixed address of keeper, which keeps it"
    on = [name for name in HOSTS if "203.0.113.9/32 dev br-mobile" in found.routes(name).routes]
    assert on == (["hv2"] if announced else [])


def test_projects_and_tags_select_floating_ips_by_their_own():
    assert len(plan(document(), projects=["tenant"], tags=["public"]).routes("hv2").routes) == 2
    assert reasons(document(), "hv2", projects=["other"]) == {
        "203.0.113.9": "project tenant is not announced (projects of network mobile)"
    }
    assert reasons(document(), "hv2", tags=["private"]) == {
        "203.0.113.9": "has none of the tags private (tags of network mobile)"
    }


def test_one_outside_the_networks_subnets_is_left_out():
    only = {"subnets": NETWORK["subnets"][:1]}
    assert reasons(document(), "hv2", **only) == {"203.0.113.9": "outside the subnets of network mobile"}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda raw: raw.pop("floatingips"),
            "port document: 'floatingips' is missing, which network mobile announces",
        ),
        (lambda raw: raw.pop("routers"), "port document: 'routers' is missing"),
        (
            lambda raw: raw["routers"][0].pop("distributed"),
            "routers[0]: 'distributed' is missing (Neutron shows it to administrators only)",
        ),
        (lambda raw: raw.update(routers=[]), "floatingips[0]: its router 'r1' is not in 'routers'"),
        (
            lambda raw: raw["floatingips"][0].update(floating_ip_address="203.0.113.900"),
            "floatingips[0]: floating_ip_address '203.0.113.900' is no address",
        ),
        (
            lambda raw: raw.update(floatingips_links=[{"rel": "next"}]),
            "port document: 'floatingips' is one page of several (floatingips_links is there): fetch all pages",
        ),
    ],
)
def test_a_document_that_is_not_whole_is_refused(spoil, message):
    raw = document()
    spoil(raw)
    with pytest.raises(ValueError) as raised:
        plan(raw)
    assert str(raised.value) == message


def test_a_selection_by_what_a_floating_ip_lacks_is_refused():
    raw = document(project_id=None)
    with pytest.raises(ValueError, match=r"^port document: floating IP 203.0.113.9 \(f-203.0.113.9\): 'project_id' is"):
        plan(raw, projects=["tenant"])


def test_a_pinned_network_cannot_announce_them():
    pinned = {"plan": "pinned", "subnets": [{"cidr": "10.64.0.0/16", "gateway": "10.64.0.1", "host": "hv1"}]}
    with pytest.raises(ValueError, match="floating_ips are of no segment: the network has to be spanning"):
        provider_networks([{**NETWORK, **pinned, "floating_ips": True}])
