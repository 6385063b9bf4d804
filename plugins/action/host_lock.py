# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action roth.fabric.host_lock: says on the controller who asks for a host's lock, and whether a holder still lives."""

from __future__ import annotations

import getpass
import os
import platform
import time
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.action import ActionBase

from ..module_utils.layout.lock import Holder, from_json, is_left_behind, to_json

ATTEMPTS = 5
"""Others may take, and leave, the lock meanwhile."""


def start_of(pid: int) -> str | None:
    """When a process of this machine started, in clock ticks since boot; None when there is none. proc_pid_stat(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        return None


def this_run() -> Holder:
    """The main process of ansible-playbook: what runs here is a fork of it."""
    pid = os.getppid()
    return Holder(
        user=getpass.getuser(),
        controller=platform.node(),
        namespace=os.readlink("/proc/self/ns/pid"),  # noqa: PTH115
        pid=pid,
        start=start_of(pid) or "?",
        playbook=", ".join(Path(name).name for name in context.CLIARGS.get("args") or ()) or "ad hoc",
        since=time.time(),
    )


class ActionModule(ActionBase):  # type: ignore[misc]
    _supports_check_mode = True
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp  # no longer used by ansible-core
        variables, me = task_vars or {}, this_run()
        giving_back = self._task.args.get("state") == "absent"
        result.update(self._ask(me, "", variables))
        for _attempt in range(ATTEMPTS):
            text = result.get("holder", "")
            holder = from_json(text)
            mine = holder is not None and holder.same_run(me)
            if result.get("failed") or not text or mine != giving_back or (not mine and not self._may_take(holder, me)):
                break
            result.update(self._ask(me, text, variables))
        if not giving_back and (holder := from_json(result.get("holder", ""))) and not holder.same_run(me):
            result["failed"] = True
            result["msg"] = (
                f"{variables.get('inventory_hostname', '?')}: another run changes this host: {holder}. Wait until that "
                "run is over. If it will never be (its controller died), take the lock over with "
                "-e host_lock_take_over=true"
            )
        return result

    def _ask(self, me: Holder, instead_of: str, variables: dict[str, Any]) -> dict[str, Any]:
        arguments = {**self._task.args, "holder": to_json(me), "instead_of": instead_of}
        return dict(self._execute_module(module_args=arguments, task_vars=variables))

    def _may_take(self, holder: Holder | None, me: Holder) -> bool:
        if holder is None or self._task.args.get("take_over") is True:
            return True
        return is_left_behind(holder, me, start_of(holder.pid), float(self._task.args.get("expiry", 7200)))
