"""Live migration to this host: nothing before the instance runs here, then preferred, then like any other."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roth.kernel.model import key_text
from roth.kernel.preference import arrived
from roth.port_watcher.schedule import Timing

from tests.unit.agent.port_watcher.rig import LATENCY, Rig, port, prefixes, routed, tap

TIMING = Timing()
LONGEST = TIMING.period * (1 + TIMING.jitter) + 1
OTHERS = routed(*range(3))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A host with three instances."""
    found = Rig(tmp_path)
    found.boot(*range(3))
    found.settle(2)
    return found


def preferred(rig: Rig) -> set[str]:
    """Prefixes whose route says that they have just arrived."""
    return {key_text(key) for key in rig.store.hops if arrived(key)}


def ordinary(rig: Rig) -> set[str]:
    return {key_text(key) for key, hop in rig.store.hops.items() if not arrived(key) and hop[0] != 1}


def test_an_instance_that_is_expected_has_no_route_here_however_long_its_memory_takes(rig: Rig) -> None:
    rig.prepare(20)
    rig.settle(900)
    assert rig.store.has() == OTHERS
    assert rig.status()["expected"] == [tap(20)]


def test_its_first_frame_brings_its_routes_at_once_as_just_arrived(rig: Rig) -> None:
    rig.prepare(20)
    rig.settle(300)
    rig.frame(20)
    assert preferred(rig) == prefixes(20)
    assert ordinary(rig) == OTHERS
    assert rig.status()["arrived"] == [tap(20)]


def test_a_frame_that_comes_before_neutron_has_said_whose_tap_it_is_counts_as_well(rig: Rig) -> None:
    rig.prepare(20)
    rig.frame(20)
    assert preferred(rig) == set()
    rig.settle(TIMING.settle + LATENCY + 0.01)
    assert preferred(rig) == prefixes(20)


def test_a_frame_of_another_mac_behind_its_tap_is_not_its_own(rig: Rig) -> None:
    rig.prepare(20)
    rig.settle()
    rig.frame(20, source="fa:16:3e:99:99:99")
    rig.settle(1)
    assert rig.store.has() == OTHERS


def test_where_no_linux_bridge_tells_a_packet_that_the_tap_receives_is_the_first_frame(rig: Rig) -> None:
    rig.prepare(20, master=None)
    rig.settle(30)
    assert rig.store.has() == OTHERS
    (index,) = [link.index for link in rig.store.link_table.values() if link.name == tap(20)]
    rig.store.packets[index] = 1
    rig.settle(0.021)
    assert preferred(rig) == prefixes(20)


def test_a_first_frame_that_was_among_events_which_were_lost_is_found_by_what_the_tap_has_received(rig: Rig) -> None:
    rig.prepare(20)
    rig.settle(30)
    rig.watcher.overrun()
    assert rig.store.has() == OTHERS
    (index,) = [link.index for link in rig.store.link_table.values() if link.name == tap(20)]
    rig.store.packets[index] = 1
    rig.settle(1)
    assert rig.store.has() == OTHERS
    rig.watcher.overrun()
    assert preferred(rig) == prefixes(20)


def test_counters_are_looked_at_while_somebody_is_expected_and_less_the_longer_it_takes(rig: Rig) -> None:
    looks = []
    count = rig.store.received
    rig.store.received = lambda index: looks.append(rig.clock.now) or count(index)  # type: ignore[method-assign]
    rig.settle(60)
    assert looks == []
    rig.prepare(20, master=None)
    rig.settle(3600)
    assert len(looks) < 3600 / 0.02 / 10
    rig.event(rig.store.unplug(tap(20)))
    rig.settle(1)
    looks.clear()
    rig.settle(60)
    assert looks == []


def test_once_neutron_binds_it_here_and_the_time_is_over_it_is_like_any_other(rig: Rig) -> None:
    rig.prepare(20)
    rig.settle()
    rig.frame(20)
    rig.activate(20)
    rig.settle(TIMING.arrival_settle - 1)
    assert preferred(rig) == prefixes(20)
    rig.settle(2)
    assert preferred(rig) == set()
    assert ordinary(rig) == OTHERS | prefixes(20)
    assert rig.status()["arrived"] == []


