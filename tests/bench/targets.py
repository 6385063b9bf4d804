"""What a benchmark must reach, and whether it did. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .samples import Run, middle

Cell = tuple[str, str]
"""Case and contender."""


@dataclass(frozen=True)
class Target:
    """The median of `ours` is at most `limit` times that of `theirs`, or, with `above`, at most `limit` more."""

    ours: Cell
    theirs: Cell
    limit: float
    above: bool = False

    @property
    def text(self) -> str:
        """The target in words."""
        here, there = self.ours, self.theirs
        peer = there[1] if there[0] == here[0] else f"{there[0]}, {there[1]}"
        bound = f"{peer} + {self.limit:g}" if self.above else f"{self.limit:g} × {peer}"
        return f"{here[0]}: {here[1]} ≤ {bound}"


@dataclass(frozen=True)
class Verdict:
    """A target and what was measured: `reached` is the ratio, or the difference where the target is one."""

    target: Target
    ours: float
    theirs: float

    @property
    def allowed(self) -> float:
        """The largest value that meets the target."""
        limit = self.target.limit
        return self.theirs + limit if self.target.above else self.theirs * limit

    @property
    def met(self) -> bool:
        """Whether the target was met."""
        return self.ours <= self.allowed

    @property
    def reached(self) -> str:
        """Ratio or difference, as text."""
        if self.target.above:
            return f"{self.ours - self.theirs:+.2f}"
        if self.theirs:
            return f"{self.ours / self.theirs:.2f} ×"
        return f"{self.ours:g} against 0"

    @property
    def excess(self) -> str:
        """By how much a target was missed."""
        if not self.allowed:
            return f"{self.ours:g} instead of 0"
        return f"{(self.ours / self.allowed - 1) * 100:.0f} %"


def judge(run: Run, targets: tuple[Target, ...]) -> list[Verdict]:
    """A verdict for each target both of whose cells were measured."""
    verdicts = []
    for target in targets:
        ours, theirs = middle(run, *target.ours), middle(run, *target.theirs)
        if ours is not None and theirs is not None:
            verdicts.append(Verdict(target, ours, theirs))
    return verdicts
