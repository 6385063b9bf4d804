# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter roth.fabric.allowed_prefixes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: allowed_prefixes
short_description: Which prefixes a host may announce
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - The loopbacks, and what the provider networks allow on this host, as entries of a prefix list.
  - Subnets that are pinned to other hosts are not among them.
positional: _input, host, loopbacks
options:
  _input:
    description: The provider networks, C(roth_provider_networks).
    type: list
    elements: dict
    required: true
  host:
    description: Inventory name of the host.
    type: str
    required: true
  loopbacks:
    description: Loopback addresses of the host.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show what this host may announce
  ansible.builtin.debug:
    msg: "{{ roth_provider_networks | roth.fabric.allowed_prefixes(inventory_hostname, [roth_loopback_ipv4]) }}"
"""

RETURN = r"""
_value:
  description: The entries; a prefix inside C(prefix) with a length from C(ge) to C(le) is allowed.
  type: list
  elements: dict
  sample:
    - prefix: 10.64.0.0/16
      ge: 32
      le: 32
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.wanted.networks import provider_networks
from ..module_utils.wanted.prefixes import AllowedPrefix
from ..module_utils.wanted.prefixes import allowed_prefixes as compute


def as_entry(allowed: AllowedPrefix) -> dict[str, Any]:
    """One entry as templates and /etc/roth/agent.json have it."""
    return {"prefix": str(allowed.prefix), "ge": allowed.ge, "le": allowed.le}


def allowed_prefixes(
    networks: Sequence[Mapping[str, Any]], host: str, loopbacks: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """See DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        return [as_entry(allowed) for allowed in compute(provider_networks(networks), host, loopbacks)]
    except ValueError as error:
        raise AnsibleFilterError(f"roth.fabric.allowed_prefixes: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"allowed_prefixes": allowed_prefixes}
