"""What ovs-vsctl 3.1 printed, read as bridges and ports."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.openvswitch.model import Found, FoundBridge, FoundPort
from ansible_collections.roth.fabric.plugins.module_utils.openvswitch.vsctl import found_in

RECORDED = (Path(__file__).parent / "recorded" / "ovs_vsctl.txt").read_text()


def test_ports_are_told_apart_from_the_local_port_and_patch_ports():
    found = found_in(RECORDED).bridges
    assert found["br-mobile"] == FoundBridge(
        "br-mobile", "netdev", "02:8e:00:00:00:01", 1500, (), True, {"roth": "mobile"}
    )
    assert found["br-int"].ports == ("tap48c996bf-5f",)


def test_an_empty_datapath_type_is_the_systems_and_a_bridge_without_a_port_number_does_not_work():
    dead = found_in(RECORDED).bridges["br-dead"]
    assert (dead.datapath_type, dead.works, dead.ours, dead.mac, dead.mtu) == ("system", False, False, None, None)


def test_an_open_vswitch_without_bridges_prints_empty_tables():
    assert found_in('{"data":[],"headings":["name"]}\n' * 3) == Found()


def test_a_port_has_its_vlan_its_peer_and_its_marks_and_an_agents_has_none_of_ours():
    ports = found_in(RECORDED).ports
    assert ports["ra0a7a535a-101"] == FoundPort(
        "ra0a7a535a-101", "br-provider", "patch", "rn0a7a535a-101", 101, {"roth": "layered"}
    )
    assert ports["rn0a7a535a-101"] == FoundPort(
        "rn0a7a535a-101", "br-layered", "patch", "ra0a7a535a-101", None, {"roth": "layered"}
    )
    assert ports["tap48c996bf-5f"] == FoundPort("tap48c996bf-5f", "br-int", "internal", None, 1)
    assert [port.ours for port in (ports["int-br-mobile"], ports["phy-br-mobile"])] == [False, False]


def test_a_local_port_is_its_bridges_and_no_port_of_its_own():
    found = found_in(RECORDED)
    assert found.ports.keys() & found.bridges.keys() == set()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}\n{}\n{}",
        '{"data":[],"headings":[]}\n' * 2,
        RECORDED.replace("uuid", "guid"),
        RECORDED.replace('"interfaces"', '"others"'),
        RECORDED.replace("1500", "null"),
        RECORDED.replace('"tag"', '"vlan"'),
        RECORDED.replace('["uuid","' + RECORDED.split('"tap48c996bf-5f",["uuid","')[1][:36] + '"]', '["set",[]]'),
        "[" * 3,
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="ovs-vsctl printed something else than three tables"):
        found_in(text)
