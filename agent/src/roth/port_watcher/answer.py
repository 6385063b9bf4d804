"""What this host should have by one reading of Neutron, and what of it can be had now. Pure.

The interface of an instance is first-hand knowledge: it is on the host or it isn't, whatever Neutron says and however
long ago. So an address is routed only while its tap is there, and a route whose tap is gone may go at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

from ..kernel.changes import PackedPrefix
from ..kernel.model import RouteKey, key_text
from ..kernel.neighbors import WantedNeighbor, parse_neighbors
from ..kernel.routes import settled_key
from ..kernel.text import Wanted, parse_device, parse_routes, route_text
from ..wanted.ports import TAP, VHU


@dataclass(frozen=True)
class Answer:
    """Routes of the host, whether their taps are here or not, and the tap that each prefix of an instance needs.

    A prefix without a tap needs none: a loopback, an aggregate, a port that is no interface of the host. `neighbors` is
    None where nothing is known about static neighbour entries. `unrouted` are prefixes of ports that Neutron has
    here and that are not to be routed.
    """

    routes: Mapping[RouteKey, str | None] = field(default_factory=dict)
    taps: Mapping[PackedPrefix, str] = field(default_factory=dict)
    contradictory: Mapping[RouteKey, list[str]] = field(default_factory=dict)
    neighbors: tuple[WantedNeighbor, ...] | None = None
    unrouted: frozenset[PackedPrefix] = frozenset()

    def tap(self, key: RouteKey) -> str | None:
        """The tap that a route needs."""
        return self.taps.get(key[:2])

    def wanted(self, links: Collection[str]) -> Wanted:
        """The routes that the host should have now: without those whose tap is not among `links`."""
        here = {key: device for key, device in self.routes.items() if (tap := self.tap(key)) is None or tap in links}
        return Wanted(here, contradictory=dict(self.contradictory), settles=True)

    def waiting(self, links: Collection[str]) -> list[str]:
        """Prefixes that wait for their tap, as text."""
        return sorted({key_text(key) for key in self.routes if (tap := self.tap(key)) is not None and tap not in links})

    def unexplained(self, links: Iterable[str]) -> set[str]:
        """Taps that no port of the answer has: perhaps of a port that is just coming here."""
        return {name for name in links if name.startswith((TAP, VHU))} - set(self.taps.values())

    def with_kept(self, kept: Iterable[RouteKey], before: Answer) -> Answer:
        """This answer and, of the answer before it, the routes that it lacks and that must not go.

        They are kept in the form in which the kernel has them: as just arrived, or ordinary.
        """
        known = {settled_key(key): device for key, device in before.routes.items()}
        more = {
            key: known[settled_key(key)] for key in kept if settled_key(key) in known and key not in self.contradictory
        }
        taps = {key[:2]: tap for key in more if (tap := before.tap(key)) is not None}
        return replace(self, routes={**more, **self.routes}, taps={**taps, **self.taps}, neighbors=None)

    def route_lines(self) -> list[str]:
        """The routes in the grammar of the list on the host."""
        return [route_text(key, device) for key, device in self.routes.items()]

    def tap_lines(self) -> list[str]:
        """`PREFIX TAP` lines, as in the list on the host: without those that its readers could not see."""
        return [f"{key_text((*prefix, 0))} {tap}" for prefix, tap in self.taps.items() if not tap.startswith(VHU)]


def parse_answer(
    routes: Iterable[str],
    taps: Iterable[str],
    neighbors: Iterable[str] | None = None,
    unrouted: Iterable[str] = (),
) -> Answer:
    """From lines of the lists on the host. Raises ValueError naming what is wrong."""
    wanted = parse_routes(routes)
    needed = dict(map(_tap, taps))
    entries = None if neighbors is None else tuple(parse_neighbors(neighbors))
    return Answer(wanted.routes, needed, wanted.contradictory, entries, frozenset(map(_packed, unrouted)))


def _packed(text: str) -> PackedPrefix:
    prefix = ip_network(text)
    return prefix.network_address.packed, prefix.prefixlen


def _tap(line: str) -> tuple[PackedPrefix, str]:
    text, _, device = line.partition(" ")
    return _packed(text), parse_device(device)


def departed(keys: Iterable[RouteKey], links: Collection[str], *answers: Answer) -> set[RouteKey]:
    """Those of `keys` whose tap is known by one of `answers` (the first that names one counts) and is gone."""
    gone = set()
    for key in keys:
        tap = next((tap for answer in answers if (tap := answer.tap(key)) is not None), None)
        if tap is not None and tap not in links:
            gone.add(key)
    return gone
