"""A switch that sends what it shouldn't: only allowed imports reach a host's kernel."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import pytest

from tests.lab.fabric import Fabric, eventually

from . import standin, updates
from .case import Bound, Case, packets
from .costs import billing
from .imports import members, prefixes, session, strangers
from .standin import standing_in

SWAP = Bound(packets(2, 1 / 6), packets(2, 1 / 6), True, "one session changes hands, twice")
"""One host's IPv4 flows, half of them over the switch."""


@dataclass(frozen=True)
class Wrong:
    """What the switch sends after its default. `kept`: whether the uplink stays in the host's default.

    `alarm` is in `roth status`; `resets` says how ExaBGP ends the session, where it does. `then` follows where the
    messages have no default of their own that shows that they have been read.
    """

    messages: tuple[bytes, ...]
    kept: bool = True
    alarm: str = ""
    resets: str = ""
    then: tuple[bytes, ...] = ()


PEER, OTHERS = standin.ADDRESS, (standin.ASN, 65000)
GOOD = updates.announcement(["0.0.0.0/0"], PEER, OTHERS)


def default(next_hop: str = PEER, asns: Sequence[int] = OTHERS, *more: bytes) -> tuple[bytes, ...]:
    return (updates.announcement(["0.0.0.0/0"], next_hop, asns, more),)


def routes(*prefixes: str) -> tuple[bytes, ...]:
    return (updates.announcement(prefixes, PEER, OTHERS),)


def spoilt(*more: bytes, without: int = 0, origin: bytes = updates.IGP, nlri: bytes = b"\x00") -> tuple[bytes, ...]:
    """The default, with something wrong about it."""
    kept = [value for kind, value in updates.mandatory(PEER, OTHERS, origin).items() if kind != without]
    return (updates.update([*kept, *more], nlri),)


BOTH = ["up0", "up1"]
UNKNOWN = 213
"""An attribute type that nobody has been given."""
WRONG = {
    "default_by_a_stranger": Wrong(default("10.2.2.9"), False, "next hop 10.2.2.9 is not the session's peer"),
    "default_by_the_host_itself": Wrong(default(standin.HOST_ADDRESS), False, "is not the session's peer"),
    "own_as_in_the_path": Wrong(default(PEER, (standin.ASN, standin.HOST_ASN)), False, "our own AS 65012 is in the"),
    "halves_of_the_default": Wrong(routes("0.0.0.0/1", "128.0.0.0/1"), then=(GOOD,)),
    "addresses_of_hosts": Wrong(routes("192.0.2.12/32", "10.64.1.53/32", "198.51.100.64/26"), then=(GOOD,)),
    # RFC 4271 would end the session (3/2); ExaBGP takes it as optional
    "unknown_well_known_attribute": Wrong(spoilt(updates.attribute(updates.WELL_KNOWN, UNKNOWN, b"\x01"))),
    "unknown_attribute": Wrong(
        default(PEER, OTHERS, updates.attribute(updates.OPTIONAL_TRANSITIVE, UNKNOWN, b"\x01\x02\x03"))
    ),
    # RFC 7606: the route counts as withdrawn, the session stays
    "origin_without_meaning": Wrong(spoilt(origin=b"\x07"), False),
    "no_next_hop": Wrong(spoilt(without=updates.NEXT_HOP), False),
    "communities_of_three_octets": Wrong(
        spoilt(updates.attribute(updates.OPTIONAL_TRANSITIVE, updates.COMMUNITIES, b"\x01\x02\x03")), False
    ),
    "attribute_beyond_its_end": Wrong(
        spoilt(updates.attribute(updates.OPTIONAL_TRANSITIVE, updates.COMMUNITIES, bytes(4), 200)), False
    ),
    # what can't be read as routes, or as BGP, ends the session; the next one starts from nothing
    "default_of_a_family_that_the_session_lacks": Wrong(
        (updates.ipv6_announcement(["::/0"], "2001:db8:2:2::a", OTHERS),), resets="notification 3/9"
    ),
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
        if wrong.kept and not wrong.resets:  # the uplink is out until what follows has been read
            other.send(*WRONG["own_as_in_the_path"].messages)
            eventually(lambda: members(fabric, host), BOTH[:1].__eq__, "the default over the other uplink")
        other.send(*wrong.messages, *wrong.then)
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

OWN = "10.64.250.1/32"
TABLE = 150_000
"""Routes, five of which share their attributes, as in the real one."""


def full_table() -> Iterator[bytes]:
    """/24s from 16.0.0.0 on."""
    first = int(ip_address("16.0.0.0"))
    for at in range(0, TABLE, 5):
        communities = updates.attribute(
            updates.OPTIONAL_TRANSITIVE, updates.COMMUNITIES, struct.pack("!HH", standin.ASN, at // 5)
        )
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
                fabric.ip(host, "route", verb, OWN, "dev", "br-mobile", "proto", "142", "table", "142")
                eventually(lambda: len(holders(fabric, OWN)), switches.__eq__, f"{switches} switches with our own")
            other.send(*last.messages)  # when this has had its effect, all before it was read
            eventually(
                lambda: "\n".join(fabric.status(host)["alarms"]),
                lambda text: last.alarm in text,
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
