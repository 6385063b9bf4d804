"""Hints of the listener on the host: the process that hears them on a real socket, and what they cause."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from pathlib import Path

import pytest
from roth.hints import Verifier, sign
from roth.port_watcher import child, hinted
from roth.port_watcher.config import HintSource
from roth.port_watcher.hearing import PAUSE, REPORT, Gate, serve

from tests.unit.repo.tree import ROOT

from .rig import Rig

KEY = "k" * 32


def test_a_hint_is_a_read_and_nothing_else(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.settle(5)
    rig.boot(1)
    rig.settle()
    routes, reads = rig.store.has(), len(rig.reads)
    hinted.take('{"hint": true}', rig.watcher)
    rig.settle()
    assert (rig.store.has(), len(rig.reads)) == (routes, reads + 1)
    assert rig.status()["hints"] == 1


def test_a_hint_does_not_shorten_the_wait_for_a_neutron_that_fails(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.mode = "broken"
    rig.settle(10)
    reads = len(rig.reads)
    hinted.take('{"hint": true}', rig.watcher)
    rig.settle(0.1)
    assert len(rig.reads) == reads


def test_a_socket_that_cannot_be_had_is_a_problem_of_the_host(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    hinted.take('{"lost": "no hints are heard: Address already in use"}', rig.watcher)
    assert rig.status()["deaf"] == "no hints are heard: Address already in use"


@pytest.mark.parametrize("line", ["", "[]", "3", "{}", '{"refused": 3}'])
def test_what_is_no_line_of_it_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ValueError):
        hinted.take(line, Rig(tmp_path).watcher)


def test_the_first_hint_passes_at_once_and_the_next_after_a_pause() -> None:
    said: list[object] = []
    gate = Gate(said.append)
    assert gate.due(100.0) is None
    for _time in range(3):
        gate.hint()
        gate.turn(100.0)
    assert (said, gate.due(100.0)) == ([{"hint": True}], PAUSE)
    gate.turn(100.0 + PAUSE)
    assert (len(said), gate.due(100.0 + PAUSE)) == (2, None)


def test_refusals_are_counted_and_reported_now_and_then() -> None:
    said: list[object] = []
    gate = Gate(said.append)
    for moment in (100.0, 101.0, 102.0):
        gate.refused("another key")
        gate.turn(moment)
    assert said == [{"refused": {"another key": 1}}]
    gate.turn(100.0 + REPORT)
    assert said[1:] == [{"refused": {"another key": 2}}]


class Unreadable:
    """A socket that can be read by select's word, and of which reading fails; then its other side has ended."""

    def __init__(self, ended: int, *errors: OSError) -> None:
        self.errors, self.ended = list(errors), ended
        self.readable, self.other = os.pipe()
        os.write(self.other, b"x")

    def fileno(self) -> int:
        return self.readable

    def recv(self, _size: int) -> bytes:
        error = self.errors.pop(0)
        if not self.errors:
            os.close(self.ended)
        raise error


@pytest.mark.parametrize(
    ("error", "refused"), [(BlockingIOError(11, "again"), {}), (OSError(105, "No buffers"), {"No buffers": 2})]
)
def test_a_datagram_that_cannot_be_had_ends_nothing(error: OSError, refused: dict[str, int]) -> None:
    """A wrong checksum: select(2), under Bugs."""
    said: list[dict[str, object]] = []
    ended, other = os.pipe()
    opened, verifier, gate = Unreadable(other, error, error), Verifier(KEY.encode(), "hv1", 0.0), Gate(said.append)
    gate._report = time.monotonic() + 3600
    serve(opened, verifier, gate, ended)  # type: ignore[arg-type]
    gate.turn(gate._report)
    assert [each["refused"] for each in said] == ([refused] if refused else [])


def test_the_process_takes_what_is_signed_and_counts_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "agent/src"), *sys.path]))
    # an address of this process's own: who looks for a free port does so on another one
    address, port = f"127.77.{os.getpid() >> 8 & 255}.{os.getpid() & 255}", 5142
    (tmp_path / "key").write_text(KEY)
    source = HintSource(address, port, str(tmp_path / "key"))
    said: list[dict[str, object]] = []

    async def run() -> None:
        both = asyncio.Event()

        def hear(line: bytes) -> None:
            said.append(json.loads(line))
            if {key for each in said for key in each} == {"hearing", "hint", "refused"}:
                both.set()

        task = asyncio.create_task(child.follow(hinted.command(source, "hv1"), hear, lambda _text: None))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            deadline = time.monotonic() + 60
            while not both.is_set():
                assert time.monotonic() < deadline, said
                for number, key in enumerate((KEY, "x" * 32)):
                    nonce = f"{time.monotonic_ns()}-{number}"
                    sender.sendto(sign(key.encode(), "hv1", time.time(), nonce), (address, port))
                await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert {"hint": True} in said
