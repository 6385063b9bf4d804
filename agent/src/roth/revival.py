"""BFD sessions that bfdd can't bring up by itself are configured anew. Pure: the time is an argument.

Without zebra, bfdd opens the socket that a session sends from when the session is configured, and never again: where
the local address was missing then (boot order, an uplink that came late), it hears the peer (init) or doesn't (down)
and stays like that for ever. Nothing in what bfdd tells sets it apart from a path that is down, and a session that is
not up loses nothing by a fresh start. So each one that this bfdd has not yet had up gets one, again and again, ever
more rarely.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .kernel.model import Address
from .uplinks import BfdMemory, BfdState

FIRST = 5.0  # seconds until the first; BFD that can come up has by then
LONGEST = 60.0  # seconds between two; each takes twice as long as the one before


@dataclass
class Revival:
    """When each session that has never been up is due (monotonic seconds), and how long was waited for that."""

    _due: dict[Address, tuple[float, float]] = field(default_factory=dict)

    def due(self, bfd: BfdMemory, now: float) -> list[Address]:
        """The peers whose sessions are to be configured anew now; they count as done. Call about once a second."""
        silent = (BfdState.DOWN, BfdState.INIT)
        stuck = [peer for peer, state in bfd.states.items() if state in silent and peer not in bfd.seen_up]
        # One that is just being configured anew is unknown to bfdd for a moment, and keeps its place.
        self._due = {peer: it for peer, it in self._due.items() if peer in stuck or peer not in bfd.states}
        found = []
        for peer in stuck:
            at, waited = self._due.setdefault(peer, (now + FIRST, FIRST))
            if now >= at:
                waited = min(waited * 2, LONGEST)
                self._due[peer] = now + waited, waited
                found.append(peer)
        return found
