"""Ports become routes; whatever Neutron does, nothing goes that isn't known to have gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from roth.kernel.model import RouteEvent, key_text
from roth.lists import Lists
from roth.port_watcher.schedule import Timing

from tests.unit.agent.port_watcher.rig import LATENCY, Rig, key, port, prefixes, routed, tap

TIMING = Timing()
LONGEST = TIMING.period * (1 + TIMING.jitter) + 1
FAILURES = ["unreachable", "refused", "broken", "half", "surprise", "silent"]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A host with ten instances, all known and routed."""
    found = Rig(tmp_path)
    found.boot(*range(10))
    found.settle(2)
    assert found.store.has() == routed(*range(10))
    return found


def test_a_port_that_is_plugged_is_routed_after_one_read(rig: Rig) -> None:
    reads, now = len(rig.reads), rig.clock.now
    rig.boot(20)
    rig.settle(TIMING.settle + LATENCY + 0.001)
    assert rig.store.has() == routed(*range(10), 20)
    assert rig.reads[reads:] == [pytest.approx(now + TIMING.settle)]


def test_a_burst_of_a_hundred_taps_is_one_read(rig: Rig) -> None:
    reads = len(rig.reads)
    for number in range(100, 200):
        rig.boot(number)
        rig.settle(0.0001)
    rig.settle()
    assert len(rig.reads) == reads + 1
    assert rig.store.has() == routed(*range(10), *range(100, 200))


def test_one_read_at_a_time(rig: Rig) -> None:
    rig.latency = 5.0
    reads = len(rig.reads)
    for number in range(100, 110):
        rig.boot(number)
        rig.settle(0.4)
    assert len(rig.reads) == reads + 1
    rig.settle(10)
    assert rig.store.has() == routed(*range(10), *range(100, 110))


def test_a_route_goes_with_its_tap_and_waits_for_no_answer(rig: Rig) -> None:
    rig.mode = "silent"
    rig.event(rig.store.unplug(tap(3)))
    assert rig.store.has() == routed(*range(10)) - prefixes(3)


def test_a_tap_that_comes_back_has_its_route_at_once_though_neutron_is_away(rig: Rig) -> None:
    rig.mode = "unreachable"
    rig.event(rig.store.unplug(tap(3)))
    rig.settle(LONGEST)
    rig.event(rig.store.plug(tap(3)))
    assert rig.store.has() == routed(*range(10))


@pytest.mark.parametrize("vif", ["binding_failed", "unbound"])
def test_a_bad_binding_is_not_routed(rig: Rig, vif: str) -> None:
    rig.ports[20] = port(20, vif=vif)
    rig.event(rig.store.plug(tap(20)))
    rig.settle()
    assert rig.store.has() == routed(*range(10))


def test_a_port_of_this_host_without_a_tap_is_not_routed(rig: Rig) -> None:
    rig.ports[20] = port(20)
    rig.settle(LONGEST)
    assert rig.store.has() == routed(*range(10))
    assert set(rig.status()["waiting"]) == prefixes(20)


def test_another_hosts_port_is_not_routed_though_its_tap_is_here(rig: Rig) -> None:
    rig.ports[20] = port(20, host="hv3")
    rig.event(rig.store.plug(tap(20)))
    rig.settle(LONGEST)
    assert rig.store.has() == routed(*range(10))


def test_a_port_that_moves_here_is_routed_soon_though_no_event_tells(rig: Rig) -> None:
    """In live migration the tap comes first, and Neutron's binding follows without a word to this host."""
    rig.ports[20] = port(20, host="hv3")
    rig.event(rig.store.plug(tap(20)))
    rig.settle(20)
    rig.ports[20] = port(20)
    rig.settle(TIMING.look_longest + 1)
    assert rig.store.has() == routed(*range(10), 20)


def test_a_tap_that_has_long_been_here_unexplained_does_not_multiply_the_reads_of_others(rig: Rig) -> None:
    rig.event(rig.store.plug(tap(50)))
    rig.settle(TIMING.look_for + TIMING.look_longest)
    reads = len(rig.reads)
    rig.boot(20)
    rig.settle(20)
    assert len(rig.reads) == reads + 1


