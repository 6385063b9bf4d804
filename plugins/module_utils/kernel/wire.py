# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading rtnetlink messages with struct: a tenth of what pyroute2's decoder costs a message.

Layouts are those of linux/netlink.h, rtnetlink.h, if_link.h, nexthop.h, neighbour.h, if_addr.h and fib_rules.h.
Every reader takes the buffer, the offset of the message's header and the offset of its end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, AF_INET6, inet_ntop

from .model import (
    ODD,
    Address,
    Family,
    Hop,
    InterfaceAddress,
    KernelNeighbor,
    KernelRoute,
    Link,
    Nexthop,
    NexthopGroup,
    RouteKey,
    Rule,
    key_prefix,
)

NLMSG_ERROR, NLMSG_DONE, NLMSG_OVERRUN = 2, 3, 4
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400
NLM_F_DUMP_INTR, NLM_F_ACK_TLVS = 0x10, 0x200
NLA_TYPE_MASK = 0x3FFF

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_GETADDR = 20, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
RTM_NEWRULE, RTM_GETRULE = 32, 34
RTM_NEWNEXTHOP, RTM_DELNEXTHOP, RTM_GETNEXTHOP = 104, 105, 106

AF_BRIDGE = 7
NUD_SET = 0x80 | 0x40  # NUD_PERMANENT: a port's own address; NUD_NOARP: static
IFF_UP, IFF_LOWER_UP = 0x1, 0x10000
RTNH_F_LINKDOWN = 16
RTN_UNICAST, RTN_BLACKHOLE = 1, 6

HEADER = struct.Struct("=IHHII")
_RTMSG = struct.Struct("=8BI")
_ATTRIBUTE = struct.Struct("=HH")
_U32 = struct.Struct("=I")
_PLAIN_ATTRIBUTES = frozenset((1, 4, 6, 12, 15, 20))  # DST, OIF, PRIORITY, CACHEINFO, TABLE, PREF
# The scope `ip route` gives to such a route; IPv6 knows no scopes.
_SCOPES = {(2, RTN_UNICAST): 253, (2, RTN_BLACKHOLE): 0, (10, RTN_UNICAST): 0, (10, RTN_BLACKHOLE): 0}

RawRoute = tuple[RouteKey, int, int, int, int, bool, bool, int, bytes]
"""Key, ifindex (0: none), rtm_type, protocol, table, plain, linkdown, nexthop id (0: none), source (empty: none)."""


