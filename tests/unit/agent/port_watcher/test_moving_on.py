"""An instance that has just come and moves on: what it leaves must be preferred no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from roth.port_watcher.schedule import Timing

from .rig import LATENCY, Rig, port, prefixes, routed, tap
from .test_arrivals import OTHERS, ordinary, preferred

TIMING = Timing()
READ = LATENCY + TIMING.settle + 0.01
CLEARED = 2 * (TIMING.moving + READ)
"""Seconds in which the end of a migration is noticed and made sure of."""


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A host with three instances and one that has just come: Neutron binds it here, Nova has not cleared up."""
    found = Rig(tmp_path)
    found.boot(*range(3))
    found.settle(2)
    found.arrive(20)
    assert preferred(found) == prefixes(20)
    return found


def test_it_is_like_any_other_once_the_source_is_cleared_up_and_has_had_the_time_of_a_read(rig: Rig) -> None:
    rig.settle(30)
    rig.finish(20)
    rig.settle(TIMING.moving - READ)
    assert preferred(rig) == prefixes(20)
    rig.settle(CLEARED - TIMING.moving + READ)
    assert preferred(rig) == set()
    assert ordinary(rig) == OTHERS | prefixes(20)


def test_while_the_source_still_has_a_binding_it_stays_preferred(rig: Rig) -> None:
    rig.settle(TIMING.arrival_settle - 2 * TIMING.look_longest)
    assert preferred(rig) == prefixes(20)


def test_one_that_moves_on_later_leaves_nothing_preferred_however_fast_it_is(rig: Rig) -> None:
    rig.finish(20)
    rig.settle(CLEARED)
    rig.bindings[20] = "hv2"
    rig.ports[20]["binding:profile"] = {"migrating_to": "hv2"}
    assert preferred(rig) == set()


@pytest.mark.parametrize("target", ["hv2", "hv3"], ids=["on to a third host", "back to where it came from"])
def test_one_that_moves_on_before_is_seen_to_leave_within_the_pause_of_two_reads(rig: Rig, target: str) -> None:
    rig.finish(20)
    rig.bindings[20] = target
    rig.ports[20]["binding:profile"] = {"migrating_to": target}
    rig.settle(TIMING.moving + READ)
    assert preferred(rig) == set()
    assert ordinary(rig) == OTHERS | prefixes(20)
    rig.event(rig.store.unplug(tap(20)))
    rig.activate(20, target)
    rig.settle(CLEARED)
    assert rig.store.has() == OTHERS


def test_one_that_came_back_is_preferred_again_until_that_source_is_cleared_up(rig: Rig) -> None:
    rig.finish(20)
    rig.settle(CLEARED)
    rig.event(rig.store.unplug(tap(20)))
    rig.activate(20, "hv2")
    rig.finish(20)
    rig.settle(100)
    rig.prepare(20, source="hv2")
    rig.settle()
    rig.frame(20)
    rig.activate(20)
    rig.settle(CLEARED + TIMING.look_longest)
    assert preferred(rig) == prefixes(20)
    rig.finish(20)
    rig.settle(CLEARED)
    assert ordinary(rig) == OTHERS | prefixes(20)


def test_one_that_comes_back_has_no_route_before_it_runs_though_neutron_was_read_last_before_it_had_left(
    rig: Rig,
) -> None:
    """The tap goes with QEMU, and only then Nova has Neutron bind the port elsewhere: the read that it causes comes
    in between."""
    rig.finish(20)
    rig.settle(CLEARED)
    rig.ports[20]["binding:profile"] = {"migrating_to": "hv2"}
    rig.event(rig.store.unplug(tap(20)))
    rig.settle()
    rig.activate(20, "hv2")
    rig.finish(20)
    rig.prepare(20, source="hv2")
    assert rig.store.has() == OTHERS
    rig.settle()
    assert rig.store.has() == OTHERS
    rig.frame(20)
    assert preferred(rig) == prefixes(20)


def test_one_that_was_to_leave_and_whose_tap_comes_back_here_is_routed_with_the_next_read(rig: Rig) -> None:
    """Nova has given up, and starts it here again."""
    rig.finish(20)
    rig.settle(CLEARED)
    rig.ports[20]["binding:profile"] = {"migrating_to": "hv2"}
    rig.event(rig.store.unplug(tap(20)))
    rig.settle()
    rig.event(rig.store.plug(tap(20)))
    rig.settle()
    assert ordinary(rig) == OTHERS | prefixes(20)


def test_a_migration_costs_a_small_question_in_few_reads_and_then_nothing_more(rig: Rig) -> None:
    rig.finish(20)
    rig.settle(CLEARED)
    assert rig.elsewhere == [{"hv3"}] * len(rig.elsewhere)
    assert 0 < len(rig.elsewhere) <= 3
    rig.reads.clear()
    asked = len(rig.elsewhere)
    rig.settle(600)
    assert len(rig.reads) <= 600 / TIMING.period * (1 + TIMING.jitter)
    assert len(rig.elsewhere) == asked


def test_a_source_that_is_never_cleared_up_is_asked_about_only_as_long_as_the_address_is_preferred(rig: Rig) -> None:
    rig.settle(2 * TIMING.arrival_settle)
    asked = len(rig.elsewhere)
    rig.settle(600)
    assert len(rig.elsewhere) == asked


def test_a_question_that_neutron_refuses_spoils_no_read(rig: Rig) -> None:
    rig.ill_of_others = True
    rig.finish(20)
    rig.settle(60)
    assert rig.status()["failure"] is None
    assert preferred(rig) == prefixes(20)
    rig.ill_of_others = False
    rig.settle(CLEARED)
    assert preferred(rig) == set()


def test_where_the_source_was_not_seen_it_is_by_time(rig: Rig) -> None:
    rig.connect()  # the process that reads has ended, and with it its memory
    rig.finish(20)
    rig.settle(TIMING.arrival_settle - 3 * TIMING.look_longest)
    assert preferred(rig) == prefixes(20)
    rig.settle(3 * TIMING.look_longest)
    assert ordinary(rig) == OTHERS | prefixes(20)


def test_two_that_came_from_two_hosts_settle_each_by_its_own(rig: Rig) -> None:
    rig.prepare(21, source="hv2")
    rig.settle()
    rig.frame(21)
    rig.activate(21)
    rig.settle(TIMING.look_longest)
    rig.finish(21)
    rig.settle(CLEARED)
    assert preferred(rig) == prefixes(20)
    assert {host for asked in rig.elsewhere for host in asked} == {"hv2", "hv3"}


def test_one_that_is_deleted_is_asked_about_no_more(rig: Rig) -> None:
    rig.event(rig.store.unplug(tap(20)))
    del rig.ports[20], rig.bindings[20]
    rig.settle(TIMING.moving + READ)
    asked = len(rig.elsewhere)
    rig.ports[20] = port(20)
    rig.event(rig.store.plug(tap(20)))
    rig.settle(60)
    assert len(rig.elsewhere) == asked
    assert ordinary(rig) == routed(*range(3), 20)
