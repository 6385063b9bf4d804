"""Time as an injected thing: clocks, and named functions that run later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Seconds: `monotonic` for intervals, `wall` (since 1970) for showing."""

    def monotonic(self) -> float:
        """Never jumps."""

    def wall(self) -> float:
        """May jump."""


class SystemClock:
    """The real one."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


class Timers(Protocol):
    """Runs a function once, later. Of two times asked for one name the earlier holds: a burst can't put it off."""

    def later(self, name: str, seconds: float, run: Callable[[], None]) -> None:
        """Schedule `run` in `seconds`, unless `name` is due earlier anyway."""


class LoopTimers:
    """Timers of the running event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def later(self, name: str, seconds: float, run: Callable[[], None]) -> None:
        """See Timers."""
        known = self._handles.get(name)
        if known is not None:
            if known.when() <= self._loop.time() + seconds:
                return
            known.cancel()
        self._handles[name] = self._loop.call_later(seconds, self._fire, name, run)

    def _fire(self, name: str, run: Callable[[], None]) -> None:
        del self._handles[name]
        run()
