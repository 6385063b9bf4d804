# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of `agent_bridge`: the bridge of Neutron's agent whose VLANs a network's own bridge is joined to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..layout.bridges import LINUX, OPENVSWITCH
from ..wanted.neutron_networks import segment_of, usual_physical_networks
from .model import Inventory
from .problems import MISSING, Problem, problem

_PLACE = "roth_provider_networks"
_INTEGRATION = "br-int"  # [ovs] integration_bridge of the agent, whose VLANs are its own and change with each start

Network = Mapping[str, Any]


def agent_bridge_problems(inventory: Inventory, host: str, networks: Sequence[Network]) -> Iterator[Problem]:
    """Everything about the agents' bridges of one host's networks."""
    taken: dict[tuple[str, int], str] = {}
    for index, network in enumerate(networks):
        agents = network.get("agent_bridge")
        if agents is None:
            continue
        entry = f"{_PLACE}[{index}]"
        expected = _other_bridge(inventory, host, networks, network) or _one_bridge(inventory, host, network)
        if expected is not None:
            yield problem(host, f"{entry}.agent_bridge", agents, expected)
            continue
        for place, vlan in _vlans(host, entry, network):
            if vlan is None:
                yield problem(
                    host, place, MISSING, f"a VLAN of {agents}, or no agent_bridge: a flat segment needs none"
                )
                continue
            owner = taken.setdefault((agents, vlan), entry)
            if owner != entry:
                yield problem(host, place, vlan, f"another VLAN of {agents}: {owner} has it")


def _other_bridge(inventory: Inventory, host: str, networks: Sequence[Network], network: Network) -> str | None:
    """What was expected instead of the network's `agent_bridge`, or None where it can be one."""
    agents = network["agent_bridge"]
    if network.get("bridge_kind", LINUX) != OPENVSWITCH:
        return f"none, or bridge_kind: {OPENVSWITCH}: only bridges of Open vSwitch are joined by patch ports"
    if agents == network["bridge"]:
        return "another bridge than the network's own, which is beside it"
    if agents == _INTEGRATION:
        return "a bridge of the agent's bridge_mappings: on its integration bridge VLANs have other numbers"
    if agents in [uplink["name"] for uplink in inventory.value(host, "roth_uplinks") or ()]:
        return "a bridge, and no uplink"
    for index, other in enumerate(networks):
        if other["bridge"] != agents:
            continue
        if other.get("bridge_kind", LINUX) != OPENVSWITCH:
            return f"a bridge of Open vSwitch, which {_PLACE}[{index}].bridge is not"
        if other.get("agent_bridge") is not None:
            return f"a bridge of the agent's bridge_mappings, {_PLACE}[{index}].bridge is beside one itself"
    return None


def _one_bridge(inventory: Inventory, host: str, network: Network) -> str | None:
    """The agent has a bridge for each physical network: its bridge_mappings take no bridge twice."""
    usual = usual_physical_networks(network, inventory.value(host, "roth_physical_networks"), host)
    if network.get("plan", "spanning") == "pinned":
        subnets = [subnet for subnet in network["subnets"] if subnet.get("host") == host]
        found = {segment_of(network, subnet, host, usual[0])[0] for subnet in subnets}
    else:
        found = set(usual)
    if len(found) < 2:
        return None
    return f"one physical network of {host} for it, the agent has a bridge for each: {', '.join(sorted(found))}"


def _vlans(host: str, entry: str, network: Network) -> Iterator[tuple[str, int | None]]:
    """Each VLAN of the network on this host once, None for a flat segment, and the variable that says so."""
    seen: set[int | None] = set()
    for index, subnet in enumerate(network["subnets"]):
        if subnet.get("host") not in (None, host):
            continue
        vlan = segment_of(network, subnet, host, "")[1]
        pinned = subnet.get("host") is not None
        own = pinned and (vlan is None or subnet.get("segmentation_id") is not None)
        if vlan not in seen:
            yield f"{entry}.subnets[{index}].segmentation_id" if own else f"{entry}.segmentation_id", vlan
        seen.add(vlan)