def test_networks_and_subnets_are_asked_for_once_in_a_period_and_ports_each_time(rig: Rig) -> None:
    rig.settle(LONGEST)
    rig.questions.clear()
    for number in range(20, 25):
        rig.boot(number)
        rig.settle(1)
    assert rig.questions.count("ports") == 5
    assert rig.questions.count("networks") <= 1
    assert rig.questions.count("subnets") <= 1


def test_a_port_in_a_subnet_that_is_new_has_networks_and_subnets_read_again(rig: Rig) -> None:
    rig.more_subnets = {"7": "198.51.100.0/24"}
    fixed = [*port(20)["fixed_ips"], {"ip_address": "198.51.100.7", "subnet_id": "7"}]
    rig.ports[20] = {**port(20), "fixed_ips": fixed}
    rig.event(rig.store.plug(tap(20)))
    rig.settle()
    assert rig.store.has() == routed(*range(10), 20)
    assert rig.status()["failure"] is None


def test_a_port_that_has_moved_away_is_withdrawn_within_the_period(rig: Rig) -> None:
    rig.ports[3] = port(3, host="hv3")
    rig.settle(LONGEST)
    assert rig.store.has() == routed(*range(10)) - prefixes(3)


@pytest.mark.parametrize("mode", FAILURES)
def test_a_read_that_fails_withdraws_nothing_and_is_told(rig: Rig, mode: str) -> None:
    writes, rig.mode = rig.store.writes, mode
    rig.settle(600)
    assert rig.store.has() == routed(*range(10))
    assert rig.store.writes == writes
    state = rig.status()
    assert state["failure"]["kind"] == {"half": "broken", "surprise": "broken", "silent": "unreachable"}.get(mode, mode)
    assert state["failure"]["count"] > 5
    assert state["written"] - state["good"] > state["age_bound"] - TIMING.retry_longest


@pytest.mark.parametrize("mode", FAILURES)
def test_after_any_failure_it_recovers_by_itself_and_catches_up(rig: Rig, mode: str) -> None:
    rig.mode = mode
    rig.boot(20)
    rig.event(rig.store.unplug(tap(4)))
    rig.settle(600)
    assert rig.store.has() == routed(*range(10)) - prefixes(4)
    rig.mode = "good"
    rig.ports.pop(4)
    rig.settle(TIMING.retry_longest + TIMING.patience + 1)
    assert rig.store.has() == routed(*range(10), 20) - prefixes(4)
    assert rig.status()["failure"] is None


def test_reads_that_fail_become_rarer(rig: Rig) -> None:
    rig.mode, rig.reads = "unreachable", []
    for _minute in range(30):
        rig.event(rig.store.plug(tap(50)))
        rig.event(rig.store.unplug(tap(50)))
        rig.settle(60)
    assert len(rig.reads) <= 50
    gaps = [b - a for a, b in zip(rig.reads, rig.reads[1:], strict=False)]
    assert gaps[:3] < gaps[3:6] < gaps[6:9]


def test_an_answer_that_comes_after_it_was_given_up_is_not_heard(rig: Rig) -> None:
    rig.latency = TIMING.patience + 1
    rig.ports.clear()
    rig.settle(LONGEST + TIMING.patience + 2)
    assert rig.status()["failure"]["text"] == "no whole answer within 30 s"
    assert rig.store.has() == routed(*range(10))


def test_an_empty_answer_is_refused_and_alarmed_and_the_next_good_one_is_followed(rig: Rig) -> None:
    rig.mode = "empty"
    rig.settle(LONGEST)
    assert rig.store.has() == routed(*range(10))
    assert "20 of the 20 instance prefixes (100 %)" in rig.status()["refused"]
    rig.mode = "good"
    rig.settle(LONGEST)
    assert rig.status()["refused"] is None
    assert rig.store.has() == routed(*range(10))


def test_an_answer_that_lacks_more_than_a_share_is_refused_but_what_is_new_in_it_is_routed(rig: Rig) -> None:
    rig.lost = {1, 2, 3}
    rig.boot(20)
    rig.settle()
    assert rig.store.has() == routed(*range(10), 20)
    assert rig.status()["refused"]


