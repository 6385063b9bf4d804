"""When routes arrive at a switch: BGP on the switch's port, with the kernel's time stamps.

The switches' software is not asked: that would take time from what is measured.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from .bgp_stream import Route, Stream, Update
from .namespaces import inside

ETH_P_ALL, PACKET_OUTGOING = 3, 4
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35  # asm-generic/socket.h
BGP, TCP = 179, 6
BUFFER = 64 << 20  # bytes


@dataclass
class Tap:
    """BGP that comes in on one interface of a switch."""

    socket: socket.socket
    streams: dict[tuple[bytes, int, int], Stream] = field(default_factory=dict)

    def read(self) -> list[tuple[int, Update]]:
        """Time (ns since 1970) and content of the UPDATEs that have come in."""
        found: list[tuple[int, Update]] = []
        while True:
            try:
                packet, ancillary, _flags, address = self.socket.recvmsg(1 << 17, 64)
            except BlockingIOError:
                return found
            if address[2] != PACKET_OUTGOING and (segment := tcp_of(packet)):
                seconds, rest = struct.unpack("qq", ancillary[0][2])
                connection, sequence, payload = segment
                stream = self.streams.setdefault(connection, Stream())
                found += [(seconds * 1_000_000_000 + rest, update) for update in stream.feed(sequence, payload)]


def tap(netns: str, interface: str) -> Tap:
    """Listen on an interface of a namespace."""
    with inside(netns):
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    opened.bind((interface, ETH_P_ALL))
    opened.setblocking(False)
    return Tap(opened)


def tcp_of(packet: bytes) -> tuple[tuple[bytes, int, int], int, bytes] | None:
    """Connection, sequence number and payload of a segment of BGP, else None."""
    version = packet[0] >> 4
    if version == 4:
        start, protocol, source = (packet[0] & 15) * 4, packet[9], packet[12:16]
        end = int.from_bytes(packet[2:4], "big") or len(packet)
    else:
        start, protocol, source = 40, packet[6], packet[8:24]
        end = len(packet)
    if protocol != TCP:
        return None
    ports = struct.unpack_from("!HH", packet, start)
    if BGP not in ports:
        return None
    (sequence,) = struct.unpack_from("!I", packet, start + 4)
    payload = packet[start + (packet[start + 12] >> 4) * 4 : end]
    return ((source, *ports), sequence, payload) if payload else None


def drain(taps: Sequence[Tap]) -> None:
    """Forget what has come in so far (each stream stays in step)."""
    for each in taps:
        each.read()


def arrivals(taps: Sequence[Tap], routes: Sequence[Route], announced: bool, seconds: float) -> list[int]:
    """For each tap the time (ns since 1970) at which the last of `routes` was announced (or withdrawn) there."""
    missing, last = [set(routes) for _tap in taps], [0] * len(taps)
    deadline = time.monotonic() + seconds
    while any(missing):
        left = deadline - time.monotonic()
        ready = select.select([each.socket for each in taps], [], [], max(0.0, left))[0]
        if not ready:
            raise TimeoutError(f"after {seconds:g} s {[len(each) for each in missing]} of {len(routes)} routes lack")
        for position, each in enumerate(taps):
            for when, update in each.read():
                news = missing[position] & (update.announced if announced else update.withdrawn)
                if news:
                    missing[position] -= news
                    last[position] = when
    return last
