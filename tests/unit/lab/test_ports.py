"""Which ports of a Neutron document become instances, and how these are configured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lab.errors import LabError
from lab.instances import read_networks
from lab.ports import Instance, instances

INVENTORY = Path(__file__).parents[3] / "inventories" / "lab"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads((INVENTORY / "neutron.json").read_text())


@pytest.fixture(scope="module")
def by_name(document) -> dict[str, Instance]:
    return {instance.name: instance for instance in instances(document, read_networks(INVENTORY))}


def test_bound_compute_ports_have_an_instance_on_their_host(by_name):
    assert len(by_name) == 33
    assert {name.split("-")[0] for name in by_name} == {"hv1", "hv2", "hv3"}
    assert all(instance.host == name.split("-")[0] for name, instance in by_name.items())


@pytest.mark.parametrize("name", ["unbound", "binding-failed", "dhcp-hv1"])
def test_odd_ports_have_none(by_name, name):
    assert name not in by_name


def test_a_spanning_network_gives_ipv4_its_subnet_and_ipv6_single_addresses(by_name):
    assert by_name["hv1-vm0"].addresses == ("10.64.1.53/16", "2001:db8:64::bd/128")
    assert by_name["hv1-vm0"].gateways == ("10.64.0.1",)
    assert by_name["hv1-vm0"].bridge == "br-mobile"


def test_a_pinned_network_gives_both_families_their_subnet(by_name):
    assert by_name["hv1-pin0"].addresses == ("198.51.100.56/26", "2001:db8:100::117/64")
    assert by_name["hv1-pin0"].bridge == "br-pinned"


def test_allowed_host_addresses_are_configured_and_the_first_of_a_prefix(by_name):
    assert "10.64.200.10/32" in by_name["hv1-vm1"].addresses
    assert {"10.64.250.1/32", "2001:db8:64::fa01/128"} <= set(by_name["hv2-vm2"].addresses)
    assert "10.64.251.1/32" in by_name["hv3-vm3"].addresses


def test_dhcp_gives_the_fixed_addresses_and_the_tenant_adds_its_pairs(by_name):
    assert by_name["hv1-vm1"].leased == ("10.64.1.190", "2001:db8:64::19d")
    assert by_name["hv1-vm1"].pairs == ("10.64.200.10/32",)


def test_an_admin_down_port_stays_plugged_but_down(by_name):
    assert not by_name["hv1-vm5"].admin_up
    assert by_name["hv1-vm4"].admin_up


def test_taps_are_named_as_neutron_names_them(by_name):
    assert by_name["hv1-vm0"].tap == "tapecb2dd23-2c"


def test_an_instance_survives_json(by_name):
    from dataclasses import asdict

    instance = by_name["hv1-vm1"]
    assert Instance.from_json(json.loads(json.dumps(asdict(instance)))) == instance


def test_a_port_with_an_unknown_subnet_is_named(document):
    port = next(p for p in document["ports"] if p["name"] == "hv1-vm0")
    broken = {**port, "fixed_ips": [{"subnet_id": "no-such-subnet", "ip_address": "10.64.1.53"}]}
    with pytest.raises(LabError, match=r"port hv1-vm0: unknown subnet or missing field 'no-such-subnet'"):
        instances({**document, "ports": [broken]}, read_networks(INVENTORY))


def test_ports_of_networks_the_inventory_does_not_have_are_left_alone(document):
    only_pinned = [network for network in read_networks(INVENTORY) if network["name"] == "pinned"]
    assert {instance.bridge for instance in instances(document, only_pinned)} == {"br-pinned"}
