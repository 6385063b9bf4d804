#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a sysctl.d file and the kernel's values equal to a wanted content."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sysctl_file
short_description: Keep a sysctl.d file and the live values equal
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Writes a file in the syntax of sysctl.d(5) and sets each value in it that differs in the running kernel,
    in the file's order.
  - A value that drifted while the file stayed the same is set again. Each written value is read back.
  - Only the values that the file names are touched.
options:
  path:
    description: The file, usually below C(/etc/sysctl.d).
    type: path
    required: true
  content:
    description:
      - The whole file in the syntax of sysctl.d(5).
      - A line with a leading C(-) may name a value that this kernel does not have.
    type: str
    required: true
attributes:
  check_mode:
    support: full
    description: Reports what would be written. A value that does not exist yet is in RV(missing), not an error.
  diff_mode:
    support: full
    description: Shows the file and the live values that differ.
"""

EXAMPLES = r"""
- name: Hash flows by port
  roth.fabric.sysctl_file:
    path: /etc/sysctl.d/60-roth-example.conf
    content: |
      net/ipv4/fib_multipath_hash_policy = 1
      -net/ipv4/fib_multipath_hash_seed = 7
"""

RETURN = r"""
written:
  description: Values that were (in check mode would be) set in the kernel.
  returned: always
  type: list
  elements: str
  sample: ["net/ipv4/fib_multipath_hash_policy = 1"]
missing:
  description: Values that this kernel does not have.
  returned: always
  type: list
  elements: str
  sample: []
"""

import os
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.layout.sysctls import Plan, Setting, parse, plan, same

PROC = Path("/proc/sys")


def read_live(settings: tuple[Setting, ...]) -> dict[str, str | None]:
    """The kernel's value of each setting, None where it has no such value."""
    live: dict[str, str | None] = {}
    for setting in settings:
        try:
            live[setting.path] = (PROC / setting.path).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            live[setting.path] = None
    return live


def read_file(path: Path) -> str:
    """The file's text, empty when there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def write_file(module: AnsibleModule, path: str, content: str) -> None:
    """Replace the file in one step, readable by everybody as sysctl.d files are."""
    handle, name = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(content)
    module.atomic_move(name, path)
    module.set_mode_if_different(path, 0o644, False)


def apply(wanted: Plan) -> list[str]:
    """Write the live values and read each back; returns what failed, in words."""
    failed = []
    for setting in wanted.write:
        path = PROC / setting.path
        try:
            path.write_text(setting.value, encoding="ascii")
            value = path.read_text(encoding="ascii").strip()
        except OSError as error:
            if not setting.optional:
                failed.append(f"{setting.path} = {setting.value}: {error.strerror}")
            continue
        if not same(setting.value, value):
            failed.append(f"{setting.path} is {value} after {setting.value} was written")
    return failed


def as_lines(settings: tuple[Setting, ...]) -> list[str]:
    """Settings as the file writes them."""
    return [f"{setting.path} = {setting.value}" for setting in settings]


def differences(
    path: str, before: str, content: str, live: dict[str, str | None], wanted: Plan
) -> list[dict[str, str]]:
    """Diffs of the file and of the live values."""
    diffs = []
    if before != content:
        diffs.append({"before_header": path, "after_header": path, "before": before, "after": content})
    if wanted.write:
        old = "".join(f"{setting.path} = {live[setting.path]}\n" for setting in wanted.write)
        new = "".join(f"{line}\n" for line in as_lines(wanted.write))
        diffs.append({"before_header": "live values", "after_header": "live values", "before": old, "after": new})
    return diffs


def main() -> None:
    module = AnsibleModule(
        argument_spec={"path": {"type": "path", "required": True}, "content": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    path, content = module.params["path"], module.params["content"].rstrip("\n") + "\n"
    try:
        settings = parse(content)
    except ValueError as error:
        module.fail_json(msg=f"content: {error}")
    before = read_file(Path(path))
    live = read_live(settings)
    wanted = plan(settings, live)
    needed = [setting.path for setting in wanted.missing if not setting.optional]
    if needed and not module.check_mode:
        module.fail_json(msg=f"{path}: this kernel has no {', '.join(needed)}; nothing was written")
    result = {
        "changed": before != content or bool(wanted.write),
        "written": as_lines(wanted.write),
        "missing": as_lines(wanted.missing),
        "diff": differences(path, before, content, live, wanted),
    }
    if not module.check_mode:
        if before != content:
            write_file(module, path, content)
        failed = apply(wanted)
        if failed:
            module.fail_json(msg=f"{path}: {'; '.join(failed)}", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
