# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter roth.fabric.instance_routes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: instance_routes
short_description: Which routes a host should have for its instances
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - From the networks, subnets and ports that Neutron's API answered to the routes of one host.
  - An address that is not routed is listed with the reason.
  - Fails on a document that is wrong or not whole, because what is not in it would be withdrawn.
positional: _input, networks, host
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
  host:
    description: Inventory name of the host, C(binding:host_id) of its ports.
    type: str
    required: true
  device_owners:
    description: Ports are announced whose C(device_owner) begins with one of these.
    type: list
    elements: str
    default: ["compute:"]
  loopbacks:
    description: Loopback addresses of the host, which become routes as well.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show the routes that this host should have
  ansible.builtin.debug:
    msg: >-
      {{ (lookup('ansible.builtin.file', roth_ports_file) | from_json
          | roth.fabric.instance_routes(roth_provider_networks, inventory_hostname)).routes }}
"""

RETURN = r"""
_value:
  description:
    - C(routes) in the grammar of M(roth.fabric.host_routes), sorted by family and prefix.
    - C(taps), C(PREFIX INTERFACE) for each route of an instance whose port is an interface of the host.
    - C(left_out) with C(port) (its id), C(name), C(address) and C(reason).
    - C(neighbors) in the grammar of M(roth.fabric.neighbors), for networks with static neighbors.
    - C(ignored), the number of ports on this host in networks that are not provider networks.
  type: dict
  sample:
    routes: ["10.64.1.53/32 dev br-mobile"]
    taps: ["10.64.1.53/32 tap2b1f0e5c-9d"]
    left_out: []
    neighbors: []
    ignored: 0
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.wanted.document import read_document
from ..module_utils.wanted.networks import provider_networks
from ..module_utils.wanted.plain import routes_as_mapping
from ..module_utils.wanted.ports import DEVICE_OWNERS
from ..module_utils.wanted.ports import instance_routes as compute


def instance_routes(
    document: object,
    networks: Sequence[Mapping[str, Any]],
    host: str,
    device_owners: Sequence[str] = DEVICE_OWNERS,
    loopbacks: Sequence[str] = (),
) -> dict[str, object]:
    """See DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        parsed = provider_networks(networks)
        found = compute(read_document(document), parsed, host, device_owners=device_owners, loopbacks=loopbacks)
    except ValueError as error:
        raise AnsibleFilterError(f"roth.fabric.instance_routes: {error}") from error
    return routes_as_mapping(found)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"instance_routes": instance_routes}
