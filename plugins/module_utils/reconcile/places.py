# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each prefix is: the World indexed for the questions that `findings` asks. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_network

from ..kernel.model import Prefix
from .model import Host, PortName, Session, SwitchPath, World


@lru_cache(maxsize=65536)
def network(prefix: str) -> Prefix:
    """The text of a prefix as a network. Raises ValueError."""
    return ip_network(prefix)


def order(prefix: str) -> tuple[int, int, int]:
    """Sorts IPv4 before IPv6, and by address."""
    found = network(prefix)
    return found.version, int(found.network_address), found.prefixlen


def family(prefix: str) -> str:
    """`ipv4` or `ipv6`."""
    return "ipv6" if ":" in prefix else "ipv4"


class Places:
    """Who has which prefix, and where."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.holders: dict[str, set[str]] = defaultdict(set)
        """Hosts that are to have a prefix."""
        self.strangers: list[tuple[str, SwitchPath]] = []
        """Switch and path of what no hypervisor told it."""
        self._at: dict[tuple[str, str], dict[str, SwitchPath]] = defaultdict(dict)
        self._from: dict[str, set[str]] = defaultdict(set)
        self._having: dict[str, set[str]] = defaultdict(set)
        for name, host in world.hosts.items():
            for prefix in host.wanted:
                self.holders[prefix].add(name)
        self._read_switches()
        for name in world.hosts:
            for prefix in self.prefixes(name):
                if self.has(name, prefix):
                    self._having[prefix].add(name)

    def _read_switches(self) -> None:
        sessions = {
            (each.tor, each.local): (name, each) for name, host in self.world.hosts.items() for each in host.sessions
        }
        for tor, paths in sorted(self.world.switches.items()):
            for path in () if isinstance(paths, str) else paths:
                name, session = sessions.get((tor, path.peer), (None, None))
                if name is None or session is None:
                    self.strangers.append((tor, path))
                elif not (session.drained and path.stale):  # else all that a switch that was switched off has of it
                    self._at[name, path.prefix][tor] = path
                    self._from[name].add(path.prefix)

    def prefixes(self, name: str) -> set[str]:
        """All that the host wants, has, announces, or a switch has from it."""
        host = self.world.hosts[name]
        found = set(host.wanted) | set(host.kernel or ())
        for told in (host.announced or {}).values():
            found |= told
        return found | self._from[name]

    def at(self, name: str, prefix: str) -> dict[str, SwitchPath]:
        """What switches have of the prefix from this host, by switch."""
        return self._at.get((name, prefix), {})

    def told(self, name: str, prefix: str) -> list[str]:
        """The switches that the host's ExaBGP announces the prefix to; a peer of nobody's by its address."""
        host = self.world.hosts[name]
        tors = {session.peer: session.tor for session in host.sessions}
        return sorted(tors.get(peer, peer) for peer, told in (host.announced or {}).items() if prefix in told)

    def due(self, host: Host, prefix: str) -> Iterator[Session]:
        """The sessions over which the host must announce the prefix if it wants it."""
        if prefix not in host.given_up:
            yield from (each for each in host.sessions if each.family == family(prefix) and not each.drained)

    def has(self, name: str, prefix: str) -> bool:
        """Whether the prefix leads to the host: a route, and an announcement where there can be one.

        Of a host that was not read the switches tell.
        """
        host = self.world.hosts[name]
        if host.kernel is None:
            return bool(self.told(name, prefix)) or any(not path.stale for path in self.at(name, prefix).values())
        if prefix not in host.kernel:
            return False
        return host.announced is None or bool(self.told(name, prefix)) or not any(self.due(host, prefix))

    def elsewhere(self, name: str, prefix: str) -> list[str]:
        """The other hosts that have it."""
        return sorted(self._having[prefix] - {name})

    def seen(self, name: str, prefix: str) -> tuple[str, ...]:
        """The places where the host has it."""
        kernel = self.world.hosts[name].kernel or {}
        return (
            *(["kernel"] if prefix in kernel else []),
            *(f"adj-rib-out {tor}" for tor in self.told(name, prefix)),
            *sorted(self.at(name, prefix)),
        )

    def lacking(self, name: str, prefix: str) -> tuple[str, ...]:
        """The places where the host must have it, as it wants it, and does not. What was not read lacks nothing."""
        host = self.world.hosts[name]
        found = []
        if host.kernel is not None and self.absent(name, prefix):
            found.append("kernel")
        due = list(self.due(host, prefix))
        if host.announced is not None:
            found += [f"adj-rib-out {each.tor}" for each in due if prefix not in host.announced.get(each.peer, ())]
        at = self.at(name, prefix)
        read = [each.tor for each in due if not isinstance(self.world.switches.get(each.tor, ""), str)]
        return (*found, *(tor for tor in read if tor not in at))

    def absent(self, name: str, prefix: str) -> tuple[str, ...]:
        """Wanted routes of the prefix that the host's kernel lacks; all of them where it was not read."""
        host = self.world.hosts[name]
        found = (host.kernel or {}).get(prefix, ())
        return tuple(route for route in host.wanted.get(prefix, ()) if route not in found)

    def port(self, name: str | None, prefix: str) -> PortName | None:
        """The port that has the prefix: this host's rather than one of a host that is to have it, or another."""
        ports = self.world.ports.get(prefix, ())
        holders = self.holders.get(prefix, set())
        return min(ports, key=lambda port: (port.host != name, port.host not in holders, port.id), default=None)
