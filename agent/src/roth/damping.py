"""Keeps an uplink that comes and goes out of the defaults until it has been steady, after RFC 2439. Pure: the time is
an argument.

Each loss of an uplink adds to its penalty, which decays by half in every half-life. Above one threshold the uplink is
out, below a lower one it may be used again: so one loss costs nothing, and a link that flaps stays out while it does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .log import log

FLAP = 1000.0  # penalty of one loss


@dataclass(frozen=True)
class DampingRules:
    """`half_life` and `longest` in seconds, `suppress` and `reuse` as penalties. A `longest` of 0: never out."""

    half_life: float
    suppress: float
    reuse: float
    longest: float

    @property
    def ceiling(self) -> float:
        """The highest penalty: from it to `reuse` it takes `longest`."""
        return self.reuse * 2 ** (self.longest / self.half_life)


@dataclass
class _Uplink:
    """What was seen of one uplink last; `penalty` as of monotonic second `at`."""

    carrier: bool
    usable: bool
    at: float
    penalty: float = 0.0
    out: bool = False


@dataclass(frozen=True)
class Damped:
    """An uplink with a penalty; `seconds` until it may be used again if it stays up (0 when it is not out)."""

    uplink: str
    penalty: int
    out: bool
    seconds: float


class Damping:
    """Penalties of uplinks by name. Nothing outlives a restart of the agent: then every uplink has a clean record."""

    def __init__(self, rules: DampingRules) -> None:
        self.rules = rules
        self._uplinks: dict[str, _Uplink] = {}

    def observe(self, name: str, carrier: bool, usable: bool, now: float) -> None:
        """How an uplink is now. A loss is counted when its carrier goes, or when it was usable and is no more.

        One outage goes through both at once, or finds the uplink unusable already: it counts once.
        """
        known = self._uplinks.setdefault(name, _Uplink(carrier, usable, now))
        lost = (known.carrier and not carrier) or (known.usable and not usable)
        self._decay(known, now)
        known.carrier, known.usable = carrier, usable
        if lost:
            known.penalty = min(known.penalty + FLAP, self.rules.ceiling)
        was = known.out
        known.out = known.penalty >= self.rules.suppress or (known.out and known.penalty >= self.rules.reuse)
        if known.out is not was:
            log("damped" if known.out else "undamped", uplink=name, seconds=round(self._seconds(known)))

    def keep(self, uplinks: Mapping[str, object], rules: DampingRules) -> None:
        """The configuration has changed: forget uplinks that are no more."""
        self.rules = rules
        self._uplinks = {name: known for name, known in self._uplinks.items() if name in uplinks}

    def _decay(self, known: _Uplink, now: float) -> None:
        known.penalty *= 0.5 ** (max(0.0, now - known.at) / self.rules.half_life)
        known.at = now

    def _seconds(self, known: _Uplink) -> float:
        if not known.out or known.penalty <= self.rules.reuse:
            return 0.0
        return self.rules.half_life * math.log2(known.penalty / self.rules.reuse)

    def out(self) -> frozenset[str]:
        """The uplinks that are to be left out, as of the last observation."""
        return frozenset(name for name, known in self._uplinks.items() if known.out)

    def release(self) -> float | None:
        """Seconds from the last observation until the first uplink may be used again; None when none is out."""
        return min((self._seconds(known) for known in self._uplinks.values() if known.out), default=None)

    def report(self, now: float) -> list[Damped]:
        """Uplinks with a penalty worth showing."""
        for known in self._uplinks.values():
            self._decay(known, now)
        return [
            Damped(name, round(known.penalty), known.out, round(self._seconds(known), 1))
            for name, known in self._uplinks.items()
            if known.penalty >= 1
        ]
