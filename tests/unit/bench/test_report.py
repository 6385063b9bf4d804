"""Fixed samples give this page, and targets are judged as they are worded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.benchmark import OURS, Benchmark, Plot
from tests.bench.report import cell, page, sections
from tests.bench.samples import Run, Sample, load, percentile, save
from tests.bench.targets import Target, judge

CASE, OTHER = "1000 routes: install", "1000 routes: no-op"


def samples(case: str, who: str, *values: float, unit: str = "ms") -> list[Sample]:
    return [Sample(case, who, unit, value) for value in values]


def run(*found: list[Sample]) -> Run:
    return Run("core", {"processor": "2 cores"}, False, tuple(sample for part in found for sample in part))


RUN = run(
    samples(CASE, OURS, 3, 1, 2),
    samples(CASE, "ip -batch", 10, 8, 12),
    samples(OTHER, OURS, 5.0),
    samples(OTHER, "ip -batch", 10),
    samples("1000 routes: read", OURS, *range(1, 201)),
)
BENCHMARK = Benchmark(
    "core",
    "The core",
    "How it is measured.",
    lambda _quick: [],
    targets=(Target((CASE, OURS), (CASE, "ip -batch"), 0.6), Target((OTHER, OURS), (OTHER, "ip -batch"), 0.4)),
    plots=(Plot("core", "A plot", (CASE,)),),
    why={f"{OTHER}: {OURS} ≤ 0.4 × ip -batch": "the dump costs 3 of 5 ms (profile below)."},
)


def test_fixed_samples_give_the_golden_page():
    golden = Path(__file__).with_name("golden.txt")
    assert page([(BENCHMARK, RUN)], [("core", "The core"), ("task", "The task")]) == golden.read_text()


def test_what_is_not_measured_again_stays_as_it_was_and_what_is_takes_its_place():
    everything = [("task", "The task"), ("core", "The core")]
    task = replace(BENCHMARK, name="task", title="The task", targets=(), plots=())
    both = page([(task, RUN), (BENCHMARK, RUN)], everything, "Beside editors.")
    assert page([(BENCHMARK, RUN)], everything, before=both) == both
    slower = run(samples(CASE, OURS, 30), samples(CASE, "ip -batch", 10), samples(OTHER, OURS, 5.0))
    later = page([(BENCHMARK, replace(slower, machine={"processor": "4 cores"}))], everything, "Alone.", before=both)
    assert "| [The task](#the-task) | 0 | 0 |\n| [The core](#the-core) | 0 | 1 |" in later
    assert sections(later)["The task"] == sections(both)["The task"]
    assert sections(later)["The core"] != sections(both)["The core"]
    assert [line in later for line in ("2 cores", "Beside editors.", "4 cores", "Alone.")] == [True] * 4


def verdict(target: Target, *found: list[Sample]):
    (only,) = judge(run(*found), (target,))
    return only.met, only.reached


RATIO = Target((CASE, OURS), (CASE, "FRR"), 1.0)
ABOVE = Target((CASE, OURS), (CASE, "empty task"), 1.0, above=True)


@pytest.mark.parametrize(
    ("target", "peer", "ours", "theirs", "expected"),
    [
        (RATIO, "FRR", [5, 9, 1], [5, 4, 6], (True, "1.00 ×")),
        (RATIO, "FRR", [6], [5], (False, "1.20 ×")),
        (RATIO, "FRR", [0], [0], (True, "0 against 0")),
        (RATIO, "FRR", [1], [0], (False, "1 against 0")),
        (ABOVE, "empty task", [2.9], [2.0], (True, "+0.90")),
        (ABOVE, "empty task", [3.1], [2.0], (False, "+1.10")),
    ],
)
def test_a_target_is_judged_by_medians(target, peer, ours, theirs, expected):
    assert verdict(target, samples(CASE, OURS, *ours), samples(CASE, peer, *theirs)) == expected


def test_a_target_that_was_not_measured_has_no_verdict():
    assert judge(run(samples(CASE, OURS, 1)), (RATIO,)) == []


def test_a_missed_target_without_a_reason_says_so():
    silent = Benchmark("core", "The core", "How.", lambda _quick: [], targets=BENCHMARK.targets)
    assert "Missed: Not explained yet." in page([(silent, RUN)], [("core", "The core")])


def test_what_was_not_measured_is_named():
    assert "Not measured in this run: The task (`make bench B=task`)." in page([], [("task", "The task")])


def test_what_was_saved_is_loaded(tmp_path: Path):
    assert load(save(RUN, tmp_path)) == RUN


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([5], 0.99, 5), (range(1, 101), 0.99, 99), (range(1, 301), 0.99, 297), ([1, 2, 3, 4], 0.5, 2)],
)
def test_percentiles_are_values_that_were_measured(values, share, expected):
    assert percentile(values, share) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], "–"),
        ([0.5], "0.50"),
        ([1, 2, 30], "2.00 (1.00 … 30.0)"),
        ([1234.5], "1,234"),
        (range(100), "49.5 (p99 98.0)"),
    ],
)
def test_a_cell_shows_median_and_spread(values, expected):
    assert cell(list(values)) == expected
