"""BFD states from a daemon. FRR's bfdd is polled through its vty: the one channel every FRR has (8.4 to 10.x)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Protocol

from .bfdd.peers import PROFILE, PeerKey, renewal
from .bfdd.vty import ReplyBuffer, Vty, VtyError, encode
from .kernel.model import Address
from .log import log
from .uplinks import BfdState

POLL = 0.020  # seconds at most; a poll costs bfdd and us about 50 µs each
FASTEST = 0.005  # seconds
SHARE = 30  # polls in the shortest detection time: what a poll adds to it is small beside it
REFRESH = 1.0  # seconds between looks at the timers, which change without a state
REPLY = 1.0  # seconds without a reply until the connection counts as dead
RECONNECT = 0.25  # seconds

_QUESTION = encode("show bfd peers json")

Report = Callable[[Mapping[Address, BfdState]], None]


class BfdBackend(Protocol):
    """A source of BFD states."""

    async def run(self, report: Report, lost: Callable[[str], None]) -> None:
        """Report all states when one has changed, `lost` (with the reason) when the daemon can't be asked; for ever."""

    async def renew(self, peers: Sequence[PeerKey]) -> None:
        """Have these sessions start afresh. What fails is logged."""


_STATES = {
    "up": BfdState.UP,
    "down": BfdState.DOWN,
    "init": BfdState.INIT,
    "shutdown": BfdState.ADMIN_DOWN,
}


def read_states(text: bytes) -> dict[Address, BfdState]:
    """Peers and states of `show bfd peers json`. Raises ValueError when it isn't that.

    Of several sessions to one address (another interface or local address) one that is up wins: the path works.
    """
    states: dict[Address, BfdState] = {}
    try:
        for peer in json.loads(text):
            address, state = ip_address(peer["peer"]), _STATES.get(peer["status"], BfdState.UNKNOWN)
            if not peer.get("multihop") and states.get(address) is not BfdState.UP:
                states[address] = state
        return states
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a list of peers: {text[:80]!r}") from error


_PEER = re.compile(rb'"peer":"([^"]*)"')
_STATUS = re.compile(rb'"status":"([^"]*)"')


def fingerprint(text: bytes) -> tuple[list[bytes], list[bytes]] | None:
    """What changes only when a state does (counters and uptimes don't count), or None when FRR writes it otherwise.

    A sixth of the cost of reading the document: it is done up to 200 times a second.
    """
    peers = _PEER.findall(text)
    if peers or b"".join(text.split()) == b"[]":  # no peers, as FRR's versions write it
        return peers, _STATUS.findall(text)
    return None


def pace(text: bytes, slowest: float = POLL) -> float:
    """Seconds until the next poll, by the shortest detection time among the peers (RFC 5880, section 6.8.4)."""
    times = [slowest * SHARE]
    for peer in json.loads(text):
        interval = max(peer.get("receive-interval", 0), peer.get("remote-transmit-interval", 0))  # ms
        detection = peer.get("remote-detect-multiplier", 0) * interval / 1000
        times += [detection] if peer.get("status") == "up" and detection else []
    return max(min(times) / SHARE, min(FASTEST, slowest))


class FrrVty:
    """Polls bfdd over one connection that lasts."""

    def __init__(self, path: str, poll: float = POLL) -> None:
        self.path, self.poll = path, poll

    async def run(self, report: Report, lost: Callable[[str], None]) -> None:
        """See BfdBackend."""
        loop = asyncio.get_running_loop()
        told = ""
        while True:
            ended: asyncio.Future[str] = loop.create_future()
            connection = _Polling(loop, self.poll, report, ended)
            try:
                await loop.create_unix_connection(lambda c=connection: c, self.path)  # type: ignore[misc]
                log("bfdd_connected", socket=self.path)
                reason = await ended
            except OSError as error:
                reason = str(error)
            finally:
                connection.close()
            lost(reason)
            if reason != told:
                log("bfdd_lost", "warning", socket=self.path, reason=reason)
            told = reason
            await asyncio.sleep(RECONNECT)

    async def renew(self, peers: Sequence[PeerKey]) -> None:
        """See BfdBackend. In a thread and over a connection of its own: neither the loop nor the polls wait for it."""
        try:
            await asyncio.to_thread(_configure, self.path, renewal(peers, PROFILE))
        except VtyError as error:
            log("bfd_renewal_failed", "warning", reason=error)


def _configure(path: str, lines: Sequence[str]) -> None:
    with Vty(path) as vty:
        vty.configure(lines)


class _Polling(asyncio.Protocol):
    """One connection: `enable`, then the same question for ever. Callbacks, not coroutines:
    it runs up to 200 times a second."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, poll: float, report: Report, ended: asyncio.Future[str]
    ) -> None:
        self._loop, self._poll, self._report, self._ended = loop, poll, report, ended
        self._transport: asyncio.Transport | None = None
        self._buffer = ReplyBuffer()
        self._timer: asyncio.TimerHandle | None = None
        self._enabled = False
        self._seen: tuple[list[bytes], list[bytes]] | None = None
        self._pace, self._paced = poll, 0.0  # seconds between polls, and when that was decided
        self._states: Mapping[Address, BfdState] | None = None  # as reported last

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (a Unix stream is one)
        self._transport = transport
        self._ask(encode("enable"))

    def _ask(self, question: bytes) -> None:
        if self._transport is not None:
            self._transport.write(question)
            self._timer = self._loop.call_later(REPLY, self._end, f"no reply within {REPLY:g} s")

    def data_received(self, data: bytes) -> None:
        reply = self._buffer.feed(data)
        if reply is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        if self._enabled and not self._read(reply[1]):
            return
        self._enabled = True
        self._timer = self._loop.call_later(self._pace, self._ask, _QUESTION)

    def _read(self, text: bytes) -> bool:
        seen, now = fingerprint(text), self._loop.time()
        if seen is None or seen != self._seen or now - self._paced >= REFRESH:
            try:
                states = read_states(text)
                self._pace, self._paced = pace(text, self._poll), now
            except ValueError as error:
                self._end(str(error))
                return False
            self._seen = seen
            if states != self._states:
                self._states = states
                self._report(states)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(str(exc) if exc else "bfdd closed the connection")

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    def close(self) -> None:
        """Stop asking."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
