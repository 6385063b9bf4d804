# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of every `roth_*` variable: type, bounds, keys. What values mean to one another is checked elsewhere."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Union

from . import checks
from .problems import MISSING, UNKNOWN, Problem, named, problem


@dataclass(frozen=True)
class Leaf:
    """A single value."""

    check: checks.Check


@dataclass(frozen=True)
class Record:
    """A mapping with known keys."""

    keys: Mapping[str, Shape]
    required: Collection[str] = ()


@dataclass(frozen=True)
class ListOf:
    """A list of at least `least` items."""

    item: Shape
    least: int = 0
    what: str = "a list"


@dataclass(frozen=True)
class Names:
    """A mapping from one name to another."""

    value: Shape = field(default_factory=lambda: Leaf(checks.text))


Shape = Union[Leaf, Record, ListOf, Names]

_V4, _V6 = Leaf(checks.address(4)), Leaf(checks.address(6))
_MTU = Leaf(checks.integer(1280, 65535, "bytes"))  # RFC 8200: IPv6 needs 1280
_INTERVAL = Leaf(checks.integer(10, 60000, "ms"))  # what FRR's bfdd takes

_UPLINK = Record(
    {
        "name": Leaf(checks.interface_name),
        "tor": Leaf(checks.text),
        "ipv4": Leaf(checks.interface_address(4)),
        "ipv6": Leaf(checks.interface_address(6)),
        "peer_ipv4": _V4,
        "peer_ipv6": _V6,
        "peer_asn": Leaf(checks.asn),
        "password": Leaf(checks.key),
        "bfd": Leaf(checks.boolean),
        "mtu": _MTU,
    },
    required=("name", "tor"),
)
_TEXTS = ListOf(Leaf(checks.text), what="a list of strings")
_SUBNET = Record(
    {
        "cidr": Leaf(checks.prefix),
        "gateway": Leaf(checks.text),
        "host": Leaf(checks.text),
        "service_types": _TEXTS,
        "enable_dhcp": Leaf(checks.boolean),
        "dns_nameservers": _TEXTS,
        "ipv6_mode": Leaf(checks.choice("slaac", "dhcpv6-stateful", "dhcpv6-stateless")),
        "physical_network": Leaf(checks.text),
        "segmentation_id": Leaf(checks.integer(1, 4094)),  # IEEE 802.1Q
    },
    required=("cidr", "gateway"),
)
_NETWORK = Record(
    {
        "name": Leaf(checks.name),
        "bridge": Leaf(checks.interface_name),
        "bridge_kind": Leaf(checks.choice("linux", "openvswitch")),
        "agent_bridge": Leaf(checks.bridge_name),
        "plan": Leaf(checks.choice("spanning", "pinned")),
        "announce": Leaf(checks.choice("host_routes", "aggregate", "both")),
        "mtu": _MTU,
        "subnets": ListOf(_SUBNET, least=1, what="a list of at least one subnet"),
        "pair_prefix_length": Record(
            {"ipv4": Leaf(checks.integer(1, 32, "bits")), "ipv6": Leaf(checks.integer(1, 128, "bits"))}
        ),
        "shared": Leaf(checks.boolean),
        "physical_network": Leaf(checks.text),
        "segmentation_id": Leaf(checks.integer(1, 4094)),  # IEEE 802.1Q
        "projects": ListOf(Leaf(checks.text), what="a list of project ids"),
        "tags": ListOf(Leaf(checks.text), what="a list of tags"),
        "floating_ips": Leaf(checks.boolean),
        "address_pairs": Leaf(checks.boolean),
        "shared_addresses": Leaf(checks.choice("none", "anycast")),
        "static_neighbors": Leaf(checks.boolean),
        "gateway_mac": Leaf(checks.mac),
    },
    required=("name", "bridge", "subnets"),
)
_SWITCH_UPLINK = Record(
    {
        "name": Leaf(checks.interface_name),
        "peer": Leaf(checks.name),
        "peer_asn": Leaf(checks.asn),
        "peer_ipv4": _V4,
        "peer_ipv6": _V6,
        "password": Leaf(checks.key),
        "bfd": Leaf(checks.boolean),
    },
    required=("name", "peer", "peer_asn"),
)
_BFD_PROFILE = Record(
    {
        "detect_multiplier": Leaf(checks.integer(2, 255)),
        "receive_interval": _INTERVAL,
        "transmit_interval": _INTERVAL,
    },
    required=("detect_multiplier", "receive_interval", "transmit_interval"),
)

