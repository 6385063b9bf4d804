# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of hosts from Neutron's ports: one listing for all, or one query a host, whichever costs less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..wanted.document import read_document
from ..wanted.networks import ProviderNetwork
from ..wanted.ports import DEVICE_OWNERS, InstanceRoutes, PortPlan
from .cloud import Cloud, NeutronError
from .reading import MATCHED, read_ports_of

LISTING_FROM = 30
"""Number of hosts from which on one listing of all ports is taken, by default.

With 10,000 ports on 40 hosts a listing takes as long as queries of 28 hosts, and as much of Neutron's CPU as those of
37 (docs/benchmarks).
"""


@dataclass(frozen=True)
class HostPorts:
    """What Neutron's ports make of each host; `document` is what was read, `queries` how often ports were asked for."""

    hosts: Mapping[str, InstanceRoutes]
    document: Mapping[str, object]
    queries: int


def hosts_in(document: Mapping[str, object]) -> list[str]:
    """The hosts that any port of the document is bound to, sorted."""
    return sorted({port.host for port in read_document(document).ports if port.host})


def ports_by_host(
    cloud: Cloud,
    networks: Sequence[ProviderNetwork],
    hosts: Sequence[str] = (),
    device_owners: Iterable[str] = DEVICE_OWNERS,
    listing_from: int = LISTING_FROM,
) -> HostPorts:
    """The routes of `hosts`, of all hosts with ports where it is empty. Raises NeutronError.

    From `listing_from` hosts on all ports are listed once, below that each host is asked for by itself.
    """
    wanted = list(dict.fromkeys(hosts))
    owners = tuple(device_owners)
    if not wanted or len(wanted) >= listing_from:
        document = read_ports_of(cloud, networks)
        plan = _plan(document, networks, owners)
        return HostPorts({host: plan.routes(host) for host in wanted or hosts_in(document)}, document, 1)
    found: dict[str, InstanceRoutes] = {}
    documents: list[dict[str, object]] = []
    for host in wanted:
        documents.append(read_ports_of(cloud, networks, host, documents[0] if documents else None))
        found[host] = _plan(documents[-1], networks, owners).routes(host)
    return HostPorts(found, _merged(documents), len(wanted))


def _plan(document: Mapping[str, object], networks: Sequence[ProviderNetwork], owners: Sequence[str]) -> PortPlan:
    try:
        return PortPlan(read_document(document), networks, owners)
    except ValueError as error:
        raise NeutronError("broken", str(error)) from None


def _merged(documents: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """One document of several; of a port that is in two of them (it moved meanwhile) the later answer holds."""
    merged: dict[str, object] = {}
    for kind in (key for key in documents[0] if isinstance(documents[0][key], list) and key != MATCHED):
        entries = {}
        for document in documents:
            for entry in document[kind]:  # type: ignore[attr-defined]
                entries[entry["id"]] = entry
        merged[kind] = list(entries.values())
    return merged
