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
  - A bridge that names an O(bridges[].agent_bridge) is joined to each of its O(bridges[].vlans) by a pair of patch
    ports. A port is ours when its C(external_ids) have the key C(roth), and nothing else of the agent's bridge is
    touched.
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
      agent_bridge:
        description:
          - A bridge of Neutron's agent (C(bridge_mappings)) that this one is beside. It has to be there, or to be one
            of O(bridges), and of the same datapath type.
        type: str
      vlans:
        description:
          - VLANs of the agent's bridge whose frames come to this bridge, without a tag.
          - The two ports of VLAN 101 are called C(raDIGEST-101) there and C(rnDIGEST-101) here, where DIGEST is the
            first eight hexadecimal digits of the SHA-256 of this bridge's name.
        type: list
        elements: int
        default: []
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

- name: Make a bridge that has two VLANs of the agent's bridge
  roth.fabric.ovs_bridges:
    bridges:
      - name: br-layered
        network: layered
        mac: "02:8e:00:00:00:02"
        agent_bridge: br-provider
        vlans: [101, 102]

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
patches_set:
  description: Patch ports of ours that were made, or of which something was set.
  returned: always
  type: list
  elements: str
  sample: ["ra0a7a535a-101", "rn0a7a535a-101"]
patches_removed:
  description: Patch ports of ours that were deleted.
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

from collections.abc import Mapping
from typing import Any

from ..module_utils.arguments import Module
from ..module_utils.openvswitch.model import Found, WantedBridge
from ..module_utils.openvswitch.options import check_options, parse_bridges
from ..module_utils.openvswitch.patches import Command, wanted_patches
from ..module_utils.openvswitch.plan import BridgePlan, plan_bridges
from ..module_utils.openvswitch.vsctl import READ, found_in

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
            "agent_bridge": {"type": "str"},
            "vlans": {"type": "list", "elements": "int", "default": []},
        },
    },
    "datapath_type": {"type": "str", "default": "system"},
    "fail_mode": {"type": "str", "choices": ["secure", "standalone"]},
    "adopt": {"type": "list", "elements": "str", "default": []},
    "remove_in_use": {"type": "bool", "default": False},
    "database": {"type": "str"},
    "timeout": {"type": "int", "default": 10},
}
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

    def read(self) -> Found:
        """Bridges and ports. Raises Unavailable when the database does not answer, ValueError for nonsense."""
        code, out, err = self.module.run_command([*self.command, "--format=json", *READ])
        if code:
            raise Unavailable(f"Open vSwitch's database does not answer: {_said(code, err)}")
        return found_in(out)

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


def not_working(wanted: list[WantedBridge], found: Found) -> list[str]:
    """Wanted bridges without a local port, and patch ports without a number: ovs-vswitchd could not make them."""
    bridges = [bridge.name for bridge in wanted if bridge.name in found.bridges]
    ends = [end.name for bridge in wanted for end in wanted_patches(bridge) if end.name in found.ports]
    dead = [name for name in bridges if not found.bridges[name].works]
    return dead + [name for name in ends if not found.ports[name].works]


def apply(vsctl: Vsctl, wanted: list[WantedBridge], plan: BridgePlan) -> str:
    """What went wrong, or an empty string. Then bridges and patch ports that were made are taken back."""
    if not plan.commands:
        dead = not_working(wanted, vsctl.read())
        return f"{', '.join(dead)}: ovs-vswitchd has no such port, see its log" if dead else ""
    failed = vsctl.write(plan.commands)
    dead = not_working(wanted, vsctl.read())
    if not failed and not dead:
        return ""
    back: list[Command] = [("--if-exists", "del-port", name) for name in plan.patches.created]
    back += [("--if-exists", "del-br", name) for name in plan.created]
    if back:
        vsctl.write(back, wait=False)
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
        "patches_set": sorted(plan.patches.created + plan.patches.updated),
        "patches_removed": plan.patches.removed,
        "unavailable": unavailable,
        "diff": {
            "before": _lines(plan.before, plan.patches.before),
            "after": _lines(plan.after, plan.patches.after),
        },
    }


def _lines(*shown: Mapping[str, object]) -> str:
    return "".join(f"{each}\n" for part in shown for _name, each in sorted(part.items()))


def carry_out(module: Module, wanted: list[WantedBridge]) -> dict[str, Any]:
    """Read, plan, apply. Raises Unavailable, ValueError for what is no answer; ends the module for a refusal."""
    vsctl = Vsctl(module)
    params = module.params
    found = vsctl.read()
    in_use = params["remove_in_use"]
    plan = plan_bridges(wanted, found.bridges, params["adopt"], remove_in_use=in_use, ports=found.ports)
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
