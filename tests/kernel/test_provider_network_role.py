"""The tasks of role provider_network that deal with Open vSwitch, run by Ansible on a real one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Shell
from .open_vswitch import OpenVswitch, open_vswitch

ROOT = Path(__file__).resolve().parents[2]
PLAY = """
- hosts: hv1
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: roth.fabric.provider_network, tasks_from: look}
    - ansible.builtin.include_role: {name: roth.fabric.provider_network, tasks_from: openvswitch}
"""
LAYERED = {
    "name": "layered",
    "bridge": "br-layered",
    "bridge_kind": "openvswitch",
    "agent_bridge": "br-provider",
    "plan": "pinned",
    "subnets": [
        {"cidr": "10.66.1.0/26", "gateway": "10.66.1.1", "host": "hv1", "segmentation_id": 101},
        {"cidr": "10.66.2.0/26", "gateway": "10.66.2.1", "host": "hv1", "segmentation_id": 102},
        {"cidr": "10.66.3.0/26", "gateway": "10.66.3.1", "host": "hv2", "segmentation_id": 103},
    ],
}
THEIRS = {"ra0a7a535a-101", "ra0a7a535a-102"}

Run = Callable[..., tuple[int, int, str]]


@pytest.fixture
def switch(shell: Shell, tmp_path: Path) -> Iterator[OpenVswitch]:
    """With the agent's bridge alone."""
    with open_vswitch(tmp_path) as found:
        found.start()
        found.vsctl("add-br", "br-provider", "--", "set", "Bridge", "br-provider", "datapath_type=netdev")
        yield found


@pytest.fixture
def run(switch: OpenVswitch, tmp_path: Path) -> Run:
    """Run the tasks with these networks: exit status, number of changes, what was printed."""
    (tmp_path / "play.yml").write_text(PLAY)
    python = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"hypervisors": {"hosts": {"hv1": python}}}))
    environment = {**switch.environment(), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(tmp_path / "hosts.yml")]

    def execute(*networks: dict[str, Any], options: tuple[str, ...] = ()) -> tuple[int, int, str]:
        variables = {"roth_provider_networks": networks, "provider_network_ovs_datapath_type": "netdev"}
        variables |= {"provider_network_ovs_database": switch.database}
        done = subprocess.run(
            [*command, str(tmp_path / "play.yml"), "-e", json.dumps(variables), *options],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        output = done.stdout + done.stderr
        (changed,) = re.findall(r"^hv1 +:.* changed=(\d+) ", output, re.MULTILINE)
        return done.returncode, int(changed), output

    return execute


def theirs(switch: OpenVswitch) -> set[str]:
    return set(switch.vsctl("list-ports", "br-provider").split())


def test_the_vlans_of_this_hosts_segments_are_joined_once_and_left_when_the_network_goes(
    switch: OpenVswitch, run: Run
) -> None:
    was = switch.contents()
    code, changed, output = run(LAYERED, options=("--check", "--diff"))
    assert (code, changed, switch.contents()) == (0, 1, was), output
    assert "+br-provider port ra0a7a535a-102 network=layered tag=102 type=patch peer=rn0a7a535a-102" in output
    code, changed, output = run(LAYERED)
    assert (code, changed, theirs(switch)) == (0, 1, THEIRS), output
    code, changed, output = run(LAYERED)
    assert (code, changed, theirs(switch)) == (0, 0, THEIRS), output
    code, changed, output = run()
    assert (code, changed, switch.contents()) == (0, 1, was), output


def test_an_agents_bridge_that_is_not_there_is_named_with_host_variable_and_value(
    switch: OpenVswitch, run: Run
) -> None:
    was = switch.contents()
    code, changed, output = run({**LAYERED, "agent_bridge": "br-provide"})
    assert (code != 0, changed, switch.contents()) == (True, 0, was), output
    assert (
        "hv1: roth_provider_networks: network layered: agent_bridge = 'br-provide': expected a bridge that Open "
        "vSwitch has (beside br-layered it has br-provider); nothing was changed"
    ) in " ".join(output.split())