def test_through_all_of_it_the_address_is_never_without_a_route_and_the_new_one_comes_before_the_old_one_goes(
    rig: Rig,
) -> None:
    rig.prepare(20)
    rig.settle()
    rig.frame(20)
    seen = []
    write = rig.store.write

    def one_by_one(table, protocol, changes):
        found = []
        for change in changes:
            found += write(table, protocol, [change])
            seen.append(prefixes(20) <= rig.store.has())
        return found

    rig.store.write = one_by_one  # type: ignore[method-assign]
    rig.activate(20)
    rig.settle(TIMING.arrival_settle + LONGEST)
    assert ordinary(rig) == OTHERS | prefixes(20)
    assert seen
    assert all(seen)


def test_one_that_neutron_binds_here_without_a_frame_before_has_arrived_as_well(rig: Rig) -> None:
    rig.prepare(20)
    rig.settle(2)
    rig.activate(20)
    rig.settle(TIMING.look_longest + 1)
    assert preferred(rig) == prefixes(20)


def test_one_that_neutron_does_not_bind_here_in_time_is_taken_back(rig: Rig, capsys) -> None:
    rig.prepare(20)
    rig.settle()
    rig.frame(20)
    rig.settle(TIMING.arrival_unbound - 1)
    assert preferred(rig) == prefixes(20)
    rig.settle(1 + TIMING.moving + 1)
    assert rig.store.has() == OTHERS
    assert f'<4>event=migration step="taken back" tap={tap(20)}' in capsys.readouterr().err
    rig.frame(20)
    rig.settle(LONGEST)
    assert rig.store.has() == OTHERS


def test_that_is_no_removal_that_anybody_has_to_confirm_even_on_an_empty_host(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.settle(2)
    rig.prepare(20)
    rig.settle()
    rig.frame(20)
    rig.settle(TIMING.arrival_unbound + TIMING.moving + 1)
    assert (rig.store.has(), rig.status()["refused"]) == (set(), None)


def test_nor_is_a_copy_that_stays_on_a_source_which_has_no_other_instance(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.boot(1)
    rig.settle(2)
    rig.ports[1], rig.bindings[1] = port(1, host="hv3"), "hv1"
    rig.settle(LONGEST)
    assert (rig.store.has(), rig.status()["refused"]) == (set(), None)


@pytest.mark.parametrize("mode", ["unreachable", "refused", "broken", "silent"])
def test_while_neutron_is_away_nothing_is_taken_back_and_nothing_settles(rig: Rig, mode: str) -> None:
    rig.prepare(20)
    rig.settle()
    rig.frame(20)
    rig.mode = mode
    rig.settle(600)
    assert preferred(rig) == prefixes(20)


def test_its_routes_go_with_its_tap(rig: Rig) -> None:
    rig.prepare(20)
    rig.settle()
    rig.frame(20)
    rig.event(rig.store.unplug(tap(20)))
    assert rig.store.has() == OTHERS


def test_one_that_is_to_leave_again_at_once_is_preferred_no_more(rig: Rig) -> None:
    rig.prepare(20)
    rig.settle()
    rig.frame(20)
    rig.activate(20)
    rig.settle(10)
    rig.ports[20]["binding:profile"] = {"migrating_to": "hv2"}
    rig.settle(TIMING.moving + LATENCY + 0.01)
    assert preferred(rig) == set()
    assert ordinary(rig) == OTHERS | prefixes(20)


def test_a_copy_that_stays_on_the_source_goes_with_the_next_read_and_never_arrives(rig: Rig) -> None:
    rig.bindings[1] = "hv3"
    rig.ports[1]["binding:profile"] = {"migrating_to": "hv3"}
    rig.settle(LONGEST)
    rig.ports[1], rig.bindings[1] = port(1, host="hv3"), "hv1"
    rig.settle(TIMING.moving + LATENCY + 0.01)
    assert rig.store.has() == OTHERS - prefixes(1)
    rig.frame(1)
    rig.settle(LONGEST)
    assert rig.store.has() == OTHERS - prefixes(1)


def test_a_migration_that_never_ends_makes_reads_more_frequent_for_ten_minutes_only(rig: Rig) -> None:
    rig.ports[1]["binding:profile"] = {"migrating_to": "hv3"}
    rig.settle(700)
    rig.reads.clear()
    rig.settle(600)
    assert len(rig.reads) <= 11


def test_a_watcher_that_starts_again_knows_what_has_arrived(rig: Rig) -> None:
    rig.prepare(20)
    rig.settle()
    rig.frame(20)
    rig.activate(20)
    rig.settle(2)
    rig.mode = "unreachable"
    rig.start()
    rig.settle(600)
    assert preferred(rig) == prefixes(20)
    rig.mode = "good"
    rig.settle(TIMING.retry_longest + 1)
    assert preferred(rig) == set()
    assert ordinary(rig) == OTHERS | prefixes(20)


def test_a_route_that_the_kernel_has_as_arrived_at_the_start_stays_so_for_the_time_from_then(rig: Rig) -> None:
    rig.prepare(20)
    rig.settle()
    rig.frame(20)
    rig.start()  # before any answer has placed it here
    rig.activate(20)
    rig.settle(TIMING.arrival_settle - 2)
    assert preferred(rig) == prefixes(20)
    rig.settle(3)
    assert ordinary(rig) == OTHERS | prefixes(20)


def test_a_tap_that_was_here_before_the_watcher_waits_for_neutron(rig: Rig) -> None:
    """Whether its instance is still to come or has left, nobody knows."""
    rig.prepare(20)
    rig.settle()
    rig.start()
    rig.settle(5)
    rig.frame(20)
    rig.settle(LONGEST)
    assert rig.store.has() == OTHERS
    rig.activate(20)
    rig.settle(LONGEST)
    assert ordinary(rig) == OTHERS | prefixes(20)


def test_an_expected_instance_costs_no_question_more(rig: Rig) -> None:
    rig.questions.clear()
    rig.prepare(20)
    rig.settle(0.4)
    assert rig.questions == ["ports"]


def test_a_port_of_another_host_that_has_a_binding_here_spoils_no_read(rig: Rig) -> None:
    """Neutron's filter by host finds inactive bindings as well."""
    rig.ports[21], rig.bindings[21] = port(21, host="hv3"), "hv1"
    rig.boot(20)
    rig.settle()
    assert rig.store.has() == OTHERS | prefixes(20)
    assert rig.status()["failure"] is None


NUMBERS = st.integers(0, 4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["prepare", "frame", "activate", "finish", "away", "unplug", "leave"]), NUMBERS),
        st.tuples(st.just("wait"), st.sampled_from([0.01, 0.2, 1.0, 6.0, 40.0, 200.0])),
        st.tuples(st.just("mode"), st.sampled_from(["good", "good", "unreachable", "silent", "half", "empty"])),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=30,
)


