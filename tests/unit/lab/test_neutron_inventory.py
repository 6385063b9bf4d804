"""The inventory with a real Neutron agrees with the lab that it extends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from lab.api import PORT
from lab.instances import inventory_file, read_document, read_networks
from lab.topology import Topology, load

LAB = Path(__file__).parents[3] / "inventories" / "lab"
NEUTRON = LAB.with_name("lab-neutron")


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load(NEUTRON / "topology.yml")


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def test_it_adds_the_controller_and_nothing_else(topology):
    lab = load(LAB / "topology.yml")
    assert set(topology.nodes) - set(lab.nodes) == {"controller"}
    assert {name: topology.nodes[name] for name in lab.nodes} == dict(lab.nodes)
    assert lab.controller is None
    groups = read(NEUTRON / "hosts.yml")["all"]["children"]["lab"]["children"]
    assert groups == {"controllers": {"hosts": {"controller": None}}}


def test_every_hypervisor_has_an_agent_with_a_bridge_of_each_provider_network(topology):
    mappings = topology.controller.neutron.bridge_mappings
    hypervisors = read(LAB / "hosts.yml")["all"]["children"]["lab"]["children"]["hypervisors"]["hosts"]
    assert set(mappings) == set(hypervisors)
    bridges = sorted(network["bridge"] for network in read_networks(NEUTRON))
    assert all(sorted(each.values()) == bridges for each in mappings.values())


def test_physical_networks_are_those_of_the_document(topology):
    """What Neutron has been asked for once, and answered, is what the kit makes again."""
    document = read_document(inventory_file(NEUTRON, "neutron.json"))
    known = {it["provider:physical_network"] for network in document["networks"] for it in network["segments"]}
    mappings = topology.controller.neutron.bridge_mappings
    assert {name for bridges in mappings.values() for name in bridges} == known


def test_clouds_yaml_leads_to_the_controllers_address(topology):
    entry = read(NEUTRON / "clouds.yaml")["clouds"][read(NEUTRON / "group_vars/all.yml")["roth_neutron_cloud"]]
    endpoint = urlsplit(entry["network_endpoint_override"])
    assert entry["auth_type"] == "none"
    (end,) = topology.ends_of("controller")
    assert endpoint.hostname in {str(address.ip) for address in end.addresses}
    assert endpoint.port == PORT


def test_the_full_mode_differs_in_the_mode_only(topology):
    full = load(NEUTRON.with_name("lab-neutron-full") / "topology.yml")
    assert full.controller.neutron == replace(topology.controller.neutron, mode="full")
    assert replace(full.controller, neutron=topology.controller.neutron) == topology.controller
    assert full.links == topology.links


def test_the_full_modes_networks_are_the_labs():
    """Their bridges' kind is a template of Ansible's, which only the lab itself renders."""
    full = NEUTRON.with_name("lab-neutron-full")
    assert read_networks(full) == read_networks(LAB)
    assert "'bridge_kind': 'openvswitch'" in read(full / "group_vars/all.yml")["roth_provider_networks"]
