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
  - Only the values that the file names, or named until now, are touched.
options:
  path:
    description: The file, usually below C(/etc/sysctl.d).
    type: path
    required: true
  content:
    description:
      - The whole file in the syntax of sysctl.d(5).
      - A line with a leading C(-) may name a value that this kernel does not have.
      - Needed when O(state=present).
    type: str
  record:
    description:
      - File that keeps each value as it was before the module first set it. A value that leaves O(path) gets that
        back, unless somebody else has changed it since.
      - Without it, values that leave the file stay as they are until the next boot.
    type: path
  state:
    description: V(absent) removes the file, and with O(record) gives back what was there before.
    type: str
    choices: [present, absent]
    default: present
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

- name: Hash flows as before
  roth.fabric.sysctl_file:
    path: /etc/sysctl.d/60-roth-example.conf
    record: /var/lib/roth-example/sysctls.json
    state: absent
"""

RETURN = r"""
written:
  description: Values that were (in check mode would be) set in the kernel.
  returned: always
  type: list
  elements: str
  sample: ["net/ipv4/fib_multipath_hash_policy = 1"]
restored:
  description: Values that were (in check mode would be) given back as they were found.
  returned: always
  type: list
  elements: str
  sample: []
missing:
  description: Values that this kernel does not have.
  returned: always
  type: list
  elements: str
  sample: []
"""

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.arguments import Module, check_path
from ..module_utils.kernel.text import quoted
from ..module_utils.layout.sysctls import (
    FORWARDING,
    Setting,
    depends_on_forwarding,
    parse,
    plan,
    same,
    to_record,
    to_restore,
)

PROC = Path("/proc/sys")


@dataclass(frozen=True)
class Work:
    """What is to be done: settings to write, to give back and that this kernel lacks, and the record afterwards."""

    write: tuple[Setting, ...]
    restore: tuple[Setting, ...]
    missing: tuple[Setting, ...]
    record_first: dict[str, str]
    record_last: dict[str, str]


def read_live(settings: tuple[Setting, ...]) -> dict[str, str | None]:
    """The kernel's value of each setting, None where it has no such value; with all that depend on FORWARDING.

    Raises ValueError for what is no value."""
    paths = [setting.path for setting in settings]
    if FORWARDING in paths:
        paths += [str(path.relative_to(PROC)) for path in PROC.glob("net/ipv6/conf/*/forwarding")]
    live: dict[str, str | None] = {}
    for path in paths:
        try:
            live[path] = (PROC / path).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            live[path] = None
        except (OSError, UnicodeDecodeError) as error:  # a folder, a value that can only be written
            raise ValueError(f"{path} cannot be read: {getattr(error, 'strerror', error)}") from None
    return live


def read_file(path: Path) -> str:
    """The file's text, empty when there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def read_record(module: AnsibleModule) -> dict[str, str]:
    """Values as found, by path; a record that cannot be read ends the module, since a new one would be wrong."""
    path = module.params["record"]
    text = read_file(Path(path)) if path else ""
    try:
        return {str(key): str(value) for key, value in json.loads(text or "{}").items()}
    except (ValueError, AttributeError):
        module.fail_json(msg=f"{path}: expected a JSON object of values by path; nothing was written")
    raise AssertionError  # fail_json does not come back


def write_file(module: AnsibleModule, path: str, content: str) -> None:
    """Replace the file in one step, readable by everybody as sysctl.d files are."""
    handle, name = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(content)
    module.atomic_move(name, path)
    module.set_mode_if_different(path, 0o644, False)


def write_record(module: AnsibleModule, record: dict[str, str]) -> None:
    """Replace the record, or remove it when nothing is left to remember."""
    path = module.params["record"]
    if not path or record == read_record(module):
        return
    if not record:
        Path(path).unlink()
        return
    Path(path).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    write_file(module, path, json.dumps(record, indent=1, sort_keys=True) + "\n")


def apply(settings: tuple[Setting, ...], live: dict[str, str | None]) -> list[str]:
    """Write the live values and read each back; returns what failed, in words, after all were put back."""
    failed = []
    for setting in settings:
        path = PROC / setting.path
        try:
            path.write_text(setting.value, encoding="ascii")
            value = path.read_text(encoding="ascii").strip()
        except OSError as error:
            if not setting.optional:
                failed.append(f"{setting.path} = {quoted(setting.value)}: {error.strerror}")
            continue
        if not same(setting.value, value):
            failed.append(f"{setting.path} is {value} after {quoted(setting.value)} was written")
    if failed:
        put_back(settings, live)
    return failed


