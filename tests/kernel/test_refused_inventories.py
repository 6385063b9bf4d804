"""The playbooks themselves refuse a broken inventory before any task has run on any host."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "inventories" / "example"
STATE = "; ".join(f"ip {words}" for words in ("route", "route show table all proto 142", "nexthop", "rule", "-6 rule"))


@pytest.fixture
def inventory(tmp_path):
    """The example inventory; each host is this machine, with an interpreter and a shell that leave a trace."""
    folder = Path(shutil.copytree(EXAMPLE, tmp_path / "inventory"))
    wire = tmp_path / "tripwire"
    wire.write_text(f'#!/bin/sh\necho "$0 $*" >> {tmp_path}/tripped\nexit 1\n')
    wire.chmod(0o755)
    trap = {"ansible_connection": "local", "ansible_become": False}
    trap |= {"ansible_python_interpreter": str(wire), "ansible_shell_executable": str(wire)}
    (folder / "group_vars" / "all" / "zz_trap.yml").write_text(yaml.safe_dump(trap))
    return folder


def change(folder, file, **variables):
    path = folder / file
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **variables}))


def play(playbook, inventory, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    environment |= {"ANSIBLE_LOCAL_TEMP": str(tmp_path / "ansible"), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory)]
    done = subprocess.run(
        [*command, str(ROOT / "playbooks" / playbook)], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    return done.returncode, done.stdout + done.stderr


def test_a_good_inventory_gets_to_the_hosts(inventory, tmp_path, shell):
    code, output = play("sync_ports.yml", inventory, tmp_path)
    assert code != 0
    assert (tmp_path / "tripped").exists(), output  # so the trap works


@pytest.mark.parametrize(
    ("playbook", "file", "variables", "said"),
    [
        (
            "site.yml",
            "host_vars/rack1-hv1.yml",
            {"roth_asn": "sixty-five thousand"},
            "rack1-hv1: roth_asn = 'sixty-five thousand': expected an AS number from 1 to 4294967294, without quotes",
        ),
        (
            "site.yml",
            "host_vars/rack1-hv2.yml",
            {"roth_uplink": []},
            "rack1-hv2: roth_uplink is unknown: expected a known name, did you mean roth_uplinks?",
        ),
        (
            "site.yml",
            "host_vars/rack2-tor1.yml",
            {"roth_switch_software": "frr\nhostname x"},
            r"rack2-tor1: roth_switch_software = 'frr\\nhostname x': expected no control characters and no line breaks",
        ),
        (
            "sync_ports.yml",
            "host_vars/rack2-hv1.yml",
            {"roth_loopback_ipv4": "192.0.2.11"},
            "rack2-hv1: roth_loopback_ipv4 = '192.0.2.11': expected an address of its own: rack1-hv1 "
            "roth_loopback_ipv4 has it",
        ),
        ("sync_ports.yml", "neutron.json", None, "expected JSON ("),
    ],
    ids=["type", "unknown", "control-character", "duplicate", "truncated"],
)
def test_a_broken_inventory_is_refused_before_any_host(playbook, file, variables, said, inventory, tmp_path, shell):
    if variables is None:
        text = (inventory / file).read_text()
        (inventory / file).write_text(text[: len(text) // 2])
    else:
        change(inventory, file, **variables)
    before = shell(STATE)
    code, output = play(playbook, inventory, tmp_path)
    assert code != 0
    assert "in the inventory, nothing was touched:" in output
    assert said in output
    assert not (tmp_path / "tripped").exists(), (tmp_path / "tripped").read_text()
    assert shell(STATE) == before


def test_the_example_document_is_json():
    json.loads((EXAMPLE / "neutron.json").read_text())  # else "truncated" would prove nothing
