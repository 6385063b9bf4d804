# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter roth.fabric.fabric_report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fabric_report
short_description: What differs between wanted, kernel, ExaBGP and the switches
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Compares, for each host that was read, the routes its ports ask for with its kernel, with what ExaBGP announces
    and with what each switch received, and its sessions, units and defaults with the inventory.
  - A host or switch that could not be read is a finding.
positional: _input, document, hosts, switches
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  document:
    description: The port document, C(networks), C(subnets) and C(ports) as Neutron's API answers them.
    type: dict
    required: true
  hosts:
    description: The result of M(roth.fabric.fabric_info) by host.
    type: dict
    required: true
  switches:
    description: The result of M(roth.fabric.switch_routes_info) by switch.
    type: dict
    required: true
  hypervisors:
    description: All hypervisors of the inventory, so that a prefix at the wrong host is told from a leak.
    type: list
    elements: str
    required: true
seealso:
  - plugin: roth.fabric.instance_routes
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Compare one host with one switch
  ansible.builtin.debug:
    msg: >-
      {{ hostvars | roth.fabric.fabric_report(
           document=lookup('ansible.builtin.file', roth_ports_file) | from_json,
           hosts={'hv1': host}, switches={'tor1': switch}, hypervisors=groups['hypervisors']) }}
"""

RETURN = r"""
_value:
  description:
    - C(findings), each with C(kind), C(host), C(switch), C(prefix), C(observed), C(expected) and C(text), one line.
    - C(lines), the findings for a person, each with C(host) and C(text). Of many of a kind, the first ten and how
      many there are besides.
    - C(table), one line for a host.
  type: dict
  sample:
    findings:
      - kind: missing at switch
        host: hv1
        switch: tor1
        prefix: 10.64.1.53/32
        observed: no path from 10.1.1.1
        expected: next hop 10.1.1.1
        text: "hv1 at tor1: 10.64.1.53/32 missing at switch: no path from 10.1.1.1; expected next hop 10.1.1.1"
    lines:
      - host: hv1
        text: "hv1 at tor1: 10.64.1.53/32 missing at switch: no path from 10.1.1.1; expected next hop 10.1.1.1"
    table: "host    BGP    BFD ..."
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.inventory.uplinks import HostVars
from ..module_utils.report.compare import Finding, compare, plugged
from ..module_utils.report.expectation import expectations
from ..module_utils.report.hosts import HostState
from ..module_utils.report.summary import rows, table, told
from ..module_utils.report.switches import SwitchState
from ..module_utils.wanted.document import read_document


def _reason(result: Mapping[str, Any]) -> str:
    """Why a module gave no answer, in one line: its message, or the end of what a missing interpreter printed."""
    said = str(result.get("module_stderr") or result.get("msg") or "no answer").strip()
    return said.splitlines()[-1] if said else "no answer"


def host_state(result: Mapping[str, Any]) -> HostState:
    """From a result of fabric_info, whatever became of it. Raises KeyError or TypeError on one of another form."""
    if "fabric" not in result:
        return HostState(problems=(_reason(result),))
    return HostState.from_result(result["fabric"])


def switch_state(result: Mapping[str, Any]) -> SwitchState | str:
    """From a result of switch_routes_info, or why there is none. Raises KeyError or TypeError as above."""
    return SwitchState.from_result(result["switch"]) if "switch" in result else _reason(result)


def _entry(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "text": finding.text}


def fabric_report(
    hostvars: HostVars,
    document: object,
    hosts: Mapping[str, Mapping[str, Any]],
    switches: Mapping[str, Mapping[str, Any]],
    hypervisors: Sequence[str],
) -> dict[str, Any]:
    """See DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        states = {host: host_state(result) for host, result in hosts.items()}
        expected = plugged(expectations(hostvars, hypervisors, read_document(document)), states)
        seen = {switch: switch_state(result) for switch, result in switches.items()}
        findings = compare(expected, states, seen)
        return {
            "findings": [_entry(finding) for finding in findings],
            "lines": [{"host": host, "text": text} for host, text in told(findings)],
            "table": table(rows(expected, states, seen, findings)),
        }
    except (ImportError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"roth.fabric.fabric_report: {type(error).__name__}: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"fabric_report": fabric_report}
