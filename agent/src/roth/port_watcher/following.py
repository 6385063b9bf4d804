"""The watcher's side of the process that follows Open vSwitch's database: started without capabilities, and again."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .asking import LONGEST, give_up_capabilities
from .presence import SwitchPort

AGAIN = 1.0  # seconds until a process that ended is started again


@dataclass(frozen=True)
class Lost:
    """Nothing is heard of the switch any more, and why."""

    text: str


Heard = frozenset[SwitchPort] | Lost


def command(target: str) -> list[str]:
    """What runs the process."""
    return [sys.executable, "-m", "roth.port_watcher.ovsdb", target]


def understand(line: bytes | str) -> Heard:
    """One line of it. Raises ValueError for what is none."""
    try:
        message = json.loads(line)
        if "lost" in message:
            return Lost(str(message["lost"]))
        return frozenset(SwitchPort(str(id), str(name), str(kind)) for id, name, kind in message["ports"])
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"what follows the switch is not understood ({type(error).__name__})") from None


async def follow(command: Sequence[str], heard: Callable[[Heard], None], again: float = AGAIN) -> None:
    """Run the process for ever, and pass on what it says. Cancelling ends it."""
    while True:
        try:
            await _one_life(command, heard)
        except (OSError, ValueError) as error:
            heard(Lost(str(error)))
        await asyncio.sleep(again)


async def _one_life(command: Sequence[str], heard: Callable[[Heard], None]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST,
        preexec_fn=give_up_capabilities,
    )
    assert process.stdout is not None  # noqa: S101
    try:
        while line := await process.stdout.readline():
            heard(understand(line))
        raise ValueError(f"the process that follows the switch ended ({await process.wait()})")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
