"""Of the lists of wanted routes those count that were written last, whoever wrote them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from roth.lists import Lists, newest

OLD, NEW = 1_700_000_000_000_000_000, 1_700_000_001_000_000_000


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[Lists, Lists]:
    return tuple(Lists(str(tmp_path / f"{name}-routes"), str(tmp_path / f"{name}-taps")) for name in ("play", "watch"))


def age(pair: Lists, when: int) -> None:
    os.utime(pair.routes, ns=(when, when))


@pytest.mark.parametrize("last", [0, 1])
def test_the_pair_that_was_written_last_counts(pairs, last: int) -> None:
    for index, pair in enumerate(pairs):
        pair.write([f"10.64.0.{index}/32 dev br0"], [])
        age(pair, NEW if index == last else OLD)
    assert newest(pairs) == pairs[last]


def test_where_only_one_was_written_that_one_counts(pairs) -> None:
    assert newest(pairs) == pairs[0]
    pairs[1].write([], [])
    assert newest(pairs) == pairs[1]


def test_what_is_written_is_newer_than_it_must_be_whatever_the_clock_says(pairs) -> None:
    pairs[0].write([], [])
    future = 4_000_000_000_000_000_000
    age(pairs[0], future)
    pairs[1].write(["10.64.0.1/32 dev br0"], ["10.64.0.1/32 tap1"], after=future)
    assert newest(pairs) == pairs[1]
    assert pairs[1].lines() == (["10.64.0.1/32 dev br0"], ["10.64.0.1/32 tap1"])


def test_comments_and_blank_lines_list_nothing(pairs) -> None:
    Path(pairs[0].routes).write_text("# 10.64.0.1/32 dev br0\n\n10.64.0.2/32 dev br0\n")
    assert pairs[0].lines() == (["10.64.0.2/32 dev br0"], [])


def test_everyone_may_read_what_is_written(pairs) -> None:
    before = os.umask(0o077)
    try:
        pairs[1].write(["10.64.0.1/32 dev br0"], [])
    finally:
        os.umask(before)
    assert Path(pairs[1].routes).stat().st_mode & 0o777 == 0o644


def test_a_changed_pair_looks_different(pairs) -> None:
    pairs[0].write(["10.64.0.1/32 dev br0"], [])
    before = pairs[0].looks()
    pairs[0].write(["10.64.0.2/32 dev br0"], [])
    assert pairs[0].looks() != before
