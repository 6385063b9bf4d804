"""bfdd through its vty: a server that speaks the protocol stands in for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

import pytest
from roth.bfd import FrrVty, fingerprint, pace, read_states
from roth.kernel.model import Address
from roth.uplinks import BfdState

from tests.unit.agent.fakes import GOLDEN, V4, V6

GOLDEN_REPLY = (GOLDEN / "bfdd-8.4.4.json").read_bytes()


def test_the_reply_of_a_real_bfdd_is_read() -> None:
    assert read_states(GOLDEN_REPLY) == dict.fromkeys((*V4, *V6), BfdState.UP)


def test_every_state_has_its_name() -> None:
    text = json.dumps([{"peer": "10.0.0.1", "status": status} for status in ("up",)])
    assert read_states(text.encode()) == {ip_address("10.0.0.1"): BfdState.UP}
    for status, state in (
        ("down", BfdState.DOWN),
        ("init", BfdState.INIT),
        ("shutdown", BfdState.ADMIN_DOWN),
        ("new", BfdState.UNKNOWN),
    ):
        assert read_states(text.replace("up", status).encode()) == {ip_address("10.0.0.1"): state}


@pytest.mark.parametrize("statuses", [("up", "down"), ("down", "up")])
def test_of_two_sessions_to_one_address_the_one_that_is_up_counts(statuses: tuple[str, str]) -> None:
    text = json.dumps([{"peer": "10.0.0.1", "status": status} for status in statuses])
    assert read_states(text.encode()) == {ip_address("10.0.0.1"): BfdState.UP}


@pytest.mark.parametrize(
    "text", [b"", b"% Unknown command", b"{}{}", b'[{"peer": "x"}]', b'[{"peer":"x","status":"up"}]', b"[1]"]
)
def test_what_is_no_list_of_peers_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        read_states(text)


def test_the_fingerprint_ignores_counters_and_sees_states() -> None:
    assert fingerprint(GOLDEN_REPLY) == fingerprint(GOLDEN_REPLY.replace(b'"uptime":', b'"uptime":9'))
    assert fingerprint(GOLDEN_REPLY) != fingerprint(GOLDEN_REPLY.replace(b'"status":"up"', b'"status":"down"', 1))
    assert fingerprint(b'[{"peer" : "10.0.0.1", "status" : "up"}]') is None  # written otherwise: read every time


@pytest.mark.parametrize(
    ("multiplier", "receive", "transmit", "status", "seconds"),
    [
        (3, 300, 300, "up", 0.020),
        (3, 100, 100, "up", 0.010),
        (3, 50, 50, "up", 0.005),
        (3, 50, 100, "up", 0.010),  # the slower of what one end wants and the other sends
        (2, 10, 10, "up", 0.005),
        (3, 1000, 1000, "up", 0.020),
        (3, 50, 50, "down", 0.020),
    ],
)
def test_bfdd_is_asked_30_times_in_a_detection_time_within_bounds(
    multiplier: int, receive: int, transmit: int, status: str, seconds: float
) -> None:
    slow = {"peer": "10.0.0.1", "status": "up", "receive-interval": 300, "remote-transmit-interval": 300}
    timers = {"receive-interval": receive, "remote-transmit-interval": transmit}
    peer = {"peer": "10.0.0.2", "status": status, **timers, "remote-detect-multiplier": multiplier}
    assert pace(json.dumps([{**slow, "remote-detect-multiplier": 3}, peer]).encode()) == pytest.approx(seconds)


def test_bfdd_that_tells_no_timers_is_asked_as_seldom_as_may_be() -> None:
    assert pace(b'[{"peer":"10.0.0.1","status":"up"}]') == pace(b"[]") == 0.020
    assert pace(GOLDEN_REPLY) == pytest.approx(0.020)


class Bfdd:
    """Answers `enable` and the question; `reply` may be changed, `mute` stops the answers."""

    def __init__(self, path: Path) -> None:
        self.path, self.reply, self.mute = path, GOLDEN_REPLY, False
        self.connections = self.answered = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def start(self) -> asyncio.Server:
        return await asyncio.start_unix_server(self.serve, self.path)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        with contextlib.suppress(asyncio.CancelledError, OSError):
            while command := await reader.read(1000):
                if not self.mute:
                    text = b"" if command == b"enable\0" else self.reply
                    middle = len(text) // 2
                    writer.write(text[:middle])
                    await writer.drain()
                    writer.write(text[middle:] + b"\0\0\0\0")
                    self.answered += 1


async def until(what) -> None:
    async with asyncio.timeout(60):
        while not what():
            await asyncio.sleep(0.005)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for a second loses no connection."""
    monkeypatch.setattr("roth.bfd.REPLY", 60.0)


