"""What a benchmark measured: samples, kept as JSON between measuring and reporting."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Sample:
    """One value of `who` in one case, in `unit` (ms, s, packets, MiB, % …)."""

    case: str
    who: str
    unit: str
    value: float


@dataclass(frozen=True)
class Run:
    """All that one benchmark measured, on which machine; `quick` runs are too small to be published."""

    benchmark: str
    machine: dict[str, str]
    quick: bool
    samples: tuple[Sample, ...]

    def values(self, case: str, who: str) -> list[float]:
        """The values of one cell of the table, in the order they were measured."""
        return [sample.value for sample in self.samples if (sample.case, sample.who) == (case, who)]

    def cases(self) -> list[tuple[str, str]]:
        """Cases with their units, in the order they were measured."""
        return list(dict.fromkeys((sample.case, sample.unit) for sample in self.samples))

    def contenders(self) -> list[str]:
        """Whoever was measured, in order of appearance."""
        return list(dict.fromkeys(sample.who for sample in self.samples))


def percentile(values: Iterable[float], share: float) -> float:
    """Nearest rank: the smallest value that at least `share` (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def middle(run: Run, case: str, who: str) -> float | None:
    """The median of a cell, None where nothing was measured."""
    values = run.values(case, who)
    return median(values) if values else None


def save(run: Run, folder: Path) -> Path:
    """Write `folder`/NAME.json."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run.benchmark}.json"
    path.write_text(json.dumps(asdict(run), indent=1) + "\n")
    return path


def load(path: Path) -> Run:
    """Read what save() wrote."""
    document = json.loads(path.read_text())
    samples = tuple(Sample(**sample) for sample in document.pop("samples"))
    return Run(**document, samples=samples)
