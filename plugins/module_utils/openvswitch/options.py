# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module `ovs_bridges`, beyond what Ansible checks by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..arguments import check_integer
from ..inventory.checks import bridge_name, mac
from ..kernel.text import quoted
from .model import WantedBridge
from .patches import patch_names

DATABASE = re.compile(r"unix:/[!-~]+|(tcp|ssl):[!-~]+")  # ovsdb(7), active connection methods


def parse_bridges(params: Mapping[str, Any]) -> list[WantedBridge]:
    """The wanted bridges. Raises ValueError naming the option."""
    wanted: list[WantedBridge] = []
    for index, entry in enumerate(params["bridges"]):
        place = f"bridges[{index}]"
        for key, check in (("name", bridge_name), ("mac", mac)):
            expected = check(entry[key])
            if expected is not None:
                raise ValueError(f"{place}.{key} = {quoted(entry[key])}: expected {expected}")
        if not entry["network"] or not entry["network"].isprintable():
            raise ValueError(f"{place}.network = {quoted(entry['network'])}: expected a name of printable characters")
        if entry["name"] in [bridge.name for bridge in wanted]:
            raise ValueError(f"{place}.name = {quoted(entry['name'])}: expected each bridge once")
        check_integer(f"{place}.mtu", entry["mtu"], 1280, 65535, "bytes")
        check_joint(place, entry, wanted)
        wanted.append(
            WantedBridge(
                name=entry["name"],
                network=entry["network"],
                mac=entry["mac"].lower(),
                mtu=entry["mtu"],
                datapath_type=params["datapath_type"],
                fail_mode=params["fail_mode"],
                agent_bridge=entry["agent_bridge"],
                vlans=tuple(entry["vlans"]),
            )
        )
    return wanted


def check_joint(place: str, entry: Mapping[str, Any], others: Sequence[WantedBridge]) -> None:
    """What joins a bridge to the agent's; `others` are those listed before it. Raises ValueError naming the option."""
    agents, vlans = entry["agent_bridge"], entry["vlans"]
    if (agents is None) == bool(vlans):
        lacks, has = ("agent_bridge", "vlans") if agents is None else ("vlans", "agent_bridge")
        raise ValueError(f"{place}.{lacks}: expected a value beside {has} = {quoted(entry[has])}")
    if agents is None:
        return
    expected = bridge_name(agents)
    if expected is not None or agents == entry["name"]:
        raise ValueError(f"{place}.agent_bridge = {quoted(agents)}: expected {expected or 'another bridge than name'}")
    for number, vlan in enumerate(vlans):
        check_integer(f"{place}.vlans[{number}]", vlan, 1, 4094)  # IEEE 802.1Q
        taken = [other.name for other in others if other.agent_bridge == agents and vlan in other.vlans]
        if taken or vlan in vlans[:number]:
            where = taken[0] if taken else entry["name"]
            raise ValueError(f"{place}.vlans[{number}] = {vlan}: expected another VLAN of {agents}, {where} has it")
    if patch_names(entry["name"], 0) in [patch_names(other.name, 0) for other in others]:
        raise ValueError(f"{place}.name = {quoted(entry['name'])}: expected another name, its digest is not its own")


def check_options(params: Mapping[str, Any]) -> None:
    """Raises ValueError naming the option."""
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", params["datapath_type"]):
        given = quoted(params["datapath_type"])
        raise ValueError(f"datapath_type = {given}: expected a word, such as system or netdev")
    for index, name in enumerate(params["adopt"]):
        expected = bridge_name(name)
        if expected is not None:
            raise ValueError(f"adopt[{index}] = {quoted(name)}: expected {expected}")
    if params["database"] is not None and not DATABASE.fullmatch(params["database"]):
        expected = "where a database listens, such as unix:/run/openvswitch/db.sock or tcp:127.0.0.1:6640"
        raise ValueError(f"database = {quoted(params['database'])}: expected {expected}")
    check_integer("timeout", params["timeout"], 1, 600, "seconds")
