"""Puts instance routes back that the kernel dropped with their link, or over a reboot.

The kernel deletes a link's routes when it goes down or away (IPv4 without a word) and does not restore them. Nobody
asked for that, so it is undone when the link is back: of the routes on the host's list (see `lists`) exactly those
that were lost that way. A route that somebody deleted stays deleted, and what is not on the list stays away: a later
reading of Neutron has taken it off. What waits is noted in /run, so that it outlives the agent but not the boot.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

from . import lists
from .kernel.model import Action, HostRoute, KernelRoute, Link, Prefix, RouteFailure, RouteKind, RouteOperation
from .kernel.text import parse_route
from .log import log

Key = tuple[Prefix, int]
"""A route: prefix and metric."""

Routes = Mapping[Prefix, Mapping[int, KernelRoute]]


@dataclass(frozen=True)
class Listed:
    """What was wanted here last: routes, and the tap of the instance that has a prefix.

    A prefix without a tap needs none: an aggregate, a loopback, an instance whose port is no interface of the host.
    """

    routes: dict[Key, HostRoute] = field(default_factory=dict)
    taps: dict[Prefix, str] = field(default_factory=dict)


def read_listed(pair: lists.Lists) -> Listed:
    """Raises OSError when a list can't be read, and ValueError when it can't be understood. No list lists nothing."""
    listed = Listed()
    routes, taps = pair.lines()
    for line in routes:
        route = parse_route(line)
        listed.routes[route.prefix, route.metric] = route
    for line in taps:
        prefix, _, tap = line.partition(" ")
        listed.taps[ip_network(prefix)] = tap
    return listed


class Restoration:
    """The routes that wait for their link. Of `pairs` the newest lists count; `note` is a file in /run."""

    def __init__(self, pairs: Sequence[lists.Lists], note: str) -> None:
        self.pairs, self.note = pairs, Path(note)
        self.waiting: set[Key] = set()
        self.failure: str | None = None
        self._noted: set[Key] | None = None
        self._read: tuple[object, Listed] = None, Listed()  # the lists as read last, and what their files looked like

    def begin(self, routes: Routes, links: Mapping[int, Link]) -> None:
        """After the first complete read of the kernel: what was noted; after a reboot, all that is listed.

        What is listed for a link that is down or away can only have gone with it, whenever that was.
        """
        listed = self._listed()
        up = {link.name for link in links.values() if link.up}
        try:
            self.waiting = self._noted = set(map(_key, self.note.read_text(encoding="ascii").splitlines()))
        except (OSError, ValueError):
            self.waiting = set(listed.routes)
        self.waiting = self.waiting | {key for key, route in listed.routes.items() if _needs(route) - up}
        self._forget(routes)

    def lost(self, keys: Iterable[Key], routes: Routes) -> None:
        """These went with their link."""
        self.waiting |= set(keys)
        self._forget(routes)

    def put_back(self, operations: Iterable[RouteOperation], failures: Iterable[RouteFailure]) -> None:
        """These were written, but for the failures: those are tried again, unless another route is there already."""
        failed = {(f.operation.prefix, f.operation.metric) for f in failures if f.errno != errno.EEXIST}
        self._note(self.waiting - {(each.prefix, each.metric) for each in operations} | failed)

    def _forget(self, routes: Routes) -> None:
        """What is there again waits no more."""
        self._note({key for key in self.waiting if key[1] not in routes.get(key[0], ())})

    def _note(self, waiting: set[Key]) -> None:
        self.waiting = waiting
        if self.waiting != self._noted:
            self._write()

    def _write(self) -> None:
        new = self.note.with_name(f"{self.note.name}.new")  # whoever dies in between leaves the whole old one
        try:
            new.write_text("".join(f"{prefix} {metric}\n" for prefix, metric in sorted(self.waiting, key=str)))
            new.replace(self.note)
            self._noted = set(self.waiting)
        except OSError as error:
            log("note_not_written", "warning", file=self.note, error=error)

    def _listed(self) -> Listed:
        pair = lists.newest(self.pairs)
        looks = (pair, pair.looks())
        if looks != self._read[0] or self.failure:
            try:
                self._read, self.failure = (looks, read_listed(pair)), None
            except (OSError, ValueError) as error:
                if str(error) != self.failure:
                    log("list_not_read", "warning", error=error)
                self._read, self.failure = (looks, Listed()), str(error)
        return self._read[1]

    def due(self, routes: Routes, links: Mapping[int, Link]) -> list[RouteOperation]:
        """What can be put back now, aggregates first: their blackhole must stand before the subnet is announced."""
        self._forget(routes)
        if not self.waiting:
            return []
        listed = self._listed()
        if self.failure is None:
            self._note(self.waiting & listed.routes.keys())
        up = {link.name: link.index for link in links.values() if link.up}
        found = [
            listed.routes[key]
            for key in self.waiting & listed.routes.keys()
            if up.keys() >= _needs(listed.routes[key]) | {tap for tap in [listed.taps.get(key[0])] if tap}
        ]
        found.sort(key=lambda route: (route.kind is not RouteKind.BLACKHOLE, route.prefix.prefixlen, str(route.prefix)))
        return [
            RouteOperation(Action.ADD, route.prefix, route.metric, up.get(route.device or ""), route.kind)
            for route in found
        ]


def _needs(route: HostRoute) -> set[str]:
    return {route.device} if route.device else set()


def _key(line: str) -> Key:
    prefix, _, metric = line.partition(" ")
    return ip_network(prefix), int(metric)
