"""Several VLANs of one network come to its one bridge, by the keys of docs/neutron.md on a real Open vSwitch."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.roth.fabric.plugins.module_utils.layout.bridges import bridges

from .conftest import DEADLINE, Shell, eventually
from .open_vswitch import OpenVswitch, open_vswitch

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "neutron.md").read_text()
INSTANCES = {
    "one": (101, ("10.66.1.5", "2001:db8:66:3::5")),
    "two": (102, ("10.66.2.5", "2001:db8:66:3::6")),
    "moved": (101, ("10.66.2.7", "2001:db8:66:3::7")),
}
"""By name the VLAN that Neutron's agent plugged it into, and its addresses: of segments 101 or 102, and of 103."""
LOCAL_VLANS = {101: 1, 102: 2, 103: 3}
"""What the agent calls them on its integration bridge."""
ADDRESSES = [address for _vlan, addresses in INSTANCES.values() for address in addresses]

Declare = Callable[..., dict[str, Any]]


def section() -> str:
    """The page's part on several segments."""
    return PAGE.split("\n## Several segments of a network on one host\n")[1].split("\n## ")[0]


def layered(**changes: object) -> dict[str, Any]:
    """The page's network as module ovs_bridges takes its bridge on hv1."""
    (entry,) = re.findall(r"^```yaml\n(.*?)^```$", section(), re.MULTILINE | re.DOTALL)
    (bridge,) = bridges(yaml.safe_load(entry)["roth_provider_networks"], "hv1")
    assert bridge.kind == "openvswitch"
    found = {"name": bridge.device, "network": bridge.network, "mac": bridge.mac, "mtu": bridge.mtu}
    return {**found, "agent_bridge": bridge.agent_bridge, "vlans": list(bridge.vlans), **changes}


def gateways() -> tuple[str, ...]:
    (entry,) = re.findall(r"^```yaml\n(.*?)^```$", section(), re.MULTILINE | re.DOTALL)
    return bridges(yaml.safe_load(entry)["roth_provider_networks"], "hv1")[0].gateways


@pytest.fixture
def switch(shell: Shell, tmp_path: Path) -> Iterator[OpenVswitch]:
    """The agent's bridges, wired as neutron-openvswitch-agent does it; no network has a bridge yet."""
    with open_vswitch(tmp_path) as found:
        found.start()
        _agent(found)
        yield found


