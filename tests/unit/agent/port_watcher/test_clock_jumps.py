"""A clock that jumps back, as after a boot without one: what a playbook has written lies in the future."""

from __future__ import annotations

from pathlib import Path

from .rig import Rig, routed
from .test_watcher import playbook


def test_lists_from_the_future_are_followed_until_the_next_answer_and_cause_no_read(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.boot(*range(10))
    rig.settle(2)
    playbook(rig, range(9), when=4_000_000_000)
    rig.boot(20)
    assert rig.store.has() == routed(*range(9))
    reads = len(rig.reads)
    rig.settle(10)
    assert rig.store.has() == routed(*range(10), 20)
    assert len(rig.reads) == reads + 1
