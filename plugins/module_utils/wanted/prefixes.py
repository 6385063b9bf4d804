# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which prefixes a host may announce: what its agent lets out and what its switches let in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..kernel.model import Prefix
from .networks import ProviderNetwork, host_prefix


@dataclass(frozen=True)
class AllowedPrefix:
    """Every prefix inside `prefix` whose length is in `ge`..`le` (bits) may leave, as a prefix list says it."""

    prefix: Prefix
    ge: int
    le: int

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.prefix.version

    def covers(self, prefix: Prefix) -> bool:
        """Whether `prefix` may leave under this entry."""
        if prefix.version != self.prefix.version or not self.ge <= prefix.prefixlen <= self.le:
            return False
        shift = self.prefix.max_prefixlen - self.prefix.prefixlen
        return int(prefix.network_address) >> shift == int(self.prefix.network_address) >> shift


def allowed_prefixes(networks: Sequence[ProviderNetwork], host: str, loopbacks: Iterable[str]) -> list[AllowedPrefix]:
    """What `host` may announce: its loopbacks, the addresses and the subnets of its provider networks.

    A network announced as host routes allows the full length, or down to its `pair_length`; one announced as
    aggregate allows exactly its subnets; both allow both. Pinned subnets of other hosts are not allowed.
    Order: loopbacks, then as in the inventory. Raises ValueError when a loopback is no address.
    """
    allowed = [_exactly(host_prefix(loopback)) for loopback in loopbacks]
    for network in networks:
        for subnet in network.subnets_of(host):
            if network.announces_subnets:
                allowed.append(_exactly(subnet.prefix))
            if network.announces_hosts:
                shortest = max(network.pair_length[subnet.prefix.version], subnet.prefix.prefixlen)
                allowed.append(AllowedPrefix(subnet.prefix, shortest, subnet.prefix.max_prefixlen))
    return list(dict.fromkeys(allowed))


def _exactly(prefix: Prefix) -> AllowedPrefix:
    return AllowedPrefix(prefix, prefix.prefixlen, prefix.prefixlen)