def messages(buffer: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Type, flags, sequence number, start and end of each message in a datagram."""
    start, size = 0, len(buffer)
    while start + 16 <= size:
        length, kind, flags, sequence, _port = HEADER.unpack_from(buffer, start)
        if length < 16:
            raise ValueError(f"netlink message of {length} bytes; expected at least 16")
        yield kind, flags, sequence, start, start + length
        start += (length + 3) & ~3


def attributes(buffer: bytes, start: int, end: int) -> dict[int, bytes]:
    """Attribute payloads by type, flag bits (NLA_F_NESTED …) removed."""
    found: dict[int, bytes] = {}
    while start + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(buffer, start)
        if length < 4:
            break
        found[kind & NLA_TYPE_MASK] = buffer[start + 4 : start + length]
        start += (length + 3) & ~3
    return found


def read_error(buffer: bytes, start: int, end: int) -> tuple[int, str]:
    """errno (0: acknowledged) and the kernel's own words of an NLMSG_ERROR or NLMSG_DONE (NETLINK_EXT_ACK)."""
    _length, kind, flags, _sequence, _port = HEADER.unpack_from(buffer, start)
    (code,) = struct.unpack_from("=i", buffer, start + 16) if end >= start + 20 else (0,)
    text = ""
    if flags & NLM_F_ACK_TLVS:
        # NETLINK_CAP_ACK is set: an error repeats only the request's header.
        tail = start + 20 + (16 if kind == NLMSG_ERROR else 0)
        text = attributes(buffer, tail, end).get(1, b"").rstrip(b"\0").decode(errors="replace")
    return -code, text


def _attribute_header(length: int, kind: int) -> int:
    return int(_U32.unpack(_ATTRIBUTE.pack(length, kind))[0])


# The two forms that nearly every route of ours has in a dump (net/ipv4/fib_semantics.c, net/ipv6/route.c), read in one
# go: TABLE, DST, OIF for IPv4 of metric 0; TABLE, DST, PRIORITY, OIF, CACHEINFO, PREF for IPv6.
_IPV4_ROUTE, _IPV4_SIZE = struct.Struct("=17x3Bx3BIIII4sII"), 52
_IPV6_ROUTE, _IPV6_SIZE = struct.Struct("=17x3Bx3BIIII16sIIIII32xI"), 116
_TABLE, _OIF, _METRIC = _attribute_header(8, 15), _attribute_header(8, 4), _attribute_header(8, 6)
_DST4, _DST6 = _attribute_header(8, 1), _attribute_header(20, 1)
_CACHEINFO, _PREF = _attribute_header(36, 12), _attribute_header(5, 20)


def read_route(buffer: bytes, start: int, end: int) -> RawRoute | None:
    """A route; None for one with a TOS or a source prefix, which ours never have and never collide with."""
    size = end - start
    if size == _IPV4_SIZE:
        found = _IPV4_ROUTE.unpack_from(buffer, start)
        length, source, tos, protocol, scope, kind, flags, a, table, b, address, c, oif = found
        if a == _TABLE and b == _DST4 and c == _OIF and scope == 253 and kind == 1 and not (tos or source):
            return (address, length, 0), oif, kind, protocol, table, True, (flags & 16) != 0, 0, b""
    elif size == _IPV6_SIZE:
        found = _IPV6_ROUTE.unpack_from(buffer, start)
        length, source, tos, protocol, scope, kind, flags, a, table, b, address, c, metric, d, oif, e, f = found
        known = a == _TABLE and b == _DST6 and c == _METRIC and d == _OIF and e == _CACHEINFO and f == _PREF
        if known and kind == 1 and not (scope or tos or source):
            return (address, length, metric), oif, kind, protocol, table, True, (flags & 16) != 0, 0, b""
    return _read_any_route(buffer, start, end)


def _read_any_route(buffer: bytes, start: int, end: int) -> RawRoute | None:
    family, length, source, tos, table, protocol, scope, kind, flags = _RTMSG.unpack_from(buffer, start + 16)
    if tos or source:
        return None
    oif = metric = nhid = 0
    plain = _SCOPES.get((family, kind)) == scope
    address = preferred = b""
    position = start + 28
    unpack_attribute, unpack_u32 = _ATTRIBUTE.unpack_from, _U32.unpack_from
    while position + 4 <= end:
        size, attribute = unpack_attribute(buffer, position)
        if attribute == 1:
            address = buffer[position + 4 : position + size]
        elif attribute == 4:
            (oif,) = unpack_u32(buffer, position + 4)
        elif attribute == 6:
            (metric,) = unpack_u32(buffer, position + 4)
        elif attribute == 15:
            (table,) = unpack_u32(buffer, position + 4)
        elif attribute not in _PLAIN_ATTRIBUTES:
            plain = False
            if attribute == 30:
                (nhid,) = unpack_u32(buffer, position + 4)
            elif attribute == 7:
                preferred = buffer[position + 4 : position + size]
        position += (size + 3) & ~3 or 4
    if not address:
        address = bytes(4 if family == AF_INET else 16)
    linkdown = bool(flags & RTNH_F_LINKDOWN)
    return (address, length, metric), oif, kind, protocol, table, plain, linkdown, nhid, preferred


def route_hop(route: RawRoute) -> Hop:
    """Where a raw route leads, in the form plans compare."""
    _key, oif, kind, _protocol, _table, plain, _linkdown, nhid, _source = route
    if not plain:
        return (0 if nhid else oif), ODD
    return (0 if kind == RTN_BLACKHOLE else oif), kind


def kernel_route(route: RawRoute) -> KernelRoute:
    """The typed form of a raw route."""
    key, oif, kind, protocol, table, plain, linkdown, nhid, source = route
    return KernelRoute(
        prefix=key_prefix(key),
        metric=key[2],
        oif=None if kind == RTN_BLACKHOLE else oif or None,  # the kernel names lo for an IPv6 blackhole
        kind=kind,
        protocol=protocol,
        table=table,
        plain=plain,
        linkdown=linkdown,
        nhid=nhid or None,
        source=read_address(source) if source else None,
    )


def _u32(payload: bytes | None) -> int | None:
    return None if payload is None else int(_U32.unpack_from(payload)[0])


def _text(payload: bytes | None) -> str | None:
    return None if payload is None else payload.rstrip(b"\0").decode(errors="replace")


def read_address(packed: bytes) -> Address:
    """An address of 4 or 16 bytes."""
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)


