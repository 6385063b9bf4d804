"""What becomes of each port of a real Neutron's answer, the odd ones above all."""

from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.wanted.document import read_document
from ansible_collections.roth.fabric.plugins.module_utils.wanted.ports import Neighbor, PortPlan, instance_routes
from hypothesis import given, settings
from hypothesis import strategies as st
from networks_of_lab import HOSTS, networks, port_named, raw_document


def plan_of(document=None, **changes):
    return PortPlan(read_document(document or raw_document()), networks(**changes))


def reasons(document, host, name, **changes):
    left_out = plan_of(document, **changes).routes(host).left_out
    return {entry.address: entry.reason for entry in left_out if entry.name == name}


def announced_from(prefix, document=None, **changes):
    plan = plan_of(document, **changes)
    return [host for host in HOSTS if any(route.split()[0] == prefix for route in plan.routes(host).routes)]


def test_a_host_gets_exactly_its_good_addresses_subnets_and_loopbacks():
    found = plan_of().routes("hv1", ["192.0.2.11", "2001:db8:ffff::11"])
    assert found.routes == (
        "10.64.0.32/32 dev br-mobile",
        "10.64.1.8/32 dev br-mobile",
        "10.64.1.53/32 dev br-mobile",
        "10.64.1.111/32 dev br-mobile",
        "10.64.1.190/32 dev br-mobile",
        "10.64.1.253/32 dev br-mobile",
        "10.64.3.6/32 dev br-mobile",
        "10.64.200.10/32 dev br-mobile",
        "192.0.2.11/32 dev lo",
        "198.51.100.0/26 dev br-pinned",
        "blackhole 198.51.100.0/26 metric 4294967295",
        "198.51.100.4/32 dev br-pinned",
        "198.51.100.7/32 dev br-pinned",
        "198.51.100.56/32 dev br-pinned",
        "2001:db8:64::bd/128 dev br-mobile",
        "2001:db8:64::11a/128 dev br-mobile",
        "2001:db8:64::152/128 dev br-mobile",
        "2001:db8:64::19d/128 dev br-mobile",
        "2001:db8:64::214/128 dev br-mobile",
        "2001:db8:64::276/128 dev br-mobile",
        "2001:db8:64::305/128 dev br-mobile",
        "2001:db8:100::/64 dev br-pinned",
        "blackhole 2001:db8:100::/64 metric 4294967295",
        "2001:db8:100::95/128 dev br-pinned",
        "2001:db8:100::117/128 dev br-pinned",
        "2001:db8:100::38c/128 dev br-pinned",
        "2001:db8:ffff::11/128 dev lo",
    )
    assert found.ignored == 0
    assert found.neighbors == ()


def test_each_route_of_an_instance_names_the_tap_without_which_it_is_not_here():
    document = raw_document()
    port = port_named(document, "hv1-vm0")
    taps = {tap.prefix: tap.device for tap in plan_of(document).routes("hv1", ["192.0.2.11"]).taps}
    assert taps["10.64.1.53/32"] == taps["2001:db8:64::bd/128"] == f"tap{port['id'][:11]}"
    assert not {"192.0.2.11/32", "198.51.100.0/26"} & taps.keys()


def test_a_port_without_an_interface_of_the_host_names_no_tap():
    document = raw_document()
    port_named(document, "hv1-vm0")["binding:vif_type"] = "vhostuser"
    found = plan_of(document).routes("hv1")
    assert "10.64.1.53/32 dev br-mobile" in found.routes
    assert "10.64.1.53/32" not in {tap.prefix for tap in found.taps}


