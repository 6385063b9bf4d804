# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong in an inventory, said in one line each: host, variable, value, what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from ..kernel.text import quoted

SECRET_KEYS = frozenset({"password"})
_SHOWN_HOSTS = 3


class State(Enum):
    """Stands for a value that is not there, or that is not shown because nobody knows what it holds."""

    MISSING = "is missing"
    UNKNOWN = "is unknown"


MISSING = State.MISSING
UNKNOWN = State.UNKNOWN


@dataclass(frozen=True)
class Problem:
    """One wrong value. `value` is for people, free of secrets: "= 'text'", "is missing" or "is unknown"."""

    host: str
    variable: str
    value: str
    expected: str


def problem(host: str, variable: str, value: object, expected: str) -> Problem:
    """A problem with `value` made presentable: short, on one line, keys hidden."""
    secret = variable.rsplit(".", 1)[-1] in SECRET_KEYS
    return Problem(host, variable, "= (hidden)" if secret and value is not MISSING else _shown(value), expected)


def named(key: object) -> str:
    """A key of a mapping, or a host's name, as part of a path: as it is, unless it would not stay a short word."""
    text = str(key)
    return text if text.isprintable() and len(text) <= 64 else quoted(text)


def _shown(value: object) -> str:
    if isinstance(value, State):
        return value.value
    return f"= {quoted(_plain(value))}"


def _plain(value: object) -> object:
    # Ansible tags its strings and wraps its containers; people should see what they wrote, without keys.
    if isinstance(value, str):
        text = str.__str__(value)
        return "(hidden)" if any(key in text for key in SECRET_KEYS) else text
    if isinstance(value, Mapping):
        return {str(k): "(hidden)" if k in SECRET_KEYS else _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (int, float, type(None))) else str(value)


def _line(hosts: list[str], found: Problem) -> str:
    names = ", ".join(map(named, hosts[:_SHOWN_HOSTS]))
    if len(hosts) > _SHOWN_HOSTS:
        names += f" and {len(hosts) - _SHOWN_HOSTS} more"
    return f"{names}: {found.variable} {found.value}: expected {found.expected}"


def readable(problems: Iterable[Problem]) -> str:
    """One line a problem; hosts that share a wrong value (group variables) share a line."""
    hosts: dict[tuple[str, str, str], list[str]] = {}
    first: dict[tuple[str, str, str], Problem] = {}
    for found in problems:
        key = (found.variable, found.value, found.expected)
        first.setdefault(key, found)
        if found.host not in hosts.setdefault(key, []):
            hosts[key].append(found.host)
    return "\n".join(_line(names, first[key]) for key, names in hosts.items())
