"""Which instances' interfaces are on this host: by the kernel's links, and by Open vSwitch where it is followed. Pure.

Nova names an interface after the first characters of the port's id. Open vSwitch has the whole id
(`external_ids:iface-id`) whatever the interface is called, and ports that are no links.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ..wanted.ports import TAP, VHU, interface_of

_HYBRID = "qvo"  # one end of a pair that outlives the instance, whose tap is behind a Linux bridge


@dataclass(frozen=True)
class SwitchPort:
    """A row of Open vSwitch's table Interface that has an iface-id and a number (`ofport`) on its bridge."""

    iface_id: str
    name: str
    type: str

    @property
    def tells(self) -> bool:
        """Whether it is here as long as the instance is."""
        return not (self.netdev and self.name.startswith(_HYBRID))

    @property
    def netdev(self) -> bool:
        """Whether it stands for a network interface of the host."""
        return self.type in ("", "system")

    @property
    def interface(self) -> str:
        """What Nova would call it."""
        return interface_of(self.iface_id, VHU if self.type.startswith("dpdkvhostuser") else TAP)


class Presence:
    """What is known of Open vSwitch's ports; nothing changes while its database is silent. `ports` is None at first."""

    def __init__(self) -> None:
        self.ports: frozenset[SwitchPort] | None = None

    @property
    def devices(self) -> frozenset[str]:
        """Links whose coming and going tells of an instance, whatever their names."""
        return frozenset(port.name for port in self.ports or () if port.netdev and port.tells)

    @property
    def sockets(self) -> frozenset[str]:
        """The vhost-user ports."""
        return frozenset(port.interface for port in self.ports or () if port.interface.startswith(VHU))

    def here(self, links: Collection[str], needed: Iterable[str] = ()) -> set[str]:
        """The names of interfaces that are here: links, and those that Nova would give to Open vSwitch's ports.

        A port with a network interface is here while that is: the switch keeps the number of one that has vanished.
        As long as nothing was heard of the switch, the vhost-user ports among `needed` count as here.
        """
        found = set(links)
        if self.ports is None:
            return found | {name for name in needed if name.startswith(VHU)}
        return found | {port.interface for port in self.ports if port.tells and (not port.netdev or port.name in links)}
