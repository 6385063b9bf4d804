"""The lookup that gives roles the port document."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.unit.plugins.module_utils.neutron.http_neutron import serving
from tests.unit.plugins.module_utils.neutron.recorded_neutron import RecordedNeutron
from tests.unit.plugins.neutron_over_http import environment, neutron_server

PLAY = """
- hosts: all
  gather_facts: false
  serial: 1
  vars:
    networks: [{name: mobile}, {name: pinned}]
    document: "{{ lookup('roth.fabric.port_document', '/nosuch', cloud='lab', networks=networks) }}"
  tasks:
    - ansible.builtin.debug:
        msg: "{{ document.ports | length }} ports of {{ document.networks | length }} networks"
"""


def test_a_run_with_many_hosts_and_batches_asks_neutron_once(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "hosts.ini").write_text("".join(f"host{number} ansible_connection=local\n" for number in range(4)))
    tool = Path(sys.executable).with_name("ansible-playbook")
    with serving(neutron_server(RecordedNeutron())) as server:
        done = subprocess.run(
            [tool, "-i", tmp_path / "hosts.ini", tmp_path / "play.yml"],
            cwd=tmp_path,
            env=dict(environment(tmp_path, server)),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        asked = Counter(kind for kind, _query in server.neutron.asked)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("36 ports of 2 networks") == 4
    assert asked == {"networks": 1, "subnets": 1, "ports": 1}
