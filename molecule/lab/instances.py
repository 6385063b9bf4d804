"""Instances: network namespaces behind the hypervisors' provider bridges. They know nothing of BGP."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from . import network, nodes
from .api import Api
from .commands import ip_batch, run
from .errors import LabError
from .ports import Instance, instances, why_not
from .settings import Settings, netns_path
from .topology import Topology, chain

# What a guest's kernel does on its own: take the default route from router advertisements, and say that it is here
# when its interface comes up, as a hypervisor does for it after a migration.
SYSCTLS = {
    "ipv6/conf/eth0/accept_ra": 1,
    "ipv6/conf/eth0/accept_dad": 0,
    "ipv6/conf/eth0/ndisc_notify": 1,
    "ipv4/conf/eth0/arp_notify": 1,
    "ipv4/ip_forward": 0,
}


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
        if "roth_provider_networks" in variables:
            return list(variables["roth_provider_networks"])
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
    gone = [] if names else [record for key, record in records.items() if key not in {w.port_id for w in wanted}]
    taps = {node: network.interfaces(settings.netns(node)) for node in topology.nodes}
    _require_bridges(settings, wanted, taps)
    _remove(settings, gone, taps)
    existing = network.existing_namespaces()
    changed = [
        instance
        for instance in wanted
        if records.get(instance.port_id) != instance
        or settings.instance_netns(instance.port_id) not in existing
        or taps[instance.host].get(instance.tap) != instance.bridge
    ]
    moved = sum(1 for i in changed if i.port_id in records and records[i.port_id].host != i.host)
    _create(settings, changed, taps)
    _set_states(settings, wanted)
    records = {key: record for key, record in records.items() if record not in gone}
    _save(settings, records | {instance.port_id: instance for instance in wanted})
    same = len(wanted) - len(changed)
    return f"{len(changed) - moved} plugged, {moved} moved, {same} unchanged, {len(gone)} removed"


def unplug(settings: Settings, names: Sequence[str] = ()) -> str:
    """Remove instances, by their ports' names or ids (all without any); raise LabError for one that is not plugged."""
    records = plugged(settings)
    gone = [_plugged_named(records, name) for name in names] if names else list(records.values())
    taps = {node: network.interfaces(settings.netns(node)) for node in {record.host for record in records.values()}}
    _remove(settings, gone, taps)
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


def _require_bridges(settings: Settings, wanted: Iterable[Instance], taps: Mapping[str, Mapping[str, str]]) -> None:
    problems = {}
    for instance in wanted:
        if instance.host not in taps:
            problems[instance.host] = f"{instance.name} is bound to {instance.host}, which is not in the topology"
        elif nodes.init_pid(settings, instance.host) is None:
            problems[instance.host] = f"{instance.host} is not up"
        elif instance.bridge not in taps[instance.host]:
            problems[f"{instance.host} {instance.bridge}"] = (
                f"{instance.host} has no bridge {instance.bridge} yet: "
                "ansible-playbook playbooks/site.yml makes it (role provider_network)"
            )
    if problems:
        raise LabError("instances cannot be plugged:\n  " + "\n  ".join(problems.values()))


def _remove(settings: Settings, gone: Sequence[Instance], taps: Mapping[str, Mapping[str, str]]) -> None:
    spaces = [settings.instance_netns(instance.port_id) for instance in gone]
    if spaces:
        nodes.kill_all_in(network.inodes(spaces))
        _remove_taps(settings, gone, taps)
        network.remove_namespaces(spaces)


def _remove_taps(settings: Settings, some: Iterable[Instance], taps: Mapping[str, Mapping[str, str]]) -> None:
    """The other end goes with it. On whatever host: a port may have moved, or its plugging been interrupted."""
    names = {instance.tap for instance in some}
    for node, present in taps.items():
        lines = [f"link del {tap}" for tap in sorted(names & set(present))]
        ip_batch(lines, netns=settings.netns(node), step=f"{node}: removing taps")


def _remove_cables(spaces: Iterable[str]) -> None:
    """The instances' own ends. After a reboot of their host the kernel takes its time to remove them with the host's
    old namespace, so one may be gone before this gets to it."""
    for space in spaces:
        if "eth0" in network.interfaces(space):
            run("ip", "-n", space, "link", "del", "eth0", check=False)


def _create(settings: Settings, changed: Sequence[Instance], taps: Mapping[str, Mapping[str, str]]) -> None:
    """Namespaces and cables first, then the hosts' ends, then the instances': they speak up as soon as they are up.

    A namespace that is there already stays, with what runs in it: that is a live migration.
    """
    if not changed:
        return
    _remove_taps(settings, changed, taps)
    spaces = {instance.port_id: settings.instance_netns(instance.port_id) for instance in changed}
    network.add_namespaces(spaces.values())
    _remove_cables(spaces.values())
    ip_batch(
        (
            f"link add eth0 address {i.mac} mtu {i.mtu} netns {spaces[i.port_id]} "
            f"type veth peer name {i.tap} mtu {i.mtu} netns {settings.netns(i.host)}"
            for i in changed
        ),
        step="creating taps",
    )
    _set_sysctls(spaces.values())
    for host in dict.fromkeys(i.host for i in changed):
        ports = [i for i in changed if i.host == host]
        # a tap has no addresses of its own: the agents of Neutron switch its IPv6 off as well
        lines = [f"link set {i.tap} {what}" for i in ports for what in ("addrgenmode none", f"master {i.bridge}")]
        ip_batch(lines, netns=settings.netns(host), step=f"{host}: adding taps to bridges")
    _set_states(settings, changed)
    for instance in changed:
        lines = ["link set lo up"]
        lines += [f"address add {a} dev eth0{' nodad' if ':' in a else ''}" for a in instance.addresses]
        lines += ["link set eth0 up", *(f"route add default via {gateway}" for gateway in instance.gateways)]
        ip_batch(lines, netns=spaces[instance.port_id], step=f"{instance.name}: addresses")


def _set_states(settings: Settings, some: Iterable[Instance]) -> None:
    """Admin-down ports are down, all others up, whatever somebody tried by hand."""
    by_host: dict[str, list[str]] = {}
    for i in some:
        by_host.setdefault(i.host, []).append(f"link set {i.tap} {'up' if i.admin_up else 'down'}")
    for host, lines in by_host.items():
        ip_batch(lines, netns=settings.netns(host), step=f"{host}: tap states")


def _set_sysctls(spaces: Iterable[str]) -> None:
    """/proc/sys/net shows the namespace of whoever looks, so one look from each."""
    values = " && ".join(f"echo {value} >/proc/sys/net/{name}" for name, value in SYSCTLS.items())
    script = f"for netns; do nsenter --net=\"$netns\" sh -c '{values}' || exit 1; done"
    run("sh", "-c", script, "sh", *(netns_path(space) for space in spaces))
