"""What every benchmark is: how it is measured, what it must reach, and why it misses where it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .samples import Sample
from .targets import Target

OURS = "roth.fabric"
"""How our own side is called in every table."""

Measure = Callable[[bool], list[Sample]]
"""Measures; with True a small size that only shows that it works."""


@dataclass(frozen=True)
class Plot:
    """A chart of `cases`: one bar a contender in each case (several values a case: a bar of medians)."""

    name: str
    title: str
    cases: tuple[str, ...]
    logarithmic: bool = False


@dataclass(frozen=True)
class Benchmark:
    """`why` holds the reason for a missed target, by the target's text."""

    name: str
    title: str
    method: str
    measure: Measure
    targets: tuple[Target, ...] = ()
    plots: tuple[Plot, ...] = ()
    why: Mapping[str, str] = field(default_factory=dict)
