#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: host_routes
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
short_description: Declare the whole set of host routes of a hypervisor
description:
  - The list is the whole wanted state of our protocol in our table. Missing routes are installed, routes that lead
    elsewhere are changed in place, and the rest of ours is removed. IPv4 and IPv6 go in one call.
  - The agent announces what stands in the table. Installing a route announces its prefix, removing it withdraws it.
  - Routes of other protocols are never changed or removed. A wanted route whose prefix and metric another protocol
    holds, or whose link is missing or down, is reported by prefix. The others are applied.
  - What the kernel knows of a neighbor whose address loses its route through a link is forgotten, for the next instance
    with the address has another MAC. Static entries of other protocols stay.
options:
  routes:
    description:
      - Wanted routes, one a string - C(PREFIX dev NAME [metric N]) or C(blackhole PREFIX [metric N]).
      - The metric defaults to 0 for IPv4 and to 1024 for IPv6, as the kernel does.
    type: list
    elements: str
  src:
    description:
      - File on the target with the wanted routes, one a line or as a JSON list of strings. Lines that start with C(#)
        are comments.
      - Ten thousand routes as a module argument cost a second more than as a file.
      - A file that is missing, or cannot be read or understood, ends the module before anything is changed.
    type: path
  purge:
    description:
      - Remove routes of our protocol in the table that are not listed.
    type: bool
    default: true
  max_removed_percent:
    description:
      - How large a share of the host's instance prefixes may be removed in one run. A list that lacks more of them is
        taken for a mistake, a truncated answer for instance. The module fails then, in check mode as well, names what
        would be removed, and touches nothing.
      - Instance prefixes are those with a route of ours to another device than C(lo) and without a blackhole of ours.
        Loopbacks and aggregates do not count.
      - Removing all of them is never accepted without O(allow_mass_removal), not even with V(100).
    type: int
    default: 20
  max_removed_floor:
    description:
      - Number of prefixes that may be removed whatever their share, so that an instance can leave a host with three of
        them. The default is an instance with two addresses of each family.
    type: int
    default: 4
  allow_mass_removal:
    description:
      - The yes to whatever the list says. Without it an empty list together with O(purge) is refused, and so is a
        removal beyond O(max_removed_percent).
    type: bool
    default: false
    aliases: [allow_empty]
  announced:
    description:
      - Which prefixes the agent announces. With it, the diff and the result say what is announced and withdrawn.
    type: list
    elements: dict
    default: []
    suboptions:
      prefix:
        description: Announced prefixes lie in this one.
        type: str
        required: true
      ge:
        description: Shortest length announced. Defaults to the length of O(announced[].prefix).
        type: int
      le:
        description: Longest length announced. Defaults to O(announced[].ge).
        type: int
  ignore_problems:
    description:
      - Report routes that could not be had as warnings and in RV(failed_routes) only. By default the module fails,
        after the others have been applied.
    type: bool
    default: false
extends_documentation_fragment:
  - roth.fabric.kernel
  - roth.fabric.kernel.table
  - roth.fabric.kernel.writes
seealso:
  - module: roth.fabric.host_routes_info
"""

EXAMPLES = r"""
- name: Route the addresses of this host's instances
  roth.fabric.host_routes:
    routes:
      - 10.64.1.53/32 dev br-mobile
      - 2001:db8:64::135/128 dev br-mobile
      - 192.0.2.11/32 dev lo

- name: Take the wanted routes from a file on the host, and say what is announced
  roth.fabric.host_routes:
    src: /etc/roth/instance-routes
    announced:
      - prefix: 10.64.0.0/16
        ge: 32

- name: Announce a subnet as one prefix that never leads back into the fabric
  roth.fabric.host_routes:
    routes:
      - 198.51.100.0/26 dev br-pinned
      - blackhole 198.51.100.0/26 metric 4294967295
    purge: false

- name: Remove every host route of ours
  roth.fabric.host_routes:
    routes: []
    allow_mass_removal: true
"""

RETURN = r"""
installed:
  description: Routes that were missing, sorted.
  returned: always
  type: list
  elements: str
  sample: ["10.64.1.53/32 dev br-mobile"]
replaced:
  description: Routes of ours that led elsewhere and were changed in place, as they are now.
  returned: always
  type: list
  elements: str
  sample: ["10.64.1.54/32 dev br-mobile"]
removed:
  description: Routes of ours that were not wanted, as they were.
  returned: always
  type: list
  elements: str
  sample: ["10.64.1.55/32 dev br-mobile"]
unchanged:
  description: Number of wanted routes that were there already.
  returned: always
  type: int
  sample: 42
announced:
  description: Prefixes in O(announced) that got their first route.
  returned: always
  type: list
  elements: str
  sample: ["10.64.1.53/32"]
withdrawn:
  description: Prefixes in O(announced) that lost their last route.
  returned: always
  type: list
  elements: str
  sample: ["10.64.1.55/32"]
failed_routes:
  description: Wanted routes that could not be had. What stood there before, stays.
  returned: always
  type: list
  elements: dict
  contains:
    prefix:
      description: The prefix.
      type: str
      sample: 10.64.1.60/32
    reason:
      description: Why.
      type: str
      sample: link br-mobile is down
mass_removal:
  description: What the module refused to remove.
  returned: when it refused to
  type: dict
  contains:
    removed:
      description: Number of instance prefixes that would be removed.
      type: int
      sample: 10
    of:
      description: Number of instance prefixes that the host has.
      type: int
      sample: 21
    prefixes:
      description: The prefixes that would be removed.
      type: list
      elements: str
      sample: ["10.64.1.53/32"]
    summary:
      description: All of this in a sentence.
      type: str
      sample: >-
        1 of the 1 instance prefixes (100 %) would be removed: 10.64.1.53/32; expected at most 20 % or 4 of them, and
        never all
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.arguments import Module
from ..module_utils.kernel.changes import RouteChanges, describe, parse_announced
from ..module_utils.kernel.removals import RemovalLimit, mass_removal
from ..module_utils.kernel.routes import RoutePlan, RouteProblem, parse_routes
from ..module_utils.kernel.sync import apply_plan, read_plan
from ..module_utils.kernel.text import Wanted, quoted, route_text
from ..module_utils.kernel_module import PROTOCOL, TABLE, open_kernel, read_lines

ARGUMENTS = {
    "routes": {"type": "list", "elements": "str"},
    "src": {"type": "path"},
    "purge": {"type": "bool", "default": True},
    "max_removed_percent": {"type": "int", "default": 20},
    "max_removed_floor": {"type": "int", "default": 4},
    "allow_mass_removal": {"type": "bool", "default": False, "aliases": ["allow_empty"]},
    "announced": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "prefix": {"type": "str", "required": True},
            "ge": {"type": "int"},
            "le": {"type": "int"},
        },
    },
    "ignore_problems": {"type": "bool", "default": False},
    **PROTOCOL,
    **TABLE,
}


