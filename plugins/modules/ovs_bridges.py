#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ovs_bridges
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
short_description: Declare the Open vSwitch bridges of the provider networks
description:
  - The list is the whole wanted set of bridges of ours in Open vSwitch. Missing ones are made, settings of ours that
    differ are set, and the rest of ours goes, all in one transaction.
  - A bridge is ours when its C(external_ids) have the key C(roth). A bridge of that name that is not ours is refused,
    or adopted if O(adopt) names it. An adopted bridge is never deleted, it is given back with the MAC address and MTU
    that it had.
  - Only the datapath type, C(other_config:hwaddr), the local port's C(mtu_request) and the keys C(roth*) of
    C(external_ids) are set. What Neutron's agent adds to a bridge of ours stays - patch ports, flows, controllers,
    protocols, C(fail_mode).
  - The common MAC address is set with the bridge, before it has any address or route.
options:
  bridges:
    description: The wanted bridges.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The bridge, and its local port.
        type: str
        required: true
      network:
        description: Name of the provider network.
        type: str
        required: true
      mac:
        description: MAC address of the local port, the same on all hosts. Changing it drops the routes over the bridge.
        type: str
        required: true
      mtu:
        description: MTU of the local port in bytes.
        type: int
        default: 1500
  datapath_type:
    description:
      - V(system) is the kernel's datapath, V(netdev) the one in userspace. Has to be what Neutron's agent is set to. A
        bridge that is there with another one is refused, since changing it would cut all that is on it.
    type: str
    default: system
  fail_mode:
    description:
      - What a bridge that is made does without a controller. A bridge that is there keeps its own, which an agent sets.
      - Without it Open vSwitch decides, which is as V(standalone).
    type: str
    choices: [secure, standalone]
  adopt:
    description: Bridges that somebody else made and that may become ours.
    type: list
    elements: str
    default: []
  remove_in_use:
    description: Remove a bridge of ours with ports on it. Patch ports never count, since an agent makes them by itself.
    type: bool
    default: false
  database:
    description: Where Open vSwitch's database is, such as C(tcp:127.0.0.1:6640). The default is that of C(ovs-vsctl).
    type: str
  timeout:
    description: Longest wait for Open vSwitch in seconds.
    type: int
    default: 10
requirements:
  - Open vSwitch, with C(ovs-vsctl) and a database that answers
attributes:
  check_mode:
    support: full
    description: Says what would be done.
  diff_mode:
    support: full
    description: Shows each bridge that changes, with what is ours of it.
"""

EXAMPLES = r"""
- name: Make the bridge of the network mobile
  roth.fabric.ovs_bridges:
    bridges:
      - name: br-mobile
        network: mobile
        mac: "02:8e:00:00:00:01"

- name: Take over the bridge that another tool made
  roth.fabric.ovs_bridges:
    bridges:
      - name: br-rpn
        network: mobile
        mac: "02:8e:00:00:00:01"
        mtu: 9000
    adopt: [br-rpn]

- name: Give all bridges back
  roth.fabric.ovs_bridges:
    bridges: []
"""

RETURN = r"""
created:
  description: Bridges that were (in check mode would be) made.
  returned: always
  type: list
  elements: str
  sample: ["br-mobile"]
adopted:
  description: Bridges of others that became ours.
  returned: always
  type: list
  elements: str
  sample: []
updated:
  description: Bridges of ours of which something was set.
  returned: always
  type: list
  elements: str
  sample: []
removed:
  description: Bridges of ours that were deleted.
  returned: always
  type: list
  elements: str
  sample: []
released:
  description: Adopted bridges that were given back.
  returned: always
  type: list
  elements: str
  sample: []
unavailable:
  description:
    - Why Open vSwitch could not be asked, and null where it was. Without O(bridges) that is no failure, for a host
      without Open vSwitch has no bridge to give back.
  returned: always
  type: str
  sample: ovs-vsctl is not there, Open vSwitch is not installed
