# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port document: what Neutron's API answered on networks, segments, subnets and ports, checked and typed.

A document that is wrong or not whole is refused, because what is not in it would be withdrawn.
Source of the format: https://docs.openstack.org/api-ref/network/v2/ (ports, port binding extension, subnets).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TypeVar

from ..kernel.model import Address, Prefix
from ..kernel.text import quoted

ROUTER_GATEWAY = "network:router_gateway"
"""Device owner of the port by which a router is in an external network; its `device_id` is the router's."""
FLOATING_IP = "network:floatingip"
"""Device owner of the port, never bound, by which Neutron keeps a floating IP's address for it."""

_T = TypeVar("_T")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_LONGEST = 255  # characters of Neutron's longest strings
_KINDS: Mapping[type, str] = {str: "a string", bool: "true or false", list: "a list", dict: "a mapping"}


@dataclass(frozen=True)
class FixedIp:
    """An address that Neutron gave a port, and the subnet it is from."""

    address: Address
    subnet_id: str


@dataclass(frozen=True)
class AddressPair:
    """An allowed address pair: the port may use addresses of `prefix` with `mac`."""

    prefix: Prefix
    mac: str


@dataclass(frozen=True)
class Port:
    """A Neutron port. `host` is `binding:host_id`, empty when unbound; `up` is `admin_state_up`.

    `project` and `tags` are None in a document without them, `device` (`device_id`) is empty then.
    `status` is not here on purpose: it stays DOWN for ports that no layer 2 agent wires.
    """

    id: str
    name: str
    network_id: str
    host: str
    vif_type: str
    owner: str
    up: bool
    mac: str
    fixed: tuple[FixedIp, ...]
    pairs: tuple[AddressPair, ...]
    project: str | None = None
    tags: frozenset[str] | None = None
    device: str = ""

    @property
    def label(self) -> str:
        """The port's name, or the start of its id when it has none."""
        return self.name or self.id[:11]


@dataclass(frozen=True)
class FloatingIp:
    """A floating IP that a router delivers; `distributed` tells whether the router is (DVR)."""

    id: str
    address: Address
    network_id: str
    router_id: str
    distributed: bool
    project: str | None
    tags: frozenset[str] | None

    @property
    def label(self) -> str:
        """What it is, for messages."""
        return f"floating IP {self.address}"


@dataclass(frozen=True)
class PortDocument:
    """The whole answer: network names and subnet prefixes by id, the ports, and floating IPs (None: not asked for)."""

    networks: Mapping[str, str]
    subnets: Mapping[str, Prefix]
    ports: tuple[Port, ...]
    floating: tuple[FloatingIp, ...] | None = None


def _value(entry: Mapping[str, object], key: str, kind: type[_T], place: str) -> _T:
    if key not in entry:
        hidden = key.startswith("binding:") or key == "distributed"
        hint = " (Neutron shows it to administrators only)" if hidden else ""
        raise ValueError(f"{place}: {key!r} is missing{hint}")
    value = entry[key]
    if not isinstance(value, kind):
        raise ValueError(f"{place}: {key!r} is {type(value).__name__}, expected {_KINDS[kind]}")
    return _printable(value) if isinstance(value, str) else value  # type: ignore[return-value]


def _printable(text: str) -> str:
    """The text without what could write on an operator's terminal: tenants choose names and device owners."""
    short = text[:_LONGEST]
    return short if short.isprintable() else "".join(char if char.isprintable() else "?" for char in short)


def _entries(document: Mapping[str, object], key: str) -> list[tuple[str, Mapping[str, object]]]:
    entries = _value(document, key, list, "port document")
    if document.get(f"{key}_links"):
        raise ValueError(f"port document: {key!r} is one page of several ({key}_links is there): fetch all pages")
    placed = []
    for index, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise ValueError(f"{key}[{index}] is {type(entry).__name__}, expected a mapping")
        placed.append((f"{key}[{index}]", entry))
    return placed


def _mac(text: str, place: str) -> str:
    mac = text.lower()
    if not _MAC.fullmatch(mac):
        raise ValueError(f"{place}: mac_address {quoted(text)} is no MAC address")
    return mac


def _address(entry: Mapping[str, object], key: str, place: str) -> Address:
    text = _value(entry, key, str, place)
    try:
        return ip_address(text)
    except ValueError as error:
        raise ValueError(f"{place}: {key} {quoted(text)} is no address") from error


def _fixed_ip(entry: object, place: str) -> FixedIp:
    if not isinstance(entry, Mapping):
        raise ValueError(f"{place} is {type(entry).__name__}, expected a mapping")
    return FixedIp(_address(entry, "ip_address", place), _value(entry, "subnet_id", str, place))


