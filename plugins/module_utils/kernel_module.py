# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules on the kernel share on the side of Ansible: the kernel opened, lists read, numbers checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .kernel.netlink import HAS_PYROUTE2, PYROUTE2_IMPORT_ERROR, Netlink
from .kernel.text import quoted

PROTOCOL = {"protocol": {"type": "int", "default": 142}}
TABLE = {"table": {"type": "int", "default": 142}}

_OWNED_BY_OTHERS = {*range(5), *range(8, 19), 42, 80, 84, 99, *range(186, 199)}


@contextmanager
def open_kernel(module: AnsibleModule) -> Iterator[Netlink]:
    """The kernel; what it refuses, and a missing pyroute2, ends the module with a message."""
    if not HAS_PYROUTE2:
        module.fail_json(msg=missing_required_lib("pyroute2"), exception=PYROUTE2_IMPORT_ERROR)
    check_ownership(module)
    try:
        with Netlink() as kernel:
            yield kernel
    except OSError as error:
        module.fail_json(msg=error.strerror or str(error), errno=error.errno)


def check_ownership(module: AnsibleModule) -> None:
    """End the module if `protocol` or `table` is not ours to purge."""
    protocol = module.params["protocol"]
    if not 0 < protocol < 256 or protocol in _OWNED_BY_OTHERS:
        module.fail_json(
            msg=f"protocol {quoted(protocol)} belongs to the kernel or another routing program; expected 100 to 185"
        )
    table = module.params.get("table", 1)
    if not 0 < table < 2**32:
        module.fail_json(msg=f"table {quoted(table)} does not exist; expected 1 to 4294967295")


def read_lines(path: str) -> list[str]:
    """The lines of a file on the target, or the strings of a JSON list in it; blank lines and # comments left out.

    Raises OSError when it cannot be read, ValueError when it is JSON of another form.
    """
    text = Path(path).read_text(encoding="utf-8")
    if not text.lstrip().startswith("["):
        lines = text.split("\n")
        return [line for line in lines if line and not line.startswith("#")]
    try:
        entries = json.loads(text)
    except RecursionError:
        raise ValueError("it is JSON of many levels; expected one list of strings") from None
    if not all(isinstance(entry, str) for entry in entries):
        raise ValueError("a JSON list with something else than strings in it; expected one route a string")
    return list(entries)
