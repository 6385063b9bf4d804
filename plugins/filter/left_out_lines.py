# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter roth.fabric.left_out_lines."""

from __future__ import annotations

DOCUMENTATION = r"""
name: left_out_lines
short_description: Left-out addresses as lines of a table
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - One line an address with the port's name and the reason, in columns.
options:
  _input:
    description: C(left_out) of filter C(roth.fabric.instance_routes), or what C(roth.fabric.unplaced_ports) gives.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what is not announced
  ansible.builtin.debug:
    msg: "{{ [{'port': '660dc9f2', 'name': 'web', 'address': '10.64.1.159', 'reason': 'bound to no host'}]
             | roth.fabric.left_out_lines }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
  sample: ["10.64.1.159  web (660dc9f2)  bound to no host"]
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def left_out_lines(entries: Sequence[Mapping[str, str]]) -> list[str]:
    """See DOCUMENTATION."""
    ports = [f"{entry['name'] or 'no name'} ({entry['port']})" for entry in entries]
    wide = max((len(entry["address"]) for entry in entries), default=0)
    wider = max(map(len, ports), default=0)
    return [
        f"{entry['address']:<{wide}}  {port:<{wider}}  {entry['reason']}"
        for entry, port in zip(entries, ports, strict=True)
    ]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"left_out_lines": left_out_lines}