VARIABLES: Mapping[str, Shape] = {
    "roth_asn": Leaf(checks.asn),
    "roth_loopback_ipv4": _V4,
    "roth_loopback_ipv6": _V6,
    "roth_uplinks": ListOf(_UPLINK, least=1, what="a list of at least one uplink"),
    "roth_table": Leaf(checks.table),
    "roth_protocol": Leaf(checks.protocol),
    "roth_default_table": Leaf(checks.table),
    "roth_default_metric": Leaf(checks.integer(1, 4294967294)),
    "roth_bfd_profile": _BFD_PROFILE,
    "roth_hold_time": Leaf(checks.hold_time),
    "roth_graceful_restart_time": Leaf(checks.integer(0, 4095, "seconds")),  # 12 bits in RFC 4724
    "roth_provider_networks": ListOf(_NETWORK, what="a list of provider networks"),
    "roth_physical_networks": Names(ListOf(Leaf(checks.text), least=1, what="a list of at least one physical network")),
    "roth_ports_file": Leaf(checks.path),
    "roth_neutron_cloud": Leaf(checks.cloud),
    "roth_neutron_timeout": Leaf(checks.integer(1, 3600, "seconds")),
    "roth_port_device_owners": ListOf(Leaf(checks.text), least=1, what="a list of at least one device owner"),
    "roth_python": Leaf(checks.path),
    "roth_remove": Leaf(checks.choice("yes", "no")),  # a word, typed for one run: YAML's yes is none
    "roth_serial": Leaf(checks.batches),
    "roth_switch_serial": Leaf(checks.batches),
    "roth_drain": Leaf(checks.choice("host")),
    "roth_drain_tor": Leaf(checks.text),
    "roth_drain_uplink": Leaf(checks.interface_name),
    "roth_switch_software": Leaf(checks.choice("frr", "bird")),
    "roth_switch_uplinks": ListOf(_SWITCH_UPLINK, what="a list of the switch's uplinks"),
    "roth_switch_ports": Names(),
}
HYPERVISOR_NEEDS = ("roth_asn", "roth_loopback_ipv4", "roth_uplinks")
SWITCH_NEEDS = ("roth_asn", "roth_loopback_ipv4", "roth_switch_software")
FOREIGN_PREFIXES = ("roth_lab_",)  # the lab's own variables


def _suggest(key: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.6)
    return f"a known name, did you mean {close[0]}?" if close else f"one of {', '.join(sorted(known))}"


def control_characters(value: object) -> bool:
    """Whether any string in `value`, keys included, has a control character, a line break for instance."""
    if isinstance(value, str):
        return any(ord(char) < 32 or 127 <= ord(char) < 160 or char in "\u2028\u2029" for char in value)
    if isinstance(value, Mapping):
        return any(control_characters(key) or control_characters(item) for key, item in value.items())
    return isinstance(value, (list, tuple)) and any(control_characters(item) for item in value)


def shape_problems(host: str, variable: str, value: object, shape: Shape) -> Iterator[Problem]:
    """What is wrong with the shape of `value`; `variable` is its path, `roth_uplinks[1].ipv4` for instance."""
    if isinstance(shape, Leaf):
        yield from _leaf(host, variable, value, shape)
    elif isinstance(shape, ListOf):
        yield from _list(host, variable, value, shape)
    elif not isinstance(value, Mapping):
        yield problem(host, variable, value, "a mapping")
    elif isinstance(shape, Record):
        yield from _record(host, variable, value, shape)
    else:
        for key, item in value.items():
            yield from shape_problems(host, f"{variable}.{named(key)}", item, shape.value)


def _leaf(host: str, variable: str, value: object, shape: Leaf) -> Iterator[Problem]:
    if control_characters(value):
        yield problem(host, variable, value, "no control characters and no line breaks")
        return
    expected = shape.check(value)
    if expected is not None:
        yield problem(host, variable, value, expected)


def _list(host: str, variable: str, value: object, shape: ListOf) -> Iterator[Problem]:
    if not isinstance(value, (list, tuple)) or len(value) < shape.least:
        yield problem(host, variable, value, shape.what)
        return
    for index, item in enumerate(value):
        yield from shape_problems(host, f"{variable}[{index}]", item, shape.item)


def _record(host: str, variable: str, value: Mapping[str, object], shape: Record) -> Iterator[Problem]:
    for key in shape.required:
        if value.get(key) is None:
            yield problem(host, f"{variable}.{key}", MISSING, "a value, it is needed")
    for key, item in value.items():
        if key not in shape.keys:
            yield problem(host, f"{variable}.{named(key)}", UNKNOWN, _suggest(str(key), shape.keys))
        elif item is not None:
            yield from shape_problems(host, f"{variable}.{key}", item, shape.keys[key])


def variable_problems(host: str, variables: Mapping[str, object], needs: Collection[str]) -> Iterator[Problem]:
    """What is wrong with the shape of any `roth_*` variable of `host`, and which of `needs` are missing."""
    for name in needs:
        if variables.get(name) is None:
            yield problem(host, name, MISSING, "a value, it is needed")
    for name, value in sorted(variables.items()):
        if not name.startswith("roth_") or name.startswith(FOREIGN_PREFIXES):
            continue
        if name not in VARIABLES:
            yield problem(host, named(name), UNKNOWN, _suggest(name, VARIABLES))
        elif value is not None:
            yield from _judged(host, name, value)


def _judged(host: str, name: str, value: object) -> list[Problem]:
    try:
        return list(shape_problems(host, name, value, VARIABLES[name]))
    except RecursionError:
        return [Problem(host, name, "is nested too deeply", "a few levels, as in the documentation")]
