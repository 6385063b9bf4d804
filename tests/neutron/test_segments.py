"""A host in three segments of one network, and instances with IPv4 from one of them and IPv6 from another.

With Neutron's own agents (NEUTRON=full) the network has an Open vSwitch of its own beside the agent's, which serves the
physical network: the lab has that of network pinned there.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab import instances
from lab.api import Api

from tests.lab.fabric import INVENTORY, Fabric, eventually
from tests.lab.playbooks import AT_ONCE

from .cloud import NEUTRON, inventory_from_neutron, play_from_neutron, prefixes

HOST = "hv1"
FIRST, SECOND, THIRD = "10.66.1.0/26", "10.66.2.0/26", "2001:db8:66:3::/64"
SUBNETS: list[dict[str, Any]] = [
    {"cidr": FIRST, "gateway": "10.66.1.1", "host": HOST, "segmentation_id": 101},
    {"cidr": SECOND, "gateway": "10.66.2.1", "host": HOST, "segmentation_id": 102},
    {
        "cidr": THIRD,
        "gateway": "2001:db8:66:3::1",
        "host": HOST,
        "segmentation_id": 103,
        "ipv6_mode": "dhcpv6-stateful",
    },
]
LAYERED = {
    "name": "layered",
    "bridge": "br-layered",
    "physical_network": "pin-{host}",
    "plan": "pinned",
    "mtu": 1500,
    "subnets": SUBNETS,
}
KIND = {"bridge_kind": "openvswitch"}
AGENTS = "br-pinned"
"""Where the agent of the host has physical network pin-hv1."""
ROLES = ("tor", "host_network", "provider_network", "firewall", "route_agent", "port_watcher", "instance_routes")
PART = ("--limit", f"{HOST}:tors", "--tags", ",".join(("preflight", *ROLES)))
"""What of `site.yml` a network of one host concerns; all of it takes three times as long."""
RATE = 200.0  # packets a second
HOPS = {"tor1": {"10.1.1.1", "2001:db8:1:1::b"}, "tor2": {"10.2.1.1", "2001:db8:2:1::b"}}


@dataclass(frozen=True)
class Layered:
    """The lab with the network: the options that a playbook needs, the network's subnets by prefix, its ports."""

    options: tuple[str, ...]
    subnets: dict[str, dict[str, Any]]
    ports: tuple[dict[str, Any], ...]


def _network(api: Api) -> dict[str, Any]:
    (network,) = api.rows("networks", [("name", "layered")])
    return network


def _port(api: Api, name: str, subnets: list[dict[str, Any]]) -> dict[str, Any]:
    fields = {"binding:host_id": HOST, "device_owner": "compute:nova", "device_id": name}
    fixed = {"fixed_ips": [{"subnet_id": subnet["id"]} for subnet in subnets]} if subnets else {}
    made = api.create("port", name=name, network_id=_network(api)["id"], **fields, **fixed)
    assert made["binding:vif_type"] == "ovs", made
    return made


@pytest.fixture(scope="module")
def layered(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layered]:
    """The network in Neutron and in the fabric, with three instances; gone after the tests."""
    folder = tmp_path_factory.mktemp("layered") / "lab"
    shutil.copytree(INVENTORY / "group_vars", folder / "group_vars")
    (folder / "topology.yml").write_text(yaml.safe_dump({"extends": str(NEUTRON)}))
    variables = yaml.safe_load((INVENTORY / "group_vars" / "all.yml").read_text())
    kind = KIND if Fabric.running().topology.agents else {}
    variables["roth_provider_networks"] = [each | kind for each in variables["roth_provider_networks"]]
    variables["roth_provider_networks"].append(LAYERED | kind | ({"agent_bridge": AGENTS} if kind else {}))
    (folder / "group_vars" / "all.yml").write_text(yaml.safe_dump(variables))
    networks = json.dumps({"roth_provider_networks": variables["roth_provider_networks"]})
    options = ("-e", networks, *AT_ONCE)
    try:
        play_from_neutron("networks.yml", *options)
        subnets = {row["cidr"]: row for row in api.rows("subnets", [("network_id", _network(api)["id"])])}
        chosen = [_port(api, "layered-first", [subnets[FIRST], subnets[THIRD]])]
        chosen.append(_port(api, "layered-second", [subnets[SECOND], subnets[THIRD]]))
        chosen.append(_port(api, "layered-any", []))
        play_from_neutron("site.yml", *options, *PART)
        fabric = Fabric.running()
        instances.plug(fabric.settings, fabric.topology, folder, names=[port["name"] for port in chosen])
        yield Layered(options, subnets, tuple(chosen))
    finally:
        _remove(api)


def _remove(api: Api) -> None:
    fabric = Fabric.running()
    for row in api.rows("networks", [("name", "layered")]):
        for port in api.rows("ports", [("network_id", row["id"])]):
            if port["id"] in fabric.instances:
                instances.unplug(fabric.settings, [port["id"]])
            api.delete("port", port["id"])
        api.delete("network", row["id"])
    play_from_neutron("site.yml", *AT_ONCE, *PART)


def segments(layered: Layered, port: dict[str, Any]) -> set[str]:
    """The segments of a port's addresses, each through its subnet."""
    by_id = {row["id"]: row["segment_id"] for row in layered.subnets.values()}
    return {by_id[fixed["subnet_id"]] for fixed in port["fixed_ips"]}


def test_the_kit_made_three_segments_of_the_network_for_one_host(api: Api, layered: Layered) -> None:
    rows = api.rows("segments", [("network_id", _network(api)["id"])])
    assert {(row["name"], row["physical_network"], row["segmentation_id"]) for row in rows} == {
        (f"pin-hv1-{vlan}", "pin-hv1", vlan) for vlan in (101, 102, 103)
    }
    assert len({row["segment_id"] for row in layered.subnets.values()}) == 3


