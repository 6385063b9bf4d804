# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter roth.fabric.routed_networks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: routed_networks
short_description: Which networks, segments and subnets Neutron should have
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - From the provider networks of the inventory to the options of M(roth.fabric.routed_network), with a segment for each
    hypervisor that has the network.
  - A host's physical network is C(physical_network) of the network, C({name}-{host}) by default, or what the host's
    C(roth_physical_networks) says.
positional: _input, hypervisors
options:
  _input:
    description: All hosts' variables, C(hostvars).
    type: dict
    required: true
  hypervisors:
    description: Names of the hypervisors.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show what Neutron should have
  ansible.builtin.debug:
    msg: "{{ hostvars | roth.fabric.routed_networks(groups['hypervisors']) }}"
"""

RETURN = r"""
_value:
  description: Options of M(roth.fabric.routed_network), one entry a network.
  type: list
  elements: dict
  sample:
    - name: mobile
      segments: [{physical_network: mobile-hv1}, {physical_network: mobile-hv2}]
      subnets: [{cidr: 10.64.0.0/16, gateway: 10.64.0.1}]
"""

from collections.abc import Callable, Sequence

from ansible.errors import AnsibleFilterError

from ..module_utils.wanted.neutron_networks import HostVars
from ..module_utils.wanted.neutron_networks import routed_networks as compute


def routed_networks(hostvars: HostVars, hypervisors: Sequence[str]) -> list[dict[str, object]]:
    """See DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        return compute(hostvars, hypervisors)
    except (KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"roth.fabric.routed_networks: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., list[dict[str, object]]]]:
        return {"routed_networks": routed_networks}
