# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter roth.fabric.unplaced_ports."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unplaced_ports
short_description: Which instance addresses are on no host of the inventory
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Lists addresses of ports that are bound to no host, or to one that the inventory does not know.
  - They belong to no host's report, so they are reported once, for the whole inventory.
positional: _input, networks, hosts
options:
  _input:
    description: The port document, C(networks), C(subnets) and C(ports) as the API answers them.
    type: dict
    required: true
  networks:
    description: The provider networks, C(roth_provider_networks).
    type: list
    elements: dict
    required: true
  hosts:
    description: Inventory names of all hypervisors.
    type: list
    elements: str
    required: true
  device_owners:
    description: Ports are announced whose C(device_owner) begins with one of these; others are not listed.
    type: list
    elements: str
    default: ["compute:"]
"""

EXAMPLES = r"""
- name: Show the addresses that nobody announces
  ansible.builtin.debug:
    msg: >-
      {{ lookup('ansible.builtin.file', roth_ports_file) | from_json
         | roth.fabric.unplaced_ports(roth_provider_networks, groups['hypervisors']) }}
"""

RETURN = r"""
_value:
  description: C(port) (its id), C(name), C(address) and C(reason) of each.
  type: list
  elements: dict
  sample:
    - port: 660dc9f2-9b0f-446a-81a9-23fa1dd9129e
      name: unbound
      address: 10.64.1.159
      reason: bound to no host
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.wanted.document import read_document
from ..module_utils.wanted.networks import provider_networks
from ..module_utils.wanted.plain import left_out_as_mapping
from ..module_utils.wanted.ports import DEVICE_OWNERS, PortPlan


def unplaced_ports(
    document: object,
    networks: Sequence[Mapping[str, Any]],
    hosts: Sequence[str],
    device_owners: Sequence[str] = DEVICE_OWNERS,
) -> list[dict[str, str]]:
    """See DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        plan = PortPlan(read_document(document), provider_networks(networks), device_owners)
        return [left_out_as_mapping(entry) for entry in plan.unplaced(hosts)]
    except ValueError as error:
        raise AnsibleFilterError(f"roth.fabric.unplaced_ports: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"unplaced_ports": unplaced_ports}
