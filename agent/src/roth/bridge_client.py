"""The agent's connection to roth-bridge: connects, reconnects, splits lines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .log import log

RECONNECT = 0.2  # seconds
LINE_LIMIT = 64 << 20  # bytes: `show neighbor json` is one line, so is an update's event


class BridgeClient(asyncio.Protocol):
    """Calls `connected`, `line` for each line, and `disconnected`. Lines are handled as they arrive."""

    def __init__(
        self, path: str, connected: Callable[[], None], line: Callable[[str], None], disconnected: Callable[[], None]
    ) -> None:
        self.path, self.connected, self.line, self.disconnected = path, connected, line, disconnected
        self._transport: asyncio.Transport | None = None
        self._partial = b""
        self._gone = asyncio.Event()

    async def run(self) -> None:
        """Keep a connection, for ever."""
        loop = asyncio.get_running_loop()
        told = ""
        while True:
            self._gone.clear()
            try:
                await loop.create_unix_connection(lambda: self, self.path)
                told = ""
                await self._gone.wait()
            except OSError as error:
                if str(error) != told:
                    log("exabgp_unreachable", "warning", socket=self.path, error=error)
                told = str(error)
            await asyncio.sleep(RECONNECT)

    def send(self, lines: list[str]) -> None:
        """Send commands; without a connection they are dropped (the next survey finds out what is missing)."""
        if self._transport is not None:
            self._transport.write("".join(f"{line}\n" for line in lines).encode("ascii"))

    def drop(self, reason: str) -> None:
        """Give the connection up; run() makes a new one."""
        if self._transport is not None:
            log("exabgp_dropped", "warning", reason=reason)
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (a Unix stream is one)
        self._transport, self._partial = transport, b""
        log("exabgp_connected", socket=self.path)
        self.connected()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self.line(line.decode("utf-8", "replace"))
        if len(self._partial) > LINE_LIMIT:
            self.drop("line too long")

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        log("exabgp_disconnected", "warning", error=exc or "closed")
        self.disconnected()
        self._gone.set()
