"""A process beside the watcher that faces something outside: without capabilities, read by lines, started again."""

from __future__ import annotations

import asyncio
import ctypes
import subprocess
from collections.abc import Callable, Sequence

LONGEST = 64 << 20  # bytes of a line: an answer of some hundred thousand routes
AGAIN = 1.0  # seconds until a process that ended is started again
_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4  # linux/prctl.h


def _give_up_capabilities() -> None:
    """Between fork and exec: who isn't root and has no ambient capability has none after the exec (capabilities(7))."""
    if _LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


async def start(command: Sequence[str]) -> asyncio.subprocess.Process:
    """Such a process, with pipes for its input and output. Raises OSError."""
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST,
            preexec_fn=_give_up_capabilities,
        )
    except subprocess.SubprocessError:  # all that the parent hears of preexec_fn
        raise OSError("the process could not give up its capabilities") from None


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
    process = await start(command)
    assert process.stdout is not None  # noqa: S101
    try:
        while read := await process.stdout.readline():
            line(read)
        raise ValueError(f"the process ended ({await process.wait()})")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
