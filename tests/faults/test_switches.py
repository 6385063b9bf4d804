"""A switch that sends what it shouldn't: only allowed imports reach a host's kernel."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from tests.lab.fabric import Fabric, eventually

from . import standin, updates
from .case import Bound, Case, packets
from .costs import billing
from .standin import standing_in

SWAP = Bound(packets(2, 1 / 6), packets(2, 1 / 6), True, "one session changes hands, twice")
"""One host's IPv4 flows, half of them over the switch."""


# What may be in the kernel


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


# A full table

PEER, OTHERS = standin.ADDRESS, (standin.ASN, 65000)
GOOD = updates.announcement(["0.0.0.0/0"], PEER, OTHERS)
LOOP = updates.announcement(["0.0.0.0/0"], PEER, (standin.ASN, standin.HOST_ASN))
BOTH = ["up0", "up1"]
OWN = "10.64.250.1/32"
TABLE = 150_000
"""Routes, five of which share their attributes, as in the real one."""


def full_table() -> Iterator[bytes]:
    """/24s from 16.0.0.0 on."""
    first = int(ip_address("16.0.0.0"))
    for at in range(0, TABLE, 5):
        communities = updates.attribute(0xC0, updates.COMMUNITIES, struct.pack("!HH", standin.ASN, at // 5))
        prefixes = [f"{ip_address(first + (each << 8))}/24" for each in range(at, at + 5)]
        yield updates.announcement(prefixes, PEER, OTHERS, [communities])


def test_switch_sends_a_full_table(case: Case) -> None:
    """ExaBGP has to read it all; the agent skips each line by a look at its text, and goes on with its work."""
    fabric, host = case.fabric, standin.HOST
    before, table = prefixes(fabric, host), b"".join(full_table())
    with case.costing(SWAP), standing_in(fabric, GOOD, updates.END_OF_RIB) as other:
        eventually(lambda: members(fabric, host), BOTH.__eq__, "the stand-in's default in use")
        with billing(fabric, host) as bill:
            other.send(table)
            for verb, switches in (("add", 1), ("del", 0)):  # tor1; the stand-in keeps nothing
                fabric.ip(host, "route", verb, OWN, "dev", "br-mobile", "proto", "142", "table", "142")
                eventually(lambda: len(holders(fabric, OWN)), switches.__eq__, f"{switches} switches with our own")
            other.send(LOOP)  # when this has had its effect, all before it was read
            eventually(
                lambda: "\n".join(fabric.status(host)["alarms"]),
                lambda text: "our own AS 65012 is in the path" in text,
                "all read",
                150,
            )
            assert strangers(fabric, host) == []
            assert prefixes(fabric, host) == before
        print(f"{TABLE} routes, {len(table) >> 10} KiB: {bill}")
        assert other.ended == []
        assert bill.cpu["agent"] <= bill.cpu["exabgp"] / 2, bill


def holders(fabric: Fabric, prefix: str) -> set[str]:
    return {name for name in fabric.switches if prefix in fabric.prefixes_at(name)}
