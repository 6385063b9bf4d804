# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of hypervisors: uplinks, timers, tables, and what must not be the same on two hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_interface
from typing import Any

from ..kernel.model import Address
from .model import Inventory
from .problems import MISSING, Problem, problem
from .uplinks import FAMILIES, Interface, other_end

Seen = dict[object, str]


def hypervisor_problems(inventory: Inventory) -> Iterator[Problem]:
    """Everything about hypervisors but their provider networks."""
    addresses: Seen = {}
    for host in inventory.hypervisors:
        uplinks = inventory.value(host, "roth_uplinks") or ()
        names: Seen = {}
        for index, uplink in enumerate(uplinks):
            place = f"roth_uplinks[{index}]"
            yield from _uplink(inventory, host, place, uplink)
            yield from _once(host, f"{place}.name", uplink["name"], names, "an interface that no other uplink has")
            yield from _link_addresses(host, place, uplink, addresses)
        yield from _timers(inventory, host)
        yield from _tables(inventory, host)
    yield from _unique_asns(inventory)
    yield from _unique_loopbacks(inventory)


def _once(host: str, variable: str, value: object, seen: Seen, expected: str) -> Iterator[Problem]:
    owner = seen.setdefault(value, f"{host} {variable}")
    if owner != f"{host} {variable}":
        yield problem(host, variable, value, f"{expected}: {owner} has it")


def _uplink(inventory: Inventory, host: str, place: str, uplink: Mapping[str, Any]) -> Iterator[Problem]:
    tor = uplink["tor"]
    if tor not in inventory.hosts:
        yield problem(host, f"{place}.tor", tor, f"a switch of this inventory ({_names(inventory.switches)})")
    elif tor not in inventory.switches:
        yield problem(host, f"{place}.tor", tor, f"a host of group tors ({_names(inventory.switches)})")
    if not any(uplink.get(family) for family in FAMILIES):
        yield problem(host, place, MISSING, "ipv4, ipv6 or both")
    for family in FAMILIES:
        yield from _peer(host, place, uplink, family)
    yield from _peer_asn(inventory, host, place, uplink)
    if uplink.get("bfd") is False and inventory.value(host, "roth_hold_time") == 0:
        yield problem(host, f"{place}.bfd", False, "true: with roth_hold_time 0 nothing else notices a dead link")


def _names(names: object) -> str:
    return ", ".join(sorted(names)) or "it has none"  # type: ignore[call-overload]


def _peer(host: str, place: str, uplink: Mapping[str, Any], family: str) -> Iterator[Problem]:
    stated = uplink.get(f"peer_{family}")
    variable = f"{place}.peer_{family}"
    if not uplink.get(family):
        if stated:
            yield problem(host, f"{place}.{family}", MISSING, f"the own address on the link to {stated}")
        return
    local = ip_interface(str(uplink[family]))
    if not stated:
        if other_end(local) is None:
            sample = f"/{local.max_prefixlen - 1}"
            yield problem(host, variable, MISSING, f"the switch's address: {local} is no {sample}, so it can't be told")
        return
    peer = ip_address(str(stated))
    if peer == local.ip or peer not in local.network:
        yield problem(host, variable, stated, f"another address of {local.network}, the link's prefix")


def _peer_asn(inventory: Inventory, host: str, place: str, uplink: Mapping[str, Any]) -> Iterator[Problem]:
    variable = f"{place}.peer_asn"
    stated = uplink.get("peer_asn")
    real = inventory.value(uplink["tor"], "roth_asn")
    if stated is not None and real is not None and stated != real:
        yield problem(host, variable, stated, f"{real}, the roth_asn of {uplink['tor']}")
    own = inventory.value(host, "roth_asn")
    if own is not None and own == (stated if stated is not None else real):
        yield problem(host, "roth_asn", own, f"another AS number than {uplink['tor']} has: the sessions are eBGP")


def _link_addresses(host: str, place: str, uplink: Mapping[str, Any], seen: Seen) -> Iterator[Problem]:
    for family in FAMILIES:
        if not uplink.get(family):
            continue
        local: Interface = ip_interface(str(uplink[family]))
        variable = f"{place}.{family}"
        owner = seen.setdefault(local.ip, f"{host} {variable}")
        if owner != f"{host} {variable}":
            yield problem(host, variable, uplink[family], f"an address that is not in use: {owner} has it")
            continue
        stated = uplink.get(f"peer_{family}")
        peer: Address | None = ip_address(str(stated)) if stated else other_end(local)
        if peer is not None and peer != local.ip and peer in seen and local.network.num_addresses == 2:
            yield problem(host, variable, uplink[family], f"an address on another link: {seen[peer]} has its peer's")


def _timers(inventory: Inventory, host: str) -> Iterator[Problem]:
    hold, restart = (inventory.value(host, name) for name in ("roth_hold_time", "roth_graceful_restart_time"))
    if hold and restart and restart < hold:
        yield problem(host, "roth_graceful_restart_time", restart, f"0 or at least {hold} seconds, the roth_hold_time")


def _tables(inventory: Inventory, host: str) -> Iterator[Problem]:
    own = inventory.value(host, "roth_table") or 142
    default = inventory.value(host, "roth_default_table") or 143
    if own == default:
        yield problem(host, "roth_default_table", default, "another table than roth_table")


def _unique_asns(inventory: Inventory) -> Iterator[Problem]:
    taken: Seen = {}
    for switch in inventory.switches:
        taken.setdefault(inventory.value(switch, "roth_asn"), f"{switch} roth_asn")
        for index, uplink in enumerate(inventory.value(switch, "roth_switch_uplinks") or ()):
            taken.setdefault(uplink["peer_asn"], f"{switch} roth_switch_uplinks[{index}].peer_asn")
    for host in inventory.hypervisors:
        own = inventory.value(host, "roth_asn")
        if own is not None:
            yield from _once(host, "roth_asn", own, taken, "an AS number of its own, for loop detection")


def _unique_loopbacks(inventory: Inventory) -> Iterator[Problem]:
    taken: Seen = {}
    for host in (*inventory.switches, *inventory.hypervisors):
        for family in FAMILIES:
            variable = f"roth_loopback_{family}"
            value = inventory.value(host, variable)
            if value is not None:
                address = ip_address(str(value))
                yield from _once(host, variable, address, taken, "an address of its own")
