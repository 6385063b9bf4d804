"""A lab of any number of hosts as data: topology, inventory, Neutron's answer, in the form of inventories/lab. Pure."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml

PORTS = 8
"""Instances a host."""
TORS = {1: (65101, "frr"), 2: (65102, "bird")}
SPINE_ASN = 65000


def spine_link(tor: int) -> tuple[dict[str, str], dict[str, str]]:
    """Addresses of the spine and of the switch on their link, by family."""
    return (
        {"ipv4": f"10.255.{tor}.0", "ipv6": f"2001:db8:255:{tor}::a"},
        {"ipv4": f"10.255.{tor}.1", "ipv6": f"2001:db8:255:{tor}::b"},
    )


def host_link(tor: int, host: int) -> tuple[dict[str, str], dict[str, str]]:
    """Addresses of the switch and of the host on their link, by family."""
    v4, v6 = f"10.{tor}.{host}.", f"2001:db8:{tor}:{host}::"
    return {"ipv4": f"{v4}0", "ipv6": f"{v6}a"}, {"ipv4": f"{v4}1", "ipv6": f"{v6}b"}


def _with_length(addresses: dict[str, str]) -> list[str]:
    return [f"{addresses['ipv4']}/31", f"{addresses['ipv6']}/127"]


def _loopbacks(number: int) -> dict[str, str]:
    return {"roth_loopback_ipv4": f"192.0.2.{number}", "roth_loopback_ipv6": f"2001:db8:ffff::{number}"}


def _router(number: int) -> dict[str, Any]:
    address = _loopbacks(number)
    loopbacks = [f"{address['roth_loopback_ipv4']}/32", f"{address['roth_loopback_ipv6']}/128"]
    return {"loopbacks": loopbacks, "forwarding": True, "hash_seed": 100 + number}


def topology(hosts: int) -> dict[str, Any]:
    """Nodes and links as the lab reads them."""
    nodes: dict[str, Any] = {f"hv{host}": {} for host in range(1, hosts + 1)}
    links: list[dict[str, list[str]]] = []
    nodes["spine"] = {**_router(254), "bgp": {"asn": SPINE_ASN, "peers": [f"tor{tor}" for tor in TORS]}}
    for tor in TORS:
        nodes[f"tor{tor}"] = _router(tor)
        near, far = spine_link(tor)
        links.append({f"spine:tor{tor}": _with_length(near), f"tor{tor}:spine": _with_length(far)})
        for host in range(1, hosts + 1):
            near, _far = host_link(tor, host)
            links.append({f"tor{tor}:hv{host}": _with_length(near), f"hv{host}:up{tor - 1}": []})
    return {"nodes": nodes, "links": links}


def groups(hosts: int) -> dict[str, Any]:
    """hosts.yml."""
    members = {"hypervisors": [f"hv{host}" for host in range(1, hosts + 1)], "tors": [f"tor{tor}" for tor in TORS]}
    return {
        "all": {"children": {"lab": {"children": {
            name: {"hosts": dict.fromkeys(names)} for name, names in {**members, "spines": ["spine"]}.items()
        }}}}
    }  # fmt: skip


def host_variables(hosts: int) -> dict[str, dict[str, Any]]:
    """host_vars by host."""
    found: dict[str, dict[str, Any]] = {
        "spine": {"roth_asn": SPINE_ASN, "roth_switch_software": "frr", **_loopbacks(254)}
    }
    for tor, (asn, software) in TORS.items():
        near, _far = spine_link(tor)
        uplink = {"name": "spine", "peer": "spine", "peer_asn": SPINE_ASN,
                  "peer_ipv4": near["ipv4"], "peer_ipv6": near["ipv6"]}  # fmt: skip
        found[f"tor{tor}"] = {"roth_asn": asn, "roth_switch_software": software, **_loopbacks(tor),
                              "roth_switch_uplinks": [uplink]}  # fmt: skip
    for host in range(1, hosts + 1):
        uplinks = []
        for tor in TORS:
            own4, own6 = _with_length(host_link(tor, host)[1])
            uplinks.append({"name": f"up{tor - 1}", "tor": f"tor{tor}", "ipv4": own4, "ipv6": own6})
        found[f"hv{host}"] = {"roth_asn": 65010 + host, **_loopbacks(10 + host), "roth_uplinks": uplinks}
    return found


def neutron(lab: dict[str, Any], hosts: int) -> dict[str, Any]:
    """The spanning network of the lab's own document, with PORTS good ports on each host."""
    network = copy.deepcopy(next(it for it in lab["networks"] if it["name"] == "mobile"))
    subnets = [it for it in lab["subnets"] if it["network_id"] == network["id"]]
    segment = next(it for it in lab["segments"] if it["network_id"] == network["id"])
    subnet = {it["ip_version"]: it["id"] for it in subnets}
    model = next(
        it for it in lab["ports"]
        if it["network_id"] == network["id"] and it["device_owner"].startswith("compute:")
        and it["binding:vif_type"] == "ovs" and it["admin_state_up"] and not it["allowed_address_pairs"]
    )  # fmt: skip
    ports = []
    for number in range(hosts * PORTS):
        host = number // PORTS + 1
        port = copy.deepcopy(model)
        port["id"] = f"{number:08x}-{0:04x}-4000-8000-{number:012x}"
        port["name"] = f"hv{host}-vm{number % PORTS}"
        port["mac_address"] = f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}"
        port["binding:host_id"] = f"hv{host}"
        port["fixed_ips"] = [
            {"ip_address": f"10.64.{1 + (number >> 7)}.{number & 127}", "subnet_id": subnet[4]},
            {"ip_address": f"2001:db8:64::1:{number:x}", "subnet_id": subnet[6]},
        ]
        ports.append(port)
    segments = [
        {**segment, "id": f"{host:08x}-0000-4000-8000-000000000000", "physical_network": f"rpn-hv{host}"}
        for host in range(1, hosts + 1)
    ]
    return {"networks": [network], "segments": segments, "subnets": subnets, "ports": ports}


def write(folder: Path, lab: Path, hosts: int) -> None:
    """The whole inventory into `folder`; group variables and the model of a port are those of the inventory `lab`."""
    for part in ("group_vars", "host_vars"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for path in (lab / "group_vars").iterdir():
        variables = yaml.safe_load(path.read_text())
        if "roth_provider_networks" in variables:
            spanning = [it for it in variables["roth_provider_networks"] if it["plan"] == "spanning"]
            variables["roth_provider_networks"] = spanning
        (folder / "group_vars" / path.name).write_text(yaml.safe_dump(variables, sort_keys=False))
    for name, found in host_variables(hosts).items():
        (folder / "host_vars" / f"{name}.yml").write_text(yaml.safe_dump(found, sort_keys=False))
    (folder / "topology.yml").write_text(yaml.safe_dump(topology(hosts), sort_keys=False))
    (folder / "hosts.yml").write_text(yaml.safe_dump(groups(hosts), sort_keys=False))
    document = neutron(json.loads((lab / "neutron.json").read_text()), hosts)
    (folder / "neutron.json").write_text(json.dumps(document, indent=1))
