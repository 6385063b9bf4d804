# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Neutron knows of compute hosts and routed networks, turned into an inventory. Pure.

Source of the answers: https://docs.openstack.org/api-ref/network/v2/ (agents, networks, segments, subnets).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..layout.bridges import OPENVSWITCH
from ..openvswitch.model import PATCH
from .routed import ROUTED

Row = Mapping[str, object]
"""One entry of an answer."""

Answers = Mapping[str, Sequence[Row]]
"""The lists `agents`, `networks`, `segments` and `subnets`, as the API answers them."""

OVS_AGENT = "Open vSwitch agent"
"""`agent_type` of neutron-openvswitch-agent."""


@dataclass(frozen=True)
class Segment:
    """A segment of a routed network, on the hosts that map its physical network to a bridge.

    `segmentation_id` is its VLAN, None where it is flat.
    """

    id: str
    network: str
    physical_network: str
    segmentation_id: int | None = None


@dataclass(frozen=True)
class ComputeHost:
    """A host with a layer 2 agent. `name` is what ports have as `binding:host_id`.

    `on_open_vswitch` tells whether the agent says that it runs on an Open vSwitch.
    """

    name: str
    alive: bool
    bridge_mappings: Mapping[str, str]
    segments: tuple[Segment, ...]
    on_open_vswitch: bool = False

    @property
    def physical_networks(self) -> dict[str, list[str]]:
        """Of each network the physical networks that this host has of it, as `roth_physical_networks`."""
        found: dict[str, list[str]] = {}
        for segment in self.segments:
            names = found.setdefault(segment.network, [])
            if segment.physical_network not in names:  # several VLANs of it are one
                names.append(segment.physical_network)
        return found


@dataclass(frozen=True)
class Discovered:
    """`networks` are entries of `roth_provider_networks`; `unused` names pinned subnets of segments without a host."""

    hosts: tuple[ComputeHost, ...]
    networks: tuple[Mapping[str, object], ...]
    unused: tuple[str, ...]


def discover(
    answers: Answers, names: Sequence[str], settings: Mapping[str, Mapping[str, object]], agent_types: Sequence[str]
) -> Discovered:
    """The compute hosts of the networks with these names or ids, and the networks as the roles take them.

    `settings` adds to a network, by its name, what Neutron does not know (`gateway_mac`, `announce` …) and wins over
    what it does. Raises ValueError naming network, subnet or segment, what was found and what was expected.
    """
    networks = [_network(answers["networks"], name) for name in names]
    unknown = sorted(settings.keys() - {str(network["name"]) for network in networks})
    if unknown:
        raise ValueError(f"network_settings: {', '.join(unknown)}: expected names of {', '.join(names)}")
    segments = [_segment(row, network) for network in networks for row in _of(answers["segments"], network)]
    hosts = _hosts(answers["agents"], segments, frozenset(agent_types))
    unused: list[str] = []
    found = tuple(_provider_network(network, answers, hosts, settings, unused) for network in networks)
    return Discovered(hosts, found, tuple(unused))


def _network(rows: Iterable[Row], name: str) -> Row:
    matching = [row for row in rows if name in (row["id"], row["name"])]
    if not matching:
        raise ValueError(f"network {name!r} is not in Neutron, or these credentials do not see it")
    if len(matching) > 1:
        raise ValueError(f"{len(matching)} networks are named {name!r}: give the id instead")
    return matching[0]


def _of(rows: Iterable[Row], network: Row) -> list[Row]:
    return [row for row in rows if row["network_id"] == network["id"]]


def _segment(row: Row, network: Row) -> Segment:
    vlan = row.get("segmentation_id")
    return Segment(
        id=str(row["id"]),
        network=str(network["name"]),
        physical_network=str(row.get("physical_network") or ""),
        segmentation_id=vlan if isinstance(vlan, int) else None,
    )


def bridge_mappings(agent: Row) -> dict[str, str]:
    """The bridge of each physical network that a layer 2 agent says it maps."""
    configurations = agent.get("configurations")
    mappings = configurations.get("bridge_mappings") if isinstance(configurations, Mapping) else None
    if not isinstance(mappings, Mapping):
        return {}
    return {str(physical): str(bridge) for physical, bridge in mappings.items()}


def on_open_vswitch(agent: Row) -> bool:
    """Whether an agent's report is that of neutron-openvswitch-agent on an Open vSwitch that answers it.

    `ovs_capabilities` is what it has read there: the `datapath_types` and `iface_types` of table Open_vSwitch
    (ovs-vswitchd.conf.db(5)), which ovs-vswitchd fills at its start. With the agent's own `datapath_type` and patch
    ports among them it can have the bridges of its mappings. A row that somebody wrote for a host without Open vSwitch,
    so that ports can be bound there, has no such lists, or empty ones.
    """
    reported = agent.get("configurations")
    if agent["agent_type"] != OVS_AGENT or not isinstance(reported, Mapping):
        return False
    found = reported.get("ovs_capabilities")
    if not isinstance(found, Mapping):
        return False
    datapaths, interfaces = found.get("datapath_types"), found.get("iface_types")
    if not isinstance(datapaths, (list, tuple)) or not isinstance(interfaces, (list, tuple)):
        return False
    return reported.get("datapath_type") in datapaths and PATCH in interfaces


