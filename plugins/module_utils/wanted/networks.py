# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provider networks as the inventory gives them (`roth_provider_networks`), normalised once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from ..kernel.model import Address, Prefix

SPANNING = "spanning"
PINNED = "pinned"
HOST_ROUTES = "host_routes"
AGGREGATE = "aggregate"
BOTH = "both"
_PLANS = f"{SPANNING} or {PINNED}"
_WAYS = f"{HOST_ROUTES}, {AGGREGATE} or {BOTH}"


@dataclass(frozen=True)
class Subnet:
    """One subnet of a provider network; `host` is the hypervisor it is pinned to, None where it spans all."""

    prefix: Prefix
    gateway: Address | None
    host: str | None


@dataclass(frozen=True)
class ProviderNetwork:
    """A Neutron network whose ports are routed on the host.

    `name` is Neutron's name or id. Where `projects` or `tags` are given, only ports of one of these projects, and with
    one of these tags, are announced. `pair_length` gives per IP version (4, 6) the shortest allowed address pair
    that is routed, in bits. `anycast` is true when an address of several ports is announced from all of them. With
    `floating_ips` the network's floating IPs are announced, and the addresses of the routers that deliver them; without
    `address_pairs` no allowed address pair is.
    """

    name: str
    bridge: str
    plan: str
    announce: str
    subnets: tuple[Subnet, ...]
    pair_length: Mapping[int, int] = field(default_factory=lambda: {4: 32, 6: 128})
    anycast: bool = False
    static_neighbors: bool = False
    projects: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    floating_ips: bool = False
    address_pairs: bool = True

    @property
    def announces_hosts(self) -> bool:
        """Whether each address is announced as a /32 or /128."""
        return self.announce in (HOST_ROUTES, BOTH)

    @property
    def announces_subnets(self) -> bool:
        """Whether the host's subnets are announced as prefixes."""
        return self.announce in (AGGREGATE, BOTH)

    def subnets_of(self, host: str) -> tuple[Subnet, ...]:
        """The subnets whose addresses may live on `host`."""
        return tuple(subnet for subnet in self.subnets if subnet.host in (None, host))

    def subnet_with(self, prefix: Prefix) -> Subnet | None:
        """The subnet that `prefix` lies in, on whichever host."""
        for subnet in self.subnets:
            if contains(subnet.prefix, prefix):
                return subnet
        return None


def contains(outer: Prefix, inner: Prefix) -> bool:
    """Whether `inner` lies in `outer`; prefixes of different families never do."""
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def host_prefix(address: str) -> Prefix:
    """`address` as a /32 or /128. Raises ValueError when it is no address."""
    return ip_network(ip_address(address))


def _subnet(raw: Mapping[str, Any]) -> Subnet:
    gateway = raw.get("gateway")
    return Subnet(
        prefix=ip_network(raw["cidr"]),
        gateway=None if gateway is None else ip_address(gateway),
        host=raw.get("host"),
    )


def _network(raw: Mapping[str, Any]) -> ProviderNetwork:
    lengths = raw.get("pair_prefix_length") or {}
    plan = raw.get("plan", SPANNING)
    announce = raw.get("announce", HOST_ROUTES)
    if plan not in (SPANNING, PINNED) or announce not in (HOST_ROUTES, AGGREGATE, BOTH):
        raise ValueError(f"plan {plan!r}, announce {announce!r}: expected {_PLANS}, and {_WAYS}")
    subnets = tuple(_subnet(subnet) for subnet in raw["subnets"])
    if plan == PINNED and any(subnet.host is None for subnet in subnets):
        raise ValueError("each subnet of a pinned network needs its host")
    if plan == SPANNING and any(subnet.host is not None for subnet in subnets):
        raise ValueError("subnets of a spanning network have no host")
    if plan == SPANNING and announce != HOST_ROUTES:
        raise ValueError("a spanning network is announced as host_routes only")
    if plan == PINNED and raw.get("floating_ips"):
        raise ValueError("floating_ips are of no segment: the network has to be spanning")
    return ProviderNetwork(
        name=str(raw["name"]),
        bridge=str(raw["bridge"]),
        plan=plan,
        announce=announce,
        subnets=subnets,
        pair_length={4: int(lengths.get("ipv4", 32)), 6: int(lengths.get("ipv6", 128))},
        anycast=raw.get("shared_addresses", "none") == "anycast",
        static_neighbors=bool(raw.get("static_neighbors", False)),
        projects=frozenset(str(project) for project in raw.get("projects") or ()),
        tags=frozenset(str(tag) for tag in raw.get("tags") or ()),
        floating_ips=bool(raw.get("floating_ips", False)),
        address_pairs=bool(raw.get("address_pairs", True)),
    )


def provider_networks(raw: Sequence[Mapping[str, Any]]) -> tuple[ProviderNetwork, ...]:
    """Parse `roth_provider_networks`. Raises ValueError that names the entry; preflight gives the long explanation."""
    parsed = []
    for index, entry in enumerate(raw):
        place = f"roth_provider_networks[{index}]"
        try:
            parsed.append(_network(entry))
        except KeyError as error:
            raise ValueError(f"{place}: {error} is missing") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"{place}: {error}") from error
    return tuple(parsed)
