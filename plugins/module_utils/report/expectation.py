# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory and the port document want of each hypervisor, in the words of `compare`."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_network

from ..inventory.uplinks import HostVars, loopbacks, uplinks
from ..kernel.text import parse_route
from ..wanted.document import PortDocument
from ..wanted.networks import provider_networks
from ..wanted.ports import DEVICE_OWNERS, PortPlan
from .compare import Expectation, Peering

PROTOCOL = 142


def expectations(hostvars: HostVars, hosts: Collection[str], document: PortDocument) -> dict[str, Expectation]:
    """By host. Raises ValueError naming host and variable where the inventory or the document is wrong."""
    plans: dict[str, PortPlan] = {}
    found = {}
    for host in hosts:
        variables = hostvars[host]
        raw = variables.get("roth_provider_networks") or []
        owners = variables.get("roth_port_device_owners") or DEVICE_OWNERS
        key = repr((raw, owners))  # group_vars are the same for nearly all hosts
        if key not in plans:
            plans[key] = PortPlan(document, provider_networks(raw), owners)
        due = plans[key].routes(host, loopbacks(hostvars, host))
        found[host] = Expectation(
            routes=tuple(parse_route(route) for route in due.routes),
            peerings=_peerings(hostvars, host),
            protocol=int(variables.get("roth_protocol", PROTOCOL)),
            left_out={str(ip_network(each.address)): each.reason for each in due.left_out},
        )
    return found


def _peerings(hostvars: HostVars, host: str) -> tuple[Peering, ...]:
    asn = int(hostvars[host]["roth_asn"])
    return tuple(
        Peering(uplink.name, uplink.tor, peer.family, str(peer.local.ip), asn, str(peer.address), uplink.bfd)
        for uplink in uplinks(hostvars, host)
        for peer in uplink.peers
    )
