# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory and the port document want of each hypervisor, in the words of `compare`."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_network

from ..inventory.uplinks import HostVars, uplinks
from ..kernel.text import parse_route
from ..wanted.document import PortDocument
from ..wanted.host_plans import HostPlans
from .compare import Expectation, Peering

PROTOCOL = 142


def expectations(hostvars: HostVars, hosts: Collection[str], document: PortDocument) -> dict[str, Expectation]:
    """By host. Raises ValueError naming host and variable where the inventory or the document is wrong."""
    plans = HostPlans(hostvars, document)
    found = {}
    for host in hosts:
        due = plans.routes(host)
        found[host] = Expectation(
            routes=tuple(parse_route(route) for route in due.routes),
            peerings=_peerings(hostvars, host),
            protocol=int(hostvars[host].get("roth_protocol", PROTOCOL)),
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