def _pair(entry: object, place: str, default_mac: str) -> AddressPair:
    if not isinstance(entry, Mapping):
        raise ValueError(f"{place} is {type(entry).__name__}, expected a mapping")
    text = _value(entry, "ip_address", str, place)
    try:
        prefix = ip_network(text, strict=False)  # Neutron accepts host bits in a pair
    except ValueError as error:
        raise ValueError(f"{place}: ip_address {quoted(text)} is neither an address nor a prefix") from error
    mac = entry.get("mac_address") or default_mac  # left out, it is the port's
    return AddressPair(prefix, _mac(str(mac), place))


def _port(entry: Mapping[str, object], place: str) -> Port:
    identity = _value(entry, "id", str, place)
    name = _printable(str(entry.get("name") or ""))
    place = f"{place} ({name or 'no name'}, {identity})"
    mac = _mac(_value(entry, "mac_address", str, place), place)
    fixed = _value(entry, "fixed_ips", list, place)
    pairs = _value(entry, "allowed_address_pairs", list, place)
    return Port(
        id=identity,
        name=name,
        network_id=_value(entry, "network_id", str, place),
        host=_value(entry, "binding:host_id", str, place),
        vif_type=_value(entry, "binding:vif_type", str, place),
        owner=_value(entry, "device_owner", str, place),
        up=_value(entry, "admin_state_up", bool, place),
        mac=mac,
        fixed=tuple(_fixed_ip(item, f"{place} fixed_ips[{n}]") for n, item in enumerate(fixed)),
        pairs=tuple(_pair(item, f"{place} allowed_address_pairs[{n}]", mac) for n, item in enumerate(pairs)),
        project=None if entry.get("project_id") is None else _value(entry, "project_id", str, place),
        tags=_tags(entry, place),
        device=_value(entry, "device_id", str, place) if "device_id" in entry else "",
    )


def _tags(entry: Mapping[str, object], place: str) -> frozenset[str] | None:
    if "tags" not in entry:
        return None
    tags = _value(entry, "tags", list, place)
    if not all(isinstance(tag, str) for tag in tags):
        raise ValueError(f"{place}: 'tags' has something else than strings in it")
    return frozenset(tags)


def _subnet_prefix(entry: Mapping[str, object], place: str) -> Prefix:
    text = _value(entry, "cidr", str, place)
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"{place}: cidr {quoted(text)}: expected a prefix without host bits") from error


def _subnets(document: Mapping[str, object]) -> dict[str, Prefix]:
    return {
        _value(entry, "id", str, place): _subnet_prefix(entry, place) for place, entry in _entries(document, "subnets")
    }


def _ports(document: Mapping[str, object]) -> tuple[Port, ...]:
    ports: dict[str, Port] = {}
    for place, entry in _entries(document, "ports"):
        port = _port(entry, place)
        if port.id in ports:
            raise ValueError(f"{place}: port {port.id} is in the document twice")
        ports[port.id] = port
    return tuple(ports.values())


def _floating_ips(document: Mapping[str, object]) -> tuple[FloatingIp, ...] | None:
    """Those that a router delivers. An address that no router has leads nowhere yet."""
    if "floatingips" not in document:
        return None
    distributed = {
        _value(entry, "id", str, place): _value(entry, "distributed", bool, place)
        for place, entry in _entries(document, "routers")
    }
    found = []
    for place, entry in _entries(document, "floatingips"):
        router = entry.get("router_id")
        if not router:
            continue
        if router not in distributed:
            raise ValueError(f"{place}: its router {quoted(router)} is not in 'routers'")
        found.append(
            FloatingIp(
                id=_value(entry, "id", str, place),
                address=_address(entry, "floating_ip_address", place),
                network_id=_value(entry, "floating_network_id", str, place),
                router_id=str(router),
                distributed=distributed[str(router)],
                project=None if entry.get("project_id") is None else _value(entry, "project_id", str, place),
                tags=_tags(entry, place),
            )
        )
    return tuple(found)


def read_document(document: object) -> PortDocument:
    """Check and type a port document.

    Raises ValueError naming the place for whatever is missing, of a wrong type, or a page of a longer answer.
    """
    if not isinstance(document, Mapping):
        raise ValueError(f"port document is {type(document).__name__}, expected a mapping")
    networks = {}
    subnets = _subnets(document)
    for place, entry in _entries(document, "networks"):
        identity = _value(entry, "id", str, place)
        networks[identity] = _printable(str(entry.get("name") or ""))
        for subnet in _value(entry, "subnets", list, place):
            if not isinstance(subnet, str) or subnet not in subnets:
                raise ValueError(f"{place} ({networks[identity]}): its subnet {quoted(subnet)} is not in 'subnets'")
    return PortDocument(networks, subnets, _ports(document), _floating_ips(document))
