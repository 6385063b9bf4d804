"""The inventory plugin, asked with the lab's Neutron."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml
from lab.settings import Settings

from tests.lab.fabric import INVENTORY, ROOT, Fabric
from tests.lab.playbooks import environment
from tests.unit.plugins.inventory.listing import listed, routed

SETTINGS = {
    "mobile": {"gateway_mac": "02:8e:00:00:00:01", "announce": "host_routes"},
    "pinned": {"announce": "both"},
}


def test_the_inventory_from_neutron_is_the_one_that_was_written_by_hand(fabric: Fabric, tmp_path: Path) -> None:
    plugin = {"plugin": "roth.fabric.neutron", "cloud": "lab", "networks": ["mobile", "pinned"]}
    (tmp_path / "neutron.yml").write_text(yaml.safe_dump({**plugin, "network_settings": SETTINGS}))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", tmp_path / "neutron.yml", "--list"],
        cwd=ROOT,
        env=environment(OS_CLIENT_CONFIG_FILE=str(Settings.from_environment().clouds_file)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = listed(done.stdout)
    assert sorted(found["hypervisors"]["hosts"]) == sorted(fabric.hosts)
    variables = found["_meta"]["hostvars"]["hv1"]
    assert variables["roth_physical_networks"] == {"mobile": ["rpn-hv1"], "pinned": ["pin-hv1"]}
    written = yaml.safe_load((INVENTORY / "group_vars" / "all.yml").read_text())["roth_provider_networks"]
    assert [routed(each) for each in variables["roth_provider_networks"]] == [routed(each) for each in written]
