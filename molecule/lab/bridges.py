"""Instances behind Linux bridges: each tap a port of its network's bridge, and every address configured by the lab."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from . import network, nodes, wiring
from .commands import ip_batch
from .ports import Instance
from .settings import Settings
from .topology import Topology


class Bridges:
    """The hosts' bridges and taps, as they were when this was made."""

    def __init__(self, settings: Settings, topology: Topology) -> None:
        self._settings = settings
        self._taps = {node: network.interfaces(settings.netns(node)) for node in topology.nodes}

    def require(self, wanted: Iterable[Instance]) -> None:
        """Raise LabError that names each host or bridge that is missing."""
        problems = {}
        for instance in wanted:
            if problem := wiring.no_host(self._settings, self._taps, instance):
                problems[instance.host] = problem
            elif instance.bridge not in self._taps[instance.host]:
                problems[f"{instance.host} {instance.bridge}"] = (
                    f"{instance.host} has no bridge {instance.bridge} yet: "
                    "ansible-playbook playbooks/site.yml makes it (role provider_network)"
                )
        wiring.refuse(problems.values())

    def is_plugged(self, instance: Instance) -> bool:
        """Whether its tap is a port of its bridge."""
        return self._taps[instance.host].get(instance.tap) == instance.bridge

    def remove(self, gone: Sequence[Instance]) -> None:
        """Remove instances with all that runs in them."""
        spaces = [self._settings.instance_netns(instance.port_id) for instance in gone]
        if spaces:
            nodes.kill_all_in(network.inodes(spaces))
            wiring.remove_taps(self._settings, gone, self._taps)
            network.remove_namespaces(spaces)

    def create(self, changed: Sequence[Instance], before: Mapping[str, Instance]) -> None:
        """Cables first, then the hosts' ends, then the instances': they speak up as soon as they are up.

        A namespace that is there already stays, with what runs in it: that is a live migration.
        """
        if not changed:
            return
        wiring.remove_taps(self._settings, changed, self._taps)
        wiring.add_cables(self._settings, changed)
        for host, ports in wiring.by_host(changed).items():
            # a tap has no addresses of its own: the agents of Neutron switch its IPv6 off as well
            lines = [f"link set {i.tap} {what}" for i in ports for what in ("addrgenmode none", f"master {i.bridge}")]
            ip_batch(lines, netns=self._settings.netns(host), step=f"{host}: adding taps to bridges")
        self.settle(changed)
        for instance in changed:
            lines = ["link set lo up"]
            lines += [f"address add {a} dev eth0{' nodad' if ':' in a else ''}" for a in instance.addresses]
            lines += ["link set eth0 up", *(f"route add default via {gateway}" for gateway in instance.gateways)]
            netns = self._settings.instance_netns(instance.port_id)
            ip_batch(lines, netns=netns, step=f"{instance.name}: addresses")

    def settle(self, wanted: Sequence[Instance]) -> None:
        """Admin-down ports are down, all others up, whatever somebody tried by hand."""
        for host, ports in wiring.by_host(wanted).items():
            lines = [f"link set {i.tap} {'up' if i.admin_up else 'down'}" for i in ports]
            ip_batch(lines, netns=self._settings.netns(host), step=f"{host}: tap states")
