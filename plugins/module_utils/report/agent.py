# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the agent's status socket: one JSON line there, one JSON document back."""

from __future__ import annotations

import json
import socket
from typing import Any

TIMEOUT = 10.0
"""Seconds for the whole answer; ExaBGP lists 10,000 routes in under two."""


def ask(path: str, command: str, timeout: float = TIMEOUT) -> dict[str, Any]:
    """The agent's answer to `status` or `adj-rib-out`.

    Raises OSError when nobody answers at `path` (in time), ValueError when the answer is no JSON object or an error.
    """
    chunks = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(path)
        connection.sendall(json.dumps({"command": command}).encode() + b"\n")
        while chunk := connection.recv(1 << 16):
            chunks.append(chunk)
    if not chunks:
        raise ValueError(f"the agent closed the connection without an answer to {command!r}")
    answer = json.loads(b"".join(chunks))
    if not isinstance(answer, dict):
        raise ValueError(f"the agent answered {command!r} with {type(answer).__name__}; expected an object")
    if "error" in answer:
        raise ValueError(f"the agent refused {command!r}: {answer['error']}")
    return answer
