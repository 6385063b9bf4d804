# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of our routes, of links and of our nexthops from a netlink socket.

A socket filter in the kernel drops what is not ours before it costs anything: 100k routes of another daemon wake
nobody. The socket is the standard library's: a subscription needs nothing that pyroute2 could add.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
from collections.abc import Sequence
from dataclasses import replace

from . import wire
from .model import Event, LearnedEvent, LinkEvent, NexthopEvent, Overrun, RouteEvent

RECEIVE_BUFFER = 16 << 20
"""Bytes; about 20,000 events (the kernel accounts some 830 bytes each)."""

_DATAGRAMS = 128  # per read(): an event loop must get its turn while events pour in
_SO_RCVBUFFORCE, _SO_ATTACH_FILTER = 33, 26
_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP = 270, 1
_RTMGRP = 0x1 | 0x40 | 0x400  # LINK, IPV4_ROUTE, IPV6_ROUTE (linux/rtnetlink.h)
_RTNLGRP_NEIGH, _RTNLGRP_NEXTHOP = 3, 32

# Classic BPF (linux/filter.h): load half-word and byte at an absolute offset, jump if equal or bits set, return.
_LDH, _LDB, _JEQ, _JSET, _RET = 0x28, 0x30, 0x15, 0x45, 0x06
_TYPE, _FLAGS, _FAMILY, _ROUTE_TABLE, _ROUTE_PROTOCOL, _NEXTHOP_PROTOCOL = 4, 6, 16, 20, 21, 18
_RT_TABLE_COMPAT = 252  # what rtm_table holds when the number needs more than a byte


def event_filter(protocol: int, tables: Sequence[int]) -> bytes:
    """BPF that passes links, nexthops and routes of `protocol`, and routes that replaced one in a table of ours.

    Of neighbour entries (to which only who asks for them is subscribed) those of bridges pass: ARP and NDP speak all
    the time, a bridge only of an address that is new to it.

    `ip route replace` of another protocol takes our route away and tells so only by its own RTM_NEWROUTE with
    NLM_F_REPLACE: those pass for our tables. Every other foreign route is dropped.
    """
    steps: list[tuple[str, int, int, str, str]] = [  # label, code, operand, label if true, label if false
        ("", _LDH, _TYPE, "", ""),
        ("", _JEQ, socket.htons(wire.RTM_NEWROUTE), "route", ""),
        ("", _JEQ, socket.htons(wire.RTM_DELROUTE), "route", ""),
        ("", _JEQ, socket.htons(wire.RTM_NEWNEIGH), "neighbor", ""),
        ("", _JEQ, socket.htons(wire.RTM_DELNEIGH), "drop", ""),
        ("", _JEQ, socket.htons(wire.RTM_NEWNEXTHOP), "nexthop", ""),
        ("", _JEQ, socket.htons(wire.RTM_DELNEXTHOP), "nexthop", "pass"),
        ("neighbor", _LDB, _FAMILY, "", ""),
        ("", _JEQ, wire.AF_BRIDGE, "pass", "drop"),
        ("nexthop", _LDB, _NEXTHOP_PROTOCOL, "", ""),
        ("", _JEQ, protocol, "pass", "drop"),
        ("route", _LDB, _ROUTE_PROTOCOL, "", ""),
        ("", _JEQ, protocol, "pass", ""),
        ("", _LDH, _FLAGS, "", ""),
        ("", _JSET, socket.htons(wire.NLM_F_REPLACE), "", "drop"),
        ("", _LDB, _ROUTE_TABLE, "", ""),
    ]
    names = {table if table < 256 else _RT_TABLE_COMPAT for table in tables}
    steps += [("", _JEQ, name, "pass", "") for name in sorted(names)]
    steps += [("drop", _RET, 0, "", ""), ("pass", _RET, 0xFFFFFFFF, "", "")]
    places = {label: place for place, (label, *_rest) in enumerate(steps) if label}
    return b"".join(
        struct.pack("=HBBI", code, *(places.get(label, here + 1) - here - 1 for label in labels), operand)
        for here, (_label, code, operand, *labels) in enumerate(steps)
    )


