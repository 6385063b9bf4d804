"""A kernel that could not be read: what was to be judged then is judged later, and only while it is the latest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from roth.lists import Lists
from roth.port_watcher.schedule import Timing
from roth.port_watcher.watcher import RETRY

from .rig import LATENCY, Rig, prefixes, routed, tap

TIMING = Timing()
FULL = OSError(105, "No buffer space available")


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A host with ten instances, whose kernel fails when the answer about an eleventh comes."""
    found = Rig(tmp_path)
    found.boot(*range(10))
    found.settle(2)
    found.boot(20)
    found.settle(TIMING.settle + 0.01)
    found.store.failing = FULL
    found.settle(LATENCY)
    assert "No buffer space" in found.status()["problems"][0]
    found.store.failing = None
    return found


def test_an_answer_that_met_it_is_not_followed_after_a_later_one(rig: Rig) -> None:
    rig.boot(21)
    rig.settle(RETRY / 2)
    assert rig.store.has() == routed(*range(10), 20, 21)
    rig.mode = "unreachable"
    rig.settle(2 * RETRY)
    assert rig.store.has() == routed(*range(10), 20, 21)


def test_nor_after_a_playbook_that_has_written_what_it_read_since(rig: Rig) -> None:
    pair = Lists(str(rig.folder / "play-routes"), str(rig.folder / "play-taps"))
    pair.write(
        [f"{prefix} dev br-mobile" for number in range(10) for prefix in prefixes(number)],
        [f"{prefix} {tap(number)}" for number in range(10) for prefix in prefixes(number)],
    )
    os.utime(pair.routes, (4_000_000_000, 4_000_000_000))
    rig.mode = "unreachable"
    rig.settle(2 * RETRY)
    assert rig.store.has() == routed(*range(10))


def test_a_kernel_that_cannot_be_read_at_the_start_is_tried_again_before_anything_else(tmp_path: Path) -> None:
    """A tap that is here by then was here before the watcher: its first frame tells nothing."""
    rig = Rig(tmp_path)
    rig.boot(1)
    rig.settle(2)
    rig.prepare(20)
    rig.settle()
    rig.store.failing = FULL
    rig.start()
    reads = len(rig.reads)
    rig.settle(2.5 * RETRY)
    assert "No buffer space" in rig.status()["problems"][0]
    assert len(rig.reads) == reads
    rig.store.failing = None
    rig.settle(5)
    assert rig.status()["problems"] == []
    rig.frame(20)
    rig.settle(1)
    assert rig.store.has() == routed(1)
    rig.activate(20)
    rig.settle(TIMING.period * (1 + TIMING.jitter))
    assert rig.store.has() == routed(1, 20)
