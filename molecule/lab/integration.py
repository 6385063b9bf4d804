"""Instances on Open vSwitch, plugged into the integration bridge as nova's os-vif does it: everything after that is the
agent's, and the instances' own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from . import guests, network, nodes, wiring
from .commands import ip_batch, run
from .ports import Instance
from .settings import Settings
from .topology import Topology

BRIDGE = "br-int"


class Integration:
    """The hosts' taps and what Open vSwitch knows of them, as they were when this was made."""

    def __init__(self, settings: Settings, topology: Topology) -> None:
        self._settings = settings
        self._guest_root = guests.root(settings, topology)
        self._taps = {node: network.interfaces(settings.netns(node)) for node in topology.agents}
        up = [node for node in topology.agents if nodes.init_pid(settings, node)]
        self._ports = {node: read_interfaces(self._vsctl(node, *_LIST)) for node in up}

    def require(self, wanted: Iterable[Instance]) -> None:
        """Raise LabError that names each host without an integration bridge."""
        problems = {}
        for instance in wanted:
            problem = wiring.no_host(self._settings, self._taps, instance)
            if not problem and BRIDGE not in self._ports[instance.host]:
                problem = f"{instance.host} has no {BRIDGE} yet: its neutron-openvswitch-agent makes it when it starts"
            if problem:
                problems[instance.host] = problem
        wiring.refuse(problems.values())

    def is_plugged(self, instance: Instance) -> bool:
        """Whether its tap is there, and known as that port's."""
        there = instance.tap in self._taps[instance.host]
        return there and self._ports[instance.host].get(instance.tap) == instance.port_id

    def remove(self, gone: Sequence[Instance]) -> None:
        """Remove instances with all that runs in them."""
        spaces = [self._settings.instance_netns(instance.port_id) for instance in gone]
        if spaces:
            nodes.kill_all_in(network.inodes(spaces))
            self._unplug(gone)
            network.remove_namespaces(spaces)

    def create(self, changed: Sequence[Instance], before: Mapping[str, Instance]) -> None:
        """Move the cables of those that run and change nothing but their host; start the others anew."""
        moved = [i for i in changed if self._runs(before.get(i.port_id), i)]
        fresh = [i for i in changed if i not in moved]
        for instance in moved:
            self._move(instance, before[instance.port_id])
        if fresh:
            nodes.kill_all_in(network.inodes(self._settings.instance_netns(i.port_id) for i in fresh))
            self._unplug(fresh)
            wiring.add_cables(self._settings, fresh)
            self._plug(fresh)
        for instance in fresh:
            guests.start(self._settings, self._guest_root, instance)

    def settle(self, wanted: Sequence[Instance]) -> None:
        """Wait until all have their addresses. Admin-down ports stay plugged: to drop their packets is the agent's."""
        guests.wait_configured(self._settings, [instance for instance in wanted if instance.admin_up])

    def _runs(self, was: Instance | None, now: Instance) -> bool:
        """Whether an instance can be moved as it is: a live migration."""
        return was is not None and was.tap in self._taps.get(was.host, {}) and replace(was, host=now.host) == now

    def _move(self, instance: Instance, was: Instance) -> None:
        """A guest keeps its interface and does not notice more than a carrier that goes and comes."""
        if instance.host != was.host:
            self._unplug_from(was.host, [was])
            old, new = (self._settings.netns(host) for host in (was.host, instance.host))
            run("ip", "-n", old, "link", "set", was.tap, "netns", new)
        self._plug([instance])
        guests.announce(self._settings, instance)

    def _plug(self, some: Sequence[Instance]) -> None:
        """One transaction a host, with the words of os-vif's ``create_ovs_vif_port``."""
        for host, ports in wiring.by_host(some).items():
            lines = [f"link set {i.tap} {what}" for i in ports for what in ("addrgenmode none", "up")]
            ip_batch(lines, netns=self._settings.netns(host), step=f"{host}: bringing taps up")
            self._vsctl(host, *(word for instance in ports for word in add_port(instance)))

    def _unplug(self, some: Sequence[Instance]) -> None:
        for host, known in self._ports.items():
            self._unplug_from(host, [instance for instance in some if instance.tap in known])
        wiring.remove_taps(self._settings, some, self._taps)

    def _unplug_from(self, host: str, some: Sequence[Instance]) -> None:
        if some:
            self._vsctl(host, *(word for i in some for word in ("--", "--if-exists", "del-port", BRIDGE, i.tap)))

    def _vsctl(self, host: str, *words: str) -> str:
        return run(*nodes.enter(self._settings, host, ["ovs-vsctl", "--timeout=30", *words])).stdout


_LIST = ("--format=json", "--columns=name,external_ids", "list", "Interface")


def read_interfaces(text: str) -> dict[str, str]:
    """Interfaces, each with the Neutron port that it is ('' for none)."""
    rows = json.loads(text)["data"]
    return {name: str(dict(pairs).get("iface-id", "")) for name, (_, pairs) in rows}


def add_port(instance: Instance) -> list[str]:
    """What is told to ``ovs-vsctl`` of an instance's tap."""
    ids = {
        "iface-id": instance.port_id,
        "iface-status": "active",
        "attached-mac": instance.mac,
        "vm-uuid": instance.device_id,
    }
    words = ["--", "--if-exists", "del-port", BRIDGE, instance.tap, "--", "add-port", BRIDGE, instance.tap]
    words += ["--", "set", "Interface", instance.tap]
    return [*words, *(f"external_ids:{key}={json.dumps(value)}" for key, value in ids.items())]
