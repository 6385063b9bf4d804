# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter roth.fabric.reconcile_report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: reconcile_report
short_description: What Neutron, kernels, ExaBGP and the switches disagree about, prefix by prefix
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Names, for each prefix at each host that was read, what is wrong with it.
  - C(missing) is wanted, and not in the kernel, not announced or not at a switch. C(orphan) is in the kernel under our
    protocol and wanted by no port. C(duplicate) is on a second host, where it does not belong. C(wrong host) is on a
    host where it does not belong, and not on the one where it does.
  - C(leaked prefix) is at a switch, or announced, from where it must not be. C(stale) is still at a switch, and its
    host does not announce it any more. C(unreadable) is a host or switch that could not be read, which never counts as
    agreement.
  - Says for each what a repair does. Routes of other protocols are never part of it.
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
    description: The result of M(roth.fabric.fabric_info) by host. Hypervisors that are not in it were not looked at.
    type: dict
    required: true
  switches:
    description: The result of M(roth.fabric.switch_routes_info) by switch.
    type: dict
    required: true
  hypervisors:
    description: All hypervisors of the inventory, so that a prefix at the wrong host is told from an orphan.
    type: list
    elements: str
    required: true
  shown:
    description: How many findings of one kind at one host the table lists; the rest are counted.
    type: int
    default: 5
seealso:
  - plugin: roth.fabric.fabric_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Reconcile one host with one switch
  ansible.builtin.debug:
    msg: >-
      {{ (hostvars | roth.fabric.reconcile_report(
            document=lookup('ansible.builtin.file', roth_ports_file) | from_json,
            hosts={'hv1': host}, switches={'tor1': switch}, hypervisors=groups['hypervisors'])).table }}
"""

RETURN = r"""
_value:
  description:
    - C(agree), true only if there is no finding at all.
    - C(looked_at) and C(not_looked_at), each with C(hosts) and C(switches).
    - C(counts), findings by kind; C(hosts), the same by host, with the number of prefixes that are C(wanted), and of
      those that all C(agree) about (null when not all could be read).
    - C(findings), each with C(kind), C(host), C(prefix), C(seen), C(missing), C(reason), C(port) (C(id), C(name) and
      C(host), or null), C(repair) in words, and the routes of its host that a repair would C(install) and C(remove).
    - C(repair), by host what to C(install) and C(remove), and which prefixes wait for another host to have them.
    - C(table), all of it for a person.
  type: dict
  sample:
    agree: false
    findings:
      - kind: missing
        host: hv1
        prefix: 10.64.1.53/32
        seen: []
        missing: [kernel, adj-rib-out tor1, adj-rib-out tor2, tor1, tor2]
        reason: no route of ours
        port:
          id: 2b1f0e5c-9d0e-4b8e-8d1d-0d2f6ad2a0b1
          name: hv1-vm0
          host: hv1
        repair: install 10.64.1.53/32 dev br-mobile
        install: ["10.64.1.53/32 dev br-mobile"]
        remove: []
        waits: false
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.inventory.uplinks import HostVars
from ..module_utils.reconcile.findings import disagreements
from ..module_utils.reconcile.summary import document as as_document
from ..module_utils.reconcile.summary import tables
from ..module_utils.report.truth import world
from ..module_utils.wanted.document import read_document
from .fabric_report import host_state, switch_state


def reconcile_report(
    hostvars: HostVars,
    document: object,
    hosts: Mapping[str, Mapping[str, Any]],
    switches: Mapping[str, Mapping[str, Any]],
    hypervisors: Sequence[str],
    shown: int = 5,
) -> dict[str, Any]:
    """See DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        compared = world(
            hostvars,
            hypervisors,
            read_document(document),
            {host: host_state(result) for host, result in hosts.items()},
            {switch: switch_state(result) for switch, result in switches.items()},
        )
        findings = disagreements(compared)
        plain: dict[str, Any] = json.loads(json.dumps(as_document(compared, findings)))  # lists for Ansible, not tuples
        return {**plain, "table": tables(compared, findings, int(shown))}
    except (ImportError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"roth.fabric.reconcile_report: {type(error).__name__}: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"reconcile_report": reconcile_report}
