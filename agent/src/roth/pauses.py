"""How long to wait before a connection that ended is made again. Pure: seconds and chance are handed in.

Two of our processes hold a connection for ever, one in an event loop and one in a plain loop, so a library for retries
would fit one of them. Equal jitter (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
"""

from __future__ import annotations

from collections.abc import Callable

FIRST, LONGEST = 0.5, 8.0  # seconds


def shortened(seconds: float, chance: float) -> float:
    """A wait, shortened by `chance` (0 to 1, uniform) by up to half: so that not all come in the same moment."""
    return seconds * (0.5 + 0.5 * chance)


class Pauses:
    """From FIRST to LONGEST, twice as long each time until a connection has lasted for LONGEST.

    One that was made and ended at once is no success: a server may take it and throw it out for ever.
    """

    def __init__(self, chance: Callable[[], float]) -> None:
        self.chance = chance
        self._next = FIRST

    def after(self, lasted: float) -> float:
        """Seconds to wait after a connection, or a try, that lasted so many."""
        pause = FIRST if lasted >= LONGEST else self._next
        self._next = min(2 * pause, LONGEST)
        return shortened(pause, self.chance())
