# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Neutron has of a routed provider network: read through the API, typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from ..kernel.model import Address, Prefix
from .cloud import Cloud, NeutronError
from .discovered import bridge_mappings
from .reading import Entry, pages
from .routed import SegmentKey

_PORT_FIELDS = ("id", "name", "device_owner", "binding:host_id", "fixed_ips")
_OWN_OWNERS = ("network:dhcp", "network:distributed")
"""Ports that Neutron makes and removes by itself: they keep nobody from removing a network or a segment."""


@dataclass(frozen=True)
class FoundSegment:
    """A segment of the network; `name` is empty for one that was made together with it."""

    id: str
    name: str
    network_type: str
    physical_network: str
    segmentation_id: int | None

    @property
    def key(self) -> SegmentKey:
        """As of routed.Segment."""
        return self.network_type, self.physical_network, self.segmentation_id

    @property
    def label(self) -> str:
        """Its name, or its physical network."""
        return self.name or self.physical_network


@dataclass(frozen=True)
class FoundSubnet:
    """A subnet of the network."""

    id: str
    name: str
    cidr: Prefix
    segment_id: str | None
    gateway: Address | None
    enable_dhcp: bool
    service_types: tuple[str, ...]
    dns_nameservers: tuple[str, ...]
    pools: tuple[tuple[Address, Address], ...]
    address_mode: str | None
    ra_mode: str | None


@dataclass(frozen=True)
class FoundPort:
    """A port that somebody made: an instance's, a router's."""

    id: str
    name: str
    host: str
    subnet_ids: frozenset[str]

    @property
    def label(self) -> str:
        """Its name, or the start of its id."""
        return self.name or self.id[:11]


@dataclass(frozen=True)
class FoundNetwork:
    """The network. `hosts` are those whose layer 2 agents map a physical network; `ports` and `hosts` may be unread."""

    id: str
    name: str
    shared: bool
    mtu: int
    segments: tuple[FoundSegment, ...]
    subnets: tuple[FoundSubnet, ...]
    ports: tuple[FoundPort, ...] | None = None
    hosts: Mapping[str, frozenset[str]] | None = None


def find_network(cloud: Cloud, name: str, *, with_ports: bool) -> FoundNetwork | None:
    """The network of that name, None when there is none; `with_ports` reads what may keep parts of it in use as well.

    Raises NeutronError, and ValueError when several networks have the name.
    """
    entries = [entry for entry in pages(cloud, "networks", [("name", name)]) if entry.get("name") == name]
    if not entries:
        return None
    if len(entries) > 1:
        ids = ", ".join(sorted(str(entry.get("id")) for entry in entries))
        raise ValueError(f"network {name}: {len(entries)} networks have this name ({ids}), expected one")
    try:
        return _found(cloud, entries[0], with_ports)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        text = f"network {name}: Neutron's answer is not in the API's form ({type(error).__name__}: {error})"
        raise NeutronError("broken", text) from None


def _found(cloud: Cloud, entry: Entry, with_ports: bool) -> FoundNetwork:
    identity = str(entry["id"])
    of_network = [("network_id", identity)]
    return FoundNetwork(
        id=identity,
        name=str(entry["name"]),
        shared=bool(entry["shared"]),
        mtu=int(str(entry["mtu"])),
        segments=read_segments(cloud, identity),
        subnets=tuple(_subnet(each) for each in pages(cloud, "subnets", of_network)),
        ports=_ports(cloud, identity) if with_ports else None,
        hosts=_hosts(cloud) if with_ports else None,
    )


def read_segments(cloud: Cloud, network: str) -> tuple[FoundSegment, ...]:
    """The segments of the network of that id. Raises NeutronError."""
    return tuple(_segment(each) for each in _segments(cloud, [("network_id", network)]))


def _segments(cloud: Cloud, query: Sequence[tuple[str, str]]) -> list[Entry]:
    try:
        return list(pages(cloud, "segments", query))
    except NeutronError as error:
        if error.status != 404:
            raise
        text = "Neutron has no segments in its API: expected 'segments' in service_plugins of neutron.conf"
        raise NeutronError("broken", text, 404) from None


def networks_on(cloud: Cloud, physical_networks: Iterable[str]) -> dict[SegmentKey, str]:
    """The id of the network that each segment on one of these physical networks belongs to. Raises NeutronError."""
    taken: dict[SegmentKey, str] = {}
    names = sorted(set(physical_networks))
    for start in range(0, len(names), 50):  # in request lines that servers take
        query = [("physical_network", name) for name in names[start : start + 50]]
        for entry in _segments(cloud, query):
            taken[_segment(entry).key] = str(entry.get("network_id"))
    return taken


def _segment(entry: Entry) -> FoundSegment:
    number = entry["segmentation_id"]
    return FoundSegment(
        id=str(entry["id"]),
        name=str(entry.get("name") or ""),
        network_type=str(entry["network_type"]),
        physical_network=str(entry["physical_network"] or ""),
        segmentation_id=number if isinstance(number, int) else None,
    )


def _subnet(entry: Entry) -> FoundSubnet:
    gateway, segment = entry["gateway_ip"], entry.get("segment_id")
    pools: Iterable[Mapping[str, str]] = entry["allocation_pools"]  # type: ignore[assignment]
    return FoundSubnet(
        id=str(entry["id"]),
        name=str(entry.get("name") or ""),
        cidr=ip_network(str(entry["cidr"])),
        segment_id=None if segment is None else str(segment),
        gateway=None if gateway is None else ip_address(str(gateway)),
        enable_dhcp=bool(entry["enable_dhcp"]),
        service_types=_texts(entry.get("service_types")),
        dns_nameservers=_texts(entry["dns_nameservers"]),
        pools=tuple(sorted((ip_address(p["start"]), ip_address(p["end"])) for p in pools)),
        address_mode=_mode(entry.get("ipv6_address_mode")),
        ra_mode=_mode(entry.get("ipv6_ra_mode")),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _mode(value: object) -> str | None:
    return None if value is None else str(value)


def _ports(cloud: Cloud, network: str) -> tuple[FoundPort, ...]:
    query = [("network_id", network), *(("fields", field) for field in _PORT_FIELDS)]
    return tuple(
        FoundPort(
            id=str(entry["id"]),
            name=str(entry.get("name") or ""),
            host=str(entry.get("binding:host_id") or ""),
            subnet_ids=frozenset(str(each["subnet_id"]) for each in entry["fixed_ips"]),  # type: ignore[attr-defined]
        )
        for entry in pages(cloud, "ports", query)
        if not str(entry["device_owner"]).startswith(_OWN_OWNERS)
    )


def _hosts(cloud: Cloud) -> dict[str, frozenset[str]]:
    """Which hosts have a layer 2 agent with a bridge mapping of each physical network."""
    hosts: dict[str, set[str]] = {}
    for agent in pages(cloud, "agents", [("fields", "host"), ("fields", "configurations")]):
        for physical in bridge_mappings(agent):
            hosts.setdefault(physical, set()).add(str(agent["host"]))
    return {physical: frozenset(names) for physical, names in hosts.items()}
