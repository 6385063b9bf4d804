# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of provider networks: subnets, gateways, bridges, and that all hosts mean the same by a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from ..kernel.model import Prefix
from .agent_bridges import agent_bridge_problems
from .model import Inventory
from .problems import MISSING, Problem, problem
from .segments import segment_problems
from .uplinks import FAMILIES

_PLACE = "roth_provider_networks"


def network_problems(inventory: Inventory) -> Iterator[Problem]:
    """Everything about provider networks; networks that come from group variables are judged on each host."""
    stated: dict[str, tuple[str, object]] = {}
    for host in inventory.hypervisors:
        networks = inventory.value(host, _PLACE) or ()
        names: dict[str, str] = {}
        bridges = {uplink["name"]: f"roth_uplinks[{n}].name" for n, uplink in _uplinks(inventory, host)}
        for index, network in enumerate(networks):
            place = f"{_PLACE}[{index}]"
            yield from _network(inventory, host, place, network)
            yield from _distinct(host, f"{place}.name", network["name"], names)
            yield from _distinct(host, f"{place}.bridge", network["bridge"], bridges)
            yield from _same_everywhere(host, place, network, stated)
            yield from _mtu(inventory, host, place, network)
            yield from segment_problems(inventory, host, place, network)
        yield from agent_bridge_problems(inventory, host, networks)
        yield from _overlaps(inventory, host, networks)


def _uplinks(inventory: Inventory, host: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    yield from enumerate(inventory.value(host, "roth_uplinks") or ())


def _distinct(host: str, variable: str, value: str, seen: dict[str, str]) -> Iterator[Problem]:
    owner = seen.setdefault(value, variable)
    if owner != variable:
        yield problem(host, variable, value, f"a name of its own: {owner} has it")


def _network(inventory: Inventory, host: str, place: str, network: Mapping[str, Any]) -> Iterator[Problem]:
    pinned = network.get("plan", "spanning") == "pinned"
    announce = network.get("announce", "host_routes")
    if not pinned and announce != "host_routes":
        why = "host_routes: a subnet that spans hosts, announced by each, draws traffic for the others' instances"
        yield problem(host, f"{place}.announce", announce, why)
    if pinned and network.get("floating_ips"):
        yield problem(host, f"{place}.floating_ips", True, "false: floating IPs are of no segment, their network spans")
    for index, subnet in enumerate(network["subnets"]):
        variable = f"{place}.subnets[{index}]"
        yield from _gateway(host, variable, subnet)
        yield from _pinned_to(inventory, host, variable, subnet, pinned)
        yield from _pair_length(host, place, network, ip_network(subnet["cidr"]))


def _gateway(host: str, variable: str, subnet: Mapping[str, Any]) -> Iterator[Problem]:
    prefix = ip_network(subnet["cidr"])
    try:
        gateway = ip_address(str(subnet["gateway"]))
    except ValueError:
        gateway = None
    if gateway is None or gateway not in prefix:
        yield problem(host, f"{variable}.gateway", subnet["gateway"], f"an address of {prefix}")
    elif prefix.num_addresses > 2 and gateway in (prefix[0], prefix[-1]):
        yield problem(host, f"{variable}.gateway", subnet["gateway"], f"neither the first nor the last of {prefix}")


def _pinned_to(
    inventory: Inventory, host: str, variable: str, subnet: Mapping[str, Any], pinned: bool
) -> Iterator[Problem]:
    owner = subnet.get("host")
    if pinned and owner is None:
        yield problem(host, f"{variable}.host", MISSING, "the hypervisor that the subnet is pinned to")
    elif pinned and owner not in inventory.hypervisors:
        known = ", ".join(sorted(inventory.hypervisors))
        yield problem(host, f"{variable}.host", owner, f"a hypervisor of this inventory ({known})")
    elif not pinned and owner is not None:
        yield problem(host, f"{variable}.host", owner, "no host, or plan: pinned")


def _pair_length(host: str, place: str, network: Mapping[str, Any], prefix: Prefix) -> Iterator[Problem]:
    family = f"ipv{prefix.version}"
    length = (network.get("pair_prefix_length") or {}).get(family)
    if length is not None and length <= prefix.prefixlen:
        expected = f"more than {prefix.prefixlen} bits: as short as the subnet {prefix}, one port could take all of it"
        yield problem(host, f"{place}.pair_prefix_length.{family}", length, expected)


def _same_everywhere(
    host: str, place: str, network: Mapping[str, Any], stated: dict[str, tuple[str, object]]
) -> Iterator[Problem]:
    meaning = [network.get(key) for key in ("plan", "announce", "subnets", "gateway_mac")]
    first, known = stated.setdefault(network["name"], (host, meaning))
    if known != meaning:
        yield problem(host, f"{place}.name", network["name"], f"the same plan, subnets and gateway_mac as on {first}")


def _mtu(inventory: Inventory, host: str, place: str, network: Mapping[str, Any]) -> Iterator[Problem]:
    wanted = network.get("mtu")
    for index, uplink in _uplinks(inventory, host):
        if wanted is not None and uplink.get("mtu") is not None and uplink["mtu"] < wanted:
            yield problem(
                host, f"roth_uplinks[{index}].mtu", uplink["mtu"], f"at least {wanted}, the MTU of {place}.bridge"
            )


def _overlaps(inventory: Inventory, host: str, networks: Any) -> Iterator[Problem]:  # noqa: ANN401
    taken: list[tuple[Prefix, str]] = []
    for index, network in enumerate(networks):
        for number, subnet in enumerate(network["subnets"]):
            variable = f"{_PLACE}[{index}].subnets[{number}].cidr"
            prefix = ip_network(subnet["cidr"])
            for other, owner in taken:
                if prefix.version == other.version and prefix.overlaps(other):
                    yield problem(host, variable, subnet["cidr"], f"a prefix that does not overlap {owner} ({other})")
            taken.append((prefix, variable))
    for variable, address, text in _own_addresses(inventory, host):
        for prefix, owner in taken:
            if address in prefix:
                yield problem(host, variable, text, f"an address outside {owner} ({prefix}), which is for instances")


def _own_addresses(inventory: Inventory, host: str) -> Iterator[tuple[str, Any, str]]:
    for family in FAMILIES:
        loopback = inventory.value(host, f"roth_loopback_{family}")
        if loopback is not None:
            yield f"roth_loopback_{family}", ip_address(str(loopback)), loopback
        for index, uplink in _uplinks(inventory, host):
            if uplink.get(family):
                yield f"roth_uplinks[{index}].{family}", ip_interface(str(uplink[family])).ip, uplink[family]
