"""A real Neutron on MariaDB for the benchmarks: a lab of a controller alone, and what it used."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import Cloud
from lab.api import Api
from lab.lab import command_in
from lab.settings import Settings
from lab.topology import FILE, Topology, load

from . import scale
from .playbooks import ROOT, lab, play

LAB = ROOT / "inventories" / "lab"
FILL = Path(__file__).with_name("neutron_fill.py")
DATABASE = "mysql+pymysql://neutron:neutron@127.0.0.1/neutron?charset=utf8mb4"
UNITS = {"Neutron's API": "neutron-api", "MariaDB": "mariadb"}
CONTROLLER = "controller"


@dataclass
class Counting:
    """A cloud that counts what is asked of it (Cloud): requests, and bytes of the answers' JSON."""

    cloud: Cloud
    requests: int = 0
    bytes: int = 0

    def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Mapping[str, object]:
        """See Cloud."""
        answer = self.cloud.get(path, query)
        self.requests += 1
        self.bytes += len(json.dumps(answer))
        return answer


@dataclass
class Neutron:
    """The running controller."""

    settings: Settings
    topology: Topology
    inventory: Path
    environment: Mapping[str, str]
    made: int = 0
    model: str = ""

    def run(self, *command: str, node: str = CONTROLLER) -> str:
        """The output of a command on the controller, or another node."""
        line = command_in(self.settings, self.topology, node, command)
        return subprocess.run(line, check=True, capture_output=True, text=True, timeout=600).stdout

    def playbook(self, name: str, *words: str) -> str:
        """What a playbook of the collection's wrote. Raises RuntimeError when it failed."""
        return play(self.environment, name, "-e", "roth_neutron_cloud=lab", *words)

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU that each of UNITS has used so far, as its cgroup counts them."""
        shown = self.run("systemctl", "show", "--value", "--property", "CPUUsageNSec", *UNITS.values())
        return {name: int(value) / 1e9 for name, value in zip(UNITS, shown.split(), strict=True)}

    def grow(self, ports: int, hosts: int) -> None:
        """Have so many copies of the model, evenly on the first `hosts`; there must not be more already."""
        first, self.made = self.made, ports
        self.fill("ports", self.model, first, ports, ports // hosts)

    def fill(self, *words: object) -> None:
        """Run neutron_fill.py on the controller."""
        self.run("/opt/neutron/bin/python", "-c", FILL.read_text(), DATABASE, *map(str, words))


def write_inventory(folder: Path, hosts: int, machines: bool) -> None:
    """A lab with a controller. Without `machines` the inventory's hosts are names with segments and bindings only."""
    scale.write(folder, LAB, hosts)
    topology = scale.topology(hosts) if machines else {"nodes": {}, "links": []}
    topology["nodes"][CONTROLLER] = {"neutron": {"mode": "full", "bridge_mappings": {}}}
    (folder / FILE).write_text(yaml.safe_dump(topology))


@contextmanager
def running(hosts: int, machines: bool = False) -> Iterator[Neutron]:
    """The controller with the networks of `hosts` hypervisors, made by the collection's own playbook, and one port."""
    folder = ROOT / "build" / "bench" / f"neutron-{hosts}"
    write_inventory(folder, hosts, machines)
    settings = Settings("benchcloud", Settings.from_environment().home)
    with lab(folder, settings.prefix, OS_CLIENT_CONFIG_FILE=str(settings.clouds_file)) as environment:
        neutron = Neutron(settings, load(folder / FILE), folder, environment)
        neutron.fill("agents", hosts)
        neutron.playbook("networks")
        neutron.model = _model(Api.of(settings, neutron.topology))
        yield neutron


def _model(api: Api) -> str:
    """The id of a port of an instance on hv1, as nova would ask for it."""
    (network,) = api.rows("networks", [("name", "mobile")])
    fields = {"device_owner": "compute:nova", "device_id": "model", "binding:host_id": "hv1"}
    made = api.create("port", name="model", network_id=network["id"], **fields)
    if made["binding:vif_type"] != "ovs":
        raise RuntimeError(f"the model port is not bound: {made}")
    return str(made["id"])
