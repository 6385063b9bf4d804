#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: neighbors
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
short_description: Declare the static neighbour entries of a hypervisor
description:
  - The list is the whole wanted set of static neighbour entries of our protocol (NDA_PROTOCOL). Missing ones and
    different ones are written, the rest of ours is removed.
  - With them a hypervisor reaches its instances without asking for their MAC addresses.
  - What the kernel learned itself is replaced. A static entry of another protocol is never changed or removed.
options:
  neighbors:
    description:
      - Wanted entries, one a string - C(ADDRESS lladdr MAC dev NAME).
    type: list
    elements: str
    required: true
  purge:
    description:
      - Remove static entries of our protocol that are not listed.
    type: bool
    default: true
  ignore_problems:
    description:
      - Report entries that could not be had as warnings and in RV(failed_neighbors) only. By default the module fails,
        after the others have been written.
    type: bool
    default: false
extends_documentation_fragment:
  - roth.fabric.kernel
  - roth.fabric.kernel.writes
"""

EXAMPLES = r"""
- name: Know the MAC addresses of this host's instances
  roth.fabric.neighbors:
    neighbors:
      - 10.64.1.53 lladdr fa:16:3e:12:34:56 dev br-mobile
      - 2001:db8:64::135 lladdr fa:16:3e:12:34:56 dev br-mobile
"""

RETURN = r"""
written:
  description: Entries that were missing or different.
  returned: always
  type: list
  elements: str
  sample: ["10.64.1.53 lladdr fa:16:3e:12:34:56 dev br-mobile"]
removed:
  description: Entries of ours that were not wanted.
  returned: always
  type: list
  elements: str
  sample: []
failed_neighbors:
  description: Wanted entries that could not be had.
  returned: always
  type: list
  elements: dict
  contains:
    address:
      description: The address.
      type: str
      sample: 10.64.1.60
    reason:
      description: Why.
      type: str
      sample: link br-mobile does not exist
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.arguments import Module
from ..module_utils.kernel.model import Neighbor
from ..module_utils.kernel.neighbors import NeighborPlan, parse_neighbors, plan_neighbors
from ..module_utils.kernel.netlink import Netlink
from ..module_utils.kernel_module import PROTOCOL, open_kernel

ARGUMENTS = {
    "neighbors": {"type": "list", "elements": "str", "required": True},
    "purge": {"type": "bool", "default": True},
    "ignore_problems": {"type": "bool", "default": False},
    **PROTOCOL,
}


def apply(kernel: Netlink, protocol: int, plan: NeighborPlan) -> None:
    """Write the plan; what the kernel refuses moves to the plan's problems."""
    for neighbor in list(plan.replace):
        try:
            kernel.replace_neighbor(neighbor, protocol)
        except PermissionError:
            raise
        except OSError as error:
            plan.replace.remove(neighbor)
            plan.problems.append((str(neighbor.address), error.strerror or str(error)))
    for neighbor in plan.remove:
        kernel.delete_neighbor(neighbor.address, neighbor.oif)


def finish(module: AnsibleModule, plan: NeighborPlan, before: list[str], names: dict[int, str]) -> None:
    def text(neighbor: Neighbor) -> str:
        return f"{neighbor.address} lladdr {neighbor.mac} dev {names.get(neighbor.oif, f'if{neighbor.oif}')}"

    written, removed = sorted(map(text, plan.replace)), sorted(map(text, plan.remove))
    problems = sorted(plan.problems)
    result = {
        "changed": bool(written or removed),
        "written": written,
        "removed": removed,
        "failed_neighbors": [{"address": address, "reason": reason} for address, reason in problems],
        "diff": {"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in written)},
    }
    texts = [f"{address}: {reason}" for address, reason in problems]
    if texts and not module.params["ignore_problems"]:
        module.fail_json(msg=f"{len(texts)} neighbours failed, the others are done: {'; '.join(texts[:10])}", **result)
    for line in texts:
        module.warn(line)
    module.exit_json(**result)


def main() -> None:
    module = Module(argument_spec=ARGUMENTS, supports_check_mode=True)
    protocol = module.params["protocol"]
    try:
        wanted = parse_neighbors(module.params["neighbors"])
    except ValueError as error:
        module.fail_json(msg=str(error))
    with open_kernel(module) as kernel:
        links, current = kernel.links(), kernel.neighbors()
        plan = plan_neighbors(wanted, current, links, protocol, module.params["purge"])
        if not module.check_mode:
            apply(kernel, protocol, plan)
    names = {link.index: link.name for link in links.values()}
    touched = {(item.address, item.oif) for item in plan.replace + plan.remove}
    before = sorted(
        f"{entry.address} lladdr {entry.mac} dev {names.get(entry.oif, entry.oif)}"
        for entry in current
        if entry.permanent and (entry.address, entry.oif) in touched
    )
    finish(module, plan, before, names)


if __name__ == "__main__":
    main()
