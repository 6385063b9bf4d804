"""Switches that restart, and switches that send what they shouldn't: only allowed imports reach a host's kernel."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import pytest
from lab import lab

from tests.lab.fabric import INVENTORY, Fabric, eventually
from tests.lab.playbooks import attempt

from . import standin, updates
from .case import Bound, Case, packets
from .costs import batch, billing
from .standin import standing_in

RESTART = Bound(packets(3, 1 / 2), packets(3, 1 / 2), True, "until the others know")
"""Half of all flows lead over a switch; each way they find the other one as soon as its sessions or BFD end."""
LIMIT = Bound(packets(3, 1 / 6), packets(3, 1 / 6), True, "FRR closes one session")
SWAP = Bound(packets(2, 1 / 6), packets(2, 1 / 6), True, "one session changes hands, twice")
"""One host's IPv4 flows, half of them over the switch."""


# Restarts


@pytest.mark.parametrize("how", ["soft", "hard"])
@pytest.mark.parametrize("switch", ["tor1", "tor2"])
def test_switch_rebooted(case: Case, switch: str, how: str) -> None:
    fabric = case.fabric
    with case.costing(RESTART):
        lab.reboot(fabric.settings, fabric.topology, [switch], hard=how == "hard")


CLEAR = {
    "tor1": [["vtysh", "-c", "clear bgp *"]],
    "tor2": [["birdc", "restart", f'"*_{family}"'] for family in ("up?_ipv4", "up?_ipv6")],
}


@pytest.mark.parametrize("switch", CLEAR)
def test_sessions_cleared(case: Case, switch: str) -> None:
    """All of them at once, the hosts' and on FRR the spine's."""
    with case.costing(RESTART):
        for command in CLEAR[switch]:
            case.fabric.run(switch, *command)


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


def session(fabric: Fabric, host: str, peer: str) -> dict[str, Any]:
    return next((entry for entry in fabric.status(host).get("sessions", ()) if entry["peer"] == peer), {})


# A switch that sends something wrong


@dataclass(frozen=True)
class Wrong:
    """What the switch sends after its default. `kept`: whether the uplink stays in the host's default.

    `alarm` is in `roth status`; `resets` says how ExaBGP ends the session, where it does.
    """

    messages: tuple[bytes, ...]
    kept: bool = True
    alarm: str = ""
    resets: str = ""


PEER, OTHERS = standin.ADDRESS, (standin.ASN, 65000)
GOOD = updates.announcement(["0.0.0.0/0"], PEER, OTHERS)


def default(next_hop: str = PEER, asns: Sequence[int] = OTHERS, *more: bytes) -> tuple[bytes, ...]:
    return (updates.announcement(["0.0.0.0/0"], next_hop, asns, more),)


def routes(*prefixes: str) -> tuple[bytes, ...]:
    return (updates.announcement(prefixes, PEER, OTHERS),)


def spoilt(*more: bytes, without: int = 0, origin: bytes = updates.IGP, nlri: bytes = b"\x00") -> tuple[bytes, ...]:
    """The default, with something wrong about it."""
    attributes = {
        updates.ORIGIN: updates.attribute(updates.WELL_KNOWN, updates.ORIGIN, origin),
        updates.AS_PATH: updates.path(*OTHERS),
        updates.NEXT_HOP: updates.attribute(updates.WELL_KNOWN, updates.NEXT_HOP, ip_address(PEER).packed),
    }
    return (updates.update([value for kind, value in attributes.items() if kind != without] + list(more), nlri),)