def test_each_left_out_address_has_port_id_name_and_reason():
    entries = [(e.name, e.address, e.reason) for e in plan_of().routes("hv1").left_out]
    shared = "held by 3 ports: hv1-vm2, hv2-vm2, hv3-vm2 (shared_addresses: none)"
    assert entries == [
        ("dhcp-hv1", "10.64.0.2", "device owner network:dhcp is not announced"),
        ("dhcp-hv1", "2001:db8:64::2", "device owner network:dhcp is not announced"),
        ("hv1-vm2", "10.64.250.1", shared),
        ("hv1-vm2", "2001:db8:64::fa01", shared),
        ("hv1-vm3", "10.64.251.0/28", "allowed address pair shorter than /32 (pair_prefix_length)"),
        ("hv1-vm5", "10.64.1.191", "administratively down"),
        ("hv1-vm5", "2001:db8:64::3c5", "administratively down"),
    ]
    document = raw_document()
    ids = {entry.port_id for entry in plan_of(document).routes("hv1").left_out}
    assert ids == {port_named(document, name)["id"] for name in ("dhcp-hv1", "hv1-vm2", "hv1-vm3", "hv1-vm5")}


def test_ports_on_no_known_host_are_reported_once_for_all():
    entries = [(e.name, e.address, e.reason) for e in plan_of().unplaced(HOSTS)]
    elsewhere = "bound to nosuchhost, which is no hypervisor of this inventory"
    assert entries == [
        ("binding-failed", "10.64.2.71", elsewhere),
        ("binding-failed", "2001:db8:64::107", elsewhere),
        ("unbound", "10.64.1.159", "bound to no host"),
        ("unbound", "2001:db8:64::1a", "bound to no host"),
    ]
    for address in ("10.64.2.71/32", "10.64.1.159/32"):
        assert announced_from(address) == []


def test_a_dhcp_port_on_a_network_node_is_not_reported():
    document = raw_document()
    port_named(document, "dhcp-hv1")["binding:host_id"] = "network-node"
    assert "dhcp-hv1" not in {entry.name for entry in plan_of(document).unplaced(HOSTS)}


@pytest.mark.parametrize(
    ("vif_type", "words"),
    [
        ("binding_failed", "binding to hv1 failed"),
        ("unbound", "not wired"),
        ("hw_veb", "bypasses the host's bridge"),
        ("distributed", "all hosts at once"),
    ],
)
def test_a_port_whose_binding_is_not_good_is_not_announced(vif_type, words):
    document = raw_document()
    port_named(document, "hv1-vm0")["binding:vif_type"] = vif_type
    found = reasons(document, "hv1", "hv1-vm0")
    assert found.keys() == {"10.64.1.53", "2001:db8:64::bd"}
    assert all(words in reason for reason in found.values())
    assert announced_from("10.64.1.53/32", document) == []


def test_a_live_migration_under_way_changes_nothing_before_it_is_activated():
    assert announced_from("10.64.0.32/32") == ["hv1"]


def test_a_pair_that_one_port_holds_is_announced_from_its_host():
    assert announced_from("10.64.200.10/32") == ["hv1"]
    assert announced_from("10.64.200.12/32") == ["hv3"]


def test_a_shared_address_is_announced_from_nowhere_by_default():
    assert announced_from("10.64.250.1/32") == []
    assert announced_from("2001:db8:64::fa01/128") == []


def test_a_shared_address_is_announced_from_all_holders_as_anycast():
    assert announced_from("10.64.250.1/32", mobile={"shared_addresses": "anycast"}) == ["hv1", "hv2", "hv3"]


def test_anycast_leaves_out_the_holder_that_is_down():
    document = raw_document()
    port_named(document, "hv2-vm2")["admin_state_up"] = False
    assert announced_from("10.64.250.1/32", document, mobile={"shared_addresses": "anycast"}) == ["hv1", "hv3"]


@pytest.mark.parametrize("change", [{"admin_state_up": False}, {"binding:vif_type": "binding_failed"}])
def test_a_shared_address_does_not_flap_with_the_state_of_its_other_holders(change):
    document = raw_document()
    for name in ("hv2-vm2", "hv3-vm2"):
        port_named(document, name).update(change)
    assert announced_from("10.64.250.1/32", document) == []


