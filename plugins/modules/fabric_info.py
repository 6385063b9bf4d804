#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fabric_info
short_description: Read what routing on this hypervisor does
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Reads the routes and nexthop groups from the kernel, the BFD sessions from bfdd, the units from systemd, and asks
    the agent for its sessions and for what ExaBGP announces.
  - What cannot be read is null and named in C(problems); the rest is returned. Changes nothing.
  - To be run with the interpreter of the host's release, which has pyroute2.
options:
  table:
    description: Table of the routes that are announced.
    type: int
    default: 142
  default_table:
    description: Table of the learned defaults.
    type: int
    default: 143
  protocol:
    description: Route protocol number of what is ours.
    type: int
    default: 142
  agent_socket:
    description: Status socket of the agent.
    type: path
    default: /run/roth/agent.sock
  bfdd_vty:
    description: Socket of bfdd's own shell.
    type: path
    default: /run/roth-bfdd/bfdd.vty
  watcher_status:
    description: What the port watcher says of itself, where there is one.
    type: path
    default: /run/roth-ports/status.json
  units:
    description: Units whose state is returned.
    type: list
    elements: str
    default: [roth-sysctl.service, roth-bfdd.service, roth-exabgp.service, roth-agent.service]
requirements:
  - pyroute2 >= 0.9
attributes:
  check_mode:
    description: Reads only, so it runs in check mode as well.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: none
seealso:
  - module: roth.fabric.switch_routes_info
  - module: roth.fabric.host_routes_info
"""

EXAMPLES = r"""
- name: Read what this host does
  roth.fabric.fabric_info:
  register: host
  vars:
    ansible_python_interpreter: /opt/roth/current/bin/python

- name: Show what could not be read
  ansible.builtin.debug:
    var: host.fabric.problems
"""

RETURN = r"""
fabric:
  description: What the host does.
  returned: success
  type: dict
  contains:
    routes:
      description:
        - All routes of O(table), ours or not, or null.
        - C(prefix), C(kind) (C(unicast), C(blackhole) …), C(device), C(metric), C(protocol), C(linkdown), and C(hops)
          with C(device) and C(gateway) of each member of the nexthop group.
      type: list
      elements: dict
      returned: success
    defaults:
      description: All routes of O(default_table), in the same form, or null.
      type: list
      elements: dict
      returned: success
    agent:
      description: The agent's status document, or null.
      type: dict
      returned: success
    adj_rib_out:
      description:
        - C(peer), C(prefix) and C(next_hop) of each route that ExaBGP announces, or null. C(preferred) says that it is
          announced as preferred to what other hosts announce, because its address has just arrived on the host.
      type: list
      elements: dict
      returned: success
    bfd:
      description: C(peer) and C(state) of each BFD session, as bfdd says, or null.
      type: list
      elements: dict
      returned: success
    waiting:
      description:
        - Prefixes that the port watcher holds back, because the tap of their instance is not on the host, such as that
          of an instance that is shut off. Empty without a watcher.
      type: list
      elements: str
      returned: success
    watcher_alarms:
      description:
        - What is not well with the port watcher, in its own words, such as that it does not follow an answer of Neutron
          or that its knowledge is old. Empty without a watcher.
      type: list
      elements: str
      returned: success
    units:
      description: The active state of each of O(units), as systemd says.
      type: dict
      returned: success
    problems:
      description: What could not be read, and why.
      type: list
      elements: str
      returned: success
  sample:
    routes:
      - prefix: 10.64.1.53/32
        kind: unicast
        device: br-mobile
        metric: 0
        protocol: 142
        linkdown: false
        hops: []
    defaults:
      - prefix: 0.0.0.0/0
        kind: unicast
        device: null
        metric: 20
        protocol: 142
        linkdown: false
        hops:
          - device: up0
            gateway: 10.1.1.0
          - device: up1
            gateway: 10.2.1.0
    agent: null
    adj_rib_out: null
    bfd:
      - peer: 10.1.1.0
        state: up
    waiting: []
    watcher_alarms: []
    units:
      roth-agent.service: inactive
    problems:
      - "agent at /run/roth/agent.sock: [Errno 2] No such file or directory"
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils.arguments import Module, check_integer, check_path
from ..module_utils.bfdd.vty import Vty, VtyError
from ..module_utils.kernel.model import Family
from ..module_utils.kernel.netlink import HAS_PYROUTE2, PYROUTE2_IMPORT_ERROR, Netlink
from ..module_utils.kernel.text import quoted
from ..module_utils.report import frr
from ..module_utils.report.agent import ask
from ..module_utils.report.hosts import table_routes