def test_what_a_refused_answer_lacks_still_goes_and_comes_with_its_tap(rig: Rig) -> None:
    rig.mode = "empty"
    rig.settle(LONGEST)
    rig.event(rig.store.unplug(tap(3)))
    assert rig.store.has() == routed(*range(10)) - prefixes(3)
    rig.event(rig.store.plug(tap(3)))
    assert rig.store.has() == routed(*range(10))


def test_a_host_may_be_emptied_when_its_taps_go(rig: Rig) -> None:
    rig.ports.clear()
    for number in range(10):
        rig.event(rig.store.unplug(tap(number)))
    rig.settle(LONGEST)
    assert rig.store.has() == set()
    assert rig.status()["refused"] is None


def test_taps_that_went_while_nobody_looked_take_their_routes_at_the_next_start(rig: Rig) -> None:
    for number in range(5):
        rig.store.unplug(tap(number))
    rig.mode = "unreachable"
    rig.start()
    assert rig.store.has() == routed(*range(5, 10))


@pytest.mark.parametrize("mode", ["unreachable", "silent", "empty"])
def test_a_restart_withdraws_nothing_and_remembers_what_was_placed_here(rig: Rig, mode: str) -> None:
    writes, rig.mode = rig.store.writes, mode
    rig.start()
    rig.settle(120)
    assert (rig.store.has(), rig.store.writes) == (routed(*range(10)), writes)


@pytest.mark.parametrize("mode", ["unreachable", "empty"])
def test_after_a_reboot_without_neutron_the_instances_that_are_plugged_are_routed(rig: Rig, mode: str) -> None:
    rig.store.hops.clear()
    rig.event(rig.store.unplug(tap(3)))
    rig.mode = mode
    rig.start()
    rig.settle(120)
    assert rig.store.has() == routed(*range(10)) - prefixes(3)


def test_routes_that_others_made_under_our_protocol_go_only_after_a_fresh_answer(rig: Rig) -> None:
    rig.store.hops[key("10.64.9.9/32")] = (2, 1)
    rig.event(rig.store.unplug(tap(3)))
    assert "10.64.9.9/32" in rig.store.has()
    rig.settle()
    assert "10.64.9.9/32" not in rig.store.has()


def test_a_route_that_vanished_is_put_back_without_neutron(rig: Rig) -> None:
    rig.mode = "unreachable"
    rig.event(rig.store.set_bridge(False))
    assert rig.store.has() == set()
    rig.event(rig.store.set_bridge(True))
    assert rig.store.has() == routed(*range(10))


def test_routes_of_others_are_left_alone_and_told(rig: Rig) -> None:
    rig.store.foreign[key("10.64.0.20/32")] = 4
    rig.boot(20)
    rig.settle()
    assert rig.store.has() == routed(*range(10)) | {"2001:db8:64::14/128"}
    assert rig.status()["problems"] == [
        "10.64.0.20/32 can't be routed: protocol 4 has a route of the same prefix and metric 0"
    ]


def playbook(rig: Rig, numbers: range, when: float) -> None:
    """A run of sync_ports.yml that read Neutron itself: its lists, then the kernel."""
    pair = Lists(str(rig.folder / "play-routes"), str(rig.folder / "play-taps"))
    pair.write(
        [f"{prefix} dev br-mobile" for number in numbers for prefix in prefixes(number)],
        [f"{prefix} {tap(number)}" for number in numbers for prefix in prefixes(number)],
    )
    os.utime(pair.routes, (when, when))
    rig.store.hops = {key(prefix): (2, 1) for number in numbers for prefix in prefixes(number)}


def test_a_playbook_that_knows_more_is_not_fought(rig: Rig) -> None:
    rig.mode = "unreachable"
    rig.settle(300)
    playbook(rig, range(3, 10), when=4_000_000_000)  # it was told that these may go, beyond the share
    rig.event(rig.store.plug(tap(20)))
    rig.settle(300)
    assert rig.store.has() == routed(*range(3, 10))


