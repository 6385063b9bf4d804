"""The lab with a real Neutron: its API beside the fabric, and playbooks that take their ports from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab.api import Api
from lab.errors import LabError
from lab.settings import Settings
from lab.topology import FILE, load

from tests.lab.fabric import INVENTORY, ROOT, Fabric
from tests.lab.playbooks import Play, attempt, environment
from tests.unit.plugins.inventory.listing import listed

NEUTRON = ROOT / "inventories" / "lab-neutron"
CONTROLLER = "controller"


def running_api() -> Api:
    """The API of the running lab; ends the session when there is none."""
    try:
        settings = Settings.from_environment()
        return Api.of(settings, load(settings.inventory(NEUTRON) / FILE))
    except LabError as error:
        pytest.exit(f"{error}: run `make lab NEUTRON=1` first", 3)


def attempt_from_neutron(playbook: str, *options: str) -> Play:
    """A run of one of the collection's playbooks with ports from Neutron, however it ends."""
    return attempt(playbook, INVENTORY, *options)


def play_from_neutron(playbook: str, *options: str) -> Play:
    """The same, and it must succeed."""
    run = attempt_from_neutron(playbook, *options)
    assert run.code == 0, run.output
    return run


def inventory_from_neutron(folder: Path, networks: list[str], settings: dict[str, Any]) -> dict[str, Any]:
    """What the inventory plugin makes of the lab's Neutron, as `ansible-inventory --list` prints it."""
    plugin = {"plugin": "roth.fabric.neutron", "cloud": "lab", "networks": networks, "network_settings": settings}
    (folder / "neutron.yml").write_text(yaml.safe_dump(plugin))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", folder / "neutron.yml", "--list"],
        cwd=ROOT,
        env=environment(OS_CLIENT_CONFIG_FILE=str(Settings.from_environment().clouds_file)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return listed(done.stdout)


def is_full(fabric: Fabric) -> bool:
    """Whether Neutron is on a database server and a message bus."""
    node = fabric.topology.controller
    assert node is not None
    assert node.neutron is not None
    return node.neutron.mode == "full"


def create(api: Api, host: str, name: str) -> dict[str, Any]:
    """A port of an instance in network mobile, bound to a host with success, as nova asks for it."""
    (network,) = api.rows("networks", [("name", "mobile")])
    fields = {"binding:host_id": host, "device_owner": "compute:nova", "device_id": name}
    made = api.create("port", name=name, network_id=network["id"], **fields)
    assert made["binding:vif_type"] == "ovs", made
    return made


def prefixes(port: dict[str, object]) -> set[str]:
    """The host routes of a port's fixed addresses."""
    fixed = port["fixed_ips"]
    assert isinstance(fixed, list)
    return {f"{it['ip_address']}/{128 if ':' in it['ip_address'] else 32}" for it in fixed}
