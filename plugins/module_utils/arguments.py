# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module arguments: what Ansible's own checks leave open, and names that are nearly right."""

from __future__ import annotations

import difflib
import re
from ipaddress import ip_address
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .kernel.model import Address
from .kernel.text import quoted

_UNSUPPORTED = re.compile(r"Unsupported parameters for .*?: (.+?)\. Supported parameters include: (.+?)\.$", re.DOTALL)


class Module(AnsibleModule):  # type: ignore[misc]
    """An AnsibleModule that suggests the name that was meant, where it refuses an unknown one."""

    def fail_json(self, msg: str, **more: Any) -> None:  # noqa: ANN401
        """See AnsibleModule: ends the module."""
        super().fail_json(msg + suggestions(msg), **more)


def suggestions(msg: str) -> str:
    """What to add to Ansible's message about unknown names; empty for every other message."""
    found = _UNSUPPORTED.match(msg)
    if not found:
        return ""
    # "routes (alias), announced.ge": aliases stand in brackets, options of options have their path before them
    known = [name for name in re.split(r"[ ,()]+", found[2]) if name]
    close = [difflib.get_close_matches(name.rsplit(".", 1)[-1], known, n=1) for name in found[1].split(", ")]
    meant = [matches[0] for matches in close if matches]
    return f" Did you mean {', '.join(meant)}?" if meant else ""


def check_integer(name: str, value: int, low: int, high: int, unit: str = "") -> int:
    """`value` if it is in `low`..`high`. Raises ValueError naming the option."""
    if not low <= value <= high:
        raise ValueError(f"{name} = {quoted(value)}: expected {low} to {high}{' ' + unit if unit else ''}")
    return value


def check_address(name: str, value: str) -> Address:
    """The address of one host. Raises ValueError naming the option."""
    try:
        address = ip_address(value)
    except ValueError:
        raise ValueError(f"{name} = {quoted(value)}: expected an IPv4 or IPv6 address") from None
    if address.is_multicast or address.is_unspecified or address.is_loopback or "%" in value:
        raise ValueError(f"{name} = {quoted(value)}: expected the unicast address of one host, without zone")
    return address


def check_path(name: str, value: str) -> str:
    """An absolute path that can be one. Raises ValueError naming the option."""
    # PATH_MAX and NAME_MAX of linux/limits.h
    fits = len(value) <= 4095 and all(len(part) <= 255 for part in value.split("/"))
    if not value.startswith("/") or not value.isprintable() or not fits:
        raise ValueError(f"{name} = {quoted(value)}: expected an absolute path of printable characters")
    return value
