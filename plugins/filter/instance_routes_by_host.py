# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter roth.fabric.instance_routes_by_host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: instance_routes_by_host
short_description: Which routes many hosts should have for their instances
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - What filter P(roth.fabric.instance_routes#filter) gives, for many hosts and with one look at the ports of all
    hosts, among which are those that hold an address as well. For a task with C(run_once).
  - Reads of each host C(roth_provider_networks), C(roth_port_device_owners) and its loopbacks.
  - Fails on a document that is wrong or not whole, because what is not in it would be withdrawn.
positional: _input, hosts, document
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  hosts:
    description: Inventory names of the hosts, C(binding:host_id) of their ports.
    type: list
    elements: str
    required: true
  document:
    description: The port document, C(networks), C(subnets) and C(ports) as the API answers them.
    type: dict
    required: true
seealso:
  - plugin: roth.fabric.instance_routes
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Compute what the hosts should have
  ansible.builtin.set_fact:
    wanted_by_host: >-
      {{ hostvars | roth.fabric.instance_routes_by_host(
           ansible_play_batch, lookup('ansible.builtin.file', roth_ports_file) | from_json) }}
  run_once: true
"""

RETURN = r"""
_value:
  description: By host, as filter P(roth.fabric.instance_routes#filter) gives it.
  type: dict
  sample:
    hv1:
      routes: ["10.64.1.53/32 dev br-mobile"]
      taps: ["10.64.1.53/32 tap2b1f0e5c-9d"]
      left_out: []
      neighbors: []
      ignored: 0
"""

from collections.abc import Callable, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.inventory.uplinks import HostVars
from ..module_utils.wanted.document import read_document
from ..module_utils.wanted.host_plans import HostPlans
from ..module_utils.wanted.plain import routes_as_mapping


def instance_routes_by_host(hostvars: HostVars, hosts: Sequence[str], document: object) -> dict[str, dict[str, object]]:
    """See DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        plans = HostPlans(hostvars, read_document(document))
        return {host: routes_as_mapping(plans.routes(host)) for host in hosts}
    except ValueError as error:
        raise AnsibleFilterError(f"roth.fabric.instance_routes_by_host: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"instance_routes_by_host": instance_routes_by_host}
