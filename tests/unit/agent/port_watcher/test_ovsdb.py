"""The process that follows Open vSwitch's database, on injected streams and with a database that is a script."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

import pytest
from roth import pauses
from roth.port_watcher import following, ovsdb
from roth.port_watcher.following import Heard, Lost, understand
from roth.port_watcher.ovsdb import converse
from roth.port_watcher.presence import SwitchPort

from .test_ovsdb_messages import ID, PORT, answer, row, update

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
INITIAL = answer({"Interface": {"u1": {"new": row()}}})


class Written:
    """A StreamWriter's face."""

    def __init__(self) -> None:
        self.octets = b""

    def write(self, octets: bytes) -> None:
        self.octets += octets


def talk(*pieces: bytes, silence: float = 5.0) -> tuple[list[frozenset[SwitchPort]], str, bytes]:
    """What was told of pieces that come in at once and then the end, what ended it, and what was written."""
    told: list[frozenset[SwitchPort]] = []

    async def run() -> tuple[str, bytes]:
        reader, writer = asyncio.StreamReader(), Written()
        for piece in pieces:
            reader.feed_data(piece)
        if silence > 1:
            reader.feed_eof()
        try:
            await converse(reader, writer, told.append, silence)  # type: ignore[arg-type]
        except OSError as error:
            return str(error), writer.octets
        raise AssertionError

    return told, *asyncio.run(run())


def test_the_ports_are_told_and_the_end_is_one() -> None:
    told, text, _written = talk(INITIAL)
    assert (told, text) == ([{PORT}], "the database has closed the connection")


def test_a_database_that_says_nothing_is_asked_once_and_given_up() -> None:
    told, text, written = talk(INITIAL, silence=0.05)
    assert told == [{PORT}]
    assert text == "no sign of life for 0.1 s"
    assert written.count(b'"echo"') == 1


def follow(*lives: Serve) -> list[dict[str, object]]:
    """What is said over connections to a server that serves each in its way."""
    said: list[dict[str, object]] = []

    async def run() -> None:
        left, over = list(lives), asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b'"ports"}')
            if left:
                await left.pop(0)(reader, writer)
            else:
                over.set()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        target = f"tcp:127.0.0.1:{server.sockets[0].getsockname()[1]}"
        task = asyncio.create_task(ovsdb.follow(target, said.append, lambda: 0.0))
        await asyncio.wait_for(over.wait(), 30)
        task.cancel()
        server.close()

    asyncio.run(run())
    return said


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "FIRST", 0.02)
    monkeypatch.setattr(pauses, "LONGEST", 0.05)


async def _good(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(INITIAL)
    await writer.drain()


async def _changing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(INITIAL + update({"new": row(2), "old": {"ofport": 1}}))  # another number is no news
    await writer.drain()
    writer.write(update({"old": row()}))
    await writer.drain()


async def _dead(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    pass


async def _foreign(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail ready")
    await writer.drain()


def test_it_connects_again_and_says_once_what_is_wrong() -> None:
    closed = {"lost": "the database has closed the connection"}
    ports = {"ports": [[ID, "tap00000001-00", ""]]}
    foreign = {"lost": "no JSON object: '220 mail ready'"}
    assert follow(_good, _dead, _dead, _foreign, _good) == [ports, closed, foreign, ports, closed]


def test_what_changes_is_told_and_what_does_not_is_not() -> None:
    said = [each for each in follow(_changing) if "ports" in each]
    assert said[-1] == {"ports": []}
    assert len(said) <= 2


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"ports": [[ID, "tap00000001-00", ""]]}, frozenset({PORT})),
        ({"lost": "why"}, Lost("why")),
    ],
)
def test_a_line_of_it_is_understood(message: object, expected: Heard) -> None:
    assert understand(json.dumps(message)) == expected


@pytest.mark.parametrize("line", ["", "{}", "[]", "3", '{"ports": 3}', '{"ports": [[1]]}'])
def test_what_is_none_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        understand(line)


def test_a_process_that_ends_is_started_again_and_one_that_is_cancelled_is_gone() -> None:
    script = f"""
import json, os, sys
print({json.dumps(json.dumps({"ports": [[ID, "tap00000001-00", ""]]}))}, flush=True)
os._exit(3)
"""
    heard: list[Heard] = []

    async def run() -> None:
        enough = asyncio.Event()

        def hear(each: Heard) -> None:
            heard.append(each)
            if len(heard) == 4:
                enough.set()

        task = asyncio.create_task(following.follow([sys.executable, "-c", script], hear, again=0.0))
        await asyncio.wait_for(enough.wait(), 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    ended = Lost("the process ended (3)")
    assert heard == [frozenset({PORT}), ended] * 2
