# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of patch ports that join the networks' bridges to VLANs of the agent's, as commands of ovs-vsctl."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .model import MARK, PATCH, FoundBridge, FoundPort, Patch, WantedBridge

Command = tuple[str, ...]


@dataclass
class PatchPlan:
    """`removals` come before what is done to bridges, `commands` after it, in the same transaction.

    `before` and `after` hold each port that changes, by name; `problems` are refusals in words.
    """

    removals: list[Command] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    before: dict[str, FoundPort] = field(default_factory=dict)
    after: dict[str, FoundPort] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def setting(column: str, value: str) -> str:
    """A word of `ovs-vsctl set`; the value is quoted, because a colon means something there."""
    return f"{column}={json.dumps(value, ensure_ascii=False)}"


def patch_names(bridge: str, vlan: int) -> tuple[str, str]:
    """The ports of the pair on the agent's bridge and on the network's, which is `bridge`.

    The same for ever, and at most 15 characters (IFNAMSIZ is 16 with the final zero), however long the bridge's name.
    """
    digest = hashlib.sha256(bridge.encode()).hexdigest()[:8]
    return f"ra{digest}-{vlan}", f"rn{digest}-{vlan}"


def wanted_patches(bridge: WantedBridge) -> Iterator[Patch]:
    """Both ends of each pair. The VLAN is the agent's side's: on the network's bridge frames have no tag."""
    if bridge.agent_bridge is None:
        return
    for vlan in bridge.vlans:
        theirs, own = patch_names(bridge.name, vlan)
        yield Patch(theirs, bridge.agent_bridge, own, vlan, bridge.network)
        yield Patch(own, bridge.name, theirs, None, bridge.network)


def plan_patches(
    wanted: Sequence[WantedBridge],
    bridges: Mapping[str, FoundBridge],
    ports: Mapping[str, FoundPort],
    going: Collection[str] = (),
) -> PatchPlan:
    """`bridges` and `ports` are those found, `going` the bridges that the same transaction deletes.

    Of the agent's bridge nothing but our ports is touched, and no port that is not marked as ours.
    """
    plan = PatchPlan()
    plan.problems += _unfit_bridges(wanted, bridges, going)
    ends = [end for bridge in sorted(wanted, key=lambda bridge: bridge.name) for end in wanted_patches(bridge)]
    names = {end.name for end in ends}
    for name, port in sorted(ports.items()):
        if port.ours and name not in names:
            _remove(plan, port)
            plan.removed.append(name)
    for end in ends:
        known = ports.get(end.name)
        if known is None:
            _create(plan, end)
            plan.created.append(end.name)
        elif not known.ours:
            plan.problems.append(
                f"{end.name}: Open vSwitch has a port of that name on {known.bridge} that is not ours, and network "
                f"{end.network} wants it on {end.bridge}. Remove it, or rename it"
            )
        else:
            _keep(plan, end, known)
    return plan


def _unfit_bridges(
    wanted: Sequence[WantedBridge], found: Mapping[str, FoundBridge], going: Collection[str]
) -> Iterator[str]:
    """Bridges of an agent that are not there, or that no port can join to the network's."""
    # one of ours may be another network's agent's bridge, and come with this transaction
    types = {name: bridge.datapath_type for name, bridge in found.items() if name not in going}
    types |= {bridge.name: bridge.datapath_type for bridge in wanted if bridge.name not in types}
    for bridge in wanted:
        name = bridge.agent_bridge
        if name is None:
            continue
        place = f"network {bridge.network}: agent_bridge = {name!r}: expected"
        if name not in types:
            others = ", ".join(sorted(set(types) - {bridge.name})) or "none"
            yield f"{place} a bridge that Open vSwitch has (beside {bridge.name} it has {others})"
        elif types[name] != bridge.datapath_type:
            yield f"{place} a bridge with datapath_type {bridge.datapath_type}, as {bridge.name}, it is {types[name]}"


def _as_wanted(end: Patch, external_ids: Mapping[str, str]) -> FoundPort:
    return FoundPort(end.name, end.bridge, PATCH, end.peer, end.tag, {**external_ids, MARK: end.network})


def _remove(plan: PatchPlan, port: FoundPort) -> None:
    # with its bridge, so that one that moved meanwhile is an error and no loss
    plan.removals.append(("del-port", port.bridge, port.name))
    plan.before[port.name] = port


def _create(plan: PatchPlan, end: Patch) -> None:
    tag = [] if end.tag is None else [f"tag={end.tag}"]
    plan.commands += [
        ("add-port", end.bridge, end.name, *tag),
        ("set", "Port", end.name, setting(f"external_ids:{MARK}", end.network)),
        ("set", "Interface", end.name, f"type={PATCH}", setting("options:peer", end.peer)),
    ]
    plan.after[end.name] = _as_wanted(end, {})


def _keep(plan: PatchPlan, end: Patch, known: FoundPort) -> None:
    """Sets what differs; a port cannot move to another bridge, so there it is made anew."""
    last = _as_wanted(end, known.external_ids)
    if replace(known, works=True) == last:
        return
    plan.updated.append(end.name)
    if known.bridge != end.bridge:
        _remove(plan, known)
        _create(plan, end)
        return
    plan.before[end.name], plan.after[end.name] = known, last
    if known.external_ids != last.external_ids:
        plan.commands.append(("set", "Port", end.name, setting(f"external_ids:{MARK}", end.network)))
    if known.tag != end.tag:
        tag = ("clear", "Port", end.name, "tag") if end.tag is None else ("set", "Port", end.name, f"tag={end.tag}")
        plan.commands.append(tag)
    if (known.kind, known.peer) != (PATCH, end.peer):
        plan.commands.append(("set", "Interface", end.name, f"type={PATCH}", setting("options:peer", end.peer)))
