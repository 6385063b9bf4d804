"""Several VLANs of one network come to its one bridge, by the commands of docs/neutron.md on a real Open vSwitch."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import DEADLINE, Shell, eventually
from .open_vswitch import OpenVswitch, open_vswitch

ROOT = Path(__file__).resolve().parents[2]
INSTANCES = {
    "one": (101, ("10.66.1.5", "2001:db8:66:3::5")),
    "two": (102, ("10.66.2.5", "2001:db8:66:3::6")),
    "moved": (101, ("10.66.2.7", "2001:db8:66:3::7")),
}
"""By name the VLAN that Neutron's agent plugged it into, and its addresses: of segments 101 or 102, and of 103."""
GATEWAYS = ("10.66.1.1/26", "10.66.2.1/26", "2001:db8:66:3::1/64")
ADDRESSES = [address for _vlan, addresses in INSTANCES.values() for address in addresses]


def commands() -> str:
    """The page's shell commands on Open vSwitch."""
    page = (ROOT / "docs" / "neutron.md").read_text()
    (found,) = re.findall(r"^ *```shell\n(.*?ovs-vsctl.*?)^ *```$", page, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def switch(shell: Shell, tmp_path: Path) -> Iterator[OpenVswitch]:
    """The agent's bridge with an instance in its VLAN each, and the network's with the gateways; not yet joined."""
    with open_vswitch(tmp_path) as found:
        found.start()
        for bridge in ("br-provider", "br-layered"):
            found.vsctl("add-br", bridge, "--", "set", "Bridge", bridge, "datapath_type=netdev")
        for gateway in GATEWAYS:
            shell(f"ip address add {gateway} dev br-layered nodad")
        shell("ip link set br-layered up")
        places = {name: subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) for name in INSTANCES}
        try:
            own = Path("/proc/self/ns/net").readlink()
            for name, process in places.items():
                eventually(lambda pid=process.pid: Path(f"/proc/{pid}/ns/net").readlink() != own, True)  # type: ignore[misc]
                _plug(found, shell, name, process.pid)
            yield found
        finally:
            for process in places.values():
                process.kill()
                process.wait(DEADLINE)


def _plug(switch: OpenVswitch, shell: Shell, name: str, pid: int) -> None:
    vlan, addresses = INSTANCES[name]
    shell(f"ip link add tap-{name} type veth peer name eth0 netns {pid}")
    shell(f"ip link set tap-{name} up")
    inside = f"nsenter --target {pid} --net ip"
    shell(f"{inside} link set eth0 up")
    for address in addresses:
        shell(f"{inside} address add {address}/{64 if ':' in address else 26} dev eth0 nodad")
        shell(f"ip route add {address}/{128 if ':' in address else 32} dev br-layered")
    shell(f"{inside} route add default via {'10.66.1.1' if addresses[0].startswith('10.66.1.') else '10.66.2.1'}")
    switch.vsctl("add-port", "br-provider", f"tap-{name}", f"tag={vlan}")


def silent(seconds: float) -> list[str]:
    """The addresses that answered no ping of the host's in that time."""
    line = [sys.executable, str(ROOT / "tests" / "lab" / "probe.py"), "reach", str(seconds), *ADDRESSES]
    found = json.loads(subprocess.run(line, capture_output=True, text=True, check=True).stdout)
    return [address for address, took in found.items() if took is None]


def test_instances_in_any_vlan_are_reached_by_all_their_addresses_over_the_one_bridge(switch: OpenVswitch) -> None:
    assert silent(1) == ADDRESSES
    subprocess.run(["sh", "-ec", commands()], env=switch.environment(), check=True)
    assert silent(4 * DEADLINE) == []


def test_the_commands_may_be_run_again(switch: OpenVswitch) -> None:
    for _run in range(2):
        subprocess.run(["sh", "-ec", commands()], env=switch.environment(), check=True)
    assert len(switch.vsctl("list-ports", "br-layered").split()) == 3
