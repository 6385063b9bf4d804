# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A route plan as people read it: what is installed, changed and removed, announced and withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from .model import RouteKey, key_text
from .routes import RoutePlan
from .text import quoted

PackedPrefix = tuple[bytes, int]
"""Address in network byte order and length: a RouteKey without its metric."""


@dataclass(frozen=True)
class Announced:
    """Prefixes that the agent announces: inside `prefix` and with a length from `ge` to `le`."""

    network: int
    size: int
    length: int
    ge: int
    le: int

    def covers(self, prefix: PackedPrefix) -> bool:
        """Whether the agent announces a route of this prefix."""
        address, length = prefix
        if len(address) != self.size or not self.ge <= length <= self.le or length < self.length:
            return False
        shift = 8 * self.size - self.length
        return int.from_bytes(address, "big") >> shift == self.network >> shift


def parse_announced(entries: Iterable[Mapping[str, Any]]) -> list[Announced]:
    """Entries with `prefix`, `ge` and `le` (default: the prefix's own length). Raises ValueError, naming the entry."""
    found = []
    for index, entry in enumerate(entries):
        try:
            network = ip_network(entry["prefix"])
        except ValueError:
            expected = "a prefix without host bits, such as 10.64.0.0/16"
            raise ValueError(f"[{index}].prefix = {quoted(entry['prefix'])}: expected {expected}") from None
        ge = network.prefixlen if entry.get("ge") is None else int(entry["ge"])
        le = ge if entry.get("le") is None else int(entry["le"])
        if not network.prefixlen <= ge <= le <= network.max_prefixlen:
            raise ValueError(
                f"[{index}] = {network} ge {quoted(ge)} le {quoted(le)}: "
                f"expected {network.prefixlen} <= ge <= le <= {network.max_prefixlen}"
            )
        packed = network.network_address.packed
        found.append(Announced(int.from_bytes(packed, "big"), len(packed), network.prefixlen, ge, le))
    return found


@dataclass
class RouteChanges:
    """Texts of routes and prefixes, each sorted by family, address, length and metric."""

    installed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    before: str = ""
    after: str = ""


def _order(key: RouteKey) -> tuple[int, bytes, int, int]:
    return len(key[0]), *key


def describe(plan: RoutePlan, announced: Iterable[Announced] = ()) -> RouteChanges:
    """The plan as text; `before` and `after` hold only the routes that change, one a line, for a diff.

    A prefix is announced once, however many routes it has: it counts as withdrawn only with the last of them.
    """
    rules = list(announced)
    gone, come = prefix_changes(plan)
    marks: dict[PackedPrefix, str] = {}
    for prefix in gone | come:
        if any(rule.covers(prefix) for rule in rules):
            marks[prefix] = "announced" if prefix in come else "withdrawn"
    before: list[tuple[RouteKey, str, str]] = []
    after: list[tuple[RouteKey, str, str]] = []
    before += [(key, plan.text(key, hop), "removed") for key, hop in plan.remove.items()]
    after += [(key, plan.text(key, hop), "installed") for key, hop in plan.install.items()]
    for key, (found, wanted) in plan.change.items():
        surplus = f" and {plan.surplus[key]} more of its metric" if plan.surplus[key] else ""
        before.append((key, plan.text(key, found) + surplus, "changed"))
        after.append((key, plan.text(key, wanted), "changed"))
    for lines in (before, after):
        lines.sort(key=lambda line: _order(line[0]))
    return RouteChanges(
        installed=[text for _key, text, what in after if what == "installed"],
        changed=[text for _key, text, what in after if what == "changed"],
        removed=[text for _key, text, _what in before if _what == "removed"],
        announced=prefix_texts(prefix for prefix, mark in marks.items() if mark == "announced"),
        withdrawn=prefix_texts(prefix for prefix, mark in marks.items() if mark == "withdrawn"),
        before=_lines(before, marks),
        after=_lines(after, marks),
    )


def prefix_changes(plan: RoutePlan) -> tuple[set[PackedPrefix], set[PackedPrefix]]:
    """Prefixes that lose their last route, and prefixes that get their first."""
    if not (plan.install or plan.remove):
        return set(), set()
    had = {key[:2] for key in plan.before}
    have = {key[:2] for key in plan.before if key not in plan.remove} | {key[:2] for key in plan.install}
    return had - have, have - had


def prefix_texts(prefixes: Iterable[PackedPrefix]) -> list[str]:
    """The prefixes as text, sorted by family, address and length."""
    return [key_text(key) for key in sorted(((*prefix, 0) for prefix in prefixes), key=_order)]


def _lines(lines: list[tuple[RouteKey, str, str]], marks: Mapping[PackedPrefix, str]) -> str:
    return "".join(
        f"{text}  # {what}{', ' + marks[key[:2]] if key[:2] in marks else ''}\n" for key, text, what in lines
    )
