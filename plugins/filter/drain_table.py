# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter roth.fabric.drain_table."""

from __future__ import annotations

DOCUMENTATION = r"""
name: drain_table
short_description: The report of a drain as a table
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description: One line for each uplink of each host that M(roth.fabric.drain_wait) has looked at.
positional: _input
options:
  _input:
    description: The result of M(roth.fabric.drain_wait) by host.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what this host's uplinks do
  ansible.builtin.debug:
    msg: "{{ {inventory_hostname: {'uplinks': [], 'seconds': 0}} | roth.fabric.drain_table }}"
"""

RETURN = r"""
_value:
  description: The table; packets a second in the last window of each direction.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.report.summary import table


def drain_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """See DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        rows = [
            {
                "host": host,
                "uplink": each["uplink"],
                "tor": each["tor"],
                "state": each["state"],
                "received/s": f"{each['received']:g}" if each["received"] is not None else "?",
                "sent/s": f"{each['sent']:g}" if each["sent"] is not None else "?",
                "after s": f"{result['seconds']:g}",
            }
            for host, result in results.items()
            for each in result.get("uplinks", ())
        ]
        return table(rows)
    except (ImportError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"roth.fabric.drain_table: {type(error).__name__}: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"drain_table": drain_table}
