"""When Neutron is read. Pure: every time is an argument (seconds, monotonic), chance is handed in.

A hint causes one read, a burst of hints one read, and there is one read at a time. Without hints a slow and jittered
period is the net. After a failure the waits double up to a bound, and a hint does not shorten them: a Neutron that
comes back meets each host once, and not all of them in the same second. A library for retries would own loop and clock;
here both belong to the watcher.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..pauses import shortened

Chance = Callable[[], float]
"""0 to 1, uniform."""

_START = 0.5  # seconds over which the first reads of hosts that start together are spread


@dataclass(frozen=True)
class Timing:
    """All in seconds. `jitter` is a share of the period, 0 to 1.

    A read begins `settle` after the last hint, but at most `settle_longest` after the first. Taps that no port explains
    are looked up again after `look_first`, then after twice as long each time up to `look_longest`, and for `look_for`
    after the last hint: a port in live migration is somebody else's until the instance runs here, and no event tells.

    An address that has come here by live migration is announced as preferred for `arrival_settle`; it is taken back if
    Neutron still binds it elsewhere `arrival_unbound` after the instance's first frame. While an instance comes or
    goes, Neutron is read every `moving`.
    """

    period: float = 60.0
    jitter: float = 0.25
    settle: float = 0.02
    settle_longest: float = 0.2
    retry_first: float = 1.0
    retry_longest: float = 60.0
    look_first: float = 0.5
    look_longest: float = 5.0
    look_for: float = 60.0
    patience: float = 30.0
    arrival_settle: float = 180.0
    arrival_unbound: float = 30.0
    moving: float = 10.0


class Schedule:
    """Whether a read is under way, and when the next one is due."""

    def __init__(self, timing: Timing, chance: Chance, now: float) -> None:
        self.timing, self.chance = timing, chance
        self.began: float | None = None  # of the read that is under way
        self.good: float | None = None  # when the last read that succeeded had begun: what it says is as of then
        self.failures = 0
        self._base = now + _START * chance()
        self._hints: tuple[float, float] | None = None  # first and last that no read has followed yet
        self._hinted = now
        self._hurried = False  # while a read is under way
        self._gap = 0.0

    def hint(self, now: float) -> None:
        """Something may have changed."""
        self._hints = (self._hints[0] if self._hints else now, now)
        self._hinted, self._gap = now, 0.0

    def due(self) -> float | None:
        """When the next read is to begin; None while one is under way."""
        if self.began is not None:
            return None
        if self._hints is None or self.failures:
            return self._base
        first, last = self._hints
        return min(self._base, first + self.timing.settle_longest, last + self.timing.settle)

    def expires(self) -> float | None:
        """When the read that is under way has taken too long."""
        return None if self.began is None else self.began + self.timing.patience

    def begin(self, now: float) -> None:
        """A read begins, and sees all that was hinted at before."""
        self.began, self._hints, self._hurried = now, None, False

    def answered(self, now: float, unexplained: bool = False, within: float | None = None) -> None:
        """It succeeded. `unexplained`: a tap is here that it doesn't account for. `within`: the next is due by then."""
        self.good, self.began, self.failures = self.began, None, 0
        self._wait_for_hints(now)
        self._base = now + self.timing.period * (1 + self.timing.jitter * (2 * self.chance() - 1))
        if unexplained and now - self._hinted <= self.timing.look_for:
            self._gap = min(max(2 * self._gap, self.timing.look_first), self.timing.look_longest)
            self._base = min(self._base, now + self._gap)
        if within is not None:
            self._base = min(self._base, now + within)

    def failed(self, now: float) -> None:
        """It did not."""
        self.began = None
        self.failures += 1
        longest = min(self.timing.retry_longest, self.timing.retry_first * 2.0 ** min(self.failures - 1, 32))
        self._base = now if self._hurried else now + shortened(longest, self.chance())
        self._wait_for_hints(now)

    def hurry(self, now: float) -> None:
        """Somebody asks for a read now, whatever failed before, or fails that is under way."""
        self._base = now
        if self.began is not None:
            self._hints, self._hurried = (now, now), True

    def age(self, now: float) -> float | None:
        """How old the last good answer is."""
        return None if self.good is None else now - self.good

    def _wait_for_hints(self, now: float) -> None:
        """Hints that came while it was under way want another one, settled from now."""
        if self._hints is not None:
            self._hints = now, now
