"""The two provider networks that inventories/lab/neutron.json was made for."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from ansible_collections.roth.fabric.plugins.module_utils.wanted.networks import ProviderNetwork, provider_networks

ROOT = Path(__file__).resolve().parents[5]
HOSTS = ("hv1", "hv2", "hv3")
_RAW: list[dict[str, Any]] = [
    {
        "name": "mobile",
        "bridge": "br-mobile",
        "plan": "spanning",
        "announce": "host_routes",
        "subnets": [
            {"cidr": "10.64.0.0/16", "gateway": "10.64.0.1"},
            {"cidr": "2001:db8:64::/64", "gateway": "2001:db8:64::1"},
        ],
    },
    {
        "name": "pinned",
        "bridge": "br-pinned",
        "plan": "pinned",
        "announce": "both",
        "subnets": [
            {"cidr": "198.51.100.0/26", "gateway": "198.51.100.1", "host": "hv1"},
            {"cidr": "2001:db8:100::/64", "gateway": "2001:db8:100::1", "host": "hv1"},
            {"cidr": "198.51.100.64/26", "gateway": "198.51.100.65", "host": "hv2"},
            {"cidr": "2001:db8:200::/64", "gateway": "2001:db8:200::1", "host": "hv2"},
            {"cidr": "198.51.100.128/26", "gateway": "198.51.100.129", "host": "hv3"},
            {"cidr": "2001:db8:300::/64", "gateway": "2001:db8:300::1", "host": "hv3"},
        ],
    },
]


def raw_networks(mobile: dict[str, Any] | None = None, pinned: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """roth_provider_networks, with changes to either network."""
    first, second = copy.deepcopy(_RAW)
    return [{**first, **(mobile or {})}, {**second, **(pinned or {})}]


def networks(mobile: dict[str, Any] | None = None, pinned: dict[str, Any] | None = None) -> tuple[ProviderNetwork, ...]:
    """The same, parsed."""
    return provider_networks(raw_networks(mobile, pinned))


def raw_document() -> dict[str, Any]:
    """What a real Neutron 29.0.0 answered."""
    loaded: dict[str, Any] = json.loads((ROOT / "inventories" / "lab" / "neutron.json").read_text())
    return loaded


def port_named(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The port of that name, to be changed in place."""
    found: dict[str, Any] = next(port for port in document["ports"] if port["name"] == name)
    return found
