"""Measure, then report: `python -m tests.bench [--quick] [--report] [NAME …]`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import announcing, failover, footprint, host_routes_core, neutron, site, sync_ports, task
from .benchmark import Benchmark
from .machine import describe
from .report import page
from .samples import Run, load, save

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "bench"
PAGES = ROOT / "docs" / "benchmarks"
ALL: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        host_routes_core.BENCHMARK,
        task.BENCHMARK,
        announcing.LATENCY,
        announcing.FIRST,
        failover.BENCHMARK,
        site.BENCHMARK,
        neutron.BENCHMARK,
        sync_ports.BENCHMARK,
        footprint.BENCHMARK,
    )
}  # in the order of the page


def measured(benchmark: Benchmark, quick: bool) -> Run:
    """Run one benchmark and keep what it measured."""
    print(f"{benchmark.name}: {benchmark.title} …", flush=True)
    began = time.monotonic()
    run = Run(benchmark.name, describe(), quick, tuple(benchmark.measure(quick)))
    save(run, RESULTS)
    print(f"{benchmark.name}: {len(run.samples)} samples in {time.monotonic() - began:.0f} s", flush=True)
    return run


def published(note: str) -> None:
    """Write the page and its plots from all results there are; small ones are for build/bench/page only."""
    from . import charts

    found = [load(path) for name in ALL if (path := RESULTS / f"{name}.json").exists()]
    folder = PAGES
    if any(run.quick for run in found):
        folder = RESULTS / "page"
    pairs = [(ALL[run.benchmark], run) for run in found]
    folder.mkdir(parents=True, exist_ok=True)
    before = PAGES / "README.md"
    names = [(it.name, it.title) for it in ALL.values()]
    (folder / "README.md").write_text(page(pairs, names, note, before.read_text() if before.exists() else ""))
    for benchmark, run in pairs:
        for plot in benchmark.plots:
            charts.draw(plot, run, folder)
    print(f"The report is in {folder.relative_to(ROOT)}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was named (default: all), then write the page of all results there are."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(ALL)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works; publishes nothing")
    parser.add_argument("--report", action="store_true", help="measure nothing, only write the page again")
    parser.add_argument("--note", default="", help="circumstances of the run, for the page")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in ALL]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; expected one of {', '.join(ALL)}")
    if os.geteuid() != 0 and not options.report:
        parser.error("needs root, to make network namespaces")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    for name in [] if options.report else options.names or ALL:
        measured(ALL[name], options.quick)
    published(options.note)
    return 0


if __name__ == "__main__":
    sys.exit(main())
