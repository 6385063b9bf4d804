# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reconciliation compares, and what it finds. Plain values: nothing here reads a host, a switch or Neutron.

A prefix is the canonical text of one (`10.64.1.53/32`), a route is in the grammar of `kernel.text`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ..kernel.model import Prefix
from ..wanted.prefixes import AllowedPrefix


class Kind(Enum):
    """What is wrong about one prefix at one host; the order is that of the report."""

    LEAKED = "leaked prefix"
    DUPLICATE = "duplicate"
    WRONG_HOST = "wrong host"
    MISSING = "missing"
    ORPHAN = "orphan"
    STALE = "stale"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Session:
    """A BGP session that the inventory asks for: `local` is the host's address, `peer` the switch's.

    `drained`: an operator took the traffic from it, so nothing is missing there.
    """

    tor: str
    family: str
    local: str
    peer: str
    drained: bool = False


@dataclass(frozen=True)
class PortName:
    """The port that has a prefix; `host` is `binding:host_id`, empty when unbound."""

    id: str
    name: str
    host: str

    def __str__(self) -> str:
        return f"{self.name or 'no name'} ({self.id})"


@dataclass(frozen=True)
class Host:
    """One hypervisor. What could not be read is None, and `unread` says why, by what it is (`kernel`, `adj-rib-out`).

    `wanted` and `kernel` (of our protocol, in our table) hold routes by prefix, `foreign` a description of what another
    protocol has in the place of a wanted one. `announced` holds prefixes by peer address, `withheld` the agent's reason
    by prefix, `left_out` why a port's address is not wanted. `given_up` are prefixes of a drained host that others
    announce.
    """

    wanted: Mapping[str, tuple[str, ...]]
    sessions: tuple[Session, ...] = ()
    allowed: tuple[AllowedPrefix, ...] = ()
    kernel: Mapping[str, tuple[str, ...]] | None = None
    foreign: Mapping[str, str] = field(default_factory=dict)
    announced: Mapping[str, frozenset[str]] | None = None
    withheld: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    given_up: frozenset[str] = frozenset()
    unread: Mapping[str, str] = field(default_factory=dict)
    looked_at: bool = True


@dataclass(frozen=True)
class SwitchPath:
    """A path that a switch has; `stale`: kept by graceful restart only (RFC 4724)."""

    prefix: str
    peer: str
    stale: bool = False


@dataclass(frozen=True)
class World:
    """Everything that is compared: all hypervisors, and the switches that were asked.

    Of a switch that could not be read there is a text that says why. `subnets` are those of the provider networks,
    `ports` those that have a prefix, fixed or as an allowed address pair.
    """

    hosts: Mapping[str, Host]
    switches: Mapping[str, tuple[SwitchPath, ...] | str] = field(default_factory=dict)
    subnets: tuple[Prefix, ...] = ()
    ports: Mapping[str, tuple[PortName, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One disagreement about one prefix at one host.

    `host` is None for what no hypervisor told a switch, `prefix` for what could not be read. `seen` and `missing` are
    places: `kernel`, `adj-rib-out tor1`, `tor1`, with another host's name before them (`hv2: kernel`) where it is about
    that one. `repair` says what a repair does; `install` and `remove` are the routes that it writes on `host`, and
    `waits` that it leaves the prefix there until the right host has it.
    """

    kind: Kind
    host: str | None
    prefix: str | None
    seen: tuple[str, ...]
    missing: tuple[str, ...]
    reason: str
    port: PortName | None = None
    repair: str = "none"
    install: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    waits: bool = False
