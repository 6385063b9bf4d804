"""What a host has taken from its switches: its kernel, by table, and its default."""

from __future__ import annotations

import json
from typing import Any

from tests.lab.fabric import Fabric


def learned(fabric: Fabric, host: str) -> dict[str, list[dict[str, Any]]]:
    """Routes of a host's kernel that no person or role wrote, by table: what a switch may influence."""
    found: dict[str, list[dict[str, Any]]] = {}
    for family in ("-4", "-6"):
        for route in json.loads(fabric.ip(host, "-j", "-N", family, "route", "show", "table", "all")):
            table = str(route.get("table", "254"))
            if table != "255":  # local: the kernel's own
                found.setdefault(table, []).append(route)
    return found


def strangers(fabric: Fabric, host: str) -> list[str]:
    """What shouldn't be in the kernel: anything but defaults in 143, but ours in 142, anything of ours in main."""
    tables = learned(fabric, host)
    wrong = [route["dst"] for route in tables.get("143", []) if route["dst"] != "default"]
    wrong += [route["dst"] for route in tables.get("142", []) if route["protocol"] != "142"]
    wrong += [route["dst"] for route in tables.get("254", []) if route["protocol"] == "142"]
    wrong += [f"table {table}" for table in tables if table not in ("142", "143", "254")]
    return wrong


def prefixes(fabric: Fabric, host: str) -> dict[str, list[str]]:
    return {table: sorted(str(route["dst"]) for route in routes) for table, routes in learned(fabric, host).items()}


def members(fabric: Fabric, host: str) -> list[str]:
    """The uplinks of the host's IPv4 default."""
    status = fabric.status(host)
    return next((entry["uplinks"] for entry in status.get("defaults", ()) if entry["family"] == "ipv4"), [])


def session(fabric: Fabric, host: str, peer: str) -> dict[str, Any]:
    """A BGP session as the host's agent sees it."""
    return next((entry for entry in fabric.status(host).get("sessions", ()) if entry["peer"] == peer), {})
