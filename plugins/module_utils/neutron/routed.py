# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A routed provider network as it is wanted: the options of module `routed_network`, checked and typed.

Source: https://docs.openstack.org/neutron/latest/admin/config-routed-networks.html and the API's segments and subnets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from ..kernel.model import Address, Prefix
from ..kernel.text import quoted

Options = Mapping[str, object]
SegmentKey = tuple[str, str, "int | None"]

FLAT, VLAN = "flat", "vlan"
ROUTED = "network:routed"
"""Service type of subnets that are reached over BGP and so need no segment: Neutron allows them beside pinned ones."""


@dataclass(frozen=True)
class Segment:
    """One layer 2 segment, of a host or of a rack. Neutron knows it by type, physical network and VLAN."""

    name: str
    network_type: str
    physical_network: str
    segmentation_id: int | None = None

    @property
    def key(self) -> SegmentKey:
        """What makes it this segment."""
        return self.network_type, self.physical_network, self.segmentation_id


@dataclass(frozen=True)
class Subnet:
    """One subnet; `segment` is the name of the segment it is pinned to, None where it spans all.

    What is None of the others is left to Neutron. `mode` is both ipv6_address_mode and ipv6_ra_mode.
    """

    cidr: Prefix
    segment: str | None = None
    name: str | None = None
    gateway: Address | None = None
    enable_dhcp: bool | None = None
    service_types: tuple[str, ...] | None = None
    dns_nameservers: tuple[str, ...] | None = None
    pools: tuple[tuple[Address, Address], ...] | None = None
    mode: str | None = None


@dataclass(frozen=True)
class RoutedNetwork:
    """The wanted network. `shared` and `mtu` (bytes) are left to Neutron where they are None."""

    name: str
    segments: tuple[Segment, ...]
    subnets: tuple[Subnet, ...]
    shared: bool | None = None
    mtu: int | None = None


def routed_network(
    name: str, segments: Sequence[Options], subnets: Sequence[Options], shared: bool | None, mtu: int | None
) -> RoutedNetwork:
    """Parse the options. Raises ValueError naming network, segment or subnet, the value and what was expected."""
    place = f"network {name}"
    if not name.strip():
        raise ValueError(f"name = {quoted(name)}: expected the name of the network")
    if mtu is not None and not 68 <= mtu <= 65535:  # RFC 791
        raise ValueError(f"{place}: mtu is {quoted(mtu)}, expected 68 to 65535 bytes")
    parsed = tuple(_segment(place, entry) for entry in segments)
    if not parsed:
        raise ValueError(f"{place}: segments is empty, expected at least one: one a host, or one a rack")
    _once(place, "segment", [segment.name for segment in parsed])
    _once(place, "segment", [_key_text(segment) for segment in parsed])
    known = {segment.name for segment in parsed}
    found = tuple(_subnet(place, entry, known) for entry in subnets)
    _apart(place, [subnet.cidr for subnet in found])
    return RoutedNetwork(name, parsed, found, shared, mtu)


def _key_text(segment: Segment) -> str:
    vlan = "" if segment.segmentation_id is None else f" {segment.segmentation_id}"
    return f"{segment.network_type}{vlan} on {segment.physical_network}"


