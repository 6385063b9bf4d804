# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory's provider networks are in Neutron: options of module `routed_network`, segments by hypervisor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Options = dict[str, object]
HostVars = Mapping[str, Mapping[str, object]]

PHYSICAL_NETWORK = "{name}-{host}"
"""Default of a provider network's `physical_network`: a flat segment of each host's own."""

SEGMENT_KEYS = ("physical_network", "segmentation_id")
"""Keys by which a pinned subnet names its segment, where its host has several of the network."""

_PLACE = "roth_provider_networks"
_SUBNET_KEYS = ("cidr", "gateway", "service_types", "enable_dhcp", "dns_nameservers", "ipv6_mode")
_NETWORK_KEYS = ("mtu", "shared")


def routed_networks(hostvars: HostVars, hypervisors: Sequence[str]) -> list[Options]:
    """Each provider network once, in the order of the inventory, with a segment for each hypervisor that has it.

    A host's physical network is `physical_network` of the network with {host} and {name} filled in, or what the host's
    `roth_physical_networks` says: a list, where it is in several segments; its pinned subnets go to the first, unless
    they name another segment (`physical_network`, `segmentation_id` of the subnet). Where all subnets name theirs, the
    network has no other segments. Hosts of one rack that name the same physical network share a segment.
    Raises ValueError naming host and variable.
    """
    found: dict[str, Options] = {}
    for host in hypervisors:
        own = hostvars[host].get("roth_physical_networks") or {}
        for index, network in enumerate(_networks(hostvars, host)):
            options = found.setdefault(str(network["name"]), _options(network))
            place = f"{host}: {_PLACE}[{index}]"
            physical, vlan = usual_physical_networks(network, own, host), network.get("segmentation_id")
            for each in physical:
                _require_no_braces(f"{place}.physical_network", network.get("physical_network"), each)
            if not _all_named(network):
                _add_segments(options, [_segment(each, vlan, vlan) for each in physical])
            _pin(options, network, host, physical[0], place)
    for name, options in found.items():
        _require_segments(name, options, hypervisors)
    return list(found.values())


def names_segment(subnet: Mapping[str, object]) -> bool:
    """Whether a subnet of the inventory says which of its host's segments it is on."""
    return any(subnet.get(key) is not None for key in SEGMENT_KEYS)


def usual_physical_networks(network: Mapping[str, object], own: object, host: str) -> list[str]:
    """The host's physical networks of a network; `own` is its `roth_physical_networks`. At least one."""
    named = own.get(str(network["name"])) if isinstance(own, Mapping) else None
    if named:
        return [str(each) for each in named] if isinstance(named, (list, tuple)) else [str(named)]
    return [_filled(network.get("physical_network") or PHYSICAL_NETWORK, network, host)]


def segment_of(
    network: Mapping[str, object], subnet: Mapping[str, object], host: str, usual: str
) -> tuple[str, int | None]:
    """Physical network and VLAN (None: it is flat) of the segment that a subnet is pinned to on `host`.

    `usual` is the host's first physical network, where subnets are that name none.
    """
    named = subnet.get("physical_network")
    vlan = subnet.get("segmentation_id") or network.get("segmentation_id")
    physical = usual if named is None else _filled(named, network, host)
    return physical, vlan if isinstance(vlan, int) else None


def vlans_of(network: Mapping[str, object], host: str) -> tuple[int, ...]:
    """The VLANs of the segments that a network's subnets are on at `host`, in rising order; flat ones have none."""
    subnets: Sequence[Mapping[str, object]] = network["subnets"]  # type: ignore[assignment]
    found = [segment_of(network, subnet, host, "")[1] for subnet in subnets if subnet.get("host") in (None, host)]
    return tuple(sorted({vlan for vlan in found if vlan is not None}))


def _filled(pattern: object, network: Mapping[str, object], host: str) -> str:
    return str(pattern).replace("{host}", host).replace("{name}", str(network["name"]))


def _networks(hostvars: HostVars, host: str) -> Sequence[Mapping[str, object]]:
    networks = hostvars[host].get(_PLACE) or ()
    if not isinstance(networks, (list, tuple)):
        raise ValueError(f"{host}: {_PLACE} is {type(networks).__name__}, expected a list")
    return networks


def _options(network: Mapping[str, object]) -> Options:
    subnets: Sequence[Mapping[str, object]] = network["subnets"]  # type: ignore[assignment]
    return {
        "name": str(network["name"]),
        **{key: network[key] for key in _NETWORK_KEYS if network.get(key) is not None},
        "segments": [],
        "subnets": [{key: subnet[key] for key in _SUBNET_KEYS if subnet.get(key) is not None} for subnet in subnets],
    }


def _require_no_braces(place: str, pattern: object, physical: str) -> None:
    if "{" in physical or "}" in physical:
        raise ValueError(f"{place} = {pattern!r}: expected no other braces than {{host}} and {{name}}")


def _segment(physical: str, vlan: object, usual_vlan: object) -> Options:
    """Several VLANs of one physical network need names of their own; the others have the physical network's."""
    more: Options = {} if vlan is None else {"network_type": "vlan", "segmentation_id": vlan}
    named: Options = {} if vlan is None or vlan == usual_vlan else {"name": f"{physical}-{vlan}"}
    return {**named, "physical_network": physical, **more}


def _all_named(network: Mapping[str, object]) -> bool:
    subnets: Sequence[Mapping[str, object]] = network["subnets"]  # type: ignore[assignment]
    return all(names_segment(subnet) for subnet in subnets)


def _add_segments(options: Options, wanted: Sequence[Options]) -> None:
    segments: list[Options] = options["segments"]  # type: ignore[assignment]
    segments += [each for each in wanted if each not in segments]


def _pin(options: Options, network: Mapping[str, object], host: str, usual: str, place: str) -> None:
    wanted: Sequence[Mapping[str, object]] = network["subnets"]  # type: ignore[assignment]
    subnets: list[Options] = options["subnets"]  # type: ignore[assignment]
    for number, (given, subnet) in enumerate(zip(wanted, subnets)):  # noqa: B905 - older Pythons, equal lengths
        if given.get("host") == host:
            physical, vlan = segment_of(network, given, host, usual)
            pattern = given.get("physical_network")
            _require_no_braces(f"{place}.subnets[{number}].physical_network", pattern, physical)
            segment = _segment(physical, vlan, network.get("segmentation_id"))
            _add_segments(options, [segment])
            subnet["segment"] = segment.get("name", physical)


def _require_segments(name: str, options: Options, hypervisors: Sequence[str]) -> None:
    subnets: list[Options] = options["subnets"]  # type: ignore[assignment]
    pinned = [subnet for subnet in subnets if "segment" in subnet]
    loose = [str(subnet["cidr"]) for subnet in subnets if "segment" not in subnet]
    if pinned and loose:
        known = ", ".join(hypervisors)
        expected = f"a hypervisor that has the network ({known})"
        raise ValueError(f"network {name}, subnet {loose[0]}: its host has no segment, expected {expected}")
