"""Signs that an instance which is expected runs here: its first frame, as far as this host can see it.

A Linux bridge tells when it learns a MAC. Open vSwitch tells the kernel nothing, so the packets that the tap has
received are looked at while somebody is expected: before the instance runs here there are none. QEMU has the guest
announce itself as soon as it runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from ..kernel.model import Event, LearnedEvent, Link

SHORTEST, LONGEST = 0.02, 1.0  # seconds between two looks at the counters
_SHARE = 3000  # how many times longer somebody is expected than the pause to the next look is


class Counters(Protocol):
    """What this needs of the kernel; netlink.Netlink is the real one."""

    def received(self, index: int) -> int:
        """How many packets an interface has received. Raises OSError."""


def learned(events: Iterable[Event], links: Mapping[int, Link]) -> list[tuple[str, str]]:
    """Names of ports of bridges, and the MACs that were learned there."""
    return [
        (links[event.port].name, event.mac)
        for event in events
        if isinstance(event, LearnedEvent) and event.port in links
    ]


class Received:
    """Counters of taps whose bridge does not tell what it learns."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self._since: dict[int, float] = {}  # by ifindex: since when it is looked at

    def look(self, now: float, taps: Collection[str], links: Mapping[int, Link], missed: bool = False) -> list[str]:
        """Those of the `taps` that have received something; with `missed` also of those whose bridge has told."""
        before, self._since = self._since, {}
        alive = []
        for link in links.values():
            tells = _tells(link, links)
            if link.name not in taps or (tells and not missed):
                continue
            try:
                packets = self.counters.received(link.index)
            except OSError:
                continue  # it has just gone
            if not tells:
                self._since[link.index] = before.get(link.index, now)
            if packets:
                alive.append(link.name)
        return alive

    def pause(self, now: float) -> float | None:
        """Seconds until the next look; None: there is nothing to look at. The longer it takes, the rarer."""
        if not self._since:
            return None
        waited = now - max(self._since.values())
        return min(LONGEST, max(SHORTEST, waited / _SHARE))


def _tells(link: Link, links: Mapping[int, Link]) -> bool:
    bridge = links.get(link.master or 0)
    return bridge is not None and bridge.kind == "bridge"