def _once(place: str, what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{place}: {what} {name} is there twice, expected once")
        seen.add(name)


def _apart(place: str, prefixes: Sequence[Prefix]) -> None:
    for index, prefix in enumerate(prefixes):
        for other in prefixes[:index]:
            if prefix.version == other.version and prefix.overlaps(other):
                raise ValueError(f"{place}, subnet {prefix}: overlaps {other}, expected subnets apart from each other")


def _segment(network: str, entry: Options) -> Segment:
    physical = str(entry.get("physical_network") or "")
    name = str(entry.get("name") or physical)
    shown = name if name.isprintable() else quoted(name)
    place = f"{network}, segment {shown or '(no name)'}"
    kind, number = entry.get("network_type") or FLAT, entry.get("segmentation_id")
    if not physical:
        raise ValueError(f"{place}: physical_network is missing, expected a key of the host's bridge_mappings")
    if kind == FLAT and number is not None:
        raise ValueError(f"{place}: segmentation_id is {quoted(number)}, expected none: it is flat")
    if kind == VLAN and not (isinstance(number, int) and 1 <= number <= 4094):  # IEEE 802.1Q
        raise ValueError(f"{place}: segmentation_id is {quoted(number)}, expected a VLAN from 1 to 4094")
    if kind not in (FLAT, VLAN):
        raise ValueError(f"{place}: network_type is {quoted(kind)}, expected flat or vlan")
    return Segment(name, str(kind), physical, number if isinstance(number, int) else None)


def _subnet(network: str, entry: Options, segments: Collection[object]) -> Subnet:
    text = str(entry.get("cidr"))
    place = f"{network}, subnet {text if text.isprintable() else quoted(text)}"
    try:
        cidr = ip_network(text)
    except ValueError:
        raise ValueError(f"{place}: cidr is {quoted(text)}, expected a prefix without host bits") from None
    segment = entry.get("segment") or None
    if segment is not None and segment not in segments:
        raise ValueError(
            f"{place}: segment is {quoted(segment)}, expected one of {', '.join(sorted(map(str, segments)))}"
        )
    mode = entry.get("ipv6_mode") or None
    gateway, pools = _gateway(place, cidr, entry.get("gateway")), _pools(place, cidr, entry.get("allocation_pools"))
    for start, end in pools or ():
        if gateway is not None and int(start) <= int(gateway) <= int(end):
            raise ValueError(f"{place}: gateway is {gateway}, expected an address outside allocation_pools")
    if mode is not None and cidr.version == 4:
        raise ValueError(f"{place}: ipv6_mode is {quoted(mode)}, expected none: it is IPv4")
    return Subnet(
        cidr=cidr,
        segment=None if segment is None else str(segment),
        name=_optional_text(entry.get("name")),
        gateway=gateway,
        enable_dhcp=_optional_flag(entry.get("enable_dhcp")),
        service_types=_optional_texts(entry.get("service_types")),
        dns_nameservers=_servers(place, entry.get("dns_nameservers")),
        pools=pools,
        mode=_optional_text(mode),
    )


def _optional_text(value: object) -> str | None:
    return None if value is None else str(value)


def _optional_flag(value: object) -> bool | None:
    return None if value is None else bool(value)


def _optional_texts(value: object) -> tuple[str, ...] | None:
    return tuple(str(each) for each in value) if isinstance(value, (list, tuple)) else None


def _address(place: str, key: str, value: object, cidr: Prefix | None = None) -> Address:
    expected = f"an address of {cidr}" if cidr else "an IPv4 or IPv6 address"
    try:
        address = ip_address(str(value))
    except ValueError:
        raise ValueError(f"{place}: {key} is {quoted(value)}, expected {expected}") from None
    if cidr is not None and address not in cidr:
        raise ValueError(f"{place}: {key} is {quoted(value)}, expected {expected}")
    return address


def _gateway(place: str, cidr: Prefix, value: object) -> Address | None:
    return None if value is None else _address(place, "gateway", value, cidr)


def _servers(place: str, value: object) -> tuple[str, ...] | None:
    servers = _optional_texts(value)
    return None if servers is None else tuple(str(_address(place, "dns_nameservers", each)) for each in servers)


def _pools(place: str, cidr: Prefix, value: object) -> tuple[tuple[Address, Address], ...] | None:
    if not isinstance(value, (list, tuple)):
        return None
    pools = []
    for pool in value:
        start, end = (_address(place, f"allocation_pools.{key}", pool.get(key), cidr) for key in ("start", "end"))
        if int(start) > int(end):
            raise ValueError(f"{place}: allocation_pools has {start} to {end}, expected the lower address first")
        pools.append((start, end))
    return tuple(sorted(pools, key=lambda pool: int(pool[0])))
