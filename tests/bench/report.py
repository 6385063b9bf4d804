"""Samples become a page: tables, ratios, targets met and missed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from .benchmark import OURS, Benchmark
from .samples import Run, percentile
from .targets import Verdict, judge

MANY = 100
"""Samples from which a 99th percentile says more than the extremes."""

HEADER = """\
# Benchmarks

Written by `make bench`, which measures all of this in one run, beside what one would use instead, and draws the plots.
The figures are of one small machine with other work on it: read the ratios, not the values. A cell is the median, with
the smallest and the largest value of its samples, or with the 99th percentile where there are {many} of them or more.

```console
$ make bench B=latency
```

measures one of them: {names}. The samples stay in
`build/bench/`; `make bench ARGS=--report` writes this page from them.
"""


def number(value: float) -> str:
    """Three significant digits, and no more than are of use."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def cell(values: Sequence[float]) -> str:
    """Median and spread."""
    if not values:
        return "–"
    middle = number(median(values))
    if len(values) >= MANY:
        return f"{middle} (p99 {number(percentile(values, 0.99))})"
    if len(values) > 1:
        return f"{middle} ({number(min(values))} … {number(max(values))})"
    return middle


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Ours as a multiple of theirs."""
    if not ours or not theirs or not median(theirs):
        return "–"
    return f"{median(ours) / median(theirs):.2f}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are figures."""
    head, *body = rows
    line = ["---", *("---:" for _column in head[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, line, *body])


def samples_table(run: Run) -> str:
    """One line a case: everybody's figures, then ours as a multiple of each of the others."""
    everyone = run.contenders()
    others = [who for who in everyone if who != OURS]
    everyone = [*([OURS] if OURS in everyone else []), *others]
    peers = others if OURS in everyone else []
    rows = [["case", *everyone, *(f"÷ {who}" for who in peers)]]
    for case, unit in run.cases():
        values = {who: run.values(case, who) for who in everyone}
        rows.append(
            [f"{case}, {unit}", *(cell(values[who]) for who in everyone)]
            + [ratio(values.get(OURS, []), values[who]) for who in peers]
        )
    return table(rows)


def verdict_lines(verdicts: Sequence[Verdict], why: Mapping[str, str]) -> list[str]:
    """The targets as a table; below it the reasons for what was missed."""
    if not verdicts:
        return []
    rows = [["target", "reached", ""]]
    rows += [
        [verdict.target.text, verdict.reached, "met" if verdict.met else f"**missed by {verdict.excess}**"]
        for verdict in verdicts
    ]
    reasons = dict.fromkeys(
        why.get(verdict.target.text, "Not explained yet.") for verdict in verdicts if not verdict.met
    )
    return [table(rows), *(f"Missed: {reason}" for reason in reasons)]


def section(benchmark: Benchmark, run: Run) -> list[str]:
    """Title, method, figures, targets, plots."""
    found = [f"## {benchmark.title}", benchmark.method, samples_table(run)]
    found += verdict_lines(judge(run, benchmark.targets), benchmark.why)
    found += [f"![{plot.title}]({plot.name}.svg)" for plot in benchmark.plots]
    return found


def summary(pairs: Sequence[tuple[Benchmark, Run]]) -> str:
    """How many targets each benchmark met."""
    rows = [["benchmark", "targets met", "of"]]
    for benchmark, run in pairs:
        verdicts = judge(run, benchmark.targets)
        anchor = benchmark.title.lower().replace(" ", "-")
        anchor = "".join(letter for letter in anchor if letter.isalnum() or letter in "-_")
        rows.append([f"[{benchmark.title}](#{anchor})", str(sum(it.met for it in verdicts)), str(len(verdicts))])
    return table(rows)


def page(pairs: Sequence[tuple[Benchmark, Run]], everything: Sequence[tuple[str, str]], note: str = "") -> str:
    """The whole page; `everything` is the name and title of each benchmark, `note` the circumstances of the run."""
    header = HEADER.format(many=MANY, names=", ".join(f"`{name}`" for name, _title in everything))
    parts = [header.rstrip()]
    measured = {benchmark.name for benchmark, _run in pairs}
    absent = [f"{title} (`make bench B={name}`)" for name, title in everything if name not in measured]
    parts += [f"Not measured in this run: {'; '.join(absent)}."] if absent else []
    machines = dict.fromkeys(tuple(run.machine.items()) for _benchmark, run in pairs)
    parts += ["## Machine", *(table([["", ""], *map(list, machine)]) for machine in machines)]
    parts += [note] if note else []
    parts += ["## Targets", summary(pairs)]
    for benchmark, run in pairs:
        parts += section(benchmark, run)
    return "\n\n".join(parts) + "\n"
