"""The lab's ports, asked for at Neutron's API as nova asks when it boots instances."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from .errors import LabError

Row = Mapping[str, Any]
AGENTS_SECONDS = 120.0
POLL_SECONDS = 0.5
L2_AGENT = "neutron-openvswitch-agent"
KEPT = ("name", "mac_address", "device_owner", "device_id", "admin_state_up", "port_security_enabled")


class Neutron(Protocol):
    """What booting needs of Neutron's API."""

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Resources of a kind such as ``ports``."""

    def create(self, kind: str, **fields: object) -> dict[str, Any]:
        """A new resource of a kind such as ``port``."""


def wait_for_agents(api: Neutron, hosts: Collection[str], seconds: float = AGENTS_SECONDS) -> None:
    """Wait until the layer-2 agent of each host is alive: Neutron binds no port to a host before.

    :raises LabError: naming the hosts whose agent has not reported itself, and those whose last report is too old.
    """
    deadline = time.monotonic() + seconds
    while True:
        alive = {row["host"]: row["alive"] for row in api.rows("agents") if row["binary"] == L2_AGENT}
        dead = [f"{host}: {'dead' if host in alive else 'not reported'}" for host in hosts if not alive.get(host)]
        if not dead:
            return
        if time.monotonic() > deadline:
            raise LabError(f"layer-2 agents are not alive after {seconds:.0f} s: {', '.join(dead)}")
        time.sleep(POLL_SECONDS)


def allow_ping(api: Neutron) -> None:
    """Let whoever wants ping instances of the default security group, as a tenant does before all else."""
    for group in api.rows("security-groups"):
        if group["name"] != "default":
            continue
        there = {(rule["direction"], rule["ethertype"], rule["protocol"]) for rule in group["security_group_rules"]}
        for ethertype, protocol in (("IPv4", "icmp"), ("IPv6", "ipv6-icmp")):
            if ("ingress", ethertype, protocol) not in there:
                rule = {"direction": "ingress", "ethertype": ethertype, "protocol": protocol}
                api.create("security-group-rule", security_group_id=group["id"], **rule)


def boot(api: Neutron, document: Row, at_once: int = 1) -> str:
    """Create those ports of a document that Neutron has none for, by their names; give back what was done, in words.

    Neutron chooses the ids, binds, and says how that went; names, MACs and addresses are the document's. A port is put
    into the network of the same name, its addresses into the subnets of the same CIDRs.

    :param at_once: requests at a time; SQLite bears one.
    :raises LabError: when Neutron lacks a network or subnet, or refuses a port.
    """
    networks = {row["name"]: row["id"] for row in api.rows("networks")}
    subnets = {(row["network_id"], row["cidr"]): row["id"] for row in api.rows("subnets")}
    existing = {row["name"] for row in api.rows("ports")}
    names = {row["id"]: row["name"] for row in document["networks"]}
    cidrs = {row["id"]: row["cidr"] for row in document["subnets"]}
    missing = [port for port in document["ports"] if port["name"] not in existing]
    wanted = []
    for port in missing:
        network = _known(networks, names[port["network_id"]], "network", port)
        ids = [_known(subnets, (network, cidrs[fixed["subnet_id"]]), "subnet", port) for fixed in port["fixed_ips"]]
        wanted.append(request(port, network, ids))
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda fields: api.create("port", **fields), wanted))
    return f"{len(wanted)} created, {len(document['ports']) - len(wanted)} unchanged"


def _known(found: Mapping[Any, str], key: object, what: str, port: Row) -> str:
    if key not in found:
        raise LabError(
            f"port {port['name']}: Neutron has no {what} {key!r}: ansible-playbook playbooks/networks.yml makes it"
        )
    return found[key]


def request(port: Row, network: str, subnets: Iterable[str]) -> dict[str, object]:
    """What nova would send for a port.

    :param network: the network's id in this Neutron.
    :param subnets: ids of the subnets of the port's fixed addresses, in their order.
    """
    fields: dict[str, object] = {key: port[key] for key in KEPT}
    fields["network_id"] = network
    fields["fixed_ips"] = [
        {"subnet_id": subnet, "ip_address": fixed["ip_address"]}
        for subnet, fixed in zip(subnets, port["fixed_ips"], strict=True)
    ]
    if port["allowed_address_pairs"]:
        fields["allowed_address_pairs"] = port["allowed_address_pairs"]
    if port["binding:host_id"]:
        fields["binding:host_id"] = port["binding:host_id"]
    return fields
