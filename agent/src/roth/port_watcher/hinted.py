"""The watcher's side of the process that hears hints."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

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
        elif "refused" in message:
            log("hints_refused", "warning", **{key.replace(" ", "_"): int(n) for key, n in message["refused"].items()})
        else:
            watcher.deaf(str(message["lost"]))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"what hears hints is not understood ({type(error).__name__})") from None


async def follow(source: HintSource, watcher: Watcher) -> None:
    """Hear for ever."""
    lost: Callable[[str], None] = lambda text: log("hints_lost", "warning", reason=text)  # noqa: E731
    await child.follow(command(source, watcher.config.host), lambda line: take(line, watcher), lost)
