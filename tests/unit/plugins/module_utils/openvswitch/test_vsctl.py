"""What ovs-vsctl 3.1 printed, read as bridges."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.openvswitch.model import FoundBridge
from ansible_collections.roth.fabric.plugins.module_utils.openvswitch.vsctl import found_bridges

RECORDED = (Path(__file__).parent / "recorded" / "ovs_vsctl.txt").read_text()


def test_ports_are_told_apart_from_the_local_port_and_patch_ports():
    found = found_bridges(RECORDED)
    assert found["br-mobile"] == FoundBridge(
        "br-mobile", "netdev", "02:8e:00:00:00:01", 1500, (), True, {"roth": "mobile"}
    )
    assert found["br-int"].ports == ("tap48c996bf-5f",)


def test_an_empty_datapath_type_is_the_systems_and_a_bridge_without_a_port_number_does_not_work():
    dead = found_bridges(RECORDED)["br-dead"]
    assert (dead.datapath_type, dead.works, dead.ours, dead.mac, dead.mtu) == ("system", False, False, None, None)


def test_an_open_vswitch_without_bridges_prints_empty_tables():
    assert found_bridges('{"data":[],"headings":["name"]}\n' * 3) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}\n{}\n{}",
        '{"data":[],"headings":[]}\n' * 2,
        RECORDED.replace("uuid", "guid"),
        RECORDED.replace('"interfaces"', '"others"'),
        RECORDED.replace("1500", "null"),
        "[" * 3,
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="ovs-vsctl printed something else than three tables"):
        found_bridges(text)
