"""An answer that is refused changes nothing of what it would take away, nor what is known of that."""

from __future__ import annotations

from pathlib import Path

import pytest
from roth.port_watcher.schedule import Timing

from .rig import Rig, prefixes, routed, tap
from .test_arrivals import ordinary, preferred

TIMING = Timing()
LONGEST = TIMING.period * (1 + TIMING.jitter) + 1
OTHERS = routed(*range(10))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A host with ten instances and one that has just come."""
    found = Rig(tmp_path)
    found.boot(*range(10))
    found.settle(2)
    found.arrive(20)
    assert preferred(found) == prefixes(20)
    return found


def test_what_has_just_arrived_stays_so_and_is_said_to(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    rig.mode = "empty"
    rig.settle(LONGEST)
    assert rig.status()["refused"]
    rig.event(rig.store.set_bridge(False))
    rig.event(rig.store.set_bridge(True))
    assert (preferred(rig), ordinary(rig)) == (prefixes(20), OTHERS)
    assert rig.status()["arrived"] == [tap(20)]
    assert "event=migration" not in capsys.readouterr().err


def test_it_still_goes_with_its_tap(rig: Rig) -> None:
    rig.mode = "empty"
    rig.settle(LONGEST)
    rig.event(rig.store.unplug(tap(20)))
    assert rig.store.has() == OTHERS


def test_after_a_restart_it_is_still_known_with_its_tap(rig: Rig) -> None:
    rig.mode = "empty"
    rig.settle(LONGEST)
    rig.start()
    assert preferred(rig) == prefixes(20)
    rig.event(rig.store.unplug(tap(20)))
    assert rig.store.has() == OTHERS


def test_it_becomes_like_any_other_by_the_next_good_answers(rig: Rig) -> None:
    rig.mode = "empty"
    rig.settle(LONGEST)
    rig.mode = "good"
    rig.settle(TIMING.arrival_settle)
    assert (preferred(rig), ordinary(rig)) == (set(), OTHERS | prefixes(20))


def test_one_that_a_refused_answer_has_becomes_like_any_other_in_its_time(rig: Rig) -> None:
    rig.lost = {1, 2, 3, 4}
    rig.settle(TIMING.arrival_settle + LONGEST)
    assert rig.status()["refused"]
    assert (preferred(rig), ordinary(rig)) == (set(), OTHERS | prefixes(20))