def put_back(settings: tuple[Setting, ...], live: dict[str, str | None]) -> None:
    """Write the values that were there before, the last first."""
    for setting in reversed(settings):
        with contextlib.suppress(OSError):
            (PROC / setting.path).write_text(live[setting.path] or "", encoding="ascii")


def as_lines(settings: tuple[Setting, ...]) -> list[str]:
    """Settings as the file writes them."""
    return [f"{setting.path} = {setting.value}" for setting in settings]


def differences(path: str, before: str, content: str, live: dict[str, str | None], work: Work) -> list[dict[str, str]]:
    """Diffs of the file and of the live values."""
    diffs = []
    if before != content:
        diffs.append({"before_header": path, "after_header": path, "before": before, "after": content})
    settings = work.restore + work.write
    if settings:
        old = "".join(f"{setting.path} = {live[setting.path]}\n" for setting in settings)
        new = "".join(f"{line}\n" for line in as_lines(settings))
        diffs.append({"before_header": "live values", "after_header": "live values", "before": old, "after": new})
    return diffs


def work_out(
    before: tuple[Setting, ...], wanted: tuple[Setting, ...], live: dict[str, str | None], recorded: dict[str, str]
) -> Work:
    """From the settings of the old and of the new file to what is to be done."""
    kept = {setting.path for setting in wanted}
    dropped = tuple(setting for setting in before if setting.path not in kept)
    restore, needed = to_restore(dropped, live, recorded), plan(wanted, live)
    first = {**recorded, **to_record(needed.write, live, recorded)}
    gone = {setting.path for setting in dropped}
    if FORWARDING in gone:
        gone |= {path for path in first if depends_on_forwarding(path) and path not in kept}
    last = {path: value for path, value in first.items() if path not in gone}
    return Work(needed.write, restore, needed.missing, first, last)


def carry_out(module: AnsibleModule, work: Work, live: dict[str, str | None], content: str | None) -> list[str]:
    """Returns what failed, in words; no value has changed then. `content` is None where the file stays.

    The record comes before any value, so that a run that is cut off leaves enough for the next. The file comes after
    the values: the kernel judges them, and what it refuses must not come back at the next boot.
    """
    write_record(module, work.record_first)
    failed = apply(work.restore + work.write, live)
    if failed:
        return failed
    if content:
        write_file(module, module.params["path"], content)
    elif content is not None:
        Path(module.params["path"]).unlink()
    write_record(module, work.record_last)
    return []


def read_before(module: AnsibleModule) -> str:
    """The file's text; ends the module where it is none, or cannot become one."""
    path = module.params["path"]
    try:
        check_path("path", path)
        if module.params["record"]:
            check_path("record", module.params["record"])
        if Path(path).is_dir():
            raise ValueError(f"path = {quoted(path)}: expected a file, this is a folder")
        if not Path(path).parent.is_dir() and not module.check_mode:
            raise ValueError(f"path = {quoted(path)}: expected a file in a folder that exists")
        return read_file(Path(path))
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    raise AssertionError  # fail_json does not come back


def settings_of(module: AnsibleModule, name: str, content: str) -> tuple[Setting, ...]:
    """The settings of a file's content; ends the module where it is none."""
    try:
        return parse(content)
    except ValueError as error:
        module.fail_json(msg=f"{name}: {error}")
    raise AssertionError  # fail_json does not come back


def main() -> None:
    module = Module(
        argument_spec={
            "path": {"type": "path", "required": True},
            "content": {"type": "str"},
            "record": {"type": "path"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ["content"])],
        supports_check_mode=True,
    )
    path, there = module.params["path"], module.params["state"] == "present"
    content = module.params["content"].rstrip("\n") + "\n" if there else ""
    before = read_before(module)
    settings = settings_of(module, "content", content)
    old = settings_of(module, path, before) if module.params["record"] else ()
    try:
        live = read_live(settings + old)
    except ValueError as error:
        module.fail_json(msg=f"content: {error}")
    recorded = read_record(module)
    work = work_out(old, settings, live, recorded)
    needed = [setting.path for setting in work.missing if not setting.optional]
    if needed and not module.check_mode:
        module.fail_json(msg=f"{path}: this kernel has no {', '.join(needed)}; nothing was written")
    result = {
        "changed": before != content or bool(work.write or work.restore),
        "written": as_lines(work.write),
        "restored": as_lines(work.restore),
        "missing": as_lines(work.missing),
        "diff": differences(path, before, content, live, work),
    }
    if not module.check_mode:
        failed = carry_out(module, work, live, None if before == content else content)
        if failed:
            write_record(module, recorded)
            module.fail_json(msg=f"{path}: {'; '.join(failed)}; nothing was changed")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
