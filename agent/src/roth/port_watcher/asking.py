"""The watcher's side of the process that asks Neutron: it is started without capabilities, asked, and given up on."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence

from ..kernel.text import parse_device, parse_routes
from . import child
from .answer import parse_answer
from .arrivals import Answered, Coming, Failed, Migrations

Told = Callable[[int, "Answered | Failed"], None]


def command(config: str) -> list[str]:
    """What runs the reader of a configuration."""
    return [sys.executable, "-m", "roth.port_watcher.reader", config]


def understand(line: bytes | str) -> Answered | Failed:
    """One line of the reader. Raises ValueError for what is none."""
    try:
        message = json.loads(line)
        if "kind" in message:
            return Failed(str(message["kind"]), str(message["text"]))
        answer = parse_answer(*(message[key] for key in ("routes", "taps", "neighbors", "left_out")))
        return Answered(answer, len(message["left_out"]), float(message["seconds"]), _migrations(message))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"the reader's answer is not understood ({type(error).__name__})") from None


def _migrations(message: Mapping[str, object]) -> Migrations:
    coming, leaving, cleared = message["coming"], message["leaving"], message["cleared"]
    if not isinstance(coming, list) or not isinstance(leaving, list) or not isinstance(cleared, list):
        raise TypeError
    return Migrations(tuple(map(_coming, coming)), *(frozenset(map(parse_device, each)) for each in (leaving, cleared)))


def _coming(entry: Mapping[str, object]) -> Coming:
    routes = entry["routes"]
    if not isinstance(routes, list):
        raise TypeError
    return Coming(parse_device(str(entry["tap"])), str(entry["mac"]), parse_routes(routes).routes)


class ReaderProcess:
    """Starts the reader when it is first asked, and again after it was dropped or ended."""

    def __init__(self, command: Sequence[str], told: Told) -> None:
        self.command, self.told = command, told
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: set[asyncio.Task[None]] = set()  # a task that nobody holds may vanish

    def ask(self, number: int) -> None:
        """Begin a read; what becomes of it is told."""
        task = asyncio.get_running_loop().create_task(self._exchange(number))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def drop(self) -> None:
        """Give up on the read under way, and on its connection."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()

    async def close(self) -> None:
        """End it, and whatever waits for it."""
        process = self._process
        self.drop()
        for task in list(self._tasks):
            task.cancel()
        if process is not None:
            await process.wait()

    async def _exchange(self, number: int) -> None:
        process: asyncio.subprocess.Process | None = None
        try:
            process = await self._started()
            assert process.stdin is not None and process.stdout is not None  # noqa: S101
            process.stdin.write(f"{number}\n".encode())
            await process.stdin.drain()
            line = await process.stdout.readline()
            if not line:
                status = await process.wait()
                raise ValueError(f"the process that reads Neutron ended ({status})")
            result = understand(line)
        except (OSError, ValueError) as error:
            if process is self._process:  # one that was dropped may end when the next is long at work
                self.drop()
            result = Failed("broken", str(error))
        self.told(number, result)

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await child.start(self.command)
        return self._process
