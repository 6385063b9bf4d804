# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of switches: their own uplinks and the names of their ports."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Inventory
from .problems import MISSING, Problem, named, problem


def switch_problems(inventory: Inventory) -> Iterator[Problem]:
    """Everything about switches."""
    for switch in inventory.switches:
        own = inventory.value(switch, "roth_asn")
        for index, uplink in enumerate(inventory.value(switch, "roth_switch_uplinks") or ()):
            place = f"roth_switch_uplinks[{index}]"
            if not (uplink.get("peer_ipv4") or uplink.get("peer_ipv6")):
                yield problem(switch, place, MISSING, "peer_ipv4, peer_ipv6 or both")
            if own is not None and uplink["peer_asn"] == own:
                yield problem(switch, f"{place}.peer_asn", own, "another AS number than the switch's: it is eBGP")
        for host in inventory.value(switch, "roth_switch_ports") or {}:
            if host not in inventory.hypervisors:
                known = ", ".join(inventory.hypervisors)
                yield problem(switch, f"roth_switch_ports.{named(host)}", MISSING, f"a hypervisor's name ({known})")