def _attach(subscription: socket.socket, program: bytes) -> None:
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    subscription.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)


class RouteEvents:
    """A subscription to routes of `protocol` (any table), links and nexthops of `protocol` (implements model.Events).

    `tables` are those where another protocol's route may replace one of ours. `receive_buffer` is in bytes; without
    CAP_NET_ADMIN the kernel's limit (net.core.rmem_max) applies. With `learned`, also to what Linux bridges learn.
    """

    def __init__(
        self, protocol: int, tables: Sequence[int] = (), receive_buffer: int = RECEIVE_BUFFER, learned: bool = False
    ) -> None:
        self._protocol, self._tables, self._learned = protocol, frozenset(tables), learned
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        try:
            self._subscribe(receive_buffer)
        except BaseException:
            self._socket.close()
            raise

    def _subscribe(self, receive_buffer: int) -> None:
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, receive_buffer)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        _attach(self._socket, event_filter(self._protocol, sorted(self._tables)))
        self._socket.setblocking(False)
        self._socket.bind((0, _RTMGRP))
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, _RTNLGRP_NEXTHOP)
        if self._learned:
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, _RTNLGRP_NEIGH)

    def fileno(self) -> int:
        """For the event loop."""
        return self._socket.fileno()

    def close(self) -> None:
        """Release the socket."""
        self._socket.close()

    def read(self) -> list[Event]:
        """All events waiting (at most some thousand a call), without blocking. Raises Overrun after ENOBUFS."""
        events: list[Event] = []
        for _datagram in range(_DATAGRAMS):
            try:
                buffer = self._socket.recv(1 << 16)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._drain()
                raise Overrun("the kernel dropped events: the receive buffer was full") from error
            for kind, flags, _sequence, start, end in wire.messages(buffer):
                event = self._event(kind, flags, buffer, start, end)
                if event is not None:
                    events.append(event)
        return events

    def _drain(self) -> None:
        """Throw away what is still waiting: everything is read again after an overrun."""
        for _datagram in range(1 << 20):
            try:
                self._socket.recv(1)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise

    def _event(self, kind: int, flags: int, buffer: bytes, start: int, end: int) -> Event | None:
        if kind in (wire.RTM_NEWROUTE, wire.RTM_DELROUTE):
            return self._route_event(kind, flags, buffer, start, end)
        if kind in (wire.RTM_NEWLINK, wire.RTM_DELLINK):
            return _link_event(kind, buffer, start, end)
        if kind in (wire.RTM_NEWNEXTHOP, wire.RTM_DELNEXTHOP):
            identifier, protocol, _item = wire.read_nexthop(buffer, start, end)
            return NexthopEvent(kind == wire.RTM_NEWNEXTHOP, identifier) if protocol == self._protocol else None
        if kind == wire.RTM_NEWNEIGH:
            learned = wire.read_learned(buffer, start, end)
            return None if learned is None else LearnedEvent(*learned)
        return None

    def _route_event(self, kind: int, flags: int, buffer: bytes, start: int, end: int) -> RouteEvent | None:
        raw = wire.read_route(buffer, start, end)
        if raw is None:
            return None
        route = wire.kernel_route(raw)
        if route.protocol == self._protocol:
            return RouteEvent(kind == wire.RTM_NEWROUTE, route)
        replaced = kind == wire.RTM_NEWROUTE and flags & wire.NLM_F_REPLACE and route.table in self._tables
        return RouteEvent(False, route) if replaced else None


def _link_event(kind: int, buffer: bytes, start: int, end: int) -> LinkEvent:
    link = wire.read_link(buffer, start, end)
    if kind == wire.RTM_DELLINK and buffer[start + 16] == wire.AF_BRIDGE:
        # The port left its bridge; the interface itself is still there.
        return LinkEvent(True, replace(link, master=None, isolated=None))
    return LinkEvent(kind == wire.RTM_NEWLINK, link)
