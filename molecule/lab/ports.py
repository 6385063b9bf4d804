"""From Neutron's ports to the lab's instances. Pure: documents in, wanted instances out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from .errors import LabError

UNBOUND = ("", "unbound", "binding_failed")


@dataclass(frozen=True)
class Instance:
    """A virtual machine as its hypervisor's bridge sees it.

    :param addresses: with prefix length, as the instance's DHCP configures them, or would have.
    :param gateways: IPv4 only; IPv6 learns its default from router advertisements.
    :param pairs: those of the addresses that no DHCP knows: a tenant adds them itself.
    :param device_id: the virtual machine, as its port names it.
    """

    port_id: str
    name: str
    host: str
    bridge: str
    mac: str
    mtu: int
    admin_up: bool
    addresses: tuple[str, ...]
    gateways: tuple[str, ...]
    pairs: tuple[str, ...] = ()
    device_id: str = ""

    @property
    def leased(self) -> tuple[str, ...]:
        """What DHCP gives it: its port's fixed addresses, without prefix lengths."""
        return tuple(address.partition("/")[0] for address in self.addresses if address not in self.pairs)

    @property
    def tap(self) -> str:
        """The interface on the hypervisor, named as Neutron's agents name it."""
        return f"tap{self.port_id[:11]}"

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Instance:
        """Back from ``dataclasses.asdict`` and JSON, which knows no tuples."""
        lists = {key: tuple(row[key]) for key in ("addresses", "gateways", "pairs")}
        return cls(**{**row, **lists})

    def is_called(self, name: str) -> bool:
        """Whether a user means this instance: the port's name, its id, or the part of the id that the tap bears."""
        return name in (self.name, self.port_id, self.port_id[:11])


def instances(document: Mapping[str, Any], networks: Iterable[Mapping[str, Any]]) -> list[Instance]:
    """The instances that run: ports of virtual machines, bound with success, in a network the inventory has.

    :param document: ``networks``, ``subnets`` and ``ports`` as Neutron's API answers.
    :param networks: the inventory's ``roth_provider_networks``.
    :raises LabError: naming the port, when the document contradicts itself.
    """
    by_name = {str(network["name"]): network for network in networks}
    known = {
        row["id"]: (row, by_name.get(row["name"]) or by_name.get(row["id"])) for row in document.get("networks", ())
    }
    subnets = {row["id"]: row for row in document.get("subnets", ())}
    found = []
    for port in document.get("ports", ()):
        if why_not(port):
            continue
        row, network = known.get(port["network_id"], ({}, None))
        if network is None:
            continue
        try:
            found.append(_instance(port, row, network, subnets))
        except KeyError as error:
            raise LabError(
                f"port {port.get('name') or port.get('id')}: unknown subnet or missing field {error}"
            ) from error
    return sorted(found, key=lambda instance: (instance.host, instance.name, instance.port_id))


def why_not(port: Mapping[str, Any]) -> str:
    """Why no instance runs behind a port, or ''."""
    if not str(port.get("device_owner", "")).startswith("compute:"):
        return f"its device_owner is {port.get('device_owner')!r}, no instance's"
    if not port.get("binding:host_id") or port.get("binding:vif_type", "") in UNBOUND:
        return f"it is not bound: vif_type {port.get('binding:vif_type')!r} on host {port.get('binding:host_id')!r}"
    return ""


def _instance(
    port: Mapping[str, Any],
    row: Mapping[str, Any],
    network: Mapping[str, Any],
    subnets: Mapping[str, Mapping[str, Any]],
) -> Instance:
    own = [(str(fixed["ip_address"]), subnets[fixed["subnet_id"]]) for fixed in port["fixed_ips"]]
    addresses = [f"{address}/{_prefix_length(subnet, network['plan'])}" for address, subnet in own]
    pairs = [pair for pair in _pairs(port.get("allowed_address_pairs") or ()) if pair not in addresses]
    return Instance(
        port_id=port["id"],
        name=port.get("name") or port["id"][:11],
        host=port["binding:host_id"],
        bridge=network["bridge"],
        mac=port["mac_address"],
        mtu=int(row.get("mtu") or network.get("mtu") or 1500),
        admin_up=bool(port.get("admin_state_up", True)),
        addresses=tuple(dict.fromkeys([*addresses, *pairs])),
        gateways=tuple(str(s["gateway_ip"]) for _, s in own if s["ip_version"] == 4 and s.get("gateway_ip"))[:1],
        pairs=tuple(dict.fromkeys(pairs)),
        device_id=str(port.get("device_id") or ""),
    )


def _prefix_length(subnet: Mapping[str, Any], plan: str) -> int:
    """DHCPv6 hands out single addresses: on-link is what the router advertises, and a spanning subnet is not."""
    if subnet["ip_version"] == 6 and plan == "spanning":
        return 128
    return ip_network(str(subnet["cidr"])).prefixlen


def _pairs(pairs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Allowed addresses, each as a tenant would add it; of a prefix, its first address."""
    for pair in pairs:
        network = ip_network(str(pair["ip_address"]), strict=False)
        yield f"{next(iter(network.hosts()))}/{network.max_prefixlen}"
