"""BGP messages as bytes (RFC 4271, RFC 4760, RFC 6793), right ones and wrong ones. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

OPEN, UPDATE, NOTIFICATION, KEEPALIVE = 1, 2, 3, 4
HEADER = 19
"""Octets: marker, length, type."""
WELL_KNOWN, OPTIONAL_TRANSITIVE, OPTIONAL = 0x40, 0xC0, 0x80
ORIGIN, AS_PATH, NEXT_HOP, COMMUNITIES, MP_REACH = 1, 2, 3, 8, 14
IGP = b"\x00"


def message(kind: int, body: bytes = b"") -> bytes:
    """RFC 4271, section 4.1."""
    return b"\xff" * 16 + struct.pack("!HB", HEADER + len(body), kind) + body


def opening(asn: int, hold_time: int, router_id: str) -> bytes:
    """OPEN with IPv4 unicast and four-octet AS numbers (RFC 5492, RFC 6793)."""
    capabilities = struct.pack("!BBHBB", 1, 4, 1, 0, 1) + struct.pack("!BBI", 65, 4, asn)
    parameters = struct.pack("!BB", 2, len(capabilities)) + capabilities
    head = struct.pack("!BHH4sB", 4, asn, hold_time, ip_address(router_id).packed, len(parameters))
    return message(OPEN, head + parameters)


def attribute(flags: int, kind: int, value: bytes, length: int | None = None) -> bytes:
    """A path attribute; `length` lies about the value's."""
    return struct.pack("!BBB", flags, kind, len(value) if length is None else length) + value


def path(*asns: int) -> bytes:
    """AS_PATH of one sequence of four-octet numbers."""
    return attribute(WELL_KNOWN, AS_PATH, struct.pack(f"!BB{len(asns)}I", 2, len(asns), *asns))


def nlri(prefixes: Sequence[str]) -> bytes:
    """Prefixes with as many octets as their lengths need."""
    networks = [ip_network(prefix) for prefix in prefixes]
    return b"".join(
        bytes([network.prefixlen]) + network.network_address.packed[: (network.prefixlen + 7) // 8]
        for network in networks
    )


def update(attributes: Sequence[bytes], routes: bytes) -> bytes:
    """UPDATE that announces IPv4 routes."""
    joined = b"".join(attributes)
    return message(UPDATE, struct.pack("!HH", 0, len(joined)) + joined + routes)


END_OF_RIB = message(UPDATE, struct.pack("!HH", 0, 0))
"""RFC 4724, section 2."""


def mandatory(next_hop: str, asns: Sequence[int], origin: bytes = IGP) -> dict[int, bytes]:
    """The attributes that an announcement must have (RFC 4271, section 5), by type."""
    return {
        ORIGIN: attribute(WELL_KNOWN, ORIGIN, origin),
        AS_PATH: path(*asns),
        NEXT_HOP: attribute(WELL_KNOWN, NEXT_HOP, ip_address(next_hop).packed),
    }


def announcement(prefixes: Sequence[str], next_hop: str, asns: Sequence[int], more: Sequence[bytes] = ()) -> bytes:
    """A well-formed UPDATE, with `more` attributes."""
    return update([*mandatory(next_hop, asns).values(), *more], nlri(prefixes))


def ipv6_announcement(prefixes: Sequence[str], next_hop: str, asns: Sequence[int]) -> bytes:
    """IPv6 routes by MP_REACH_NLRI (RFC 4760, section 3), whether or not the session has that family."""
    hop = ip_address(next_hop).packed
    value = struct.pack("!HBB", 2, 1, len(hop)) + hop + b"\x00" + nlri(prefixes)
    attributes = [attribute(WELL_KNOWN, ORIGIN, IGP), path(*asns), attribute(OPTIONAL, MP_REACH, value)]
    return update(attributes, b"")