def step(rig: Rig, what: str, value: object) -> None:
    if what == "wait":
        rig.settle(value)
    elif what == "mode":
        rig.mode = value
    elif what == "restart":
        rig.start()
    elif what == "prepare" and tap(value) not in rig.taps():
        rig.prepare(value)
    elif what == "frame":
        rig.frame(value)
    elif what == "activate" and value in rig.ports:
        rig.activate(value)
    elif what == "away":
        rig.activate(value, host="hv3")
    elif what == "leave" and value in rig.ports:
        rig.ports[value]["binding:profile"] = {"migrating_to": "hv2"}
    elif what == "finish":
        rig.finish(value)
    elif what == "unplug" and tap(value) in rig.taps():
        rig.event(rig.store.unplug(tap(value)))


@given(STEPS, st.floats(0, 1))
def test_whatever_happens_an_address_has_one_route_needs_its_tap_and_ends_where_neutron_places_it(
    history, chance
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), chance)
        rig.boot(*range(10, 30))  # so that no removal is beyond the share
        rig.settle(2)
        for what, value in history:
            step(rig, what, value)
            assert preferred(rig).isdisjoint(ordinary(rig)), "an address has both routes"
            without = {number for number in range(5) if tap(number) not in rig.taps()}
            assert rig.store.has().isdisjoint(routed(*without)), "a port without its tap is routed"
        rig.mode = "good"
        rig.settle(TIMING.retry_longest + TIMING.patience + TIMING.arrival_settle + 2 * LONGEST)
        here = {number for number, each in rig.ports.items() if each["binding:host_id"] == "hv1"}
        assert ordinary(rig) == routed(*(number for number in here if tap(number) in rig.taps()))
        assert preferred(rig) == set()