def test_an_unbound_holder_does_not_count():
    document = raw_document()
    for name in ("hv2-vm2", "hv3-vm2"):
        port_named(document, name).update({"binding:host_id": "", "binding:vif_type": "unbound"})
    assert announced_from("10.64.250.1/32", document) == ["hv1"]


@pytest.mark.parametrize("shared", ["none", "anycast"])
def test_a_fixed_address_stays_with_its_port_when_another_port_puts_it_into_its_pairs(shared):
    document = raw_document()
    port_named(document, "hv2-vm0")["allowed_address_pairs"] = [{"ip_address": "10.64.1.53"}]
    mobile = {"shared_addresses": shared}
    assert announced_from("10.64.1.53/32", document, mobile=mobile) == ["hv1"]
    assert reasons(document, "hv2", "hv2-vm0", mobile=mobile) == {
        "10.64.1.53": "the fixed address of hv1-vm0, which keeps it"
    }


def test_the_same_fixed_address_on_two_ports_is_announced_from_neither():
    document = raw_document()
    port_named(document, "hv2-vm0")["fixed_ips"][0]["ip_address"] = "10.64.1.53"
    assert announced_from("10.64.1.53/32", document) == []


def test_a_pair_that_repeats_the_ports_own_address_is_no_second_holder():
    document = raw_document()
    port_named(document, "hv1-vm0")["allowed_address_pairs"] = [{"ip_address": "10.64.1.53"}] * 2
    assert announced_from("10.64.1.53/32", document) == ["hv1"]


def test_a_short_pair_is_routed_where_its_length_is_allowed_and_one_port_holds_it():
    document = raw_document()
    for name in ("hv2-vm3", "hv3-vm3"):
        port_named(document, name)["allowed_address_pairs"] = []
    lengths = {"pair_prefix_length": {"ipv4": 28}}
    assert announced_from("10.64.251.0/28", document) == []
    assert announced_from("10.64.251.0/28", document, mobile=lengths) == ["hv1"]


def test_a_short_pair_of_several_ports_is_shared_like_any_other():
    found = reasons(raw_document(), "hv1", "hv1-vm3", mobile={"pair_prefix_length": {"ipv4": 28}})
    assert found == {"10.64.251.0/28": "held by 3 ports: hv1-vm3, hv2-vm3, hv3-vm3 (shared_addresses: none)"}


@pytest.mark.parametrize("pair", ["203.0.113.7", "0.0.0.0/0", "::/0", "fe80::1"])
def test_a_pair_outside_the_networks_subnets_is_refused(pair):
    document = raw_document()
    port_named(document, "hv1-vm0")["allowed_address_pairs"] = [{"ip_address": pair}]
    assert reasons(document, "hv1", "hv1-vm0") == {pair: "outside the subnets of network mobile"}


@pytest.mark.parametrize(
    ("pair", "reason"),
    [("10.64.0.1", "the gateway of 10.64.0.0/16"), ("10.64.0.0/24", "contains the gateway of 10.64.0.0/16")],
)
def test_a_pair_cannot_take_the_gateway(pair, reason):
    document = raw_document()
    port_named(document, "hv1-vm0")["allowed_address_pairs"] = [{"ip_address": pair}]
    assert reasons(document, "hv1", "hv1-vm0", mobile={"pair_prefix_length": {"ipv4": 24}}) == {pair: reason}


def test_without_a_gateway_no_address_is_one():
    document = raw_document()
    port_named(document, "hv1-vm0")["allowed_address_pairs"] = [{"ip_address": "10.64.0.1"}]
    subnets = [{"cidr": "10.64.0.0/16"}, {"cidr": "2001:db8:64::/64"}]
    assert reasons(document, "hv1", "hv1-vm0", mobile={"subnets": subnets}) == {}
    assert announced_from("10.64.0.1/32", document, mobile={"subnets": subnets}) == ["hv1"]


