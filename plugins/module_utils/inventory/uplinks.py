# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hypervisor's uplinks with every default filled in: one BGP session and one BFD session a family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Any, Union

from ..kernel.model import Address

Interface = Union[IPv4Interface, IPv6Interface]
HostVars = Mapping[str, Mapping[str, Any]]
FAMILIES = ("ipv4", "ipv6")


@dataclass(frozen=True)
class Peer:
    """One session: `local` is the host's own address with its length, `address` the switch's."""

    family: str
    local: Interface
    address: Address
    asn: int


@dataclass(frozen=True)
class Uplink:
    """One link to a switch. `index` is its place in roth_uplinks; `mtu` is in bytes, None leaves it alone.

    `gtsm` tells whether the switch can have TTL security (RFC 5082) on this link: FRR takes a neighbor with
    ttl-security for a distant one and expects BFD from it as multihop (RFC 5883), which a link's BFD is not (seen on
    8.4.4; PEER_IS_MULTIHOP in bgpd/bgp_bfd.h). BFD is worth more, and checks TTL 255 by itself (RFC 5881, 5).
    """

    name: str
    index: int
    tor: str
    peers: tuple[Peer, ...]
    bfd: bool
    gtsm: bool
    password: str | None
    mtu: int | None


def other_end(local: Interface) -> Address | None:
    """The other address of a /31 (RFC 3021) or /127 (RFC 6164); None for any other length."""
    if local.network.num_addresses != 2:
        return None
    low, high = local.network[0], local.network[1]
    return high if local.ip == low else low


def _peer(raw: Mapping[str, Any], family: str, asn: int) -> Peer | None:
    if not raw.get(family):
        return None
    local = ip_interface(str(raw[family]))
    stated = raw.get(f"peer_{family}")
    address = ip_interface(str(stated)).ip if stated else other_end(local)
    if address is None:
        raise ValueError(f"peer_{family} is needed: {local} is no /{local.max_prefixlen - 1}")
    return Peer(family, local, address, asn)


def uplinks(hostvars: HostVars, host: str) -> tuple[Uplink, ...]:
    """The uplinks of `host`, in the inventory's order.

    Raises ValueError naming host and uplink where preflight would explain at length.
    """
    found = []
    for index, raw in enumerate(hostvars[host].get("roth_uplinks") or ()):
        place = f"{host}: roth_uplinks[{index}]"
        try:
            tor = str(raw["tor"])
            asn = int(raw["peer_asn"] if raw.get("peer_asn") is not None else hostvars[tor]["roth_asn"])
            software = hostvars[tor].get("roth_switch_software") if tor in hostvars else None
            bfd = bool(raw.get("bfd", True))
            peers = tuple(peer for family in FAMILIES if (peer := _peer(raw, family, asn)) is not None)
            found.append(
                Uplink(
                    name=str(raw["name"]),
                    index=index,
                    tor=tor,
                    peers=peers,
                    bfd=bfd,
                    gtsm=not (bfd and software == "frr"),
                    password=str(raw["password"]) if raw.get("password") else None,
                    mtu=int(raw["mtu"]) if raw.get("mtu") else None,
                )
            )
        except KeyError as error:
            raise ValueError(f"{place}: {error} is missing") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"{place}: {error}") from error
    return tuple(found)


def loopbacks(hostvars: HostVars, host: str) -> tuple[str, ...]:
    """The loopback addresses of `host`, IPv4 first."""
    values = (hostvars[host].get(f"roth_loopback_{family}") for family in FAMILIES)
    return tuple(str(value) for value in values if value)
