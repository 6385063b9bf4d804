# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges and ports of Open vSwitch: those wanted, and those in its database (ovs-vswitchd.conf.db(5))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MARK = "roth"
"""Key of external_ids that makes a bridge, or a port, ours; its value is the network's name."""
FOUND_MAC = "roth-found-hwaddr"
FOUND_MTU = "roth-found-mtu-request"
"""On a bridge that was adopted: what was there before, empty for nothing."""
SYSTEM = "system"
"""The kernel's datapath; an empty datapath_type means it as well."""
PATCH = "patch"
"""Type of an interface that is one end of a pair of ports, which joins two bridges."""


@dataclass(frozen=True)
class WantedBridge:
    """`mac` is in lower case, `mtu` in bytes. `fail_mode` is for a bridge that is made, None for Open vSwitch's own.

    Where there is an `agent_bridge`, the bridge is joined to each of the `vlans` of that one.
    """

    name: str
    network: str
    mac: str
    mtu: int
    datapath_type: str = SYSTEM
    fail_mode: str | None = None
    agent_bridge: str | None = None
    vlans: tuple[int, ...] = ()


@dataclass(frozen=True)
class FoundBridge:
    """A bridge as the database has it.

    `mac` is other_config:hwaddr and `mtu` the local port's mtu_request (bytes), None where nothing is asked for.
    `ports` are those beside the local one and beside patch ports, which an agent sets up by itself. `works` is false
    when ovs-vswitchd could not make the local port.
    """

    name: str
    datapath_type: str
    mac: str | None
    mtu: int | None
    ports: tuple[str, ...] = ()
    works: bool = True
    external_ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        """Whether we made or adopted it."""
        return MARK in self.external_ids

    @property
    def adopted(self) -> bool:
        """Whether somebody else made it."""
        return FOUND_MAC in self.external_ids

    def __str__(self) -> str:
        mine = f"network={self.external_ids[MARK]} " if self.ours else ""
        asked = f"hwaddr={self.mac or '-'} mtu_request={self.mtu or '-'}"
        return f"{self.name} {mine}datapath_type={self.datapath_type} {asked}{' adopted' * self.adopted}"


@dataclass(frozen=True)
class Patch:
    """One end of a wanted pair: a port of `bridge`. `tag` is its VLAN there (IEEE 802.1Q), None where it is in none."""

    name: str
    bridge: str
    peer: str
    tag: int | None
    network: str


@dataclass(frozen=True)
class FoundPort:
    """A port as the database has it, beside the bridges' local ones.

    `kind` is the type of its interface, of a bond's first, and empty for one of the system. `works` is false when
    ovs-vswitchd gave it no number.
    """

    name: str
    bridge: str
    kind: str
    peer: str | None = None
    tag: int | None = None
    external_ids: Mapping[str, str] = field(default_factory=dict)
    works: bool = True

    @property
    def ours(self) -> bool:
        """Whether we made it."""
        return MARK in self.external_ids

    def __str__(self) -> str:
        mine = f"network={self.external_ids[MARK]} " if self.ours else ""
        tag = "-" if self.tag is None else self.tag
        return f"{self.bridge} port {self.name} {mine}tag={tag} type={self.kind or '-'} peer={self.peer or '-'}"


@dataclass(frozen=True)
class Found:
    """What the database has, both by name."""

    bridges: Mapping[str, FoundBridge] = field(default_factory=dict)
    ports: Mapping[str, FoundPort] = field(default_factory=dict)
