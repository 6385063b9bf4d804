# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Neutron's ports to the routes a host should have, and why the others are left out.

An address is judged on its own, through its subnet, never through its port: one port may have addresses of
several segments (LP#1764738).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..kernel.model import Prefix
from .document import FLOATING_IP, ROUTER_GATEWAY, FloatingIp, Port, PortDocument
from .networks import ProviderNetwork, contains, host_prefix

DEVICE_OWNERS = ("compute:",)
BLACKHOLE_METRIC = 4294967295  # the last resort of all routes to a prefix

# Of these ports the host sees an interface, named as Neutron and Nova name it. A vhost-user port, for one, has none.
TAP, VHU = "tap", "vhu"
"""How Nova has the names of interfaces begin: of those that the kernel has, and of vhost-user ports."""
_TAPS: Mapping[str, str] = dict.fromkeys(("bridge", "ovs", "tap"), TAP)
_SOCKETS: Mapping[str, str] = {**_TAPS, "vhostuser": VHU}  # where Open vSwitch is asked, which sees it
_INTERFACE_ID = 11  # characters of the port id in the name

_BAD_BINDINGS: Mapping[str, str] = {
    "unbound": "bound to {host}, but not wired there (vif_type unbound)",
    "binding_failed": "its binding to {host} failed: Neutron had no live agent there",
    "distributed": "bound to all hosts at once (vif_type distributed)",
    "hw_veb": "an SR-IOV function, which bypasses the host's bridge (vif_type hw_veb)",
    "hostdev_physical": "a passed-through device, which bypasses the host's bridge (vif_type hostdev_physical)",
}


@dataclass(frozen=True)
class LeftOut:
    """An address that is not routed, and why."""

    port_id: str
    name: str
    address: str
    reason: str


@dataclass(frozen=True)
class Neighbor:
    """A static neighbor entry: `address` has `mac` on `device`."""

    address: str
    mac: str
    device: str


@dataclass(frozen=True)
class Tap:
    """The interface of the instance that has `prefix`: without it the instance is not on the host."""

    prefix: str
    device: str


@dataclass(frozen=True)
class InstanceRoutes:
    """What one host should have. `ignored` counts its ports in networks that are not ours."""

    routes: tuple[str, ...]
    taps: tuple[Tap, ...]
    left_out: tuple[LeftOut, ...]
    neighbors: tuple[Neighbor, ...]
    ignored: int


@dataclass(frozen=True)
class _Claim:
    """One port wants one prefix: a fixed IP (`fixed`) or an allowed address pair of it.

    A floating IP is wanted by the gateway port of the router that delivers it.
    """

    port: Port
    network: ProviderNetwork
    prefix: Prefix
    mac: str
    fixed: bool
    floating: FloatingIp | None = None

    @property
    def address(self) -> str:
        """The address, or the prefix where it is shorter than a host's."""
        return str(self.prefix.network_address) if _is_host(self.prefix) else str(self.prefix)

    @property
    def by_router(self) -> bool:
        """Whether it is a router's: its address in the network, or a floating IP."""
        return self.network.floating_ips and self.port.owner == ROUTER_GATEWAY

    def left_out(self, reason: str) -> LeftOut:
        return LeftOut(self.port.id, self.port.name, self.address, reason)


def _is_host(prefix: Prefix) -> bool:
    return prefix.prefixlen == prefix.max_prefixlen


def _order(prefix: Prefix) -> tuple[int, int, int]:
    return prefix.version, int(prefix.network_address), prefix.prefixlen


def _networks_by_id(document: PortDocument, networks: Sequence[ProviderNetwork]) -> dict[str, ProviderNetwork]:
    matched: dict[str, ProviderNetwork] = {}
    for network in networks:
        ids = [id for id, name in document.networks.items() if network.name in (id, name)]
        if not ids:
            raise ValueError(f"port document: network {network.name!r} of roth_provider_networks is not in it")
        if len(ids) > 1:
            raise ValueError(f"port document: {len(ids)} networks are named {network.name!r}: give the id instead")
        matched[ids[0]] = network
    return matched


def _claims_of(document: PortDocument, port: Port, network: ProviderNetwork) -> Iterator[_Claim]:
    for fixed in port.fixed:
        subnet = document.subnets.get(fixed.subnet_id)
        prefix = host_prefix(str(fixed.address))
        place = f"port document: port {port.label} ({port.id}): {fixed.address}"
        if subnet is None:
            raise ValueError(f"{place}: its subnet {fixed.subnet_id} is not in 'subnets'")
        if not contains(subnet, prefix):
            raise ValueError(f"{place} is not in its subnet {subnet}")
        yield _Claim(port, network, prefix, port.mac, fixed=True)
    for pair in port.pairs:
        yield _Claim(port, network, pair.prefix, pair.mac, fixed=False)


def _floating_claims(document: PortDocument, matched: Mapping[str, ProviderNetwork]) -> Iterator[_Claim]:
    """The gateway port's host delivers: the router there has each floating IP on the interface of this port."""
    announcing = [network.name for network in matched.values() if network.floating_ips]
    if announcing and document.floating is None:
        raise ValueError(f"port document: 'floatingips' is missing, which network {announcing[0]} announces")
    gateways = {(each.network_id, each.device): each for each in document.ports if each.owner == ROUTER_GATEWAY}
    for floating in document.floating or ():
        network, port = matched.get(floating.network_id), gateways.get((floating.network_id, floating.router_id))
        if network is not None and network.floating_ips and port is not None:
            _require_selectable(floating, floating.id, network)
            prefix = host_prefix(str(floating.address))
            yield _Claim(port, network, prefix, port.mac, fixed=True, floating=floating)


class PortPlan:
    """Who holds which address, computed once for all hosts.

    `device_owners` are prefixes of `device_owner` whose ports are announced. With `sockets` a vhost-user port needs its
    interface as well, which is none of the kernel's.
    Raises ValueError when the document lacks a provider network or a port's subnet: half an answer withdraws nothing.
    """

    def __init__(
        self,
        document: PortDocument,
        networks: Sequence[ProviderNetwork],
        device_owners: Iterable[str] = DEVICE_OWNERS,
        sockets: bool = False,
    ) -> None:
        self._starts = _SOCKETS if sockets else _TAPS
        matched = _networks_by_id(document, networks)
        self._networks = networks
        self._owners = tuple(device_owners)
        self._claims: dict[str, list[_Claim]] = defaultdict(list)
        self._ignored: dict[str, int] = defaultdict(int)
        self._holders: dict[Prefix, dict[str, str]] = defaultdict(dict)
        self._fixed: dict[Prefix, dict[str, str]] = defaultdict(dict)
        for port in document.ports:
            network = matched.get(port.network_id)
            if network is None:
                self._ignored[port.host] += 1
                continue
            _require_selectable(port, port.id, network)
            for claim in _claims_of(document, port, network):
                self._claims[port.host].append(claim)
                # bound in whatever state, for an address must not flap with its other holder's, or kept by Neutron
                held = bool(port.host) or port.owner == FLOATING_IP
                if held:
                    self._holders[claim.prefix][port.id] = port.label
                if held and claim.fixed:
                    self._fixed[claim.prefix][port.id] = port.label
        for claim in _floating_claims(document, matched):
            self._claims[claim.port.host].append(claim)

    def routes(self, host: str, loopbacks: Iterable[str] = ()) -> InstanceRoutes:
        """The wanted routes of `host`, sorted by family and prefix."""
        wanted = {(prefix, f"{prefix} dev lo") for prefix in map(host_prefix, loopbacks)}
        wanted |= set(self._aggregates(host))
        left_out: list[LeftOut] = []
        delivered: list[_Claim] = []
        routed: list[_Claim] = []
        for claim in self._claims.get(host, ()):
            covered = not claim.network.announces_hosts and self._misplaced(claim) is None
            reason = self._port_reason(claim) or _unselected(claim) or (None if covered else self._reason(claim))
            if reason is None:
                delivered.append(claim)
            elif not covered:
                left_out.append(claim.left_out(reason))
            if reason is None and not covered:
                wanted.add((claim.prefix, f"{claim.prefix} dev {claim.network.bridge}"))
                routed.append(claim)
        return InstanceRoutes(
            routes=tuple(text for _prefix, text in sorted(wanted, key=lambda item: (_order(item[0]), item[1]))),
            taps=_taps(routed, self._starts),
            left_out=tuple(sorted(left_out, key=lambda item: (item.name, item.port_id, item.address))),
            neighbors=_neighbors(delivered),
            ignored=self._ignored.get(host, 0),
        )

    def unplaced(self, hosts: Iterable[str]) -> tuple[LeftOut, ...]:
        """Addresses of announced device owners that are on none of `hosts`: unbound, or bound elsewhere."""
        known = frozenset(hosts)
        left_out = []
        for host, claims in self._claims.items():
            if host in known:
                continue
            reason = f"bound to {host}, which is no hypervisor of this inventory" if host else "bound to no host"
            left_out += [claim.left_out(reason) for claim in claims if self._announced_owner(claim)]
        return tuple(sorted(left_out, key=lambda item: (item.name, item.port_id, item.address)))

    def _aggregates(self, host: str) -> Iterator[tuple[Prefix, str]]:
        for network in self._networks:
            if network.announces_subnets:
                for subnet in network.subnets_of(host):
                    yield subnet.prefix, f"{subnet.prefix} dev {network.bridge}"
                    yield subnet.prefix, f"blackhole {subnet.prefix} metric {BLACKHOLE_METRIC}"

    def _announced_owner(self, claim: _Claim) -> bool:
        return claim.by_router or claim.port.owner.startswith(self._owners)

    def _port_reason(self, claim: _Claim) -> str | None:
        port = claim.port
        if not self._announced_owner(claim):
            return f"device owner {port.owner or '(none)'} is not announced"
        if port.vif_type in _BAD_BINDINGS:
            return _BAD_BINDINGS[port.vif_type].format(host=port.host)
        if not port.up:
            return "administratively down"
        if claim.floating is not None and claim.floating.distributed:
            return f"router {claim.floating.router_id} is distributed: no port tells which host delivers the address"
        return None

    def _misplaced(self, claim: _Claim) -> str | None:
        subnet = claim.network.subnet_with(claim.prefix)
        if subnet is None:
            return f"outside the subnets of network {claim.network.name}"
        if subnet.host not in (None, claim.port.host):
            return f"in {subnet.prefix}, which is pinned to {subnet.host}, but the port is on {claim.port.host}"
        if subnet.gateway is not None and subnet.gateway in claim.prefix:
            return f"{'the' if _is_host(claim.prefix) else 'contains the'} gateway of {subnet.prefix}"
        return None

    def _reason(self, claim: _Claim) -> str | None:
        reason = self._misplaced(claim)
        if reason is not None or claim.floating is not None:  # Neutron gives each floating IP once
            return reason
        shortest = claim.network.pair_length[claim.prefix.version]
        if claim.prefix.prefixlen < shortest:
            return f"allowed address pair shorter than /{shortest} (pair_prefix_length)"
        # Anyone may put any address into the pairs of a port of theirs: that must not take it from its owner.
        owners = self._fixed.get(claim.prefix, {})
        if owners and claim.port.id not in owners:
            return f"the fixed address of {', '.join(sorted(owners.values()))}, which keeps it"
        holders = owners or self._holders[claim.prefix]
        if len(holders) > 1 and not claim.network.anycast:
            return f"held by {len(holders)} ports: {', '.join(sorted(holders.values()))} (shared_addresses: none)"
        return None


def _require_selectable(entry: Port | FloatingIp, identity: str, network: ProviderNetwork) -> None:
    for key, wanted, given in (("project_id", network.projects, entry.project), ("tags", network.tags, entry.tags)):
        if wanted and given is None:
            text = f"{key!r} is missing, by which network {network.name} selects"
            what = "port " if isinstance(entry, Port) else ""
            raise ValueError(f"port document: {what}{entry.label} ({identity}): {text}")


def _unselected(claim: _Claim) -> str | None:
    """Why the address is not among those that its network announces, whatever else speaks for it."""
    entry, network = claim.floating or claim.port, claim.network
    if claim.by_router and claim.floating is None:
        return None  # Neutron makes a router's gateway port, of no project and without tags
    if not claim.fixed and not network.address_pairs:
        return f"allowed address pairs are not announced (address_pairs of network {network.name})"
    if network.projects and entry.project not in network.projects:
        return f"project {entry.project or '(none)'} is not announced (projects of network {network.name})"
    if network.tags and not network.tags & (entry.tags or frozenset()):
        return f"has none of the tags {', '.join(sorted(network.tags))} (tags of network {network.name})"
    return None


def interface_of(port_id: str, start: str = TAP) -> str:
    """What Nova calls the interface of a port."""
    return start + port_id[:_INTERFACE_ID]


def _taps(routed: Sequence[_Claim], starts: Mapping[str, str]) -> tuple[Tap, ...]:
    """Of an address that several ports of the host have, any could answer: such a one depends on none of them.

    A router's interface is in a namespace of its own, where nobody sees whether it is there.
    """
    ports: dict[Prefix, list[Port]] = defaultdict(list)
    for claim in routed:
        ports[claim.prefix].append(claim.port)
    return tuple(
        Tap(str(prefix), interface_of(found[0].id, starts[found[0].vif_type]))
        for prefix, found in sorted(ports.items(), key=lambda item: _order(item[0]))
        if len({port.id for port in found}) == 1 and found[0].vif_type in starts and found[0].owner != ROUTER_GATEWAY
    )


def _neighbors(delivered: Sequence[_Claim]) -> tuple[Neighbor, ...]:
    macs: dict[tuple[Prefix, str], set[str]] = defaultdict(set)
    for claim in delivered:
        if claim.network.static_neighbors and _is_host(claim.prefix):
            macs[claim.prefix, claim.network.bridge].add(claim.mac)
    return tuple(
        Neighbor(str(prefix.network_address), next(iter(found)), bridge)
        for (prefix, bridge), found in sorted(macs.items(), key=lambda item: _order(item[0][0]))
        if len(found) == 1  # an address with two MACs is the instances' business (VRRP): ARP finds the holder
    )


def instance_routes(
    document: PortDocument,
    networks: Sequence[ProviderNetwork],
    host: str,
    *,
    device_owners: Iterable[str] = DEVICE_OWNERS,
    loopbacks: Iterable[str] = (),
) -> InstanceRoutes:
    """The wanted routes of one host; see PortPlan. Raises ValueError."""
    return PortPlan(document, networks, device_owners).routes(host, loopbacks)