_T = TypeVar("_T")


def _tables(params: dict[str, Any]) -> dict[str, Any]:
    with Netlink() as kernel:
        links = kernel.links()
        nexthops, groups = kernel.nexthops(params["protocol"])
        return {
            key: table_routes(
                [route for family in Family for route in kernel.routes(params[table], None, family)],
                links,
                nexthops,
                groups,
            )
            for key, table in (("routes", "table"), ("defaults", "default_table"))
        }


def _bfd(path: str) -> list[dict[str, Any]]:
    """bfdd answers as FRR's shell does."""
    with Vty(path) as vty:
        return [asdict(session) for session in frr.bfd_sessions(vty.command(frr.BFD_PEERS))]


def _watcher(path: str) -> dict[str, list[str]]:
    """No file, no watcher. Raises OSError, and ValueError or KeyError for what is not its file."""
    try:
        status = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    found = {"waiting": status["waiting"], "watcher_alarms": status.get("alarms", [])}
    for key, value in found.items():
        if not isinstance(value, list):
            raise ValueError(f"{key!r} is {type(value).__name__}, expected a list")
    return {key: [str(each) for each in value] for key, value in found.items()}


def _units(module: AnsibleModule, units: list[str]) -> dict[str, str]:
    """`systemctl show` answers for a unit that does not exist as well (inactive), unlike `is-active`."""
    if not units:
        return {}
    command = ["systemctl", "show", "--property=ActiveState", "--value", "--", *units]
    _code, out, err = module.run_command(command, check_rc=True)
    states = [line for line in out.splitlines() if line]
    if len(states) != len(units):
        raise ValueError(f"{' '.join(command)} answered {out!r} {err!r}")
    return dict(zip(units, states, strict=True))


def check_units(units: list[str]) -> None:
    """Raises ValueError for what cannot be the name of a unit (systemd.unit(5))."""
    for index, unit in enumerate(units):
        if not re.fullmatch(r"[A-Za-z0-9:_.\\@-]{1,255}", unit):
            raise ValueError(f"units[{index}] = {quoted(unit)}: expected a unit's name, such as roth-agent.service")


def main() -> None:
    module = Module(
        argument_spec={
            "table": {"type": "int", "default": 142},
            "default_table": {"type": "int", "default": 143},
            "protocol": {"type": "int", "default": 142},
            "agent_socket": {"type": "path", "default": "/run/roth/agent.sock"},
            "bfdd_vty": {"type": "path", "default": "/run/roth-bfdd/bfdd.vty"},
            "watcher_status": {"type": "path", "default": "/run/roth-ports/status.json"},
            "units": {
                "type": "list",
                "elements": "str",
                "default": ["roth-sysctl.service", "roth-bfdd.service", "roth-exabgp.service", "roth-agent.service"],
            },
        },
        supports_check_mode=True,
    )
    if not HAS_PYROUTE2:
        module.fail_json(msg=missing_required_lib("pyroute2"), exception=PYROUTE2_IMPORT_ERROR)
    params = module.params
    try:
        for name, highest in (("table", 2**32 - 1), ("default_table", 2**32 - 1), ("protocol", 255)):
            check_integer(name, params[name], 1, highest)
        for name in ("agent_socket", "bfdd_vty", "watcher_status"):
            check_path(name, params[name])
        check_units(params["units"])
    except ValueError as error:
        module.fail_json(msg=str(error))
    problems: list[str] = []

    def attempt(what: str, read: Callable[[], _T]) -> _T | None:
        """None, and a problem named, for what cannot be read: the rest of the picture is worth the more then."""
        try:
            return read()
        except (OSError, ValueError, KeyError, VtyError) as error:
            problems.append(f"{what}: {error}")
            return None

    agent, watcher = f"agent at {params['agent_socket']}", f"port watcher at {params['watcher_status']}"
    tables = attempt("kernel", lambda: _tables(params)) or {"routes": None, "defaults": None}
    fabric = {
        **tables,
        "agent": attempt(agent, lambda: ask(params["agent_socket"], "status")),
        "adj_rib_out": attempt(agent, lambda: ask(params["agent_socket"], "adj-rib-out")["routes"]),
        "bfd": attempt(f"bfdd at {params['bfdd_vty']}", lambda: _bfd(params["bfdd_vty"])),
        "waiting": [],
        "watcher_alarms": [],
        **(attempt(watcher, lambda: _watcher(params["watcher_status"])) or {}),
        "units": attempt("systemd", lambda: _units(module, params["units"])) or {},
        "problems": problems,
    }
    module.exit_json(changed=False, fabric=fabric)


if __name__ == "__main__":
    main()
