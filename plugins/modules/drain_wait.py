#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drain_wait
short_description: Wait until traffic has left drained uplinks, or until uplinks are in service again
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Asks the agent how far it is and reads the packet counters of the uplinks, until each of O(drained) is drained and
    fewer than O(packets) packets a second pass it in either direction, and all other uplinks are in service.
  - Fails when the time is over, naming each uplink with what was seen and what was expected. Changes nothing.
options:
  drained:
    description: Uplinks (interfaces) that are to be drained; all others are to be in service.
    type: list
    elements: str
    required: true
  host:
    description: Whether the whole host is to be drained, so that what other hosts have as well is withdrawn.
    type: bool
    default: false
  name:
    description: The host's name in messages.
    type: str
    default: host
  packets:
    description: Packets a second in one direction under which an uplink counts as idle. BFD, BGP and ND go on.
    type: int
    default: 50
  window:
    description: For how long (seconds) packets are counted at a time.
    type: int
    default: 2
  timeout:
    description: After how long (seconds) to give up.
    type: int
    default: 60
  agent_socket:
    description: Status socket of the agent.
    type: path
    default: /run/roth/agent.sock
attributes:
  check_mode:
    description: Reads once and does not wait, since nothing has been changed.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Wait until nothing uses this uplink any more
  roth.fabric.drain_wait:
    drained: [up0]
    timeout: 120
"""

RETURN = r"""
uplinks:
  description: Each uplink with its switch, C(state) and packets a second C(received) and C(sent) in the last window.
  returned: always, if the agent answers
  type: list
  elements: dict
  sample:
    - uplink: up0
      tor: tor1
      state: drained
      received: 7.5
      sent: 7.0
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 8.1
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.arguments import Module, check_integer, check_path
from ..module_utils.drain.progress import (
    Traffic,
    UplinkProgress,
    Wanted,
    as_result,
    counters,
    outstanding,
    progress,
    refusals,
)
from ..module_utils.report.agent import ask


class Observer:
    """The agent's word and the counters. `sleep` and `clock` are time's."""

    def __init__(self, socket: str, window: float, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self.socket, self.window, self.sleep, self.clock = socket, window, sleep, clock

    def _counters(self, status: dict[str, Any]) -> dict[str, Traffic]:
        interfaces = {session["uplink"] for session in status["sessions"]}
        return counters(Path("/proc/net/dev").read_text(encoding="ascii"), interfaces)

    def look(self) -> tuple[dict[str, Any], list[UplinkProgress]]:
        """Count for one window. Raises OSError and ValueError when the agent does not answer."""
        began, before = self.clock(), self._counters(ask(self.socket, "status"))
        self.sleep(self.window)
        status = ask(self.socket, "status")
        seconds = self.clock() - began
        now = self._counters(status)
        rates = {name: count.rate(before[name], seconds) for name, count in now.items() if name in before}
        return status, progress(status, rates)


def wait(module: AnsibleModule, observer: Observer, wanted: Wanted) -> dict[str, Any]:
    """The result. Raises OSError and ValueError when the agent does not answer at the end."""
    began = observer.clock()
    while True:
        left = module.params["timeout"] - (observer.clock() - began)
        try:
            status, uplinks = observer.look()
        except (OSError, ValueError):
            if left <= 0:
                raise
            observer.sleep(1)
            continue
        missing = outstanding(wanted, status, uplinks)
        seconds = round(observer.clock() - began, 1)
        result = {"changed": False, "uplinks": as_result(uplinks), "seconds": seconds}
        refused = refusals(status)
        if module.check_mode or not (missing or refused):
            return result
        if refused or left <= 0:
            after = "" if refused else f" after {module.params['timeout']} s"
            text = "; ".join(refused or missing)
            module.fail_json(msg=f"{module.params['name']}: not as wanted{after}: {text}", **result)


def main() -> None:
    module = Module(
        argument_spec={
            "drained": {"type": "list", "elements": "str", "required": True},
            "host": {"type": "bool", "default": False},
            "name": {"type": "str", "default": "host"},
            "packets": {"type": "int", "default": 50},
            "window": {"type": "int", "default": 2},
            "timeout": {"type": "int", "default": 60},
            "agent_socket": {"type": "path", "default": "/run/roth/agent.sock"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        check_path("agent_socket", params["agent_socket"])
        check_integer("packets", params["packets"], 0, 4294967295, "packets a second")
        check_integer("window", params["window"], 0, 60, "seconds")
        check_integer("timeout", params["timeout"], 0, 86400, "seconds")
    except ValueError as error:
        module.fail_json(msg=str(error))
    observer = Observer(params["agent_socket"], params["window"], time.sleep, time.monotonic)
    wanted = Wanted(frozenset(params["drained"]), params["host"], params["packets"])
    try:
        module.exit_json(**wait(module, observer, wanted))
    except (OSError, ValueError, KeyError) as error:
        module.fail_json(msg=f"{params['name']}: agent at {params['agent_socket']}: {error!r}")


if __name__ == "__main__":
    main()
