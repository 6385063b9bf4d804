# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter roth.fabric.bridges."""

from __future__ import annotations

DOCUMENTATION = r"""
name: bridges
short_description: The bridges that a host needs for the provider networks
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Turns C(roth_provider_networks) into the bridges of one host.
  - A spanning network's gateways get the full length, a pinned network's the length of the subnets of this host.
  - A pinned network without a subnet for the host gets no bridge.
positional: host
options:
  _input:
    description: The provider networks (C(roth_provider_networks)).
    type: list
    elements: dict
    required: true
  host:
    description: The host's inventory name.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the bridges of a host
  ansible.builtin.debug:
    msg: "{{ roth_provider_networks | roth.fabric.bridges(inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description:
    - One entry a bridge, with C(network), C(device), C(kind) (C(linux) or C(openvswitch)), C(spanning), C(mtu) (bytes),
      C(mac), C(gateways) (with length), C(advertised) (IPv6 prefixes), C(agent_bridge) and C(vlans).
  type: list
  elements: dict
"""

from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.layout.bridges import Bridge, bridges


def _plain(bridge: Bridge) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(bridge).items()}


def plain_bridges(raw: list[dict[str, Any]], host: str) -> list[dict[str, Any]]:
    """The filter itself. Raises AnsibleFilterError that names the entry of roth_provider_networks."""
    try:
        return [_plain(bridge) for bridge in bridges(raw, str(host))]
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Ansible looks the filters up here."""

    def filters(self) -> dict[str, Any]:
        return {"bridges": plain_bridges}
