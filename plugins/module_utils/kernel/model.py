# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types that cross the border between planning (pure) and the kernel (netlink)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Protocol, Union

Prefix = Union[IPv4Network, IPv6Network]
Address = Union[IPv4Address, IPv6Address]

# Hot paths (10k to 100k routes) work on these tuples: an ipaddress object costs more than the kernel's whole work.
RouteKey = tuple[bytes, int, int]
"""What makes a route one route: address in network byte order (4 or 16 bytes), prefix length, metric."""

Hop = tuple[int, int]
"""Where a route leads: ifindex (0 for a blackhole), rtm_type; the type is ODD for a route that ours never look like."""

ODD = 0


def route_key(prefix: Prefix, metric: int) -> RouteKey:
    """The key of a prefix and metric."""
    return prefix.network_address.packed, prefix.prefixlen, metric


def key_prefix(key: RouteKey) -> Prefix:
    """The prefix of a key as an ipaddress object."""
    if len(key[0]) == 4:
        return IPv4Network((key[0], key[1]))
    return IPv6Network((key[0], key[1]))


def key_text(key: RouteKey) -> str:
    """The prefix of a key as text, e.g. 10.64.1.53/32."""
    return f"{inet_ntop(AF_INET if len(key[0]) == 4 else AF_INET6, key[0])}/{key[1]}"


class Family(Enum):
    """Address families; the value is the kernel's AF_* number (linux/socket.h)."""

    IPV4 = 2
    IPV6 = 10


class RouteKind(Enum):
    """Route types of linux/rtnetlink.h (rtm_type) that we write."""

    UNICAST = 1
    BLACKHOLE = 6


@dataclass(frozen=True)
class HostRoute:
    """A wanted route of ours: one prefix through one device, or a blackhole (device is None)."""

    prefix: Prefix
    device: str | None
    metric: int
    kind: RouteKind = RouteKind.UNICAST


@dataclass(frozen=True)
class KernelRoute:
    """A route as the kernel reported it.

    `plain` is false when it has something that ours never have (gateway, multipath, nexthop id, metrics …):
    such a route under our protocol number is rewritten. `linkdown` mirrors RTNH_F_LINKDOWN,
    `source` is the preferred source address (RTA_PREFSRC).
    """

    prefix: Prefix
    metric: int
    oif: int | None
    kind: int
    protocol: int
    table: int
    plain: bool = True
    linkdown: bool = False
    nhid: int | None = None
    source: Address | None = None


@dataclass
class RouteTable:
    """Our routes of one kernel table, both families: `hops` by key.

    `extra` holds further routes whose key was taken already: another program appended them under our protocol.
    """

    hops: dict[RouteKey, Hop] = field(default_factory=dict)
    extra: list[tuple[RouteKey, Hop]] = field(default_factory=list)


@dataclass(frozen=True)
class Link:
    """A network interface. `up` is IFF_UP, `carrier` is IFF_LOWER_UP (linux/if.h); `master` an ifindex."""

    index: int
    name: str
    up: bool
    carrier: bool
    master: int | None = None
    kind: str | None = None
    isolated: bool | None = None


class Action(Enum):
    """What a route operation does: ADD never overwrites (EEXIST is a conflict), REPLACE only over our own."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True)
class RouteOperation:
    """One change of one route; `oif` is None for a blackhole."""

    action: Action
    prefix: Prefix
    metric: int
    oif: int | None
    kind: RouteKind = RouteKind.UNICAST


RouteChange = tuple[Action, RouteKey, Hop]
"""A RouteOperation in the packed form of the hot paths; a Hop of (0, ODD) in a removal matches any device and type."""


@dataclass(frozen=True)
class RouteFailure:
    """The kernel refused `operation` with `errno` (errno.h) and `text`."""

    operation: RouteOperation
    errno: int
    text: str


@dataclass(frozen=True)
class Nexthop:
    """A nexthop object (linux/nexthop.h): a gateway through an interface."""

    id: int
    oif: int
    gateway: Address


@dataclass(frozen=True)
class NexthopGroup:
    """A nexthop group: members are nexthop ids with weights 1–256, in ascending order of id."""

    id: int
    members: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Neighbor:
    """A static neighbour entry: `mac` is six bytes in lower-case colon notation, `oif` an ifindex."""

    address: Address
    oif: int
    mac: str


@dataclass(frozen=True)
class KernelNeighbor:
    """A neighbour entry as the kernel reported it; `state` is NUD_*, `protocol` NDA_PROTOCOL (linux/neighbour.h)."""

    address: Address
    oif: int
    mac: str | None
    state: int
    protocol: int

    @property
    def permanent(self) -> bool:
        """Whether the entry is static (NUD_PERMANENT)."""
        return bool(self.state & 0x80)


@dataclass(frozen=True)
class InterfaceAddress:
    """An address of an interface (linux/if_addr.h); `flags` are IFA_F_*."""

    address: Address
    prefix_length: int
    index: int
    flags: int


@dataclass(frozen=True)
class Rule:
    """A policy rule (linux/fib_rules.h): what the collection's rules use; `action` is FR_ACT_* (1: lookup)."""

    priority: int
    family: Family
    action: int
    table: int
    protocol: int
    iif: str | None = None
    source: str | None = None
    destination: str | None = None
    suppress_prefix_length: int | None = None