def test_each_address_of_a_port_is_judged_by_its_own_subnet():
    """LP#1764738: one port, IPv4 from this host's segment and IPv6 from another's."""
    document = raw_document()
    foreign = next(s["id"] for s in document["subnets"] if s["cidr"] == "2001:db8:200::/64")
    port_named(document, "hv1-pin0")["fixed_ips"][1] = {"ip_address": "2001:db8:200::7", "subnet_id": foreign}
    assert announced_from("198.51.100.56/32", document) == ["hv1"]
    assert announced_from("2001:db8:200::7/128", document) == []
    assert reasons(document, "hv1", "hv1-pin0") == {
        "2001:db8:200::7": "in 2001:db8:200::/64, which is pinned to hv2, but the port is on hv1"
    }


def test_ports_of_other_networks_are_only_counted():
    document = raw_document()
    document["networks"].append({"id": "other", "name": "other", "subnets": []})
    for name in ("hv1-vm0", "hv1-vm1"):
        port_named(document, name)["network_id"] = "other"
    found = plan_of(document).routes("hv1")
    assert found.ignored == 2
    assert not {"hv1-vm0", "hv1-vm1"} & {entry.name for entry in found.left_out}
    assert announced_from("10.64.1.53/32", document) == []


def test_an_aggregate_covers_its_ports_whatever_their_state():
    document = raw_document()
    port_named(document, "hv1-pin0")["admin_state_up"] = False
    found = plan_of(document, pinned={"announce": "aggregate"}).routes("hv1")
    assert [route for route in found.routes if "pinned" in route or "blackhole" in route] == [
        "198.51.100.0/26 dev br-pinned",
        "blackhole 198.51.100.0/26 metric 4294967295",
        "2001:db8:100::/64 dev br-pinned",
        "blackhole 2001:db8:100::/64 metric 4294967295",
    ]
    assert "hv1-pin0" not in {entry.name for entry in found.left_out}


def test_other_device_owners_are_announced_on_request():
    document = read_document(raw_document())
    found = instance_routes(document, networks(), "hv1", device_owners=["compute:", "network:dhcp"])
    assert "10.64.0.2/32 dev br-mobile" in found.routes


def test_static_neighbors_are_the_ports_and_the_pairs_mac_addresses():
    found = plan_of(mobile={"static_neighbors": True}).routes("hv1").neighbors
    assert Neighbor("10.64.1.53", "fa:16:3e:d3:01:2f", "br-mobile") in found
    assert Neighbor("10.64.200.10", "fa:16:3e:51:f9:bc", "br-mobile") in found
    assert {entry.device for entry in found} == {"br-mobile"}
    assert "10.64.250.1" not in {entry.address for entry in found}


def test_a_pair_that_is_a_whole_range_gets_no_static_neighbor():
    document = raw_document()
    port_named(document, "hv1-vm0")["allowed_address_pairs"] = [{"ip_address": "10.64.9.0/28"}]
    changes = {"static_neighbors": True, "pair_prefix_length": {"ipv4": 28}}
    found = plan_of(document, mobile=changes).routes("hv1")
    assert "10.64.9.0/28 dev br-mobile" in found.routes
    assert "10.64.9.0" not in {entry.address for entry in found.neighbors}


def test_an_address_with_two_macs_gets_no_static_neighbor():
    document = raw_document()
    port_named(document, "hv1-vm0")["allowed_address_pairs"] = [
        {"ip_address": "10.64.9.9", "mac_address": mac} for mac in ("02:00:00:00:00:01", "02:00:00:00:00:02")
    ]
    found = plan_of(document, mobile={"static_neighbors": True}).routes("hv1")
    assert "10.64.9.9/32 dev br-mobile" in found.routes
    assert "10.64.9.9" not in {entry.address for entry in found.neighbors}


@settings(max_examples=20, deadline=None)
@given(st.permutations(raw_document()["ports"]))
def test_the_order_of_ports_does_not_matter(ports):
    assert plan_of({**raw_document(), "ports": ports}).routes("hv2") == plan_of().routes("hv2")


