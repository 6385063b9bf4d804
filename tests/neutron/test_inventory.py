"""The inventory plugin, asked with the lab's Neutron."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.lab.fabric import INVENTORY, Fabric
from tests.unit.plugins.inventory.listing import routed

from .cloud import inventory_from_neutron

SETTINGS = {
    "mobile": {"gateway_mac": "02:8e:00:00:00:01", "announce": "host_routes"},
    "pinned": {"announce": "both"},
}


def test_the_inventory_from_neutron_is_the_one_that_was_written_by_hand(fabric: Fabric, tmp_path: Path) -> None:
    found = inventory_from_neutron(tmp_path, ["mobile", "pinned"], SETTINGS)
    assert sorted(found["hypervisors"]["hosts"]) == sorted(fabric.hosts)
    variables = found["_meta"]["hostvars"]["hv1"]
    assert variables["roth_physical_networks"] == {"mobile": ["rpn-hv1"], "pinned": ["pin-hv1"]}
    written = yaml.safe_load((INVENTORY / "group_vars" / "all.yml").read_text())["roth_provider_networks"]
    # rows that the lab wrote for hosts with Linux bridges say nothing of Open vSwitch, its real agents do
    kind = {"bridge_kind": "openvswitch"} if fabric.topology.agents else {}
    assert [routed(each) for each in variables["roth_provider_networks"]] == [routed(each | kind) for each in written]
