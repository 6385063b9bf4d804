# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and answers on a netlink socket: sequence numbers, acknowledgements, dumps, the kernel's own words."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from . import wire

_T = TypeVar("_T")

BATCH = 200
"""Messages a send: the replies to as many errors still fit into the receive buffer."""

_DUMP_TRIES = 10
_REPLY_TIMEOUT = 30.0  # seconds; the kernel answers at once, but a lost reply must not hang an agent
_SOL_NETLINK, _NETLINK_CAP_ACK = 270, 10

WriteError = tuple[int, int, str]
"""Position of the message, errno, text."""


def refusal(code: int, text: str, what: str) -> OSError:
    """The exception for a request (`what`) that the kernel refused."""
    if code == errno.EPERM:
        return PermissionError(code, f"{what}: not permitted, this needs root or CAP_NET_ADMIN")
    return OSError(code, f"{what}: {text or os.strerror(code)}")


def with_acknowledgement(message: bytes) -> bytes:
    """The message with NLM_F_ACK set."""
    (flags,) = struct.unpack_from("=H", message, 6)
    return message[:6] + struct.pack("=H", flags | wire.NLM_F_ACK) + message[8:]


class Exchange:
    """One netlink socket, one request (or batch) at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)  # an error repeats only the request's header
        self._socket.settimeout(_REPLY_TIMEOUT)
        self._sequence = 0

    def _next(self, count: int) -> range:
        first = self._sequence + 1 if self._sequence + count < 0xFFFFFFFF else 1
        self._sequence = first + count - 1
        return range(first, first + count)

    def _send(self, message: bytes) -> range:
        sequences = self._next(1)
        self._socket.send(message[:8] + struct.pack("=I", sequences[0]) + message[12:])
        return sequences

    def _replies(self, sequences: range) -> Iterator[tuple[bytes, int, int, int, int, int]]:
        """What answers one of `sequences`: datagram, type, flags, sequence, start and end; the caller ends it.

        Left-overs of a request that was given up carry another number and are passed over.
        """
        while True:
            buffer = self._socket.recv(1 << 18)
            for kind, flags, sequence, start, end in wire.messages(buffer):
                if sequence in sequences:
                    yield buffer, kind, flags, sequence, start, end

    def request(self, message: bytes, what: str) -> None:
        """Send one message that asks for an acknowledgement. Raises OSError if the kernel refuses."""
        for buffer, kind, _flags, _sequence, start, end in self._replies(self._send(message)):
            if kind == wire.NLMSG_ERROR:
                code, text = wire.read_error(buffer, start, end)
                if code:
                    raise refusal(code, text, what)
                return

    def dump(self, message: bytes, read: Callable[[bytes, int, int], _T], what: str) -> list[_T]:
        """Everything a dump returns; repeated while the kernel says that it changed underneath (NLM_F_DUMP_INTR)."""
        for _attempt in range(_DUMP_TRIES):
            found, interrupted = self._dump_once(message, read, what)
            if not interrupted:
                return found
        raise OSError(errno.EAGAIN, f"{what}: changed during each of {_DUMP_TRIES} dumps")

    def _dump_once(self, message: bytes, read: Callable[[bytes, int, int], _T], what: str) -> tuple[list[_T], bool]:
        # Unlike _replies() without a generator for each message: this runs 100k times.
        (wanted,) = self._send(message)
        found: list[_T] = []
        interrupted = 0
        append, unpack, receive = found.append, wire.HEADER.unpack_from, self._socket.recv
        while True:
            buffer = receive(1 << 18)
            start, size = 0, len(buffer)
            while start < size:
                length, kind, flags, sequence, _port = unpack(buffer, start)
                if sequence == wanted:
                    interrupted |= flags & wire.NLM_F_DUMP_INTR
                    if kind > wire.NLMSG_DONE:
                        append(read(buffer, start, start + length))
                    else:
                        code, text = wire.read_error(buffer, start, start + length)
                        if code not in (0, errno.ENOENT):  # ENOENT: the table does not exist yet
                            raise refusal(code, text, what)
                        return found, bool(interrupted)
                start += (length + 3) & ~3

    def write(self, changes: Sequence[_T], encode: Callable[[_T, int], bytes], what: str) -> list[WriteError]:
        """Send what `encode` makes of each change and a sequence number, in order, at most BATCH a send.

        Every failure is returned, the rest is applied. Raises PermissionError at the first EPERM.
        """
        failures: list[WriteError] = []
        for first in range(0, len(changes), BATCH):
            batch = changes[first : first + BATCH]
            sequences = self._next(len(batch))
            messages = list(map(encode, batch, sequences))
            messages[-1] = with_acknowledgement(messages[-1])
            self._socket.send(b"".join(messages))
            failures += [(first + position, code, text) for position, code, text in self._failures(sequences, what)]
        return failures

    def _failures(self, sequences: range, what: str) -> list[WriteError]:
        """The errors of a batch, by position; its last message is always answered."""
        failures: list[WriteError] = []
        for buffer, _kind, _flags, sequence, start, end in self._replies(sequences):
            code, text = wire.read_error(buffer, start, end)
            if code == errno.EPERM:
                raise refusal(code, text, what)
            if code:
                failures.append((sequence - sequences[0], code, text or os.strerror(code)))
            if sequence == sequences[-1]:
                break
        return failures
