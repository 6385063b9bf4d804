"""What an operator sees of the watcher is right as soon as it has changed, whatever changed it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from roth.port_watcher import hinted
from roth.port_watcher.following import Lost
from roth.port_watcher.schedule import Timing
from roth.port_watcher.status import SILENT
from roth.port_watcher.watcher import RETRY

from .rig import BRIDGE, LATENCY, Rig, tap

TIMING = Timing()


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    found = Rig(tmp_path)
    found.boot(*range(10))
    found.settle(2)
    return found


def test_an_answer_that_is_refused_when_the_kernel_can_be_read_again(rig: Rig) -> None:
    rig.mode = "empty"
    rig.watcher.hurry()
    rig.settle(0.01)
    rig.store.failing = OSError(105, "No buffer space available")
    rig.settle(LATENCY)
    rig.store.failing = None
    rig.event(rig.store.set_bridge(False))
    rig.event(rig.store.set_bridge(True))
    assert rig.status()["problems"] == []
    rig.mode = "silent"
    rig.settle(RETRY)
    assert "20 of the 20" in str(rig.status()["refused"])


def test_one_that_is_expected_and_whose_tap_has_gone(rig: Rig) -> None:
    rig.prepare(20)
    rig.settle()
    assert rig.status()["expected"] == [tap(20)]
    rig.mode = "silent"
    rig.event(rig.store.unplug(tap(20)))
    assert rig.status()["expected"] == []


def test_a_neighbour_entry_that_could_not_be_made_until_it_is(tmp_path: Path) -> None:
    subnets = [{"cidr": "10.64.0.0/16", "gateway": "10.64.255.254"}, {"cidr": "2001:db8:64::/64"}]
    rig = Rig(tmp_path, networks=[{"name": "mobile", "bridge": BRIDGE, "subnets": subnets, "static_neighbors": True}])

    def refuse(_neighbor: object, _protocol: int) -> None:
        raise OSError(105, "No buffer space available")

    rig.store.replace_neighbor = refuse  # type: ignore[attr-defined]
    rig.boot(1)
    rig.settle()
    told = rig.status()["problems"]
    assert len(told) == 2
    rig.watcher.audit()
    rig.event(rig.store.plug(tap(2)))
    assert rig.status()["problems"] == told
    rig.store.replace_neighbor = lambda _neighbor, _protocol: None  # type: ignore[attr-defined]
    rig.settle()
    assert rig.status()["problems"] == []


def test_knowledge_that_has_become_too_old(rig: Rig) -> None:
    rig.settle(1)
    rig.watcher.schedule._base = rig.clock.now + 10_000  # no read that would write it
    rig.timers.due.pop("read", None)
    rig.settle(rig.watcher.config.stale_after + 1)
    assert rig.status()["alarms"] == []
    rig.watcher.tick()
    assert "were read last" in rig.status()["alarms"][0]


def test_a_switch_that_is_silent_for_too_long(tmp_path: Path) -> None:
    rig = Rig(tmp_path, ovsdb="tcp:127.0.0.1:6640")
    rig.settle(2)
    rig.watcher.heard(frozenset())
    rig.watcher.heard(Lost("closed"))
    rig.mode = "silent"
    rig.watcher.tick()
    rig.clock.now += SILENT + 1
    assert rig.status()["alarms"] == []
    rig.watcher.tick()
    assert "is not followed" in rig.status()["alarms"][0]


def test_hints_are_heard_again_once_the_process_that_hears_them_says_so(rig: Rig) -> None:
    hinted.take('{"lost": "no hints are heard: Cannot assign requested address"}', rig.watcher)
    hinted.ended("the process ended (1)", rig.watcher)
    assert rig.status()["deaf"] == "no hints are heard: Cannot assign requested address"
    hinted.take('{"hearing": true}', rig.watcher)
    assert rig.status()["deaf"] is None
    hinted.ended("the process ended (-9)", rig.watcher)
    assert rig.status()["deaf"] == "no hints are heard: the process ended (-9)"
    hinted.take('{"hint": true}', rig.watcher)
    assert rig.status()["deaf"] is None


def test_a_file_that_says_so_already_is_not_written_again(rig: Rig) -> None:
    looks = (rig.folder / "status.json").stat().st_ino, asdict(rig.watcher.state)
    rig.watcher.audit()
    rig.watcher.tick()
    assert ((rig.folder / "status.json").stat().st_ino, asdict(rig.watcher.state)) == looks