"""

import re
from typing import Any

from ..module_utils.arguments import Module, check_integer
from ..module_utils.inventory.checks import interface_name, mac
from ..module_utils.kernel.text import quoted
from ..module_utils.openvswitch.model import FoundBridge, WantedBridge
from ..module_utils.openvswitch.plan import BridgePlan, Command, plan_bridges
from ..module_utils.openvswitch.vsctl import READ, found_bridges

ARGUMENTS: dict[str, dict[str, Any]] = {
    "bridges": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "network": {"type": "str", "required": True},
            "mac": {"type": "str", "required": True},
            "mtu": {"type": "int", "default": 1500},
        },
    },
    "datapath_type": {"type": "str", "default": "system"},
    "fail_mode": {"type": "str", "choices": ["secure", "standalone"]},
    "adopt": {"type": "list", "elements": "str", "default": []},
    "remove_in_use": {"type": "bool", "default": False},
    "database": {"type": "str"},
    "timeout": {"type": "int", "default": 10},
}
DATABASE = re.compile(r"unix:/[!-~]+|(tcp|ssl):[!-~]+")  # ovsdb(7), active connection methods
NOT_INSTALLED = "ovs-vsctl is not there, Open vSwitch is not installed"


class Unavailable(Exception):
    """Open vSwitch cannot be asked; the message says why."""


class Vsctl:
    """Runs ovs-vsctl. Raises Unavailable where there is none."""

    def __init__(self, module: Module) -> None:
        self.module = module
        path = module.get_bin_path("ovs-vsctl")
        if path is None:
            raise Unavailable(NOT_INSTALLED)
        database = module.params["database"]
        self.command = [path, f"--timeout={module.params['timeout']}", *([f"--db={database}"] if database else [])]

    def read(self) -> dict[str, FoundBridge]:
        """The bridges by name. Raises Unavailable when the database does not answer, ValueError for nonsense."""
        code, out, err = self.module.run_command([*self.command, "--format=json", *READ])
        if code:
            raise Unavailable(f"Open vSwitch's database does not answer: {_said(code, err)}")
        return found_bridges(out)

    def write(self, commands: list[Command], *, wait: bool = True) -> str:
        """One transaction, and then the wait until ovs-vswitchd did it. What went wrong, or an empty string."""
        words = [word for command in commands for word in ("--", *command)]
        code, _out, err = self.module.run_command([*self.command, *([] if wait else ["--no-wait"]), *words])
        return _said(code, err) if code else ""


def _said(code: int, err: str) -> str:
    """The last line that ovs-vsctl printed, which may have logged others before."""
    if code in (-14, 142):  # SIGALRM, its --timeout
        return "timed out, does ovs-vswitchd run?"
    return (err.strip().splitlines() or [f"exit status {code}"])[-1].removeprefix("ovs-vsctl: ")


def bridge_name(value: object) -> str | None:
    """As other checks of an inventory; ovs-vsctl takes a word with a dash first for an option."""
    if isinstance(value, str) and value.startswith("-") and interface_name(value) is None:
        return "an interface name that does not begin with a dash"
    return interface_name(value)


def parse_bridges(params: dict[str, Any]) -> list[WantedBridge]:
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
        wanted.append(
            WantedBridge(
                name=entry["name"],
                network=entry["network"],
                mac=entry["mac"].lower(),
                mtu=entry["mtu"],
                datapath_type=params["datapath_type"],
                fail_mode=params["fail_mode"],
            )
        )
    return wanted


def check_options(params: dict[str, Any]) -> None:
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


def not_working(wanted: list[WantedBridge], found: dict[str, FoundBridge]) -> list[str]:
    """Wanted bridges without a local port: ovs-vswitchd could not make it, or has not seen it."""
    return [bridge.name for bridge in wanted if bridge.name in found and not found[bridge.name].works]


def apply(vsctl: Vsctl, wanted: list[WantedBridge], plan: BridgePlan) -> str:
    """What went wrong, or an empty string. Bridges that were made and do not work are taken back."""
    if not plan.commands:
        dead = not_working(wanted, vsctl.read())
        return f"{', '.join(dead)}: ovs-vswitchd has no local port for it, see its log" if dead else ""
    failed = vsctl.write(plan.commands)
    dead = not_working(wanted, vsctl.read())
    if not failed and not dead:
        return ""
    if plan.created:
        vsctl.write([("--if-exists", "del-br", name) for name in plan.created], wait=False)
    types = ", ".join(sorted({bridge.datapath_type for bridge in wanted}))
    return failed or f"{', '.join(dead)}: ovs-vswitchd could not make it (datapath_type {types}), see its log"


def result_of(plan: BridgePlan, unavailable: str | None = None) -> dict[str, Any]:
    """What the module returns."""
    return {
        "changed": bool(plan.commands),
        "created": plan.created,
        "adopted": plan.adopted,
        "updated": plan.updated,
        "removed": plan.removed,
        "released": plan.released,
        "unavailable": unavailable,
        "diff": {
            "before": "".join(f"{bridge}\n" for _name, bridge in sorted(plan.before.items())),
            "after": "".join(f"{bridge}\n" for _name, bridge in sorted(plan.after.items())),
        },
    }


def carry_out(module: Module, wanted: list[WantedBridge]) -> dict[str, Any]:
    """Read, plan, apply. Raises Unavailable, ValueError for what is no answer; ends the module for a refusal."""
    vsctl = Vsctl(module)
    params = module.params
    plan = plan_bridges(wanted, vsctl.read(), params["adopt"], remove_in_use=params["remove_in_use"])
    if plan.problems:
        module.fail_json(msg=f"{'; '.join(plan.problems)}; nothing was changed")
    if not module.check_mode:
        failed = apply(vsctl, wanted, plan)
        if failed:
            module.fail_json(msg=f"Open vSwitch: {failed}")
    return result_of(plan)


def main() -> None:
    module = Module(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        check_options(module.params)
        wanted = parse_bridges(module.params)
        result = carry_out(module, wanted)
    except ValueError as error:
        module.fail_json(msg=str(error))
    except Unavailable as error:
        if wanted:
            names = ", ".join(bridge.name for bridge in wanted)
            module.fail_json(msg=f"{error}. It is needed for {names}, and not installed or started by this collection")
        result = result_of(BridgePlan(), str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
