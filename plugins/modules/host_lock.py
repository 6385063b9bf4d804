#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock file of a host. The action plugin of the same name says who asks, and who may be believed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_lock
short_description: Let one run of a playbook change a host at a time
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Takes, or gives back, a lock file on the host that names who holds it, and fails naming the holder and since when if
    another run has it. A run that has it already keeps it.
  - The lock is a run's, not a connection's. One that a killed run left behind is taken over at once from the same
    controller, where its process can be looked for, and from another one after O(expiry).
  - Nothing is locked in check mode, and nobody is refused.
options:
  path:
    description: The lock file. Below C(/run), so that a reboot frees it.
    type: path
    default: /run/roth.lock
  state:
    description: V(present) takes it, V(absent) gives it back if this run holds it.
    type: str
    choices: [present, absent]
    default: present
  expiry:
    description: For how long (seconds) a lock of another controller counts.
    type: int
    default: 7200
  take_over:
    description: Take it whoever holds it.
    type: bool
    default: false
  holder:
    description: Set by the action plugin.
    type: str
  instead_of:
    description: Set by the action plugin.
    type: str
attributes:
  check_mode:
    support: full
    description: Does nothing.
  diff_mode:
    support: none
    description: The lock is no part of the host's state.
  action:
    support: full
    description: Has an action plugin on the controller.
"""

EXAMPLES = r"""
- name: Let nobody else change this host meanwhile
  roth.fabric.host_lock:

- name: Let others change it again
  roth.fabric.host_lock:
    state: absent
"""

RETURN = r"""
holder:
  description: The content of a lock file that is in the way; empty when this run has the lock, or nobody.
  returned: always
  type: str
  sample: ""
"""

import os
from pathlib import Path

from ..module_utils.arguments import Module, check_integer, check_path


def read(path: Path) -> str:
    """The lock file's content, empty when there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def take(path: Path, holder: str, instead_of: str) -> str:
    """Take the lock, also if its content is `instead_of`; returns who has it otherwise, or nothing.

    The file appears with its content: it is linked, which fails when there is one. Raises OSError.
    """
    mine = path.with_name(f"{path.name}.{os.getpid()}")
    mine.write_text(holder, encoding="utf-8")
    try:
        # two that find the same lock left behind: who renames it away first, removes it
        if instead_of and read(path) == instead_of:
            left = path.with_name(f"{mine.name}.left")
            path.rename(left)
            if read(left) != instead_of:  # somebody else was faster and has a new one: put that back
                left.rename(path)
                return read(path)
            left.unlink()
        os.link(mine, path)
    except FileExistsError:
        return read(path) or "{}"  # which is nobody's, and asked about again
    except FileNotFoundError:
        return read(path) or "{}"
    finally:
        mine.unlink()
    return ""


def give_back(path: Path, holder: str) -> str:
    """Remove the lock if it has this content; returns its content otherwise. Raises OSError."""
    found = read(path)
    if found and found == holder:
        path.unlink()
        return ""
    return found


def main() -> None:
    module = Module(
        argument_spec={
            "path": {"type": "path", "default": "/run/roth.lock"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "expiry": {"type": "int", "default": 7200},
            "take_over": {"type": "bool", "default": False},
            "holder": {"type": "str"},
            "instead_of": {"type": "str"},
        },
        supports_check_mode=True,
    )
    try:
        check_path("path", module.params["path"])
        check_integer("expiry", module.params["expiry"], 0, 31536000, "seconds")
    except ValueError as error:
        module.fail_json(msg=str(error))
    path, holder = Path(module.params["path"]), module.params["holder"] or ""
    found = ""
    if not module.check_mode:
        try:
            if module.params["state"] == "absent":
                found = give_back(path, module.params["instead_of"] or "")
            else:
                found = take(path, holder, module.params["instead_of"] or "")
        except OSError as error:
            module.fail_json(msg=f"{path}: {error.strerror}")
    module.exit_json(changed=False, holder=found)


if __name__ == "__main__":
    main()