def test_an_answer_older_than_what_a_playbook_wrote_is_not_followed_but_asked_for_again(rig: Rig) -> None:
    rig.boot(20)
    rig.settle(TIMING.settle + 0.01)  # the read is under way
    reads = len(rig.reads)
    rig.clock.wall = lambda: 4_000_000_000 + rig.clock.now  # type: ignore[method-assign]
    playbook(rig, range(3, 10), when=4_000_000_000 + rig.clock.now)
    rig.ports = {number: port(number) for number in range(3, 10)}
    rig.settle(LATENCY)
    assert rig.store.has() == routed(*range(3, 10))
    rig.settle()
    assert len(rig.reads) == reads + 1
    assert rig.status()["refused"] is None


def test_a_good_answer_makes_our_lists_the_newest_again(rig: Rig) -> None:
    playbook(rig, range(3, 10), when=1_000_000_000 + rig.clock.now)
    rig.boot(20)
    rig.settle()
    assert Lists(str(rig.folder / "routes"), "").written() > Lists(str(rig.folder / "play-routes"), "").written()
    assert rig.store.has() == routed(*range(10), 20)


def test_what_is_listed_for_the_agent_is_what_neutron_said_taps_or_not(rig: Rig) -> None:
    rig.ports[20] = port(20)
    rig.settle(LONGEST)
    listed = (rig.folder / "routes").read_text().splitlines()
    assert {line.split()[0] for line in listed} == routed(*range(10), 20) | {"192.0.2.11/32"}
    assert f"10.64.0.20/32 {tap(20)}" in (rig.folder / "taps").read_text().splitlines()


def test_before_any_answer_the_host_s_own_address_is_routed_for_the_way_to_neutron_may_need_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert {key_text(key) for key in rig.store.hops} == {"192.0.2.11/32"}
    assert rig.reads == []


def test_lists_that_cannot_be_read_withdraw_nothing(rig: Rig) -> None:
    (rig.folder / "routes").write_text("10.64.0.1/32 over there\n")
    rig.mode = "unreachable"
    rig.start()
    rig.settle(120)
    assert rig.store.has() == routed(*range(10))


def test_a_kernel_that_cannot_be_read_loses_no_answer(rig: Rig) -> None:
    rig.boot(20)
    rig.settle(TIMING.settle + 0.01)
    rig.store.failing = OSError(105, "No buffer space available")
    rig.settle(LATENCY + 0.1)
    assert "No buffer space" in rig.status()["problems"][0]
    rig.store.failing, rig.mode = None, "unreachable"
    rig.settle(2)
    assert rig.store.has() == routed(*range(10), 20)
    assert rig.status()["problems"] == []


def test_events_of_routes_and_of_other_links_are_no_hints(rig: Rig) -> None:
    reads = len(rig.reads)
    rig.event(rig.store.plug("veth7"))
    rig.event(RouteEvent(True, None))  # type: ignore[arg-type]
    rig.settle(1)
    assert len(rig.reads) == reads


def test_a_tap_that_a_look_found_before_its_event_came_is_a_hint_as_well(rig: Rig) -> None:
    rig.ports[20] = port(20)
    event = rig.store.plug(tap(20))
    rig.watcher.audit()
    rig.event(event)
    rig.settle()
    assert rig.store.has() == routed(*range(10), 20)


def test_lost_events_are_made_up_for(rig: Rig) -> None:
    rig.ports[20] = port(20)
    rig.store.plug(tap(20))
    rig.watcher.overrun()
    rig.settle()
    assert rig.store.has() == routed(*range(10), 20)


def test_who_asks_gets_a_read_at_once_and_sees_when_it_had_begun(rig: Rig) -> None:
    rig.mode = "unreachable"
    rig.settle(300)
    rig.mode = "good"
    now = rig.clock.wall()
    rig.watcher.hurry()
    rig.settle(LATENCY + 0.01)
    assert rig.status()["tried"] == rig.status()["good"] == now


def test_knowledge_that_has_become_too_old_is_said_once(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    rig.mode = "unreachable"
    for _second in range(400):
        rig.settle(1)
        rig.watcher.tick()
    said = [line for line in capsys.readouterr().err.splitlines() if "event=knowledge_too_old" in line]
    assert len(said) == 1
