# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each of many hosts should have, with one look at all ports and not one a host."""

from __future__ import annotations

from ..inventory.uplinks import HostVars, loopbacks
from .document import PortDocument
from .networks import provider_networks
from .ports import DEVICE_OWNERS, InstanceRoutes, PortPlan


class HostPlans:
    """The plans of hosts by their variables: `group_vars` are the same for nearly all, so one plan serves them."""

    def __init__(self, hostvars: HostVars, document: PortDocument) -> None:
        self._hostvars, self._document = hostvars, document
        self._plans: dict[str, PortPlan] = {}

    def routes(self, host: str) -> InstanceRoutes:
        """The wanted routes of `host`. Raises ValueError where the document or the host's variables are wrong."""
        variables = self._hostvars[host]  # Ansible puts them together at each look
        raw = variables.get("roth_provider_networks") or []
        owners = variables.get("roth_port_device_owners") or DEVICE_OWNERS
        key = repr((raw, owners))
        if key not in self._plans:
            self._plans[key] = PortPlan(self._document, provider_networks(raw), owners)
        return self._plans[key].routes(host, loopbacks(self._hostvars, host))
