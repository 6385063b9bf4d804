# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridges that a host needs for the provider networks (`roth_provider_networks`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..wanted.networks import SPANNING, ProviderNetwork, Subnet, provider_networks
from ..wanted.neutron_networks import vlans_of

LINUX = "linux"
OPENVSWITCH = "openvswitch"
KINDS = (LINUX, OPENVSWITCH)


@dataclass(frozen=True)
class Bridge:
    """One bridge of this host.

    `kind` is LINUX or OPENVSWITCH. `gateways` are the bridge's own addresses with length: the full length (/32, /128)
    where the network spans hosts, because a connected route would keep traffic for other hosts' instances on the
    bridge; the subnet's where it is pinned to this host. `advertised` are the IPv6 prefixes for router advertisements,
    `mtu` is in bytes. Where there is an `agent_bridge`, frames of its `vlans` come to this bridge, untagged.
    """

    network: str
    device: str
    kind: str
    spanning: bool
    mtu: int
    mac: str
    gateways: tuple[str, ...]
    advertised: tuple[str, ...]
    agent_bridge: str | None = None
    vlans: tuple[int, ...] = ()


def common_mac(network: str) -> str:
    """The bridge's MAC, the same on every host so that a migrated instance keeps its gateway.

    Locally administered (IEEE 802, bit 1 of the first octet); 8e is our protocol number 142.
    """
    digest = hashlib.sha256(network.encode()).digest()
    return ":".join(f"{octet:02x}" for octet in b"\x02\x8e" + digest[:4])


def _gateway(subnet: Subnet, spanning: bool) -> str:
    length = subnet.prefix.max_prefixlen if spanning else subnet.prefix.prefixlen
    return f"{subnet.gateway}/{length}"


def _bridge(network: ProviderNetwork, raw: Mapping[str, Any], host: str) -> Bridge | None:
    subnets = network.subnets_of(host)
    if not subnets:
        return None
    spanning = network.plan == SPANNING
    kind = raw.get("bridge_kind") or LINUX
    if kind not in KINDS:
        raise ValueError(f"network {network.name!r}: bridge_kind {kind!r}: expected {' or '.join(KINDS)}")
    agents = raw.get("agent_bridge")
    if agents is not None and kind != OPENVSWITCH:
        raise ValueError(f"network {network.name!r}: agent_bridge {agents!r}: expected none, or {OPENVSWITCH} bridges")
    return Bridge(
        network=network.name,
        device=network.bridge,
        kind=kind,
        spanning=spanning,
        mtu=int(raw.get("mtu", 1500)),
        mac=str(raw.get("gateway_mac") or common_mac(network.name)),
        gateways=tuple(_gateway(subnet, spanning) for subnet in subnets if subnet.gateway is not None),
        advertised=tuple(str(subnet.prefix) for subnet in subnets if subnet.prefix.version == 6),
        agent_bridge=agents,
        vlans=() if agents is None else vlans_of(raw, host),
    )


def bridges(raw: Sequence[Mapping[str, Any]], host: str) -> tuple[Bridge, ...]:
    """The bridges of `host`; a pinned network without a subnet for it needs none.

    Raises ValueError that names the entry of `roth_provider_networks`.
    """
    found = [_bridge(network, raw[index], host) for index, network in enumerate(provider_networks(raw))]
    return tuple(bridge for bridge in found if bridge is not None)
