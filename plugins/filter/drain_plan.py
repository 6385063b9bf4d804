# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter roth.fabric.drain_plan."""

from __future__ import annotations

DOCUMENTATION = r"""
name: drain_plan
short_description: What a host is to drain, and what that changes
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - From what a host drains now and what is asked for to the content of its C(drain.json).
  - What is drained already stays so; an undrain takes away only what it names, or everything when it names nothing.
  - A request that would leave a family without an uplink has a C(problem) and changes nothing.
positional: _input, host
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  host:
    description: Inventory name of the host.
    type: str
    required: true
  document:
    description: The port document, C(networks), C(subnets) and C(ports) as Neutron's API answers them.
    type: dict
    required: true
  current:
    description: The content of the host's C(drain.json), empty when there is none.
    type: str
    default: ""
  tor:
    description: Drain the uplinks to this switch.
    type: str
  uplink:
    description: Drain this uplink.
    type: str
  whole:
    description: Drain the host, so that it gives up what other hosts have as well.
    type: bool
    default: false
  undrain:
    description: Take back instead of drain.
    type: bool
    default: false
  announcing:
    description: Hosts that go on announcing what they share with this one.
    type: list
    elements: str
    default: []
  hypervisors:
    description: All hypervisors of the inventory, where who shares what is asked for.
    type: list
    elements: str
    default: []
  settle:
    description: For how long (seconds) the fabric gets to follow each step.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Show what draining tor1 would change here
  ansible.builtin.debug:
    msg: >-
      {{ (hostvars | roth.fabric.drain_plan(inventory_hostname, tor='tor1',
           document=lookup('ansible.builtin.file', roth_ports_file) | from_json)).changes }}
"""

RETURN = r"""
_value:
  description:
    - C(problem), one line, or null.
    - C(content) of the file, and from it C(uplinks), C(host) and C(withdrawn).
    - C(changes) in short and C(announcements) one by one; C(stays), prefixes a drained host keeps, with the reason.
    - C(holders), the other hypervisors that have one of this host's prefixes as well.
  type: dict
  sample:
    problem: null
    content: '{"uplinks": ["up0"], "host": false, "withdrawn": [], "settle": 5}'
    uplinks: [up0]
    host: false
    withdrawn: []
    changes: ["up0 (tor1): next hop 10.1.1.0 leaves 0.0.0.0/0"]
    announcements: ["10.64.1.53/32 to 10.1.1.0: GRACEFUL_SHUTDOWN, a worse MED and a longer path"]
    stays: {}
    holders: []
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.drain.plan import Request, plan, read_state
from ..module_utils.inventory.uplinks import HostVars, uplinks
from ..module_utils.report.expectation import expectations
from ..module_utils.wanted.document import read_document


def _sharers(prefixes: dict[str, frozenset[str]], host: str) -> dict[str, list[str]]:
    """The other hosts that have a prefix of this one, by prefix."""
    mine = prefixes[host]
    found: dict[str, list[str]] = {}
    for other, theirs in sorted(prefixes.items()):
        for name in mine & theirs if other != host else ():
            found.setdefault(name, []).append(other)
    return found


def drain_plan(
    hostvars: HostVars,
    host: str,
    document: object,
    current: str = "",
    tor: str | None = None,
    uplink: str | None = None,
    whole: bool = False,
    undrain: bool = False,
    announcing: Collection[str] = (),
    hypervisors: Sequence[str] = (),
    settle: float = 5,
) -> dict[str, Any]:
    """See DOCUMENTATION. Raises AnsibleFilterError."""
    request = Request(tor or None, uplink or None, whole, undrain)
    try:
        expected = expectations(hostvars, sorted({host, *hypervisors}), read_document(document))
        ordered = list(dict.fromkeys(str(route.prefix) for route in expected[host].routes))
        sharers = _sharers({name: each.prefixes for name, each in expected.items()}, host)
        holders = {name: [each for each in others if each in announcing] for name, others in sharers.items()}
        own = [str(route.prefix) for route in expected[host].routes if route.device == "lo"]
        found = plan(host, request, read_state(current), uplinks(hostvars, host), ordered, holders, settle, own)
    except (KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"roth.fabric.drain_plan: {host}: {type(error).__name__}: {error}") from error
    return {
        "problem": found.problem,
        "content": found.state.text(),
        "uplinks": list(found.state.uplinks),
        "host": found.state.host,
        "withdrawn": list(found.state.withdrawn),
        "changes": list(found.changes),
        "announcements": list(found.announcements),
        "stays": dict(found.stays),
        "holders": sorted({each for others in sharers.values() for each in others}),
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"drain_plan": drain_plan}
