"""What the lab puts into a host with Neutron's layer-2 agent."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest
from lab import l2agent
from lab.topology import Topology, load, parse

INVENTORIES = Path(__file__).parents[3] / "inventories"
UNITS = "etc/systemd/system"


@pytest.fixture(scope="module")
def full() -> Topology:
    return load(INVENTORIES / "lab-neutron-full/topology.yml")


@pytest.fixture(scope="module")
def files(full) -> dict[str, str]:
    return {file.path: file.link or file.text for file in l2agent.files(full, "hv2")}


def ini(text: str) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser()
    parsed.read_string(text)
    return parsed


@pytest.mark.parametrize(
    ("lab", "hosts"), [("lab", []), ("lab-neutron", []), ("lab-neutron-full", ["hv1", "hv2", "hv3"])]
)
def test_agents_run_on_the_hosts_of_the_full_lab_only(lab, hosts):
    assert list(load(INVENTORIES / lab / "topology.yml").agents) == hosts


def test_an_agent_knows_its_host_its_bridges_and_the_way_to_the_bus(full, files):
    read = ini(files["etc/neutron/host.ini"])
    assert read["DEFAULT"]["host"] == "hv2"
    assert read["DEFAULT"]["transport_url"] == "rabbit://neutron:neutron@10.255.9.1:5672/"
    mappings = dict(pair.split(":") for pair in read["ovs"]["bridge_mappings"].split(","))
    assert mappings == dict(full.agents["hv2"]) == {"rpn-hv2": "br-mobile", "pin-hv2": "br-pinned"}


def test_the_bus_is_found_by_ipv6_where_the_controller_has_nothing_else():
    topology = parse(
        {
            "nodes": {"spine": {}, "c": {"neutron": {"mode": "full", "bridge_mappings": {"spine": {}}}}},
            "links": [{"spine:c": ["2001:db8::/127"], "c:eth0": ["2001:db8::1/127"]}],
        }
    )
    assert l2agent.bus_address(topology) == "[2001:db8::1]"


def test_the_database_listens_where_the_agent_looks_for_it(files):
    connection = ini(files["etc/neutron/openvswitch_agent.ini"])["ovs"]["ovsdb_connection"]
    proto, address, port = connection.split(":")
    assert proto == "tcp"
    assert f"set-manager ptcp:{port}:{address}" in files[f"{UNITS}/ovsdb-server.service.d/lab.conf"]


def test_the_agent_starts_with_its_node_and_its_files_are_there(files):
    unit = files[f"{UNITS}/{l2agent.SERVICE}"]
    assert files[f"{UNITS}/multi-user.target.wants/{l2agent.SERVICE}"] == f"/{UNITS}/{l2agent.SERVICE}"
    named = re.findall(r"(?:--config-file |EnvironmentFile=)/([\w./]+)", unit)
    assert len(named) == 3
    assert set(named) <= set(files)


def test_the_agent_waits_for_each_of_its_bridges(files):
    assert files["etc/neutron/bridges.env"] == "BRIDGES=br-mobile br-pinned\n"
    assert "for bridge in $BRIDGES; do ovs-vsctl wait-until Bridge" in files[f"{UNITS}/{l2agent.SERVICE}"]
