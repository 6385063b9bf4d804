# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""bfdd's vty socket: the same on FRR 8.4 and 10.x, where the control socket is gone.

A command is sent as `text\\0`; the reply is text, three NUL bytes and a return code (FRR, lib/vty.c vtysh_read()).
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from types import TracebackType

SUCCESS = 0  # CMD_SUCCESS (FRR, lib/command.h)
WARNING = 1
_CODES = {
    1: "warning",
    2: "no match",
    3: "ambiguous command",
    4: "incomplete command",
    5: "exceeds the number of arguments",
    13: "configuration failed",
    14: "not running",
}
_END = b"\0\0\0"


class VtyError(Exception):
    """bfdd refused a command, or can't be talked to."""


def encode(command: str) -> bytes:
    """The bytes of a command. Raises ValueError for a NUL or a line break in it."""
    if "\0" in command or "\n" in command:
        raise ValueError(f"a command is one line, not {command!r}")
    return command.encode() + b"\0"


class ReplyBuffer:
    """Collects the bytes of one reply at a time."""

    def __init__(self) -> None:
        self._received = b""

    def feed(self, received: bytes) -> tuple[int, bytes] | None:
        """(return code, text) once the reply is complete, else None. One command at a time, so nothing follows it."""
        self._received += received
        if len(self._received) < 4 or self._received[-4:-1] != _END:
            return None
        code, text = self._received[-1], self._received[:-4]
        self._received = b""
        return code, text


class Vty:
    """A connection for sending commands, in enable mode."""

    def __init__(self, path: str, timeout: float = 5.0) -> None:
        """Connect to the socket `path`; `timeout` in seconds for each reply. Raises VtyError."""
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise VtyError(f"can't connect to bfdd at {path}: {error}") from error
        self.command("enable")

    def __enter__(self) -> Vty:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def command(self, command: str) -> str:
        """Send one command; returns its output. Raises VtyError when bfdd refuses it or goes away."""
        buffer = ReplyBuffer()
        try:
            self._socket.sendall(encode(command))
            while True:
                received = self._socket.recv(65536)
                if not received:
                    raise VtyError(f"bfdd at {self._path} closed the connection at {command!r}")
                reply = buffer.feed(received)
                if reply:
                    break
        except OSError as error:
            raise VtyError(f"no reply from bfdd at {self._path} to {command!r}: {error}") from error
        code, text = reply[0], reply[1].decode("utf-8", "replace")
        if code != SUCCESS:
            what = _CODES.get(code, f"return code {code}")
            raise VtyError(f"bfdd refused {command!r}: {what} {text.strip()}".strip())
        return text

    def configure(self, lines: Sequence[str]) -> None:
        """Apply configuration lines live; bfdd isn't restarted. Raises VtyError at the first refused line."""
        self.command("configure terminal")
        try:
            for line in lines:
                self.command(line)
        finally:
            self.command("end")
