"""The watcher's side of the process that follows Open vSwitch's database."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import child
from .presence import SwitchPort


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


async def follow(command: Sequence[str], heard: Callable[[Heard], None], again: float = child.AGAIN) -> None:
    """Run the process for ever, and pass on what it says. Cancelling ends it."""
    await child.follow(command, lambda line: heard(understand(line)), lambda text: heard(Lost(text)), again)