def test_ports_have_ipv4_from_one_segment_and_ipv6_from_another(layered: Layered) -> None:
    assert [len(segments(layered, port)) for port in layered.ports] == [2, 2, 2]
    assert segments(layered, layered.ports[0]) != segments(layered, layered.ports[1])


def test_the_client_reaches_every_address_of_them(fabric: Fabric, layered: Layered) -> None:
    addresses = [fixed["ip_address"] for port in layered.ports for fixed in port["fixed_ips"]]
    assert len(addresses) == 6
    answers = fabric.reach("client", addresses, 60)
    assert None not in answers.values(), answers


def test_both_switches_have_each_address_from_the_host(fabric: Fabric, layered: Layered) -> None:
    mine = set().union(*(prefixes(port) for port in layered.ports))
    for name in fabric.switches:
        found = eventually(partial(_paths, fabric, name, mine), lambda found: found.keys() == mine, f"{mine} at {name}")
        assert set().union(*found.values()) <= HOPS[name], found


def _paths(fabric: Fabric, switch: str, wanted: set[str]) -> dict[str, set[str]]:
    return {prefix: hops for prefix, hops in fabric.prefixes_at(switch).items() if prefix in wanted}


def test_instances_of_different_segments_reach_each_other_on_their_host(fabric: Fabric, layered: Layered) -> None:
    others = [fixed["ip_address"] for port in layered.ports[1:] for fixed in port["fixed_ips"]]
    answers = fabric.reach("layered-first", others, 60)
    assert None not in answers.values(), answers


def test_verification_and_reconciliation_find_nothing(layered: Layered, tmp_path: Path) -> None:
    play_from_neutron("verify.yml", *layered.options)
    report = tmp_path / "report.json"
    play_from_neutron("reconcile.yml", *layered.options, "-e", f"reconcile_report={report}")
    found = json.loads(report.read_text())
    assert found["findings"] == []


@pytest.mark.slow
def test_a_second_run_changes_neither_neutron_nor_a_host(layered: Layered) -> None:
    for playbook, part in (("networks.yml", ()), ("site.yml", PART)):
        run = play_from_neutron(playbook, *layered.options, *part)
        assert set(run.changed.values()) == {0}, run.output


def test_the_inventory_from_neutron_names_each_subnets_segment(layered: Layered, tmp_path: Path) -> None:
    found = inventory_from_neutron(tmp_path, ["layered"], {"layered": {"bridge": "br-layered"}})
    variables = found["_meta"]["hostvars"][HOST]
    (network,) = variables["roth_provider_networks"]
    assert variables["roth_physical_networks"]["layered"] == ["pin-hv1"]
    keys = ("cidr", "gateway", "host", "segmentation_id")
    assert sorted(tuple(it[key] for key in keys) for it in network["subnets"]) == [
        tuple(it[key] for key in keys) for it in SUBNETS
    ]
    assert {it["physical_network"] for it in network["subnets"]} == {"pin-hv1"}


# Beside the agent


@pytest.fixture
def beside(fabric: Fabric, layered: Layered) -> None:
    if not fabric.topology.agents:
        pytest.skip("this lab's hosts have no Open vSwitch")


def ours(fabric: Fabric) -> dict[str, object]:
    """The tags of the ports on the agent's bridge that network layered has marked."""
    listed = fabric.run(HOST, "ovs-vsctl", "--format=json", "--columns=name,tag,external_ids", "list", "Port")
    on_it = fabric.run(HOST, "ovs-vsctl", "list-ports", AGENTS).split()
    return {
        name: tag
        for name, tag, (_map, ids) in json.loads(listed)["data"]
        if name in on_it and ["roth", "layered"] in ids
    }


def cookies(fabric: Fabric) -> set[str]:
    """Of all flows in the agent's two bridges. Each start of it has others, and takes the old ones away at the end."""
    shown = [fabric.run(HOST, "ovs-ofctl", "-OOpenFlow13", "dump-flows", bridge) for bridge in ("br-int", AGENTS)]
    return set(re.findall(r"cookie=(\w+)", "".join(shown)))


@pytest.mark.usefixtures("beside")
def test_a_pair_of_patch_ports_leads_to_each_vlan_of_the_agents_bridge(fabric: Fabric) -> None:
    assert sorted(ours(fabric).values(), key=str) == [101, 102, 103]


@pytest.mark.usefixtures("beside")
def test_the_agents_restart_leaves_our_ports_and_what_comes_through_them(fabric: Fabric, layered: Layered) -> None:
    addresses = [fixed["ip_address"] for port in layered.ports for fixed in port["fixed_ips"]]
    before, flows = ours(fabric), cookies(fabric)
    with fabric.streaming("client", addresses, RATE) as stream:
        fabric.run(HOST, "systemctl", "restart", "neutron-openvswitch-agent")
        eventually(lambda: cookies(fabric), flows.isdisjoint, "no flow of before the agent's restart", 60)
    assert ours(fabric) == before
    assert stream.result.sent > RATE
    assert stream.result.lost == 0, stream.result


@pytest.mark.usefixtures("beside")
def test_with_the_network_gone_nothing_of_ours_is_left_on_the_agents_bridge(api: Api, fabric: Fabric) -> None:
    """The last test here: the network is gone after it."""
    before = set(fabric.run(HOST, "ovs-vsctl", "list-ports", AGENTS).split())
    patches = set(ours(fabric))
    assert len(patches) == 3
    _remove(api)
    assert set(fabric.run(HOST, "ovs-vsctl", "list-ports", AGENTS).split()) == before - patches
    assert "br-layered" not in fabric.run(HOST, "ovs-vsctl", "list-br").split()
