# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the segments that subnets are pinned to: each of one host, and several of a host told apart by VLANs.

Neutron's Open vSwitch agent keeps a network's segments on its host by their VLAN alone (its LocalVlanManager): two flat
ones, or one VLAN on two physical networks, are one to it, and ports of the second land on the first one's bridge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..wanted.neutron_networks import SEGMENT_KEYS, segment_of, usual_physical_networks
from .model import Inventory
from .problems import MISSING, Problem, problem


def segment_problems(inventory: Inventory, host: str, place: str, network: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything about the segments of one network's subnets; `place` is its entry, `host` whose variable it is."""
    if network.get("plan", "spanning") == "pinned":
        yield from _pinned(inventory, host, place, network)
        return
    for index, subnet in enumerate(network["subnets"]):
        for key in SEGMENT_KEYS:
            if subnet.get(key) is not None:
                expected = "none, or plan: pinned: a subnet that spans all segments is on no one of them"
                yield problem(host, f"{place}.subnets[{index}].{key}", subnet[key], expected)


def _pinned(inventory: Inventory, host: str, place: str, network: Mapping[str, Any]) -> Iterator[Problem]:
    owners: dict[tuple[str, int | None], tuple[str, str]] = {}
    physicals: dict[tuple[str, int | None], tuple[str, str]] = {}
    for index, subnet in enumerate(network["subnets"]):
        variable, owner = f"{place}.subnets[{index}]", subnet.get("host")
        if owner not in inventory.hypervisors:
            continue
        own = inventory.value(owner, "roth_physical_networks")
        physical, vlan = segment_of(network, subnet, owner, usual_physical_networks(network, own, owner)[0])
        stated = subnet.get("physical_network")
        if stated is not None and ("{" in physical or "}" in physical):
            yield problem(host, f"{variable}.physical_network", stated, "no other braces than {host} and {name}")
            continue
        first, there = owners.setdefault((physical, vlan), (owner, variable))
        if first != owner:
            expected = f"{first}, as {there} has on the same segment ({_text(physical, vlan)}), which is one host's"
            yield problem(host, f"{variable}.host", owner, expected)
        first, there = physicals.setdefault((owner, vlan), (physical, variable))
        if first != physical:
            shown = MISSING if vlan is None else vlan
            expected = f"another VLAN than {there} has ({_text(first, vlan)}): the layer 2 agent knows a network's"
            yield problem(host, f"{variable}.segmentation_id", shown, f"{expected} segments on {owner} by it alone")


def _text(physical: str, vlan: int | None) -> str:
    return f"flat on {physical}" if vlan is None else f"VLAN {vlan} on {physical}"
