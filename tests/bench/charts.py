"""Bar charts as SVG, the same bytes for the same samples."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

from .benchmark import OURS, Plot
from .samples import Run, middle

mpl.use("svg")
from matplotlib.figure import Figure

COLOURS = ("#0b6e99", "#9aa5b1", "#d08c60", "#6b7280")
WIDTH, LINE = 7.5, 0.24  # inches: of the chart, and a bar


def draw(plot: Plot, run: Run, folder: Path) -> None:
    """Write `folder`/NAME.svg: horizontal bars of medians, ours first; nothing when no case was measured."""
    everyone = sorted(run.contenders(), key=lambda who: who != OURS)
    cases = [case for case in plot.cases if any(run.values(case, who) for who in everyone)]
    if not cases:
        return
    bars = [(case, [(who, it) for who in everyone if (it := middle(run, case, who)) is not None]) for case in cases]
    height = sum(len(values) + 1 for _case, values in bars) * LINE + 1.0
    with mpl.rc_context({"svg.hashsalt": "roth.fabric", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        position, ticks = 0, []
        for case, values in bars:
            ticks.append((position + (len(values) - 1) / 2, case))
            for who, value in values:
                drawn = axes.barh(position, value, color=COLOURS[everyone.index(who) % len(COLOURS)])
                axes.bar_label(drawn, [f" {who} {value:,.3g}"], fontsize=8)
                position += 1
            position += 1
        axes.set_yticks([tick for tick, _case in ticks], [case for _tick, case in ticks])
        axes.invert_yaxis()
        axes.margins(x=0.25)
        if plot.logarithmic:
            axes.set_xscale("log")
        axes.set_xlabel(next(unit for case, unit in run.cases() if case == cases[0]))
        axes.set_title(plot.title)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(folder / f"{plot.name}.svg", format="svg", metadata={"Date": None, "Creator": None})
