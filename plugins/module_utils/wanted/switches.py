# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a switch has to know of the hypervisors behind it: one neighbor an uplink."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from ..inventory.uplinks import HostVars, Peer, Uplink, loopbacks, uplinks
from .document import PortDocument
from .host_plans import HostPlans
from .networks import provider_networks
from .prefixes import AllowedPrefix, allowed_prefixes

MAX_PREFIX_FLOOR = 256
"""A host never gets a lower limit: a fresh host, or one that takes over another's instances, must not trip it."""


@dataclass(frozen=True)
class TorNeighbor:
    """One uplink of one hypervisor, seen from its switch.

    `interface` is the switch's port. `peers` have the host's point of view: `local` is the neighbor's address to
    configure, `address` the switch's own. `prefixes` and `max_prefix` (routes) are by IP version.
    """

    host: str
    uplink: Uplink
    interface: str
    asn: int
    peers: tuple[Peer, ...]
    prefixes: Mapping[int, tuple[AllowedPrefix, ...]]
    max_prefix: Mapping[int, int]


def max_prefix(expected: int) -> int:
    """The limit for a host that should announce `expected` prefixes of a family.

    At least twice as many, so that a host can take over another's instances, and rounded up to a power of two, so
    that a switch's configuration does not change with every instance; never under MAX_PREFIX_FLOOR.
    """
    limit = MAX_PREFIX_FLOOR
    while limit < 2 * expected:
        limit *= 2
    return limit


def _expected(routes: Iterable[str]) -> Counter[int]:
    prefixes = {route.removeprefix("blackhole ").split()[0] for route in routes}
    return Counter(ip_network(prefix).version for prefix in prefixes)


class _Hosts:
    """What a switch lets in from each host, computed once per host although it may have several uplinks."""

    def __init__(self, hostvars: HostVars, document: PortDocument | None) -> None:
        self._hostvars = hostvars
        self._plans = None if document is None else HostPlans(hostvars, document)

    def limits(self, host: str) -> dict[int, int]:
        expected = Counter[int]()
        if self._plans is not None:
            expected = _expected(self._plans.routes(host).routes)
        return {version: max_prefix(expected[version]) for version in (4, 6)}

    def prefixes(self, host: str) -> dict[int, tuple[AllowedPrefix, ...]]:
        networks = provider_networks(self._hostvars[host].get("roth_provider_networks") or [])
        allowed = allowed_prefixes(networks, host, loopbacks(self._hostvars, host))
        return {version: tuple(entry for entry in allowed if entry.version == version) for version in (4, 6)}


def hypervisors(hostvars: HostVars) -> Sequence[str]:
    """The hosts that have uplinks, in alphabetical order."""
    return sorted(host for host in hostvars if hostvars[host].get("roth_uplinks"))


def tor_neighbors(hostvars: HostVars, switch: str, document: PortDocument | None = None) -> tuple[TorNeighbor, ...]:
    """The neighbors of `switch`: each uplink of each hypervisor that leads to it.

    With the port document the prefix limits follow what each host should announce; without it they are the floor.
    Raises ValueError naming host and variable.
    """
    hosts = _Hosts(hostvars, document)
    ports: Mapping[str, str] = hostvars[switch].get("roth_switch_ports") or {}
    neighbors = []
    for host in hypervisors(hostvars):
        mine = [uplink for uplink in uplinks(hostvars, host) if uplink.tor == switch]
        if not mine:
            continue
        asn = hostvars[host].get("roth_asn")
        if asn is None:
            raise ValueError(f"{host}: roth_asn is missing")
        prefixes, limits = hosts.prefixes(host), hosts.limits(host)
        for uplink in mine:
            neighbors.append(TorNeighbor(host, uplink, ports.get(host, host), int(asn), uplink.peers, prefixes, limits))
    return tuple(neighbors)
