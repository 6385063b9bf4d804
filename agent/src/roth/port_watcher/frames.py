"""Ethernet frames that say where an address is now, to those who remember it elsewhere. Pure."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

_ARP, _IPV6 = 0x0806, 0x86DD  # EtherTypes
_BROADCAST = b"\xff" * 6
_ALL_NODES, _ALL_NODES_MAC = IPv6Address("ff02::1"), bytes.fromhex("333300000001")  # RFC 4291, 2.7.1; RFC 2464, 7
_ICMPV6, _NEIGHBOR_ADVERTISEMENT = 58, 136
_ROUTER, _OVERRIDE = 0x80000000, 0x20000000  # flags of RFC 4861, 4.4
_TARGET_LINK_LAYER_ADDRESS = 2  # option of RFC 4861, 4.6.1
_MAC_LENGTH = 6


def _ethernet(destination: bytes, source: bytes, kind: int) -> bytes:
    if len(source) != _MAC_LENGTH:
        raise ValueError(f"{source.hex(':') or 'nothing'} is not a MAC address; expected six bytes")
    return destination + source + struct.pack("!H", kind)


def arp_announcement(mac: bytes, address: IPv4Address) -> bytes:
    """`address` is at `mac` (six bytes): a broadcast request for it by itself (RFC 826; RFC 5227, 2.3).

    Raises ValueError for another length of `mac`.
    """
    head = struct.pack("!HHBBH", 1, 0x0800, _MAC_LENGTH, 4, 1)  # Ethernet, IPv4, request
    return _ethernet(_BROADCAST, mac, _ARP) + head + mac + address.packed + bytes(6) + address.packed


def neighbor_advertisement(mac: bytes, address: IPv6Address, source: IPv6Address) -> bytes:
    """`address` is at `mac` (six bytes), says the router at `source` to all nodes, without being asked.

    RFC 4861, 7.2.6, with the override flag: who knows another MAC takes this one.
    Raises ValueError for another length of `mac`.
    """
    flags = _ROUTER | _OVERRIDE
    option = struct.pack("!BB", _TARGET_LINK_LAYER_ADDRESS, 1) + mac
    body = struct.pack("!BBHI", _NEIGHBOR_ADVERTISEMENT, 0, 0, flags) + address.packed + option
    pseudo = source.packed + _ALL_NODES.packed + struct.pack("!II", len(body), _ICMPV6)  # RFC 8200, 8.1
    body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
    header = struct.pack("!IHBB", 6 << 28, len(body), _ICMPV6, 255) + source.packed + _ALL_NODES.packed
    return _ethernet(_ALL_NODES_MAC, mac, _IPV6) + header + body


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of octets."""
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