BOTH = ["up0", "up1"]
UNKNOWN = 213
"""An attribute type that nobody has been given."""
WRONG = {
    "default_by_a_stranger": Wrong(default("10.2.2.9"), False, "next hop 10.2.2.9 is not the session's peer"),
    "default_by_the_host_itself": Wrong(default(standin.HOST_ADDRESS), False, "is not the session's peer"),
    "own_as_in_the_path": Wrong(default(PEER, (standin.ASN, standin.HOST_ASN)), False, "our own AS 65012 is in the"),
    "default_of_the_other_family": Wrong((updates.ipv6_announcement(["::/0"], "2001:db8:2:2::a", OTHERS),)),
    "halves_of_the_default": Wrong(routes("0.0.0.0/1", "128.0.0.0/1")),
    "addresses_of_hosts": Wrong(routes("192.0.2.12/32", "10.64.1.53/32", "198.51.100.64/26")),
    # RFC 4271 would end the session (3/2); ExaBGP takes it as optional
    "unknown_well_known_attribute": Wrong(spoilt(updates.attribute(0x40, UNKNOWN, b"\x01"))),
    "unknown_attribute": Wrong(default(PEER, OTHERS, updates.attribute(0xC0, UNKNOWN, b"\x01\x02\x03"))),
    # RFC 7606: the route counts as withdrawn, the session stays
    "origin_without_meaning": Wrong(spoilt(origin=b"\x07"), False),
    "no_next_hop": Wrong(spoilt(without=updates.NEXT_HOP), False),
    "communities_of_three_octets": Wrong(spoilt(updates.attribute(0xC0, updates.COMMUNITIES, b"\x01\x02\x03")), False),
    "attribute_beyond_its_end": Wrong(spoilt(updates.attribute(0xC0, updates.COMMUNITIES, bytes(4), 200)), False),
    # what can't be read as routes, or as BGP, ends the session; the next one starts from nothing
    "prefix_of_77_bits": Wrong(spoilt(nlri=b"\x4d" + bytes(10)), resets="notification 3/10"),
    "no_bgp_at_all": Wrong((b"GET / HTTP/1.0\r\n\r\n" * 4,), resets="notification 1/1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_switch_sends(case: Case, name: str) -> None:
    """The other uplink carries on, and the kernel gets nothing but the default, or loses that."""
    fabric, wrong, host = case.fabric, WRONG[name], standin.HOST
    before = prefixes(fabric, host)
    with case.costing(SWAP) as traffic, standing_in(fabric, GOOD, updates.END_OF_RIB) as other:
        eventually(lambda: members(fabric, host), BOTH.__eq__, "the stand-in's default in use")
        traffic.steady()
        other.send(*wrong.messages)
        if wrong.resets:
            eventually(lambda: other.ended, lambda ended: len(ended) > 0, "the session ended")
            eventually(lambda: other.established, (2).__le__, "another session", 90)
        uplinks = BOTH if wrong.kept else BOTH[:1]
        eventually(lambda: members(fabric, host), uplinks.__eq__, f"the default over {uplinks}")
        traffic.go_on(3)
        assert members(fabric, host) == uplinks
        assert [why for why in other.ended if not wrong.resets or wrong.resets not in why] == []
        assert wrong.alarm in "\n".join(fabric.status(host)["alarms"])
        assert session(fabric, host, PEER)["default_received"] is wrong.kept
        assert strangers(fabric, host) == []
        assert prefixes(fabric, host) == before


# A full table

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
    fabric, host, last = case.fabric, standin.HOST, WRONG["own_as_in_the_path"]
    before, table = prefixes(fabric, host), b"".join(full_table())
    with case.costing(SWAP), standing_in(fabric, GOOD, updates.END_OF_RIB) as other:
        eventually(lambda: members(fabric, host), BOTH.__eq__, "the stand-in's default in use")
        with billing(fabric, host) as bill:
            other.send(table)
            for verb, switches in (("add", 1), ("del", 0)):  # tor1; the stand-in keeps nothing
                fabric.ip(host, "route", verb, MORE[0], "dev", "br-mobile", "proto", "142", "table", "142")
                eventually(lambda: len(holders(fabric, MORE[0])), switches.__eq__, f"{switches} switches with our own")
            other.send(*last.messages)  # when this has had its effect, all before it was read
            eventually(
                lambda: "\n".join(fabric.status(host)["alarms"]), lambda text: last.alarm in text, "all read", 150
            )
            assert strangers(fabric, host) == []
            assert prefixes(fabric, host) == before
        print(f"{TABLE} routes, {len(table) >> 10} KiB: {bill}")
        assert other.ended == []
        assert bill.cpu["agent"] <= bill.cpu["exabgp"] / 2, bill


# A host that sends too much

MORE = [f"10.64.{250 + at // 250}.{at % 250 + 1}/32" for at in range(300)]
"""More than the 256 of a host's prefix limit."""


def holders(fabric: Fabric, prefix: str) -> set[str]:
    return {name for name in fabric.switches if prefix in fabric.prefixes_at(name)}


def several(fabric: Fabric, verb: str) -> None:
    with batch(fabric, "hv1") as running:
        running.write([f"route {verb} {prefix} dev br-mobile proto 142 table 142" for prefix in MORE])


def soon_again(fabric: Fabric, minutes: int) -> None:
    """FRR's restart timer of this session. The session itself does not notice."""
    limit = f"neighbor 10.1.1.1 maximum-prefix 256 80 restart {minutes}"
    words = ["configure terminal", "router bgp 65101", "address-family ipv4 unicast", limit]
    fabric.run("tor1", "vtysh", *(part for word in words for part in ("-c", word)))


@contextmanager
def too_many(fabric: Fabric) -> Iterator[None]:
    several(fabric, "add")
    try:
        yield
    finally:
        several(fabric, "del")


def test_prefix_limit_reached(case: Case) -> None:
    """FRR ends the session and takes it back after its timer, BIRD keeps what it has and takes no more."""
    fabric = case.fabric
    with case.costing(LIMIT) as traffic:
        soon_again(fabric, 1)
        with too_many(fabric):
            eventually(lambda: session(fabric, "hv1", "10.1.1.0")["state"], lambda now: now == "down", "FRR has closed")
            eventually(lambda: len(holders_at(fabric, "tor2")), lambda count: 200 < count <= 256, "BIRD full")
            traffic.steady()
            known = fabric.run("hv1", "sh", "-c", "roth status || true")
            report = attempt("verify.yml", INVENTORY, "-e", "verify_timeout=5")
            print(known, report.output)
            assert strangers(fabric, "hv1") == []
        eventually(lambda: session(fabric, "hv1", "10.1.1.0")["state"], lambda now: now == "established", "back", 150)
        soon_again(fabric, 5)


def holders_at(fabric: Fabric, switch: str) -> list[str]:
    """hv1's IPv4 prefixes at a switch."""
    return [path.prefix for path in fabric.switch(switch).paths if path.peer == "10.2.1.1"]
