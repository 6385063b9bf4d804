# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the bridges that Open vSwitch has to the wanted ones, as commands of ovs-vsctl for one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .model import FOUND_MAC, FOUND_MTU, MARK, FoundBridge, FoundPort, WantedBridge
from .patches import Command, PatchPlan, plan_patches, setting


@dataclass
class BridgePlan:
    """`commands` are for one transaction. `before` and `after` hold each bridge that changes, by name.

    `patches` has the ports that change, whose commands and problems are among those here. `problems` are refusals in
    words; with any of them nothing is to be done.
    """

    commands: list[Command] = field(default_factory=list)
    before: dict[str, FoundBridge] = field(default_factory=dict)
    after: dict[str, FoundBridge] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    patches: PatchPlan = field(default_factory=PatchPlan)


def plan_bridges(
    wanted: Sequence[WantedBridge],
    found: Mapping[str, FoundBridge],
    adopt: Collection[str] = (),
    *,
    remove_in_use: bool = False,
    ports: Mapping[str, FoundPort] | None = None,
) -> BridgePlan:
    """`wanted` is the whole set of ours; `adopt` names bridges of others that may become ours.

    `found` are the bridges, and `ports` those on them, by name. What others set is left: their ports, controllers,
    protocols, fail_mode and other keys of a bridge of ours, and of a bridge that is not ours everything but our ports.
    """
    plan = BridgePlan()
    for bridge in sorted(wanted, key=lambda bridge: bridge.name):
        known = found.get(bridge.name)
        if known is None:
            _create(plan, bridge)
        else:
            _keep(plan, bridge, known, bridge.name in adopt)
    names = {bridge.name for bridge in wanted}
    for name, known in sorted(found.items()):
        if known.ours and name not in names:
            _give_up(plan, known, remove_in_use)
    plan.patches = plan_patches(wanted, found, ports or {}, plan.removed)
    plan.commands = [*plan.patches.removals, *plan.commands, *plan.patches.commands]
    plan.problems += plan.patches.problems
    return plan


def _create(plan: BridgePlan, wanted: WantedBridge) -> None:
    settings = [
        setting("datapath_type", wanted.datapath_type),
        setting(f"external_ids:{MARK}", wanted.network),
        # before the local port exists: addresses and routes come later, and a change of it drops routes
        setting("other_config:hwaddr", wanted.mac),
    ]
    if wanted.fail_mode is not None:
        settings.append(f"fail_mode={wanted.fail_mode}")
    plan.commands += [
        ("add-br", wanted.name),
        ("set", "Bridge", wanted.name, *settings),
        ("set", "Interface", wanted.name, f"mtu_request={wanted.mtu}"),
    ]
    plan.created.append(wanted.name)
    plan.after[wanted.name] = FoundBridge(
        wanted.name, wanted.datapath_type, wanted.mac, wanted.mtu, external_ids={MARK: wanted.network}
    )


def _keep(plan: BridgePlan, wanted: WantedBridge, known: FoundBridge, adopt: bool) -> None:
    name = wanted.name
    if not known.ours and not adopt:
        plan.problems.append(
            f"{name}: Open vSwitch has a bridge of that name that is not ours. Choose another name, or adopt it"
        )
        return
    if known.datapath_type != wanted.datapath_type:
        # ovs-vswitchd would make it anew, without addresses, routes and flows; and an agent has its own setting for it
        plan.problems.append(f"{name}: expected datapath_type {wanted.datapath_type}, it is {known.datapath_type}")
        return
    marks = {MARK: wanted.network}
    if not known.ours:
        marks |= {FOUND_MAC: known.mac or "", FOUND_MTU: str(known.mtu or "")}
    settings = [
        setting(f"external_ids:{key}", value) for key, value in marks.items() if known.external_ids.get(key) != value
    ]
    if known.mac != wanted.mac:
        settings.append(setting("other_config:hwaddr", wanted.mac))
    if settings:
        plan.commands.append(("set", "Bridge", name, *settings))
    if known.mtu != wanted.mtu:
        plan.commands.append(("set", "Interface", name, f"mtu_request={wanted.mtu}"))
    last = replace(known, mac=wanted.mac, mtu=wanted.mtu, external_ids={**known.external_ids, **marks})
    if last != known:
        (plan.updated if known.ours else plan.adopted).append(name)
        plan.before[name], plan.after[name] = known, last


def _give_up(plan: BridgePlan, known: FoundBridge, remove_in_use: bool) -> None:
    plan.before[known.name] = known
    if known.adopted:
        _release(plan, known)
    elif known.ports and not remove_in_use:
        plan.problems.append(
            f"{known.name}: no network has this bridge any more, and these ports are still on it: "
            f"{', '.join(known.ports)}. Remove them first"
        )
    else:
        plan.commands.append(("del-br", known.name))
        plan.removed.append(known.name)


def _release(plan: BridgePlan, known: FoundBridge) -> None:
    """Gives a bridge back to whoever made it, with the MAC and MTU that it had. Its ports stay."""
    name = known.name
    mac, mtu = known.external_ids[FOUND_MAC], known.external_ids.get(FOUND_MTU, "")
    if mac:
        plan.commands.append(("set", "Bridge", name, setting("other_config:hwaddr", mac)))
    else:
        plan.commands.append(("remove", "Bridge", name, "other_config", "hwaddr"))
    if mtu.isdecimal():
        plan.commands.append(("set", "Interface", name, f"mtu_request={mtu}"))
    else:
        plan.commands.append(("clear", "Interface", name, "mtu_request"))
    plan.commands.append(("remove", "Bridge", name, "external_ids", MARK, FOUND_MAC, FOUND_MTU))
    left = {key: value for key, value in known.external_ids.items() if key not in (MARK, FOUND_MAC, FOUND_MTU)}
    plan.released.append(name)
    plan.after[name] = replace(known, mac=mac or None, mtu=int(mtu) if mtu.isdecimal() else None, external_ids=left)
