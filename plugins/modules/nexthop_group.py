#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: nexthop_group
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
short_description: Declare one nexthop group of the kernel with its members
description:
  - Creates, changes or deletes one multipath nexthop group and the nexthop objects it consists of.
  - A member that leaves the group is deleted, unless another group of ours uses it.
  - The kernel deletes nexthops when their link loses its carrier. Running the module again restores them and the group.
  - Ids that objects of another protocol hold are never changed or deleted.
options:
  id:
    description:
      - Id of the group.
    type: int
    required: true
  members:
    description:
      - The nexthops of the group. Required when O(state=present).
    type: list
    elements: dict
    suboptions:
      id:
        description: Id of the nexthop object.
        type: int
        required: true
      gateway:
        description: Address of the next router.
        type: str
        required: true
      device:
        description: Interface towards it.
        type: str
        required: true
      weight:
        description: Share of the flows, relative to the other members, 1 to 256.
        type: int
        default: 1
  state:
    description:
      - Whether the group is there. Deleting it deletes the routes that use it.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - roth.fabric.kernel
  - roth.fabric.kernel.writes
"""

EXAMPLES = r"""
- name: Reach the fabric over both uplinks
  roth.fabric.nexthop_group:
    id: 142004
    members:
      - {id: 142104, gateway: 10.1.1.0, device: up0}
      - {id: 142114, gateway: 10.2.1.0, device: up1}

- name: Remove the group and its members
  roth.fabric.nexthop_group:
    id: 142004
    state: absent
"""

RETURN = r"""
operations:
  description: What was done, or would be done in check mode, in order.
  returned: always
  type: list
  elements: str
  sample: ["put nexthop 142104 via 10.1.1.0 dev up0", "put group 142004 members 142104 weight 1", "delete 142114"]
"""

from typing import Any

from ..module_utils.arguments import Module, check_address, check_integer
from ..module_utils.kernel.model import Link, Nexthop, NexthopGroup
from ..module_utils.kernel.netlink import Netlink
from ..module_utils.kernel.nexthops import Delete, NexthopOperation, apply_nexthops, plan_nexthops
from ..module_utils.kernel.text import parse_device
from ..module_utils.kernel_module import PROTOCOL, open_kernel

ARGUMENTS = {
    "id": {"type": "int", "required": True},
    "members": {
        "type": "list",
        "elements": "dict",
        "options": {
            "id": {"type": "int", "required": True},
            "gateway": {"type": "str", "required": True},
            "device": {"type": "str", "required": True},
            "weight": {"type": "int", "default": 1},
        },
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **PROTOCOL,
}

MAX_ID = 0xFFFFFFFF

Objects = tuple[dict[int, Nexthop], dict[int, NexthopGroup]]


def check_members(group: int, members: list[dict[str, Any]]) -> None:
    """What can be told without a kernel. Raises ValueError, naming option, value and what was expected."""
    seen: dict[int, str] = {check_integer("id", group, 1, MAX_ID): "the group"}
    families = set()
    for index, member in enumerate(members):
        place = f"members[{index}]"
        number = check_integer(f"{place}.id", member["id"], 1, MAX_ID)
        if number in seen:
            raise ValueError(f"{place}.id = {number}: expected an id of its own: {seen[number]} has it")
        seen[number] = place
        check_integer(f"{place}.weight", member["weight"], 1, 256)
        families.add(check_address(f"{place}.gateway", member["gateway"]).version)
        try:
            parse_device(member["device"])
        except ValueError as error:
            raise ValueError(f"{place}.device: {error}") from None
    if len(families) > 1:
        raise ValueError("members have IPv4 and IPv6 gateways: expected one family a group, as a route has one")


def read_wanted(group: int, members: list[dict[str, Any]], links: dict[int, Link]) -> Objects:
    """The objects asked for. Raises ValueError for a link that does not exist."""
    indexes = {link.name: link.index for link in links.values()}
    nexthops = {}
    for index, member in enumerate(members):
        if member["device"] not in indexes:
            raise ValueError(f"members[{index}].device = {member['device']!r}: expected a link that exists")
        gateway = check_address("gateway", member["gateway"])
        nexthops[member["id"]] = Nexthop(member["id"], indexes[member["device"]], gateway)
    weights = tuple(sorted((member["id"], member["weight"]) for member in members))
    return nexthops, {group: NexthopGroup(group, weights)}


def read_current(kernel: Netlink, protocol: int, group: int, wanted: Objects) -> Objects:
    """Of our objects those that this group is about. Raises ValueError where another protocol holds a wanted id."""
    for number, owner in kernel.nexthop_protocols().items():
        if owner != protocol and (number == group or number in wanted[0]):
            raise ValueError(f"nexthop id {number} belongs to protocol {owner}; expected an id that is free or ours")
    nexthops, groups = kernel.nexthops(protocol)
    elsewhere = {member for other in groups.values() if other.id != group for member, _weight in other.members}
    members = {member for member, _weight in groups[group].members} - elsewhere if group in groups else set()
    return (
        {number: item for number, item in nexthops.items() if number in members or number in wanted[0]},
        {number: item for number, item in groups.items() if number == group},
    )


def text(item: Nexthop | NexthopGroup, links: dict[int, Link]) -> str:
    if isinstance(item, NexthopGroup):
        return f"group {item.id} members " + ", ".join(f"{member} weight {weight}" for member, weight in item.members)
    name = links[item.oif].name if item.oif in links else f"if{item.oif}"
    return f"nexthop {item.id} via {item.gateway} dev {name}"


def lines(objects: Objects, links: dict[int, Link]) -> str:
    items: list[Nexthop | NexthopGroup] = list(objects[1].values())
    items += [item for _number, item in sorted(objects[0].items())]
    return "".join(text(item, links) + "\n" for item in items)


def describe_operation(operation: NexthopOperation, links: dict[int, Link]) -> str:
    return f"delete {operation.id}" if isinstance(operation, Delete) else f"put {text(operation.item, links)}"


def main() -> None:
    required = [("state", "present", ["members"])]
    module = Module(argument_spec=ARGUMENTS, required_if=required, supports_check_mode=True)
    protocol, group = module.params["protocol"], module.params["id"]
    members = module.params["members"] if module.params["state"] == "present" else None
    try:
        check_members(group, members or [])
    except ValueError as error:
        module.fail_json(msg=str(error))
    with open_kernel(module) as kernel:
        links = kernel.links()
        try:
            wanted: Objects = ({}, {}) if members is None else read_wanted(group, members, links)
            current = read_current(kernel, protocol, group, wanted)
            plan = plan_nexthops(wanted[0].values(), wanted[1].values(), *current)
        except ValueError as error:
            module.fail_json(msg=str(error))
        if not module.check_mode:
            apply_nexthops(kernel, protocol, plan)
    diff = {"before": lines(current, links), "after": lines(wanted, links)}
    operations = [describe_operation(operation, links) for operation in plan]
    module.exit_json(changed=bool(plan), operations=operations, diff=diff)


if __name__ == "__main__":
    main()