def follow(tmp_path: Path, story) -> tuple[list[Mapping[Address, BfdState]], list[str]]:
    reports: list[Mapping[Address, BfdState]] = []
    losses: list[str] = []

    async def run() -> None:
        bfdd = Bfdd(tmp_path / "bfdd.vty")
        server = await bfdd.start()
        task = asyncio.create_task(FrrVty(str(bfdd.path), 0.005).run(reports.append, losses.append))
        await story(bfdd, server, reports, losses)
        task.cancel()
        server.close()

    asyncio.run(run())
    return reports, losses


@pytest.mark.usefixtures("patient")
def test_states_are_reported_when_one_changes_only(tmp_path: Path) -> None:
    async def story(bfdd, server, reports, losses) -> None:
        await until(lambda: len(reports) == 1)
        bfdd.reply = GOLDEN_REPLY.replace(b'"uptime":', b'"uptime":9')
        await asyncio.sleep(0.05)
        assert len(reports) == 1
        bfdd.reply = bfdd.reply.replace(b'"status":"up"', b'"status":"down"')
        await until(lambda: len(reports) == 2)

    reports, losses = follow(tmp_path, story)
    assert [set(report.values()) for report in reports] == [{BfdState.UP}, {BfdState.DOWN}]
    assert losses == []


@pytest.mark.parametrize("text", [b"[]", b"[\n]\n", b"[ ]"])
def test_no_peers_have_a_fingerprint_too(text: bytes) -> None:
    assert fingerprint(text) == ([], [])


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("text", "states"),
    [(b"[]", {}), (b'[{"peer" : "10.0.0.1", "status" : "up"}]', {ip_address("10.0.0.1"): BfdState.UP})],
)
def test_what_does_not_change_is_reported_once_however_it_is_written(
    tmp_path: Path, text: bytes, states: dict[Address, BfdState]
) -> None:
    async def story(bfdd, server, reports, losses) -> None:
        bfdd.reply = text
        await until(lambda: bfdd.answered >= 10)

    reports, losses = follow(tmp_path, story)
    assert (reports, losses) == ([states], [])


@pytest.mark.usefixtures("patient")
def test_a_connection_that_ends_is_made_again(tmp_path: Path) -> None:
    async def story(bfdd, server, reports, losses) -> None:
        await until(lambda: len(reports) == 1)
        bfdd.writers[0].close()
        await until(lambda: len(reports) == 2)

    _reports, losses = follow(tmp_path, story)
    assert len(losses) == 1


def test_a_bfdd_that_does_not_answer_is_lost(tmp_path: Path) -> None:
    async def story(bfdd, server, reports, losses) -> None:
        await until(lambda: len(reports) == 1)
        bfdd.mute = True
        await until(lambda: losses)

    _reports, losses = follow(tmp_path, story)
    assert losses == ["no reply within 1 s"]


def test_nonsense_counts_as_lost_and_is_not_an_opinion(tmp_path: Path) -> None:
    async def story(bfdd, server, reports, losses) -> None:
        bfdd.reply = b"% Unknown command"
        await until(lambda: losses)

    reports, _losses = follow(tmp_path, story)
    assert reports == []
