"""Instances: network namespaces behind the hypervisors' bridges. They know nothing of BGP."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from . import network
from .api import Api
from .bridges import Bridges
from .errors import LabError
from .integration import Integration
from .ports import Instance, instances, why_not
from .settings import Settings
from .topology import FILE, Topology, chain, load
from .wiring import Wiring

INVENTORY = Path(__file__).resolve().parents[2] / "inventories" / "lab"


def plugged(settings: Settings) -> dict[str, Instance]:
    """The instances that are plugged, by port id."""
    try:
        rows = json.loads(settings.instances_file.read_text())
    except FileNotFoundError:
        return {}
    return {row["port_id"]: Instance.from_json(row) for row in rows}


def _save(settings: Settings, records: Mapping[str, Instance]) -> None:
    text = json.dumps([asdict(instance) for instance in records.values()], indent=1)
    new = settings.instances_file.with_suffix(".new")
    new.write_text(text + "\n")
    new.replace(settings.instances_file)


def read_document(path: Path) -> dict[str, Any]:
    """A Neutron document; raise LabError when the file is missing or no JSON object."""
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise LabError(f"{path}: no Neutron document: {error}") from error
    if not isinstance(document, dict):
        raise LabError(f"{path}: expected an object with networks, subnets and ports")
    return document


def own_document(settings: Settings, topology: Topology, inventory: Path) -> Mapping[str, Any]:
    """What the lab's own Neutron has, or the document that stands in for one."""
    if topology.controller:
        return Api.of(settings, topology).document()
    return read_document(inventory_file(inventory, "neutron.json"))


def inventory_file(inventory: Path, name: str) -> Path:
    """A file of an inventory, or of the next one that it extends."""
    return next((folder / name for folder in chain(inventory) if (folder / name).exists()), inventory / name)


def read_networks(inventory: Path) -> list[dict[str, Any]]:
    """``roth_provider_networks`` of the inventory's group_vars (of all hosts or of the hypervisors), or of those that
    it extends."""
    folders = [folder / "group_vars" for folder in chain(inventory)]
    names = [f"{group}{rest}" for group in ("hypervisors", "all") for rest in (".yml", "/*.yml")]
    for path in (path for folder in folders for name in names for path in sorted(folder.glob(name))):
        variables = yaml.safe_load(path.read_text()) or {}
        networks = variables.get("roth_provider_networks")
        if isinstance(networks, list):  # a template of it is the list of a folder below, changed
            return networks
    raise LabError(
        f"{', '.join(map(str, folders))}: no roth_provider_networks in {', '.join(names)}: "
        "which bridges do the instances get?"
    )


def plug(
    settings: Settings, topology: Topology, inventory: Path, data: Path | None = None, names: Sequence[str] = ()
) -> str:
    """Make the lab's instances those of Neutron's ports; those that are as they should be stay untouched.

    :param data: a document instead of what the lab's Neutron answers, or of the inventory's own.
    :param names: only these ports; without any, all, and instances without a bound port are removed.
    :raises LabError: when a port cannot be plugged: unknown, unbound, its host down or without the bridge.
    :returns: what was done, in words.
    """
    document = read_document(data) if data else own_document(settings, topology, inventory)
    wanted = instances(document, read_networks(inventory))
    if names:
        wanted = [_named(wanted, document, name) for name in names]
    records = plugged(settings)
    kept = records.keys() if names else {instance.port_id for instance in wanted}
    gone = [record for key, record in records.items() if key not in kept]
    wiring = _wiring(settings, topology)
    wiring.require(wanted)
    wiring.remove(gone)
    existing = network.existing_namespaces()
    changed = [
        instance
        for instance in wanted
        if records.get(instance.port_id) != instance
        or settings.instance_netns(instance.port_id) not in existing
        or not wiring.is_plugged(instance)
    ]
    moved = sum(1 for i in changed if i.port_id in records and records[i.port_id].host != i.host)
    wiring.create(changed, records)
    records = {key: record for key, record in records.items() if record not in gone}
    _save(settings, records | {instance.port_id: instance for instance in wanted})
    wiring.settle(wanted)
    same = len(wanted) - len(changed)
    return f"{len(changed) - moved} plugged, {moved} moved, {same} unchanged, {len(gone)} removed"


def _wiring(settings: Settings, topology: Topology) -> Wiring:
    """Open vSwitch where Neutron's own agent serves it, bridges of the kernel elsewhere."""
    return Integration(settings, topology) if topology.agents else Bridges(settings, topology)


def unplug(settings: Settings, names: Sequence[str] = ()) -> str:
    """Remove instances, by their ports' names or ids (all without any); raise LabError for one that is not plugged."""
    records = plugged(settings)
    gone = [_plugged_named(records, name) for name in names] if names else list(records.values())
    _wiring(settings, load(settings.inventory(INVENTORY) / FILE)).remove(gone)
    _save(settings, {key: record for key, record in records.items() if record not in gone})
    return ", ".join(record.name for record in gone) or "nothing"


def _plugged_named(records: Mapping[str, Instance], name: str) -> Instance:
    for record in records.values():
        if record.is_called(name):
            return record
    raise LabError(f"no instance {name!r} is plugged; plugged are: {', '.join(r.name for r in records.values())}")


def _named(wanted: Iterable[Instance], document: Mapping[str, Any], name: str) -> Instance:
    for instance in wanted:
        if instance.is_called(name):
            return instance
    for port in document.get("ports", ()):
        if name in (port["name"], port["id"], port["id"][:11]):
            raise LabError(f"port {name!r} has no instance: {why_not(port) or 'its network is not in the inventory'}")
    raise LabError(f"no port {name!r} in the Neutron document")
