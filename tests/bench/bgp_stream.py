"""Prefixes out of a TCP stream of BGP, as they pass on the wire. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MARKER = b"\xff" * 16
HEADER, UPDATE = 19, 2  # RFC 4271, section 4.1
MP_REACH, MP_UNREACH = 14, 15  # RFC 4760
EXTENDED_LENGTH = 0x10

Route = tuple[bytes, int]
"""Address (4 or 16 bytes) and prefix length."""


@dataclass(frozen=True)
class Update:
    """What one UPDATE announces and withdraws."""

    announced: frozenset[Route]
    withdrawn: frozenset[Route]


def prefixes(text: bytes, size: int) -> Iterator[Route]:
    """Prefixes of an address family with addresses of `size` bytes (RFC 4271, section 4.3)."""
    position = 0
    while position < len(text):
        length = text[position]
        end = position + 1 + (length + 7) // 8
        yield text[position + 1 : end].ljust(size, b"\0"), length
        position = end


def attributes(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each path attribute."""
    position = 0
    while position < len(text):
        flags, kind = text[position], text[position + 1]
        width = 2 if flags & EXTENDED_LENGTH else 1
        start = position + 2 + width
        position = start + int.from_bytes(text[position + 2 : start], "big")
        yield kind, text[start:position]


def read_update(body: bytes) -> Update:
    """An UPDATE without its header; families other than IPv6 unicast are passed over in MP attributes."""
    end = 2 + int.from_bytes(body[:2], "big")
    rest = end + 2 + int.from_bytes(body[end : end + 2], "big")
    withdrawn, announced = set(prefixes(body[2:end], 4)), set(prefixes(body[rest:], 4))
    for kind, value in attributes(body[end + 2 : rest]):
        if value[:3] != b"\x00\x02\x01":  # AFI 2, SAFI 1
            continue
        if kind == MP_REACH:
            announced |= set(prefixes(value[5 + value[3] :], 16))
        elif kind == MP_UNREACH:
            withdrawn |= set(prefixes(value[3:], 16))
    return Update(frozenset(announced), frozenset(withdrawn))


class Stream:
    """One direction of a TCP connection. It may be joined in the middle: reading begins at the first marker seen."""

    def __init__(self) -> None:
        self._buffer = b""
        self._next: int | None = None  # sequence number of the byte that follows the buffer

    def feed(self, sequence: int, payload: bytes) -> list[Update]:
        """The UPDATEs that a segment completes. What was seen before (a retransmission) is left out."""
        skip = 0 if self._next is None else (self._next - sequence) & 0xFFFFFFFF
        if skip > 0x7FFFFFFF:  # a gap: begin anew
            self._buffer, skip = b"", 0
        if skip >= len(payload):
            return []
        self._next = (sequence + len(payload)) & 0xFFFFFFFF
        self._buffer += payload[skip:]
        return list(self._messages())

    def _messages(self) -> Iterator[Update]:
        while len(self._buffer) >= HEADER:
            if not self._buffer.startswith(MARKER):
                start = self._buffer.find(MARKER)
                self._buffer = self._buffer[start:] if start >= 0 else b""
                continue
            length = int.from_bytes(self._buffer[16:18], "big")
            if len(self._buffer) < length:
                return
            message, self._buffer = self._buffer[:length], self._buffer[length:]
            if message[18] == UPDATE:
                yield read_update(message[HEADER:])
