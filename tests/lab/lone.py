"""A lab of one hypervisor and its two switches, beside the running one, for what changes a host from the ground up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from lab import instances, lab
from lab.settings import Settings
from lab.topology import Topology, load

from .fabric import INVENTORY, Fabric
from .playbooks import Play, attempt

HOST = "hv1"
OTHERS = ("hv2", "hv3", "client")
LISTING = Path(__file__).with_name("listing.py")


@dataclass(frozen=True)
class Lone:
    """The lab's settings, topology and inventory; nothing is deployed in it at first."""

    settings: Settings
    topology: Topology
    inventory: Path

    def play(self, playbook: str, *options: str) -> Play:
        """Run a playbook on it."""
        return attempt(playbook, self.inventory, *options, ROTH_LAB_PREFIX=self.settings.prefix)

    def fabric(self) -> Fabric:
        """As the other proofs see a lab."""
        return Fabric.running(self.settings, self.inventory)

    def listing(self, node: str = HOST) -> dict[str, dict[str, str]]:
        """All that a removal must leave as it was."""
        return dict(json.loads(self.fabric().run(node, "python3", "-c", LISTING.read_text())))

    def plug(self) -> None:
        """Plug the host's instances."""
        instances.plug(self.settings, self.topology, self.inventory)

    def unplug(self) -> None:
        """Unplug them."""
        instances.unplug(self.settings, ())


def _prune(path: Path, change: Any) -> None:
    """Rewrite a YAML file with what `change` makes of its content in place."""
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def one_host_inventory(target: Path) -> None:
    """The lab's inventory with HOST alone."""
    shutil.copytree(INVENTORY, target)

    def hosts(content: dict[str, Any]) -> None:
        groups = content["all"]["children"]["lab"]["children"]
        groups["hypervisors"]["hosts"] = {HOST: None}
        del groups["clients"]

    def topology(content: dict[str, Any]) -> None:
        content["nodes"] = {name: node for name, node in content["nodes"].items() if name not in OTHERS}
        content["links"] = [
            link for link in content["links"] if not any(end.partition(":")[0] in OTHERS for end in link)
        ]

    def networks(content: dict[str, Any]) -> None:
        for network in content["roth_provider_networks"]:
            network["subnets"] = [subnet for subnet in network["subnets"] if subnet.get("host", HOST) == HOST]

    _prune(target / "hosts.yml", hosts)
    _prune(target / "topology.yml", topology)
    _prune(target / "group_vars" / "all.yml", networks)
    for name in ("hv2", "hv3"):
        (target / "host_vars" / f"{name}.yml").unlink()
    document = json.loads((target / "neutron.json").read_text())
    document["ports"] = [port for port in document["ports"] if port["binding:host_id"] == HOST]
    (target / "neutron.json").write_text(json.dumps(document))


def differences(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> dict[str, tuple[str, ...]]:
    """What is not as it was in two listings, by `part key`."""
    return {
        f"{part} {key}": (str(before[part].get(key)), str(after[part].get(key)))
        for part in before
        for key in sorted({*before[part], *after[part]})
        if before[part].get(key) != after[part].get(key)
    }


@contextmanager
def lone_lab(folder: Path, suffix: str = "z") -> Iterator[Lone]:
    """The lab for as long as the block runs; beside the running one, by another prefix with `suffix`."""
    running = Settings.from_environment()
    settings = Settings(f"{running.prefix[:9]}{suffix}", running.home)
    inventory = folder / "lone"
    one_host_inventory(inventory)
    topology = load(inventory / "topology.yml")
    lab.up(settings, topology)
    try:
        yield Lone(settings, topology, inventory)
    finally:
        lab.down(settings)