def _hosts(agents: Iterable[Row], segments: Sequence[Segment], agent_types: frozenset[str]) -> tuple[ComputeHost, ...]:
    """Hosts that map at least one of the segments: an agent of another network's hosts is none of ours."""
    found = []
    for agent in sorted(agents, key=lambda agent: str(agent["host"])):
        mappings = bridge_mappings(agent)
        own = tuple(segment for segment in segments if segment.physical_network in mappings)
        if agent["agent_type"] in agent_types and own:
            found.append(ComputeHost(str(agent["host"]), bool(agent["alive"]), mappings, own, on_open_vswitch(agent)))
    names = [host.name for host in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        kinds = ", ".join(sorted(agent_types))
        raise ValueError(f"several agents on {', '.join(twice)}: expected one of {kinds} a host")
    return tuple(found)


def _provider_network(
    network: Row,
    answers: Answers,
    hosts: Sequence[ComputeHost],
    settings: Mapping[str, Mapping[str, object]],
    unused: list[str],
) -> Mapping[str, object]:
    name = str(network["name"])
    subnets = [row for row in _of(answers["subnets"], network) if row.get("segment_id") or not _is_routed(row)]
    pinned = [row for row in subnets if row.get("segment_id")]
    if pinned and len(pinned) != len(subnets):
        loose = ", ".join(str(row["cidr"]) for row in subnets if not row.get("segment_id"))
        raise ValueError(f"network {name}: {loose} without a segment beside subnets with one: expected all or none")
    given = settings.get(name, {})
    entry: dict[str, object] = {"name": name, "bridge": _bridge(name, hosts, given.get("bridge"))}
    mapping = [host for host in hosts if any(segment.network == name for segment in host.segments)]
    entry["bridge_kind"] = OPENVSWITCH if all(host.on_open_vswitch for host in mapping) else None
    entry["plan"] = "pinned" if pinned else "spanning"
    entry["mtu"] = network.get("mtu")
    owners = _owners(name, hosts)
    if _is_one_vlan(owners.values()):
        entry["segmentation_id"] = next(iter(owners.values())).segment.segmentation_id
    named = any(owner.several for owner in owners.values()) or not _is_one_vlan(owners.values())
    entry["subnets"] = [found for row in subnets if (found := _subnet(name, row, owners, named, unused)) is not None]
    return {key: value for key, value in entry.items() if value is not None} | dict(given)


def _is_one_vlan(owners: Collection[_Owner]) -> bool:
    return len({owner.segment.segmentation_id for owner in owners}) == 1


def _is_routed(row: Row) -> bool:
    """Whether a subnet is for what is routed to instances (floating IPs): Neutron allows it beside pinned ones."""
    return row.get("service_types") == [ROUTED]


def _bridge(name: str, hosts: Sequence[ComputeHost], given: object) -> str:
    """The `given` one, or the one that all hosts map the network's physical networks to."""
    places: dict[str, list[str]] = defaultdict(list)
    for host in hosts:
        for segment in host.segments:
            if segment.network == name:
                on = places[host.bridge_mappings[segment.physical_network]]
                if host.name not in on:
                    on.append(host.name)
    if not places:
        raise ValueError(f"network {name}: no host maps one of its physical networks to a bridge")
    if given:
        return str(given)
    if len(places) > 1:
        seen = "; ".join(f"{bridge} on {', '.join(names)}" for bridge, names in sorted(places.items()))
        expected = "expected one name on all hosts, or bridge in network_settings"
        raise ValueError(f"network {name}: its bridges differ ({seen}): {expected}")
    return next(iter(places))


@dataclass(frozen=True)
class _Owner:
    """The hosts of a segment; `several` tells whether one of them has other segments of the network as well."""

    segment: Segment
    hosts: tuple[str, ...]
    several: bool


def _owners(name: str, hosts: Sequence[ComputeHost]) -> dict[str, _Owner]:
    """The hosts of each segment of a network, by the segment's id."""
    segments: dict[str, Segment] = {}
    on: dict[str, list[str]] = defaultdict(list)
    crowded: set[str] = set()
    for host in hosts:
        own = [segment for segment in host.segments if segment.network == name]
        for segment in own:
            segments[segment.id] = segment
            on[segment.id].append(host.name)
        if len(own) > 1:
            crowded |= {segment.id for segment in own}
    return {key: _Owner(segment, tuple(on[key]), key in crowded) for key, segment in segments.items()}


def _subnet(
    name: str, row: Row, owners: Mapping[str, _Owner], named: bool, unused: list[str]
) -> Mapping[str, object] | None:
    """The entry of a subnet; where `named`, it says which of its host's segments it is on."""
    entry: dict[str, object] = {"cidr": row["cidr"], "gateway": row.get("gateway_ip")}
    if not row.get("segment_id"):
        return entry
    owner = owners.get(str(row["segment_id"]))
    if owner is None:
        unused.append(f"{row['cidr']} of network {name}")
        return None
    if len(owner.hosts) > 1:
        where = ", ".join(owner.hosts)
        raise ValueError(f"network {name}: the segment of {row['cidr']} is on {where}: expected a segment of one host")
    entry["host"] = owner.hosts[0]
    if named:
        entry["physical_network"] = owner.segment.physical_network
        if owner.segment.segmentation_id is not None:
            entry["segmentation_id"] = owner.segment.segmentation_id
    return entry
