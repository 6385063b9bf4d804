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
`build/bench/`; `make bench ARGS=--report` writes this page from them. Sections that have none there stay as they are.
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


def summary(pairs: Sequence[tuple[Benchmark, Run]]) -> dict[str, list[str]]:
    """How many targets each benchmark met: a row of the table by title."""
    rows = {}
    for benchmark, run in pairs:
        verdicts = judge(run, benchmark.targets)
        anchor = benchmark.title.lower().replace(" ", "-")
        anchor = "".join(letter for letter in anchor if letter.isalnum() or letter in "-_")
        met = str(sum(it.met for it in verdicts))
        rows[benchmark.title] = [f"[{benchmark.title}](#{anchor})", met, str(len(verdicts))]
    return rows


def sections(text: str) -> dict[str, str]:
    """The sections of a page by title, without their headings."""
    found = (part.partition("\n") for part in f"\n{text}".split("\n## ")[1:])
    return {title: body.strip() for title, _newline, body in found}


def kept_rows(kept: Mapping[str, str]) -> dict[str, list[str]]:
    """The rows of an earlier page's summary, by title."""
    lines = [line for line in kept.get("Targets", "").splitlines() if line.startswith("| [")]
    return {line[3 : line.index("](")]: [part.strip() for part in line.strip("| ").split("|")] for line in lines}


def page(
    pairs: Sequence[tuple[Benchmark, Run]], everything: Sequence[tuple[str, str]], note: str = "", before: str = ""
) -> str:
    """The whole page.

    `everything` is the name and title of each benchmark, `note` the circumstances of the run. What was not measured now
    is taken from `before`, an earlier page, or is said to be missing.
    """
    header = HEADER.format(many=MANY, names=", ".join(f"`{name}`" for name, _title in everything))
    now, kept = {benchmark.title: section(benchmark, run) for benchmark, run in pairs}, sections(before)
    stays = [title for _name, title in everything if title not in now and title in kept]
    shown = [title for _name, title in everything if title in now or title in stays]
    absent = [f"{title} (`make bench B={name}`)" for name, title in everything if title not in shown]
    parts = [header.rstrip()]
    parts += [f"Not measured in this run: {'; '.join(absent)}."] if absent else []
    machine = [kept["Machine"]] if stays else []
    machines = dict.fromkeys(tuple(run.machine.items()) for _benchmark, run in pairs)
    tables = (table([["", ""], *map(list, each)]) for each in machines)
    machine += [each for each in tables if each not in "".join(machine)]
    parts += ["## Machine", *machine]
    parts += [note] if note else []
    rows = {**kept_rows(kept), **summary(pairs)}
    met = [["benchmark", "targets met", "of"]]
    met += [rows[title] for title in shown if title in rows]
    parts += ["## Targets", table(met)]
    for title in shown:
        parts += now[title] if title in now else [f"## {title}", kept[title]]
    return "\n\n".join(parts) + "\n"
