# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wanted nexthop objects and groups against what the kernel has: pure planning.

On carrier loss the kernel deletes nexthops and shrinks groups without a message and does not restore them, so a plan
is always made from a fresh read: whatever is missing is created again, and the groups that lost a member rewritten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, Union

from .model import Nexthop, NexthopGroup


@dataclass(frozen=True)
class Put:
    """Create or change a nexthop or a group."""

    item: Nexthop | NexthopGroup


@dataclass(frozen=True)
class Delete:
    """Delete a nexthop or a group by id."""

    id: int


NexthopOperation = Union[Put, Delete]


class NexthopStore(Protocol):
    """What applying a plan needs of the kernel; netlink.Netlink is the real one."""

    def replace_nexthop(self, nexthop: Nexthop, protocol: int) -> None:
        """Create or change one nexthop object."""

    def replace_group(self, group: NexthopGroup, protocol: int) -> None:
        """Create or change one group."""

    def delete_nexthop(self, id: int) -> None:
        """Remove a nexthop or group; absent is not an error."""


def check_group(group: NexthopGroup, nexthops: Collection[int]) -> None:
    """Raise ValueError for a group that the kernel would refuse, or that would take its routes down."""
    if not group.members:
        raise ValueError(
            f"nexthop group {group.id} has no members; expected at least one (an empty group drops routes)"
        )
    members = [member for member, _weight in group.members]
    if len(set(members)) != len(members):
        raise ValueError(f"nexthop group {group.id} names a member twice; expected each nexthop once, with a weight")
    for member, weight in group.members:
        if not 1 <= weight <= 256:
            raise ValueError(f"nexthop group {group.id}: weight {weight} of {member}; expected 1 to 256")
        if member not in nexthops:
            raise ValueError(f"nexthop group {group.id} names nexthop {member}, which does not exist")


def plan_nexthops(
    nexthops: Iterable[Nexthop],
    groups: Iterable[NexthopGroup],
    current_nexthops: Mapping[int, Nexthop],
    current_groups: Mapping[int, NexthopGroup],
    purge: bool = True,
) -> list[NexthopOperation]:
    """What leads from the current objects of ours to the wanted ones, in the order of writing.

    Nexthops come before the groups that use them; groups go before their members, because deleting a group's last
    member deletes the group and its IPv4 routes silently. Without `purge` what is not wanted stays.
    Raises ValueError for a group without members, with a weight outside 1 to 256 or with an unknown member.
    """
    wanted = {nexthop.id: nexthop for nexthop in nexthops}
    wanted_groups = {group.id: NexthopGroup(group.id, tuple(sorted(group.members))) for group in groups}
    known = wanted.keys() if purge else wanted.keys() | current_nexthops.keys()
    for group in wanted_groups.values():
        check_group(group, known)
    plan: list[NexthopOperation] = []
    plan += [Put(item) for number, item in sorted(wanted.items()) if current_nexthops.get(number) != item]
    plan += [Put(item) for number, item in sorted(wanted_groups.items()) if current_groups.get(number) != item]
    if purge:
        plan += [Delete(number) for number in sorted(current_groups.keys() - wanted_groups.keys())]
        plan += [Delete(number) for number in sorted(current_nexthops.keys() - wanted.keys())]
    return plan


def apply_nexthops(store: NexthopStore, protocol: int, plan: Iterable[NexthopOperation]) -> None:
    """Write a plan. Raises OSError at the first operation that the kernel refuses."""
    for operation in plan:
        if isinstance(operation, Delete):
            store.delete_nexthop(operation.id)
        elif isinstance(operation.item, Nexthop):
            store.replace_nexthop(operation.item, protocol)
        else:
            store.replace_group(operation.item, protocol)
