"""A process beside the watcher that faces something outside: without capabilities, read by lines, started again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from .asking import LONGEST, give_up_capabilities

AGAIN = 1.0  # seconds until a process that ended is started again


async def follow(
    command: Sequence[str], line: Callable[[bytes], None], lost: Callable[[str], None], again: float = AGAIN
) -> None:
    """Run the process for ever, and pass on its lines. `line` may raise ValueError; `lost` is told of each end.

    Cancelling ends it.
    """
    while True:
        try:
            await _one_life(command, line)
        except (OSError, ValueError) as error:
            lost(str(error))
        await asyncio.sleep(again)


async def _one_life(command: Sequence[str], line: Callable[[bytes], None]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST,
        preexec_fn=give_up_capabilities,
    )
    assert process.stdout is not None  # noqa: S101
    try:
        while read := await process.stdout.readline():
            line(read)
        raise ValueError(f"the process ended ({await process.wait()})")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
