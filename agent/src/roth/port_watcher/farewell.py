"""When an instance leaves, the host tells the neighbours that stay: its address is behind the host now.

They remember its MAC, and a switch that bridges them (Open vSwitch) would take their packets to where it was until they
doubt that, which takes 6 seconds. The host answers for the address from now on (proxy ARP), wherever it went.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

from ..kernel.changes import PackedPrefix
from ..kernel.departures import Place
from ..kernel.model import Family, InterfaceAddress, Link, RouteKey
from ..kernel.routes import RoutePlan
from ..log import log
from ..timers import Timers
from .answer import Answer
from .frames import arp_announcement, neighbor_advertisement

AGAIN = (0.2, 1.0)  # seconds after the first time: a frame may be lost, a switch may be busy with what left


class Wire(Protocol):
    """Speaks to the neighbours on a link."""

    def tell(self, link: Link, addresses: Iterable[IPv4Address | IPv6Address]) -> None:
        """Say that the addresses are behind the link's own MAC. Raises OSError, or ValueError if it has none."""


class PacketWire:
    """The real one: `raw` is a packet socket that receives nothing, `addresses` reads the kernel's."""

    def __init__(self, raw: socket.socket, addresses: Callable[[Family], list[InterfaceAddress]]) -> None:
        self.raw, self.addresses = raw, addresses

    def tell(self, link: Link, addresses: Iterable[IPv4Address | IPv6Address]) -> None:
        """See Wire."""
        self.raw.bind((link.name, 0))
        mac: bytes = self.raw.getsockname()[4]
        source: IPv6Address | None = None
        for address in addresses:
            if isinstance(address, IPv4Address):
                self.raw.send(arp_announcement(mac, address))
            else:
                source = source or self._source(link)
                self.raw.send(neighbor_advertisement(mac, address, source))

    def _source(self, link: Link) -> IPv6Address:
        """An address of the link (RFC 4861, 4.4), its link-local one where it has one."""
        found = [each.address for each in self.addresses(Family.IPV6) if each.index == link.index]
        ours = [each for each in found if isinstance(each, IPv6Address)]
        if not ours:
            raise ValueError("the link has no IPv6 address to speak from")
        return min(ours, key=lambda address: not address.is_link_local)


def leavers(left: Collection[Place], answer: Answer, before: Answer, here: Collection[str]) -> set[Place]:
    """Whom the neighbours should not look for in the old place: of the addresses that `left` their link.

    By `answer`, which came after `before`; `here` are the interfaces that are here. Left out are addresses of ports
    that Neutron still has here and that are only not routed any more (another selection): to such an instance it would
    look as if somebody had taken its address (RFC 5227, 2.4).
    """

    def stays(prefix: PackedPrefix) -> bool:
        return prefix in answer.unrouted and ((tap := before.taps.get(prefix)) is None or tap in here)

    return {place for place in left if not stays((place[0], 8 * len(place[0])))}


class Farewells:
    """Tells at once and again, as long as the address has not come back. Only on links named in `bridges`."""

    def __init__(self, wire: Wire | None, timers: Timers, bridges: Collection[str]) -> None:
        self.wire, self.timers, self.bridges = wire, timers, bridges
        self._left: dict[Place, int] = {}  # by the number of the batch
        self._number = 0

    def follow(self, plan: RoutePlan, leaving: Collection[Place], links: Mapping[int, Link]) -> None:
        """The plan was written, and the neighbours of these addresses are to be told."""
        if self._left:
            self._here((plan.before.keys() - plan.remove.keys()) | plan.install.keys())
        if self.wire is not None:
            self._gone(leaving, links)

    def _gone(self, places: Iterable[Place], links: Mapping[int, Link]) -> None:
        by_link: dict[int, list[Place]] = {}
        for place in places:
            if (link := links.get(place[1])) is not None and link.name in self.bridges:
                by_link.setdefault(link.index, []).append(place)
        for index, batch in by_link.items():
            self._number += 1
            self._left.update(dict.fromkeys(batch, self._number))
            self._tell(self._number, links[index], batch)
            for nth, seconds in enumerate(AGAIN):
                run = partial(self._tell, self._number, links[index], batch, last=nth == len(AGAIN) - 1)
                self.timers.later(f"farewell {self._number} {nth}", seconds, run)

    def _here(self, keys: Iterable[RouteKey]) -> None:
        """These have routes of ours: nothing more is said of them."""
        present = {key[0] for key in keys}
        self._left = {place: number for place, number in self._left.items() if place[0] not in present}

    def _tell(self, number: int, link: Link, batch: Collection[Place], last: bool = False) -> None:
        gone = [place for place in batch if self._left.get(place) == number]
        if self.wire is not None and gone:
            try:
                self.wire.tell(link, [ip_address(packed) for packed, _index in sorted(gone)])
            except (OSError, ValueError) as error:
                log("neighbors_not_told", "warning", link=link.name, addresses=len(gone), error=error)
        if last:
            for place in gone:
                del self._left[place]