def read_wanted(module: AnsibleModule) -> Wanted:
    source, protocol, table = (module.params[name] for name in ("src", "protocol", "table"))
    name = source or "routes"
    try:
        wanted = parse_routes(read_lines(source) if source else module.params["routes"])
    except OSError as error:
        module.fail_json(msg=f"src = {quoted(name)}: {error.strerror or error}")
    except ValueError as error:
        module.fail_json(msg=f"{name}: {error}")
    empty = not wanted.routes and not wanted.contradictory
    if empty and module.params["purge"] and not module.params["allow_mass_removal"]:
        module.fail_json(
            msg=f"{name} is empty, which would remove every route of protocol {protocol} in table {table}; "
            "expected at least one route, or allow_mass_removal: true"
        )
    for key in sorted(wanted.repeated):
        module.warn(f"{route_text(key, wanted.routes.get(key))} is listed more than once")
    return wanted


def refuse_mass_removal(module: AnsibleModule, plan: RoutePlan, limit: RemovalLimit) -> None:
    """End the module if the plan takes away more than the limit and nobody said yes."""
    found = None if module.params["allow_mass_removal"] else mass_removal(plan, limit)
    if found is not None:
        module.fail_json(
            msg=f"{module.params['src'] or 'routes'}: {found}. Nothing was touched. "
            "If this is right, say so with allow_mass_removal: true",
            mass_removal={
                "removed": len(found.prefixes),
                "of": found.of,
                "prefixes": list(found.prefixes),
                "summary": str(found),
            },
        )


def finish(module: AnsibleModule, plan: RoutePlan, problems: list[RouteProblem], changes: RouteChanges) -> None:
    failed = [{"prefix": problem.prefix, "reason": problem.reason} for problem in problems]
    result = {
        "changed": plan.changed,
        "installed": changes.installed,
        "replaced": changes.changed,
        "removed": changes.removed,
        "unchanged": plan.unchanged,
        "announced": changes.announced,
        "withdrawn": changes.withdrawn,
        "failed_routes": failed,
        "diff": {"before": changes.before, "after": changes.after},
    }
    texts = [f"{entry['prefix']}: {entry['reason']}" for entry in failed]
    if failed and not module.params["ignore_problems"]:
        more = f"; and {len(texts) - 10} more in failed_routes" if len(texts) > 10 else ""
        what = "would be" if module.check_mode else "were"
        module.fail_json(
            msg=f"{len(failed)} routes failed, the others {what} applied: {'; '.join(texts[:10])}{more}", **result
        )
    for text in texts:
        module.warn(text)
    module.exit_json(**result)


def main() -> None:
    module = Module(
        argument_spec=ARGUMENTS,
        mutually_exclusive=[("routes", "src")],
        required_one_of=[("routes", "src")],
        supports_check_mode=True,
    )
    wanted = read_wanted(module)
    table, protocol, purge = (module.params[name] for name in ("table", "protocol", "purge"))
    try:
        announced = parse_announced(module.params["announced"])
    except ValueError as error:
        module.fail_json(msg=f"announced{error}")
    try:
        limit = RemovalLimit(module.params["max_removed_percent"], module.params["max_removed_floor"])
    except ValueError as error:
        module.fail_json(msg=str(error))
    with open_kernel(module) as kernel:
        plan = read_plan(kernel, table, protocol, wanted, purge)
        refuse_mass_removal(module, plan, limit)
        problems = plan.problems
        if not module.check_mode:
            problems = apply_plan(kernel, table, protocol, wanted, plan, purge).problems
    plan.leave_out(problems)
    finish(module, plan, problems, describe(plan, announced))


if __name__ == "__main__":
    main()