class EventKind(Enum):
    """What changed; every event is only a hint, the state is re-read."""

    ROUTE = "route"
    LINK = "link"
    NEXTHOP = "nexthop"


@dataclass(frozen=True)
class RouteEvent:
    """One of our routes was added (`added`) or removed.

    A foreign route that replaced another in a table of ours is reported with `added` false and its own protocol.
    """

    added: bool
    route: KernelRoute


@dataclass(frozen=True)
class LinkEvent:
    """An interface changed (`present`) or went away."""

    present: bool
    link: Link


@dataclass(frozen=True)
class NexthopEvent:
    """A nexthop object was added or removed (not sent on carrier loss: the kernel stays silent then)."""

    added: bool
    id: int


@dataclass(frozen=True)
class LearnedEvent:
    """A Linux bridge has learned that `mac` is behind its port of ifindex `port`: a frame came from there."""

    port: int
    mac: str


Event = Union[RouteEvent, LinkEvent, NexthopEvent, LearnedEvent]


class Overrun(Exception):
    """The kernel dropped events (ENOBUFS): everything must be read again."""


class Kernel(Protocol):
    """What planning code and the agent need of the kernel; `netlink.Netlink` is the real one, tests inject others.

    Every method raises OSError (errno as the kernel gave it) when the request as a whole failed.
    """

    def links(self) -> dict[int, Link]:
        """All interfaces by ifindex, bridge-port state (master, isolated) included."""

    def routes(self, table: int, protocol: int | None, family: Family) -> list[KernelRoute]:
        """Kernel-side filtered dump (protocol None: of every protocol).

        A missing table is an empty list; an interrupted dump is repeated.
        """

    def apply(self, table: int, protocol: int, operations: Sequence[RouteOperation]) -> list[RouteFailure]:
        """Write in order, at most 200 a send; what fails is returned, the rest is applied."""

    def nexthops(self, protocol: int) -> tuple[dict[int, Nexthop], dict[int, NexthopGroup]]:
        """Our nexthop objects and groups by id."""

    def nexthop_protocols(self) -> dict[int, int]:
        """The protocol that owns each nexthop id in use, of every kind and owner."""

    def replace_nexthop(self, nexthop: Nexthop, protocol: int) -> None:
        """Create or change one nexthop object."""

    def replace_group(self, group: NexthopGroup, protocol: int) -> None:
        """Create or change one group (RFC-less; linux/nexthop.h NHA_GROUP, type multipath)."""

    def delete_nexthop(self, id: int) -> None:
        """Remove a nexthop object or group; absent is not an error."""

    def replace_group_route(
        self, prefix: Prefix, group: int, table: int, metric: int, protocol: int, source: Address | None = None
    ) -> None:
        """Install `prefix` through nexthop group `group` (RTA_NH_ID), RTA_PREFSRC `source`."""

    def isolate_port(self, index: int) -> None:
        """Set IFLA_BRPORT_ISOLATED on bridge port `index`."""

    def close(self) -> None:
        """Release the socket."""


class Events(Protocol):
    """A subscription: subscribe first, then dump, then read."""

    def fileno(self) -> int:
        """For the event loop."""

    def read(self) -> list[Event]:
        """All events waiting, without blocking. Raises Overrun after ENOBUFS."""

    def close(self) -> None:
        """Release the socket."""
