"""The state as one JSON document, and the socket that hands it out."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import __version__
from .config import GROUP_IDS, Config
from .damping import Damped
from .draining import Draining
from .exabgp_api import FAMILY_NAMES
from .fib import Fib
from .kernel.model import Family, Prefix
from .log import log
from .speaker import Speaker
from .uplinks import DEFAULT, BfdMemory

REQUEST = 4096  # bytes a request may have
PATIENCE = 5.0  # seconds a client may take to ask

Handler = Callable[[str], Awaitable[dict[str, Any]]]


def document(
    config: Config,
    speaker: Speaker,
    bfd: BfdMemory,
    fib: Fib,
    damped: Iterable[Damped],
    draining: Draining,
    withheld: Mapping[Prefix, str],
    alarms: list[str],
    last_error: tuple[float, str] | None,
    started: float,
) -> dict[str, Any]:
    """Everything `roth status` shows. `started` is monotonic seconds."""
    return {
        "version": __version__,
        "asn": config.asn,
        "router_id": config.router_id,
        "time": speaker.clock.wall(),
        "uptime_seconds": round(speaker.clock.monotonic() - started, 1),
        "exabgp": {"connected": speaker.connected},
        "sessions": _sessions(config, speaker),
        "bfd": _bfd(config, bfd),
        "defaults": [_default(fib, family) for family in Family if _has(config, family)],
        "damping": [asdict(each) for each in damped],
        "drain": draining.document(),
        "announced": [str(prefix) for prefix in speaker.announcer.announced()],
        "preferred": [str(prefix) for prefix in speaker.announcer.told_preferred()],
        "withheld": [
            {"prefix": str(prefix), "reason": reason}
            for prefix, reason in sorted(withheld.items(), key=lambda item: (item[0].version, item[0]))
        ],
        "alarms": alarms,
        "last_error": {"time": last_error[0], "text": last_error[1]} if last_error else None,
    }


def _has(config: Config, family: Family) -> bool:
    return any(uplink.peer(family) for uplink in config.uplinks)


def _sessions(config: Config, speaker: Speaker) -> list[dict[str, Any]]:
    return [
        {
            "peer": str(address),
            "uplink": uplink.name,
            "tor": uplink.tor,
            "family": FAMILY_NAMES[peer.family],
            "asn": peer.asn,
            "state": speaker.sessions.peers[address].state.value,
            "since": speaker.sessions.peers[address].since,
            "reason": speaker.sessions.peers[address].reason,
            "default_received": DEFAULT[peer.family] in speaker.sessions.peers[address].received,
        }
        for address, (uplink, peer) in config.peers().items()
    ]


def _bfd(config: Config, bfd: BfdMemory) -> list[dict[str, Any]]:
    return [
        {
            "peer": str(address),
            "uplink": uplink.name,
            "tor": uplink.tor,
            "family": FAMILY_NAMES[peer.family],
            "state": bfd.state(address).value,
            "enabled": uplink.bfd,
        }
        for address, (uplink, peer) in config.peers().items()
    ]


def _default(fib: Fib, family: Family) -> dict[str, Any]:
    default = fib.defaults[family]
    return {
        "family": FAMILY_NAMES[family],
        "group": GROUP_IDS[family],
        "uplinks": list(default.members),
        "installed": default.installed,
        "fail_static": default.fail_static,
    }


def may_ask(uid: int, gid: int) -> bool:
    """root, and the agent's own user or group."""
    return uid == 0 or uid == os.geteuid() or gid == os.getegid()


class StatusServer:
    """One JSON line in, one JSON document out, then the end."""

    def __init__(self, path: str, handler: Handler) -> None:
        self.path, self.handler = path, handler
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self) -> asyncio.Server:
        """Listen. Raises OSError."""
        Path(self.path).unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._connected, self.path, limit=REQUEST)
        Path(self.path).chmod(0o660)
        return server

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # a task of ours: Python 3.11.7 logs a traceback for each of its own that the end of the loop cancels
        task = asyncio.create_task(self._serve(reader, writer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._answer(reader, writer)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (OSError, TimeoutError, ValueError):
            pass  # a client that hangs, vanishes or sends a line without end gets nothing
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> dict[str, Any]:
        line = await reader.readline()  # also a stranger's: closed with a question unread, the refusal would be lost
        connection = writer.get_extra_info("socket")
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid, uid, gid = struct.unpack("3i", credentials)
        if not may_ask(uid, gid):
            log("status_refused", "warning", pid=pid, uid=uid)
            return {"error": f"user {uid} may not ask: root and the agent's own user and group may"}
        try:
            command = json.loads(line)["command"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return {"error": 'expected one line like {"command": "status"}'}
        if not isinstance(command, str):
            return {"error": "the command is not a string"}
        return await self.handler(command)


def ask(path: str, command: str, timeout: float = 10.0) -> dict[str, Any]:
    """The client's side: one question, the document. Raises OSError, or ValueError when the answer isn't a document."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        # while the queue of connections is full a socket that doesn't block is refused at once (connect(2), EAGAIN)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(timeout), 0))
        client.connect(path)
        client.settimeout(timeout)
        client.sendall(json.dumps({"command": command}).encode() + b"\n")
        received = b""
        while chunk := client.recv(1 << 20):
            received += chunk
    answer = json.loads(received)
    if not isinstance(answer, dict):
        raise ValueError("the agent's answer isn't a document")
    return answer
