# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repair writes, host by host, and in which order: make before break. Pure.

A prefix at a wrong host is left there while the right one lacks it. Once that one has it, the next reading calls the
other a duplicate, which goes. So a repair reads, installs, reads again and then removes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .model import Finding


@dataclass(frozen=True)
class Repair:
    """Routes to install and to remove on one host, and prefixes that stay until another host has them."""

    install: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()


def repairs(findings: Iterable[Finding]) -> dict[str, Repair]:
    """By host, for those that have something to repair; each list in the order of the findings."""
    found: dict[str, Repair] = {}
    for each in findings:
        if each.host is None or not (each.install or each.remove or each.waits):
            continue
        so_far = found.get(each.host, Repair())
        found[each.host] = Repair(
            (*so_far.install, *each.install),
            (*so_far.remove, *each.remove),
            (*so_far.waits, *([each.prefix] if each.waits and each.prefix else [])),
        )
    return found
