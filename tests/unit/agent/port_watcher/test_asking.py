"""The process that reads Neutron, from the watcher's side: asked, understood, and survived."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from roth.port_watcher import child
from roth.port_watcher.arrivals import Answered, Failed
from roth.port_watcher.asking import ReaderProcess, understand

ROUTE, TAP = "10.64.0.1/32 dev br0", "10.64.0.1/32 tap1"
GOOD: dict[str, object] = {
    "routes": [ROUTE], "taps": [TAP], "neighbors": [], "left_out": ["10.64.0.2", "10.64.8.0/24"],
    "seconds": 0.1,
    "coming": [], "leaving": [], "cleared": [],
}  # fmt: skip
ANSWERING = f"""
import os, sys
for line in sys.stdin:
    print({json.dumps(json.dumps(GOOD))!s} if line.strip() != "3" else "no JSON", flush=True)
    if line.strip() == "2":
        os._exit(7)
"""
HANGING = "import time; time.sleep(600)"


class Asker:
    """A loop with one reader, and what it told."""

    def __init__(self, script: str) -> None:
        self.told: dict[int, Answered | Failed] = {}
        self.news = asyncio.Event()
        self.process = ReaderProcess([sys.executable, "-c", script], self.hear)

    def hear(self, number: int, result: Answered | Failed) -> None:
        self.told[number] = result
        self.news.set()

    async def ask(self, number: int) -> Answered | Failed:
        self.news.clear()
        self.process.ask(number)
        await asyncio.wait_for(self.news.wait(), 30)
        return self.told[number]


def ask(script: str, *numbers: int) -> list[Answered | Failed]:
    async def run() -> list[Answered | Failed]:
        asker = Asker(script)
        try:
            return [await asker.ask(number) for number in numbers]
        finally:
            await asker.process.close()

    return asyncio.run(run())


def test_it_answers_again_and_again() -> None:
    first, second = ask(ANSWERING, 1, 4)
    assert isinstance(first, Answered)
    assert (first, first.left_out, first.answer.route_lines()) == (second, 2, [ROUTE])


def test_one_that_ends_is_started_again() -> None:
    answered, died, again = ask(ANSWERING, 2, 5, 6)
    assert isinstance(answered, Answered)
    assert isinstance(died, (Answered, Failed))  # it may have been seen to be gone before it was asked
    assert isinstance(again, Answered)


def test_one_that_ends_without_an_answer_is_a_failure_with_its_status() -> None:
    (result,) = ask("import os; os._exit(7)", 1)
    assert isinstance(result, Failed)
    assert result.kind == "broken"


def test_what_is_not_understood_is_a_failure_and_the_next_is_asked_of_a_fresh_one() -> None:
    bad, good = ask(ANSWERING, 3, 4)
    assert isinstance(bad, Failed)
    assert isinstance(good, Answered)


def test_one_that_cannot_be_started_is_a_failure() -> None:
    async def run() -> Answered | Failed:
        asker = Asker("")
        asker.process.command = ["/nonexistent/python"]
        return await asker.ask(1)

    assert "No such file" in asyncio.run(run()).text


def test_one_that_hangs_is_ended_when_it_is_given_up() -> None:
    async def run() -> tuple[Answered | Failed, int | None]:
        asker = Asker(HANGING)
        asker.process.ask(1)
        while asker.process._process is None:
            await asyncio.sleep(0)
        process = asker.process._process
        asker.process.drop()
        await asyncio.wait_for(asker.news.wait(), 30)
        return asker.told[1], await process.wait()

    result, status = asyncio.run(run())
    assert isinstance(result, Failed)
    assert status == -9


HELD = f"""
import os, pathlib, subprocess, sys, time
first, second, go = map(pathlib.Path, sys.argv[1:])
line = sys.stdin.readline()
if not first.exists():
    held = subprocess.Popen(["sleep", "600"])  # it has our output as well
    first.with_suffix(".new").write_text(str(held.pid))
    first.with_suffix(".new").rename(first)
    time.sleep(600)
second.touch()
while not go.exists():
    time.sleep(0.01)
print({json.dumps(json.dumps(GOOD))!s}, flush=True)
"""


async def until(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, path
        await asyncio.sleep(0.01)


def test_one_that_was_given_up_and_ends_later_leaves_the_next_alone(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("first", "second", "go")]

    async def run() -> Answered | Failed:
        asker = Asker(HELD)
        asker.process.command = [*asker.process.command, *map(str, files)]
        try:
            asker.process.ask(1)
            await until(files[0])
            asker.process.drop()
            asker.process.ask(2)
            await until(files[1])
            os.kill(int(files[0].read_text()), signal.SIGKILL)
            await asyncio.wait_for(asker.news.wait(), 30)
            assert set(asker.told) == {1}
            asker.news.clear()
            files[2].touch()
            await asyncio.wait_for(asker.news.wait(), 30)
            return asker.told[2]
        finally:
            await asker.process.close()

    assert isinstance(asyncio.run(run()), Answered)


def test_one_that_cannot_give_up_its_capabilities_is_a_failure_and_does_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> None:
        raise OSError(1, "prctl")

    monkeypatch.setattr(child, "_give_up_capabilities", refuse)
    (result,) = ask(ANSWERING, 1)
    assert result == Failed("broken", "the process could not give up its capabilities")


@pytest.mark.parametrize(
    "line",
    ["", "[]", "7", "{}", '{"kind": "broken"}', json.dumps({**GOOD, "routes": ["10.64.0.1/32 via 10.0.0.1"]}),
     json.dumps({**GOOD, "routes": 7}), json.dumps({**GOOD, "taps": ["10.64.0.1/32 a/b"]}), "[" * 100000,
     json.dumps({**GOOD, "coming": 7}), json.dumps({**GOOD, "coming": [{"tap": "tap1"}]}),
     json.dumps({**GOOD, "cleared": "tap1"}), json.dumps({**GOOD, "leaving": "tap1"}),
     json.dumps({**GOOD, "leaving": ["a/b"]})],
)  # fmt: skip
def test_no_line_of_another_form_is_an_answer(line: str) -> None:
    with pytest.raises(ValueError):
        understand(line)
