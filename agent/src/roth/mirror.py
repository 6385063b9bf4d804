"""Our routes and all links, as the kernel has them: subscribe, dump, replay.

Route events are applied as they come (an announcement must not wait for a dump), and every burst is checked by a dump
afterwards: events are hints. Links are re-read on every link event, since IPv4 routes vanish silently with their link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .kernel.model import Event, Events, Family, Kernel, KernelRoute, Link, LinkEvent, Overrun, Prefix, RouteEvent
from .log import log
from .timers import Timers

SETTLE = 0.020  # seconds after a link event until the re-dump: taps come in bursts
VERIFY = 1.0  # seconds after the last route event until a dump checks the mirror
AUDIT = 60.0  # seconds between dumps without any event
RETRY = 1.0  # seconds after a failed dump


@dataclass
class Changes:
    """What the owner has to look at again. `lost` are routes (prefix, metric) that went because their link did."""

    prefixes: set[Prefix] = field(default_factory=set)
    lost: set[tuple[Prefix, int]] = field(default_factory=set)
    links: bool = False
    nexthops: bool = False

    def __bool__(self) -> bool:
        return bool(self.prefixes) or self.links or self.nexthops


class Mirror:
    """Routes of one table and protocol by prefix and metric, and links by ifindex.

    `changed` is called after every change. `complete` is false until a first full read has succeeded: nothing may be
    concluded from absence before that.
    """

    def __init__(
        self,
        kernel: Kernel,
        events: Events,
        table: int,
        protocol: int,
        timers: Timers,
        changed: Callable[[Changes], None],
    ) -> None:
        self.kernel, self.events, self.timers, self.changed = kernel, events, timers, changed
        self.table, self.protocol = table, protocol
        self.routes: dict[Prefix, dict[int, KernelRoute]] = {}
        self.links: dict[int, Link] = {}
        self._fallen: set[int] = set()  # links that were down or went away since the last read, perhaps for a moment
        self.complete = False
        self.failure: str | None = None
        self.resyncs = 0

    def readable(self) -> None:
        """The subscription has events."""
        changes = Changes()
        try:
            self._apply(self.events.read(), changes)
        except Overrun:
            self.resyncs += 1
            log("events_lost", "warning", action="resync")
            self.timers.later("resync", SETTLE, self.resync)
        except OSError as error:
            log("events_failed", "error", error=error)
            self.timers.later("resync", RETRY, self.resync)
        if changes and self.complete:
            self.changed(changes)

    def _apply(self, events: Iterable[Event], changes: Changes) -> None:
        for event in events:
            if isinstance(event, RouteEvent):
                if event.route.table == self.table:
                    self._apply_route(event, changes)
                    changes.prefixes.add(event.route.prefix)
                else:
                    changes.nexthops = True  # the learned default's table: have it verified
            elif isinstance(event, LinkEvent):
                self.timers.later("resync", SETTLE, self.resync)
                if not (event.present and event.link.up):
                    self._fallen.add(event.link.index)
                known = self.links.get(event.link.index)
                if known and event.present and (known.up, known.carrier) != (event.link.up, event.link.carrier):
                    changes.links = True
                    self.links[event.link.index] = event.link
            else:
                changes.nexthops = True
        if changes.prefixes:
            self.timers.later("resync", VERIFY, self.resync)

    def _apply_route(self, event: RouteEvent, changes: Changes) -> None:
        route = event.route
        metrics = self.routes.setdefault(route.prefix, {})
        if event.added and route.protocol == self.protocol:
            metrics[route.metric] = route
        else:
            known = metrics.pop(route.metric, None)
            # a link says that it is down before its IPv6 routes go: any other removal is somebody's will
            if known is not None and route.protocol == self.protocol and known.oif in self._fallen:
                changes.lost.add((route.prefix, route.metric))
        if not metrics:
            del self.routes[route.prefix]

    def resync(self) -> None:
        """Read everything again and report what differs. On failure the old picture stays, and it is tried again."""
        self.timers.later("resync", AUDIT, self.resync)
        try:
            links = self.kernel.links()
            routes: dict[Prefix, dict[int, KernelRoute]] = {}
            for family in Family:
                for route in self.kernel.routes(self.table, self.protocol, family):
                    routes.setdefault(route.prefix, {})[route.metric] = route
        except OSError as error:
            if str(error) != self.failure:
                log("dump_failed", "error", error=error)
            self.failure = str(error)
            self.timers.later("resync", RETRY, self.resync)
            return
        self.failure = None
        changes = Changes(links=links != self.links or not self.complete)
        known = self.routes.keys() | routes.keys() if changes.links else self._different(routes)
        changes.prefixes = set(known)
        changes.lost = self._lost(routes, links)
        self._fallen.clear()
        self.links, self.routes, self.complete = links, routes, True
        self.changed(changes)

    def _lost(self, routes: dict[Prefix, dict[int, KernelRoute]], links: dict[int, Link]) -> set[tuple[Prefix, int]]:
        """Routes that are gone without a word, and whose link was or is down or away: IPv4's way to lose them."""
        up = {index for index, link in links.items() if link.up} - self._fallen
        return {
            (prefix, metric)
            for prefix, metrics in self.routes.items()
            for metric, route in metrics.items()
            if route.oif is not None and route.oif not in up and metric not in routes.get(prefix, ())
        }

    def _different(self, routes: dict[Prefix, dict[int, KernelRoute]]) -> set[Prefix]:
        both = self.routes.keys() | routes.keys()
        return {prefix for prefix in both if self.routes.get(prefix) != routes.get(prefix)}
