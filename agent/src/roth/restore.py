"""Puts instance routes back that the kernel dropped with their link, or over a reboot.

The kernel deletes a link's routes when it goes down or away (IPv4 without a word) and does not restore them. Nobody
asked for that, so it is undone when the link is back: of the routes on the host's list exactly those that were lost
that way. A route that somebody deleted stays deleted, and what is not on the list stays away: a later run of the
playbook has taken it off. What waits is noted in /run, so that it outlives the agent but not the boot.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

from .kernel.model import Action, HostRoute, KernelRoute, Link, Prefix, RouteFailure, RouteKind, RouteOperation
from .kernel.text import parse_route
from .log import log

Key = tuple[Prefix, int]
"""A route: prefix and metric."""

Routes = Mapping[Prefix, Mapping[int, KernelRoute]]


@dataclass(frozen=True)
class Listed:
    """What the last run of the playbook wanted here: routes, and the tap of the instance that has a prefix.

    A prefix without a tap needs none: an aggregate, a loopback, an instance whose port is no interface of the host.
    """

    routes: dict[Key, HostRoute] = field(default_factory=dict)
    taps: dict[Prefix, str] = field(default_factory=dict)


def _lines(path: str) -> list[str]:
    lines = Path(path).read_text(encoding="ascii").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def read_listed(routes_file: str, taps_file: str) -> Listed:
    """Raises OSError when a list can't be read, and ValueError when it can't be understood. No list lists nothing."""
    listed = Listed()
    try:
        lines = _lines(routes_file)
    except FileNotFoundError:
        return listed
    for line in lines:
        route = parse_route(line)
        listed.routes[route.prefix, route.metric] = route
    for line in _lines(taps_file) if Path(taps_file).exists() else []:
        prefix, _, tap = line.partition(" ")
        listed.taps[ip_network(prefix)] = tap
    return listed


class Restoration:
    """The routes that wait for their link. `note` is the file in /run that keeps them."""

    def __init__(self, routes_file: str, taps_file: str, note: str) -> None:
        self.routes_file, self.taps_file, self.note = routes_file, taps_file, Path(note)
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
            self.waiting = self._noted = set(map(_key, _lines(str(self.note))))
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
        looks = [_looks(path) for path in (self.routes_file, self.taps_file)]
        if looks != self._read[0] or self.failure:
            try:
                self._read, self.failure = (looks, read_listed(self.routes_file, self.taps_file)), None
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


def _looks(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _needs(route: HostRoute) -> set[str]:
    return {route.device} if route.device else set()


def _key(line: str) -> Key:
    prefix, _, metric = line.partition(" ")
    return ip_network(prefix), int(metric)
