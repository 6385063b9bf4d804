"""The lab with a real Neutron: its API beside the fabric, and playbooks that take their ports from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lab.api import Api
from lab.errors import LabError
from lab.settings import Settings
from lab.topology import FILE, Topology, load

from tests.lab.fabric import INVENTORY, ROOT, Fabric
from tests.lab.playbooks import Play, attempt

NEUTRON = ROOT / "inventories" / "lab-neutron"
CONTROLLER = "controller"


def topology_of(settings: Settings) -> Topology:
    """What the lab was brought up with: the Neutron of one mode or the other."""
    return load(settings.inventory(NEUTRON) / FILE)


def running_api() -> Api:
    """The API of the running lab; ends the session when there is none."""
    try:
        settings = Settings.from_environment()
        return Api.of(settings, topology_of(settings))
    except LabError as error:
        pytest.exit(f"{error}: run `make lab NEUTRON=1` first", 3)


def fabric_of(api: Api) -> Fabric:
    """The running fabric, with what Neutron has now as its document."""
    fabric = Fabric.running()
    return replace(fabric, topology=topology_of(fabric.settings), document=dict(api.document()))


def attempt_from_neutron(playbook: str) -> Play:
    """A run of one of the collection's playbooks with ports from Neutron, however it ends."""
    clouds = str(Settings.from_environment().clouds_file)
    return attempt(playbook, INVENTORY / "hosts.yml", "-i", str(NEUTRON / "hosts.yml"), OS_CLIENT_CONFIG_FILE=clouds)


def play_from_neutron(playbook: str) -> Play:
    """The same, and it must succeed."""
    run = attempt_from_neutron(playbook)
    assert run.code == 0, run.output
    return run


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