def read_link(buffer: bytes, start: int, end: int) -> Link:
    """An interface, from RTM_NEWLINK or RTM_DELLINK; bridge-port state from either place the kernel puts it."""
    family, _kind, index, flags, _change = struct.unpack_from("=BxHiII", buffer, start + 16)
    found = attributes(buffer, start + 32, end)
    info = attributes(found.get(18, b""), 0, len(found.get(18, b"")))
    port = info.get(5, b"") if info.get(4, b"").startswith(b"bridge\0") else b""
    if family == AF_BRIDGE:
        port = found.get(12, b"")
    isolated = attributes(port, 0, len(port)).get(33)
    return Link(
        index=index,
        name=_text(found.get(3)) or "",
        up=bool(flags & IFF_UP),
        carrier=bool(flags & IFF_LOWER_UP),
        master=_u32(found.get(10)),
        kind=_text(info.get(1)),
        isolated=None if isolated is None else bool(isolated[0]),
    )


def read_received(buffer: bytes, start: int, end: int) -> int:
    """How many packets an interface has received, from RTM_NEWLINK (IFLA_STATS64)."""
    (packets,) = struct.unpack_from("=Q", attributes(buffer, start + 32, end)[23])
    return int(packets)


def read_learned(buffer: bytes, start: int, end: int) -> tuple[int, str] | None:
    """Port and MAC of a bridge's forwarding entry that it has learned; None for one that somebody has set."""
    family, port, state = struct.unpack_from("=B3xiH", buffer, start + 16)
    mac = attributes(buffer, start + 28, end).get(2, b"")
    return (port, mac.hex(":")) if family == AF_BRIDGE and not state & NUD_SET and len(mac) == 6 else None


def read_nexthop(buffer: bytes, start: int, end: int) -> tuple[int, int, Nexthop | NexthopGroup | None]:
    """Id, protocol, and the nexthop or group; None in its place for a kind that is never ours (blackhole, fdb …)."""
    protocol = buffer[start + 18]
    found = attributes(buffer, start + 24, end)
    identifier = _u32(found.get(1)) or 0
    if 2 in found:
        entries = struct.iter_unpack("=IBBH", found[2])
        members = tuple(sorted((member, weight + 1) for member, weight, _high, _reserved in entries))
        return identifier, protocol, NexthopGroup(identifier, members)
    oif, gateway = _u32(found.get(5)), found.get(6)
    if oif is None or gateway is None:
        return identifier, protocol, None
    return identifier, protocol, Nexthop(identifier, oif, read_address(gateway))


def read_neighbor(buffer: bytes, start: int, end: int) -> KernelNeighbor | None:
    """A neighbour entry; None for one without an IP address (a bridge's forwarding entry)."""
    family, oif, state = struct.unpack_from("=B3xiH", buffer, start + 16)
    found = attributes(buffer, start + 28, end)
    if family not in (AF_INET, AF_INET6) or 1 not in found:
        return None
    mac = found.get(2)
    return KernelNeighbor(
        address=read_address(found[1]),
        oif=oif,
        mac=mac.hex(":") if mac else None,
        state=state,
        protocol=found.get(12, b"\0")[0],
    )


def read_interface_address(buffer: bytes, start: int, end: int) -> InterfaceAddress | None:
    """An interface's own address (IFA_LOCAL where the link is point-to-point)."""
    _family, length, flags, _scope, index = struct.unpack_from("=4BI", buffer, start + 16)
    found = attributes(buffer, start + 24, end)
    packed = found.get(2) or found.get(1)
    if packed is None or len(packed) not in (4, 16):
        return None
    return InterfaceAddress(read_address(packed), length, index, _u32(found.get(8)) or flags)


def read_rule(buffer: bytes, start: int, end: int) -> Rule:
    """A policy rule."""
    family, to_length, from_length, _tos, table, _r1, _r2, action, _flags = _RTMSG.unpack_from(buffer, start + 16)
    found = attributes(buffer, start + 28, end)
    suppress = _u32(found.get(14))
    return Rule(
        priority=_u32(found.get(6)) or 0,
        family=Family(family),
        action=action,
        table=_u32(found.get(15)) or table,
        protocol=found.get(21, b"\0")[0],
        iif=_text(found.get(3)),
        source=f"{inet_ntop(family, found[2])}/{from_length}" if 2 in found else None,
        destination=f"{inet_ntop(family, found[1])}/{to_length}" if 1 in found else None,
        suppress_prefix_length=None if suppress == 0xFFFFFFFF else suppress,
    )