def test_no_address_is_announced_from_two_hosts():
    routes = [route for host in HOSTS for route in plan_of().routes(host).routes]
    assert len(routes) == len(set(routes))


def test_a_provider_network_that_neutron_did_not_name_is_an_error():
    with pytest.raises(ValueError, match="network 'nosuch' of roth_provider_networks is not in it"):
        plan_of(mobile={"name": "nosuch"})


def test_two_networks_of_one_name_are_an_error():
    document = raw_document()
    document["networks"].append({"id": "other", "name": "mobile", "subnets": []})
    with pytest.raises(ValueError, match="2 networks are named 'mobile': give the id"):
        plan_of(document)


def test_a_network_may_be_given_by_id():
    document = raw_document()
    mobile = next(n["id"] for n in document["networks"] if n["name"] == "mobile")
    assert announced_from("10.64.1.53/32", document, mobile={"name": mobile}) == ["hv1"]


def test_an_address_whose_subnet_is_not_in_the_answer_is_an_error():
    document = raw_document()
    port_named(document, "hv1-vm0")["fixed_ips"][0]["subnet_id"] = "gone"
    with pytest.raises(ValueError, match=r"port hv1-vm0 .*10\.64\.1\.53: its subnet gone is not in 'subnets'"):
        plan_of(document)


def test_only_ports_of_the_networks_projects_are_announced():
    document = raw_document()
    port_named(document, "hv1-vm0")["project_id"] = "blue"
    found = plan_of(document, mobile={"projects": ["blue", "green"]}).routes("hv1")
    assert [route for route in found.routes if route.startswith("10.64.")] == ["10.64.1.53/32 dev br-mobile"]
    words = "project fake_project_id is not announced (projects of network mobile)"
    assert words in {entry.reason for entry in found.left_out}


def test_only_ports_with_one_of_the_networks_tags_are_announced():
    document = raw_document()
    port_named(document, "hv1-vm0")["tags"] = ["public", "web"]
    found = plan_of(document, mobile={"tags": ["public"]}).routes("hv1")
    assert [route for route in found.routes if route.startswith("10.64.")] == ["10.64.1.53/32 dev br-mobile"]
    assert "has none of the tags public (tags of network mobile)" in {entry.reason for entry in found.left_out}


def test_a_port_that_is_not_announced_keeps_its_address_from_others():
    document = raw_document()
    address = port_named(document, "hv2-vm0")["fixed_ips"][0]["ip_address"]
    owner, other = port_named(document, "hv2-vm0"), port_named(document, "hv1-vm0")
    owner["project_id"], other["project_id"] = "private", "public"
    other["allowed_address_pairs"] = [{"ip_address": address, "mac_address": other["mac_address"]}]
    assert announced_from(f"{address}/32", document, mobile={"projects": ["public"]}) == []


@pytest.mark.parametrize(("key", "selection"), [("project_id", "projects"), ("tags", "tags")])
def test_a_document_that_cannot_tell_what_is_selected_is_an_error(key, selection):
    document = raw_document()
    del port_named(document, "hv1-vm0")[key]
    with pytest.raises(ValueError, match=f"{key!r} is missing, by which network mobile selects"):
        plan_of(document, mobile={selection: ["x"]})
    plan_of(document)


def test_tags_that_are_no_strings_are_refused():
    document = raw_document()
    port_named(document, "hv1-vm0")["tags"] = [1]
    with pytest.raises(ValueError, match="'tags' has something else than strings"):
        plan_of(document)


def test_allowed_address_pairs_can_be_switched_off():
    reason = "allowed address pairs are not announced (address_pairs of network mobile)"
    assert announced_from("10.64.200.10/32", mobile={"address_pairs": False}) == []
    found = {e.address: e.reason for e in plan_of(mobile={"address_pairs": False}).routes("hv1").left_out}
    assert found["10.64.200.10"] == found["10.64.251.0/28"] == reason
    assert announced_from("10.64.1.53/32", mobile={"address_pairs": False}) == ["hv1"]
