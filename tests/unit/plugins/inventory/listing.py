"""What `ansible-inventory --list` printed, and what of a provider network the hosts need. Pure."""

from __future__ import annotations

import json
from typing import Any


def listed(printed: str) -> dict[str, Any]:
    """The document; texts that came from Neutron are marked as unsafe for templates in it."""
    found = json.loads(printed, object_hook=lambda found: found.get("__ansible_unsafe", found))
    assert isinstance(found, dict)
    return found


def routed(network: dict[str, Any]) -> dict[str, Any]:
    """What the hosts need of a network; the rest of an entry is for making it in Neutron."""
    subnets = [{key: it[key] for key in ("cidr", "gateway", "host") if key in it} for it in network["subnets"]]
    kept = {key: value for key, value in network.items() if key not in ("physical_network", "shared")}
    return {**kept, "subnets": sorted(subnets, key=lambda it: str(it["cidr"]))}
