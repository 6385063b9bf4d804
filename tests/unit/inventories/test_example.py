"""The example inventory passes preflight, through the role, and a broken one stops the play on the controller."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLAY = """
- hosts: all
  gather_facts: false
  roles: [roth.fabric.preflight]
"""


def preflight(tmp_path, *arguments):
    playbook = tmp_path / "preflight.yml"
    playbook.write_text(PLAY)
    return run(playbook, *arguments)


def run(playbook, *arguments):
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", ROOT / "inventories" / "example", playbook]
    # A connection to any host would fail: its transport does not exist.
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_SSH_EXECUTABLE": "/nonexistent/ssh",
        "ANSIBLE_NOCOLOR": "1",
    }
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("arguments", [(), ("--check", "--limit", "rack1-hv1")])
def test_the_example_inventory_passes_preflight(tmp_path, arguments):
    ran = preflight(tmp_path, *arguments)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_broken_variable_fails_every_host_whatever_the_limit(tmp_path):
    ran = preflight(tmp_path, "--limit", "rack2-tor1", "-e", json.dumps({"roth_hold_time": 1}))
    assert ran.returncode != 0
    assert "1 problem in the inventory, nothing was touched:" in ran.stdout
    expected = (
        "rack1-hv1, rack1-hv2, rack1-hv3 and 6 more: roth_hold_time = 1: expected 0 or a whole number from 3 to 65535"
    )
    assert expected in ran.stdout


def test_a_template_that_fails_is_told_by_host_and_variable(tmp_path):
    ran = preflight(tmp_path, "-e", json.dumps({"vault_bgp_keys": {"rack2": "key"}}))
    assert ran.returncode != 0
    assert (
        "rack1-hv1, rack1-hv2, rack1-hv3: roth_uplinks cannot be read: expected a value that can be templated"
        in ran.stdout
    )


@pytest.mark.parametrize("playbook", ["site", "sync_ports"])
def test_the_tag_preflight_judges_the_inventory_and_reaches_no_host(playbook):
    ran = run(ROOT / "playbooks" / f"{playbook}.yml", "--tags", "preflight")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "nonexistent" not in ran.stdout + ran.stderr
    assert "unreachable=1" not in ran.stdout
