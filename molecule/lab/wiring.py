"""What Linux bridges and Open vSwitch have in common: cables between instances and their hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from . import network, nodes
from .commands import ip_batch, run
from .errors import LabError
from .ports import Instance
from .settings import Settings, netns_path

# What a guest's kernel does on its own: take the default route from router advertisements, and say that it is here
# when its interface comes up, as a hypervisor does for it after a migration.
SYSCTLS = {
    "ipv6/conf/eth0/accept_ra": 1,
    "ipv6/conf/eth0/accept_dad": 0,
    "ipv6/conf/eth0/ndisc_notify": 1,
    "ipv4/conf/eth0/arp_notify": 1,
    "ipv4/ip_forward": 0,
}


class Wiring(Protocol):
    """How instances are attached to their hosts."""

    def require(self, wanted: Iterable[Instance]) -> None:
        """Raise LabError when a host is not ready for one of them."""

    def is_plugged(self, instance: Instance) -> bool:
        """Whether it is attached where it should be."""

    def remove(self, gone: Sequence[Instance]) -> None:
        """Remove instances with all that runs in them."""

    def create(self, changed: Sequence[Instance], before: Mapping[str, Instance]) -> None:
        """Attach instances that are new or have changed.

        :param before: what was plugged, by port id.
        """

    def settle(self, wanted: Sequence[Instance]) -> None:
        """Make sure that all of them are as they should be, also those that nobody has touched."""


def by_host(some: Iterable[Instance]) -> dict[str, list[Instance]]:
    """Instances by the host that they are on."""
    found: dict[str, list[Instance]] = {}
    for instance in some:
        found.setdefault(instance.host, []).append(instance)
    return found


def no_host(settings: Settings, known: Iterable[str], instance: Instance) -> str:
    """Why an instance's host cannot take it, whatever its bridges are, or ''."""
    if instance.host not in known:
        return f"{instance.name} is bound to {instance.host}, which is not in the topology"
    return "" if nodes.init_pid(settings, instance.host) else f"{instance.host} is not up"


def refuse(problems: Iterable[str]) -> None:
    """Raise LabError if there are any."""
    if lines := list(problems):
        raise LabError("instances cannot be plugged:\n  " + "\n  ".join(lines))


def remove_taps(settings: Settings, some: Iterable[Instance], taps: Mapping[str, Iterable[str]]) -> None:
    """The other end goes with it. On whatever host: a port may have moved, or its plugging been interrupted."""
    names = {instance.tap for instance in some}
    for node, present in taps.items():
        lines = [f"link del {tap}" for tap in sorted(names & set(present))]
        ip_batch(lines, netns=settings.netns(node), step=f"{node}: removing taps")


def add_cables(settings: Settings, some: Sequence[Instance]) -> None:
    """Give each instance a namespace, if it has none, and a new interface that leads to its host; both ends down."""
    spaces = {instance.port_id: settings.instance_netns(instance.port_id) for instance in some}
    network.add_namespaces(spaces.values())
    _remove_cables(spaces.values())
    ip_batch(
        (
            f"link add eth0 address {i.mac} mtu {i.mtu} netns {spaces[i.port_id]} "
            f"type veth peer name {i.tap} mtu {i.mtu} netns {settings.netns(i.host)}"
            for i in some
        ),
        step="creating taps",
    )
    _set_sysctls(spaces.values())


def _remove_cables(spaces: Iterable[str]) -> None:
    """The instances' own ends. After a reboot of their host the kernel takes its time to remove them with the host's
    old namespace, so one may be gone before this gets to it."""
    for space in spaces:
        if "eth0" in network.interfaces(space):
            run("ip", "-n", space, "link", "del", "eth0", check=False)


def _set_sysctls(spaces: Iterable[str]) -> None:
    """/proc/sys/net shows the namespace of whoever looks, so one look from each."""
    values = " && ".join(f"echo {value} >/proc/sys/net/{name}" for name, value in SYSCTLS.items())
    script = f"for netns; do nsenter --net=\"$netns\" sh -c '{values}' || exit 1; done"
    run("sh", "-c", script, "sh", *(netns_path(space) for space in spaces))
