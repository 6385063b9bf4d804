# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter roth.fabric.tor_neighbors."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tor_neighbors
short_description: The hypervisors behind a switch, as its BGP configuration needs them
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - One entry for each uplink of each hypervisor whose C(tor) is this switch.
  - The prefix limit of a family is at least twice what the host should announce now, rounded up to a power of two,
    and never under 256.
positional: _input, switch
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  switch:
    description: Inventory name of the switch.
    type: str
    required: true
  document:
    description: The port document; without it the prefix limits are their floor.
    type: dict
"""

EXAMPLES = r"""
- name: Show the neighbors of this switch
  ansible.builtin.debug:
    msg: "{{ hostvars | roth.fabric.tor_neighbors(inventory_hostname) | map(attribute='host') }}"
"""

RETURN = r"""
_value:
  description:
    - C(host), C(uplink) (the interface there), C(interface) (the port here), C(asn), C(bfd),
      C(gtsm) (TTL security is possible) and C(password) (secret).
    - C(peers), one a family, with C(family), C(address) (the host's, the neighbor to configure) and C(local_address).
    - C(prefixes) and C(max_prefix) by family.
  type: list
  elements: dict
  sample:
    - host: hv1
      uplink: up0
      interface: hv1
      asn: 65011
      bfd: true
      gtsm: false
      password: null
      peers:
        - family: ipv4
          address: 10.1.1.1
          local_address: 10.1.1.0
      prefixes:
        ipv4:
          - prefix: 192.0.2.11/32
            ge: 32
            le: 32
        ipv6: []
      max_prefix:
        ipv4: 256
        ipv6: 256
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.inventory.uplinks import HostVars
from ..module_utils.wanted.document import read_document
from ..module_utils.wanted.switches import TorNeighbor
from ..module_utils.wanted.switches import tor_neighbors as compute
from .allowed_prefixes import as_entry

_VERSIONS = {"ipv4": 4, "ipv6": 6}


def as_neighbor(neighbor: TorNeighbor) -> dict[str, Any]:
    """One neighbor as the templates of FRR and BIRD have it."""
    return {
        "host": neighbor.host,
        "uplink": neighbor.uplink.name,
        "interface": neighbor.interface,
        "asn": neighbor.asn,
        "bfd": neighbor.uplink.bfd,
        "gtsm": neighbor.uplink.gtsm,
        "password": neighbor.uplink.password,
        "peers": [
            {"family": peer.family, "address": str(peer.local.ip), "local_address": str(peer.address)}
            for peer in neighbor.peers
        ],
        "prefixes": {
            family: [as_entry(allowed) for allowed in neighbor.prefixes[version]]
            for family, version in _VERSIONS.items()
        },
        "max_prefix": {family: neighbor.max_prefix[version] for family, version in _VERSIONS.items()},
    }


def tor_neighbors(hostvars: HostVars, switch: str, document: object | None = None) -> list[dict[str, Any]]:
    """See DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        parsed = None if document is None else read_document(document)
        return [as_neighbor(neighbor) for neighbor in compute(hostvars, switch, parsed)]
    except ValueError as error:
        raise AnsibleFilterError(f"roth.fabric.tor_neighbors: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"tor_neighbors": tor_neighbors}
