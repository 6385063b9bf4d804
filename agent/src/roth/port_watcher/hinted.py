"""The watcher's side of the process that hears hints."""

from __future__ import annotations

import json
import sys

from ..log import log
from . import child
from .config import HintSource
from .watcher import Watcher


def command(source: HintSource, host: str) -> list[str]:
    """What runs the process."""
    return [sys.executable, "-m", "roth.port_watcher.hearing", host, source.address, str(source.port), source.key_file]


def take(line: bytes | str, watcher: Watcher) -> None:
    """A line of it. Raises ValueError for what is none."""
    try:
        message = json.loads(line)
        if "hint" in message:
            watcher.hinted()
        elif "hearing" in message:
            watcher.deaf(None)
        elif "refused" in message:
            log("hints_refused", "warning", **{key.replace(" ", "_"): int(n) for key, n in message["refused"].items()})
        else:
            watcher.deaf(str(message["lost"]))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"what hears hints is not understood ({type(error).__name__})") from None


def ended(why: str, watcher: Watcher) -> None:
    """The process has, and is started again. What it said of itself tells more."""
    watcher.deaf(watcher.state.deaf or f"no hints are heard: {why}")


async def follow(source: HintSource, watcher: Watcher) -> None:
    """Hear for ever."""
    process = command(source, watcher.config.host)
    await child.follow(process, lambda line: take(line, watcher), lambda why: ended(why, watcher))
