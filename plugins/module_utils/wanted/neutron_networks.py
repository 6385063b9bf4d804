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

_PLACE = "roth_provider_networks"
_SUBNET_KEYS = ("cidr", "gateway", "service_types", "enable_dhcp", "dns_nameservers", "ipv6_mode")
_NETWORK_KEYS = ("mtu", "shared")


def routed_networks(hostvars: HostVars, hypervisors: Sequence[str]) -> list[Options]:
    """Each provider network once, in the order of the inventory, with a segment for each hypervisor that has it.

    A host's physical network is `physical_network` of the network with {host} and {name} filled in, or what the host's
    `roth_physical_networks` says: a list, where it is in several segments; its pinned subnets go to the first. Hosts of
    one rack that name the same physical network share a segment. Raises ValueError naming host and variable.
    """
    found: dict[str, Options] = {}
    for host in hypervisors:
        own = hostvars[host].get("roth_physical_networks") or {}
        for index, network in enumerate(_networks(hostvars, host)):
            name = str(network["name"])
            options = found.setdefault(name, _options(network))
            physical = _physical_networks(host, index, network, own)
            _add_segments(options, network, physical)
            _pin(options, network, host, physical[0])
    for name, options in found.items():
        _require_segments(name, options, hypervisors)
    return list(found.values())


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


def _physical_networks(host: str, index: int, network: Mapping[str, object], own: object) -> list[str]:
    named = own.get(str(network["name"])) if isinstance(own, Mapping) else None
    if named:
        return [str(each) for each in named] if isinstance(named, (list, tuple)) else [str(named)]
    pattern = str(network.get("physical_network") or PHYSICAL_NETWORK)
    physical = pattern.replace("{host}", host).replace("{name}", str(network["name"]))
    if "{" in physical or "}" in physical:
        place = f"{host}: {_PLACE}[{index}].physical_network"
        raise ValueError(f"{place} = {pattern!r}: expected no other braces than {{host}} and {{name}}")
    return [physical]


def _add_segments(options: Options, network: Mapping[str, object], physical: Sequence[str]) -> None:
    segments: list[Options] = options["segments"]  # type: ignore[assignment]
    vlan = network.get("segmentation_id")
    more: Options = {} if vlan is None else {"network_type": "vlan", "segmentation_id": vlan}
    known = {segment["physical_network"] for segment in segments}
    segments += [{"physical_network": each, **more} for each in physical if each not in known]


def _pin(options: Options, network: Mapping[str, object], host: str, segment: str) -> None:
    wanted: Sequence[Mapping[str, object]] = network["subnets"]  # type: ignore[assignment]
    subnets: list[Options] = options["subnets"]  # type: ignore[assignment]
    for given, subnet in zip(wanted, subnets):  # noqa: B905 - older Pythons; preflight has compared the lengths
        if given.get("host") == host:
            subnet["segment"] = segment


def _require_segments(name: str, options: Options, hypervisors: Sequence[str]) -> None:
    subnets: list[Options] = options["subnets"]  # type: ignore[assignment]
    pinned = [subnet for subnet in subnets if "segment" in subnet]
    loose = [str(subnet["cidr"]) for subnet in subnets if "segment" not in subnet]
    if pinned and loose:
        known = ", ".join(hypervisors)
        expected = f"a hypervisor that has the network ({known})"
        raise ValueError(f"network {name}, subnet {loose[0]}: its host has no segment, expected {expected}")
