# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter roth.fabric.uplinks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: uplinks
short_description: A hypervisor's uplinks with every default filled in
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Reads C(roth_uplinks) of a host and fills in peer addresses (the other end of a /31 or /127) and peer ASNs
    (C(roth_asn) of the switch).
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
"""

EXAMPLES = r"""
- name: Show the switches' addresses
  ansible.builtin.debug:
    msg: "{{ hostvars | roth.fabric.uplinks(inventory_hostname) | map(attribute='peers') | flatten }}"
"""

RETURN = r"""
_value:
  description:
    - C(name), C(index), C(tor), C(mtu), C(bfd), C(gtsm) and C(password) (secret) of each uplink, and its C(peers), one
      a family. C(gtsm) tells whether the switch can have TTL security there, FRR can't together with BFD.
    - A peer has C(family), C(address) (the switch's), C(local_address), C(local_interface) (with length) and C(asn).
  type: list
  elements: dict
  sample:
    - name: up0
      index: 0
      tor: tor1
      mtu: 1500
      bfd: true
      gtsm: false
      password: null
      peers:
        - family: ipv4
          address: 10.1.1.0
          local_address: 10.1.1.1
          local_interface: 10.1.1.1/31
          asn: 65101
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.inventory.uplinks import HostVars, Peer
from ..module_utils.inventory.uplinks import uplinks as compute


def as_peer(peer: Peer) -> dict[str, Any]:
    """One session as templates have it."""
    return {
        "family": peer.family,
        "address": str(peer.address),
        "local_address": str(peer.local.ip),
        "local_interface": str(peer.local),
        "asn": peer.asn,
    }


def uplinks(hostvars: HostVars, host: str) -> list[dict[str, Any]]:
    """See DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        found = compute(hostvars, host)
    except ValueError as error:
        raise AnsibleFilterError(f"roth.fabric.uplinks: {error}") from error
    return [
        {
            "name": uplink.name,
            "index": uplink.index,
            "tor": uplink.tor,
            "mtu": uplink.mtu,
            "bfd": uplink.bfd,
            "gtsm": uplink.gtsm,
            "password": uplink.password,
            "peers": [as_peer(peer) for peer in uplink.peers],
        }
        for uplink in found
    ]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"uplinks": uplinks}