@pytest.fixture
def declare(switch: OpenVswitch, module: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Run the module with the whole wanted set."""
    for name, value in switch.environment().items():
        monkeypatch.setitem(os.environ, name, value)

    def execute(*wanted: dict[str, Any], **arguments: object) -> dict[str, Any]:
        return module(
            "ovs_bridges",
            bridges=list(wanted),
            **{"datapath_type": "netdev", "database": switch.database, "timeout": 60, **arguments},
        )

    return execute


@pytest.fixture
def instances(shell: Shell, switch: OpenVswitch) -> Iterator[None]:
    """An instance each in its VLAN of the integration bridge."""
    places = {name: subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) for name in INSTANCES}
    try:
        own = Path("/proc/self/ns/net").readlink()
        for name, process in places.items():
            eventually(lambda pid=process.pid: Path(f"/proc/{pid}/ns/net").readlink() != own, True)  # type: ignore[misc]
            _plug(switch, shell, name, process.pid)
        yield
    finally:
        for process in places.values():
            process.kill()
            process.wait(DEADLINE)


def _agent(switch: OpenVswitch) -> None:
    """Bridges, patch ports and flows of the agent (its ovs_neutron_agent.py, br_phys.py and br_int.py)."""
    for bridge in ("br-int", "br-provider"):
        switch.vsctl("add-br", bridge, "--", "set", "Bridge", bridge, "datapath_type=netdev", "fail_mode=secure")
    ends = {"int-br-provider": "br-int", "phy-br-provider": "br-provider"}
    for (name, bridge), peer in zip(ends.items(), reversed(ends), strict=True):
        switch.vsctl(
            *("add-port", bridge, name, "--", "set", "Interface", name, "type=patch", f"options:peer={peer}"),
        )
    for (name, bridge), way in zip(ends.items(), (lambda here, wire: (wire, here), lambda *both: both), strict=True):
        flows = [f"priority=2,in_port={name} actions=drop", "priority=0 actions=NORMAL"]
        for wire, here in LOCAL_VLANS.items():
            came, goes = way(here, wire)
            flows.append(f"priority=4,in_port={name},dl_vlan={came} actions=mod_vlan_vid:{goes},NORMAL")
        for flow in flows:
            switch.command("ovs-ofctl", "--names", "add-flow", f"{switch.folder}/{bridge}.mgmt", flow)


def _plug(switch: OpenVswitch, shell: Shell, name: str, pid: int) -> None:
    vlan, addresses = INSTANCES[name]
    shell(f"ip link add tap-{name} type veth peer name eth0 netns {pid}")
    shell(f"ip link set tap-{name} up")
    inside = f"nsenter --target {pid} --net ip"
    shell(f"{inside} link set eth0 up")
    for address in addresses:
        shell(f"{inside} address add {address}/{64 if ':' in address else 26} dev eth0 nodad")
    shell(f"{inside} route add default via {'10.66.1.1' if addresses[0].startswith('10.66.1.') else '10.66.2.1'}")
    switch.vsctl("add-port", "br-int", f"tap-{name}", f"tag={LOCAL_VLANS[vlan]}")


def route(shell: Shell) -> None:
    """What systemd-networkd and host_routes set on the network's bridge."""
    for gateway in gateways():
        shell(f"ip address add {gateway} dev br-layered nodad")
    shell("ip link set br-layered up")
    for address in ADDRESSES:
        shell(f"ip route add {address}/{128 if ':' in address else 32} dev br-layered")


def silent(seconds: float, addresses: Sequence[str] = ADDRESSES) -> list[str]:
    """Which of these answered no ping of the host's in that time."""
    line = [sys.executable, str(ROOT / "tests" / "lab" / "probe.py"), "reach", str(seconds), *addresses]
    found = json.loads(subprocess.run(line, capture_output=True, text=True, check=True).stdout)
    return [address for address, took in found.items() if took is None]


def ports(switch: OpenVswitch, bridge: str) -> set[str]:
    return set(switch.vsctl("list-ports", bridge).split())


def state(switch: OpenVswitch) -> tuple[object, ...]:
    """All that anybody has set, and the agent's flows."""
    return switch.contents(), switch.flows("br-provider"), switch.flows("br-int")


@pytest.mark.usefixtures("instances")
def test_instances_in_any_vlan_are_reached_by_all_their_addresses_over_the_one_bridge(
    shell: Shell, declare: Declare
) -> None:
    declare(layered(agent_bridge=None, vlans=[]))
    route(shell)
    assert silent(1) == ADDRESSES
    declare(layered())
    assert silent(DEADLINE) == []


@pytest.mark.usefixtures("instances")
def test_with_a_vlan_its_pair_goes_and_the_others_stay(shell: Shell, switch: OpenVswitch, declare: Declare) -> None:
    declare(layered())
    route(shell)
    assert silent(DEADLINE) == []
    done = declare(layered(vlans=[102, 103]))
    assert (done["patches_set"], done["patches_removed"]) == ([], ["ra0a7a535a-101", "rn0a7a535a-101"])
    assert ports(switch, "br-provider") == {"phy-br-provider", "ra0a7a535a-102", "ra0a7a535a-103"}
    assert ports(switch, "br-layered") == {"rn0a7a535a-102", "rn0a7a535a-103"}
    gone = [address for vlan, addresses in INSTANCES.values() if vlan == 101 for address in addresses]
    assert silent(DEADLINE, [address for address in ADDRESSES if address not in gone]) == []
    assert silent(1, gone) == gone


def test_bridge_and_pairs_are_made_at_once_as_the_page_shows_and_a_second_run_changes_nothing(
    switch: OpenVswitch, declare: Declare
) -> None:
    was = state(switch)
    foretold = declare(layered(), check=True)
    assert state(switch) == was
    done = declare(layered())
    assert (done["changed"], done["created"]) == (True, ["br-layered"])
    assert (foretold["diff"], foretold["patches_set"]) == (done["diff"], done["patches_set"])
    assert done["diff"]["before"] == ""
    (shown,) = re.findall(r"^```diff\n(.*?)^```$", section(), re.MULTILINE | re.DOTALL)
    printed = "".join(f"+{line}\n" for line in done["diff"]["after"].splitlines())
    assert printed == shown.replace("datapath_type=system", "datapath_type=netdev")
    is_now = state(switch)
    again = declare(layered())
    assert (again["changed"], again["diff"], state(switch)) == (False, {"before": "", "after": ""}, is_now)


def test_nothing_of_the_agents_bridge_is_touched_but_our_ports_and_all_of_them_go_with_the_network(
    switch: OpenVswitch, declare: Declare
) -> None:
    was = state(switch)
    declare(layered())
    made = {name for name in ports(switch, "br-provider") if name.startswith("ra")}
    rows = switch.contents()["Bridge"]
    agents = [[*row[:5], *row[6:]] for row in rows if row[0] == "br-provider"]  # type: ignore[index]
    assert agents == [[*row[:5], *row[6:]] for row in was[0]["Bridge"] if row[0] == "br-provider"]  # type: ignore[index]
    assert (len(made), switch.flows("br-provider")) == (3, was[1])
    given_back = declare()
    assert (given_back["removed"], len(given_back["patches_removed"])) == (["br-layered"], 6)
    assert state(switch) == was
    assert declare()["changed"] is False


def test_a_pair_that_somebody_broke_is_mended(switch: OpenVswitch, declare: Declare) -> None:
    declare(layered())
    was = switch.contents()
    switch.vsctl(
        *("set", "Port", "ra0a7a535a-101", "tag=7", "--", "set", "Port", "rn0a7a535a-102", "tag=7"),
        *("--", "set", "Interface", "rn0a7a535a-103", "options:peer=elsewhere", "--", "del-port", "ra0a7a535a-102"),
    )
    mended = declare(layered())
    broken = ["ra0a7a535a-101", "ra0a7a535a-102", "rn0a7a535a-102", "rn0a7a535a-103"]
    assert (mended["patches_set"], mended["updated"]) == (broken, [])
    now = switch.contents()
    assert [now[table] for table in ("Port", "Interface")] == [was[table] for table in ("Port", "Interface")]


def test_pairs_follow_to_another_bridge_of_the_agent_in_one_transaction(switch: OpenVswitch, declare: Declare) -> None:
    switch.vsctl("add-br", "br-other", "--", "set", "Bridge", "br-other", "datapath_type=netdev")
    declare(layered())
    moved = declare(layered(agent_bridge="br-other"))
    assert moved["patches_set"] == [f"ra0a7a535a-{vlan}" for vlan in (101, 102, 103)]
    assert ports(switch, "br-provider") == {"phy-br-provider"}
    assert ports(switch, "br-other") == set(moved["patches_set"])
    assert declare(layered(agent_bridge="br-other"))["changed"] is False


def test_a_port_of_that_name_that_is_not_ours_is_refused_and_nothing_is_touched(
    switch: OpenVswitch, declare: Declare
) -> None:
    switch.vsctl("add-port", "br-int", "ra0a7a535a-101", "--", "set", "Interface", "ra0a7a535a-101", "type=internal")
    was = state(switch)
    assert declare(layered())["msg"] == (
        "ra0a7a535a-101: Open vSwitch has a port of that name on br-int that is not ours, and network layered wants it "
        "on br-provider. Remove it, or rename it; nothing was changed"
    )
    assert state(switch) == was


def test_an_agents_bridge_that_is_not_there_is_refused_and_nothing_is_touched(
    switch: OpenVswitch, declare: Declare
) -> None:
    was = state(switch)
    assert declare(layered(agent_bridge="br-provide"))["msg"] == (
        "network layered: agent_bridge = 'br-provide': expected a bridge that Open vSwitch has (beside br-layered it "
        "has br-int, br-provider); nothing was changed"
    )
    assert state(switch) == was


def test_what_was_made_is_taken_back_where_the_switch_does_not_work(switch: OpenVswitch, declare: Declare) -> None:
    declare(layered(agent_bridge=None, vlans=[]))
    was = switch.contents()
    switch.stop()
    switch.start(switch=False)
    refused = declare(layered(), timeout=5)
    assert refused["msg"] == "Open vSwitch: timed out, does ovs-vswitchd run?"
    assert switch.contents() == was
