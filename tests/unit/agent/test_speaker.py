"""The conversation with ExaBGP: windows, refusals, surveys, End-of-RIB."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roth.sessions import SessionState
from roth.speaker import Speaker

from tests.unit.agent.fakes import V4, V6, FakeClock, FakeExabgp, FakeTimers, config


class Stage:
    """A speaker and an ExaBGP, connected by hand."""

    def __init__(self) -> None:
        self.config = config()
        self.clock = FakeClock()
        self.timers = FakeTimers(self.clock)
        self.exabgp = FakeExabgp(self.config)
        self.changes = 0
        self.speaker = Speaker(
            self.config, self.clock, self.timers, lambda lines: self.exabgp.send(lines), self.changed
        )

    def changed(self) -> None:
        self.changes += 1

    def settle(self) -> None:
        """Deliver until nobody has anything to say."""
        while self.exabgp.answers or self.exabgp.queue:
            while self.exabgp.answers:
                self.speaker.line(self.exabgp.answers.popleft())
            if self.exabgp.queue:
                self.exabgp.step()

    def up(self, *peers: object) -> None:
        for peer in peers or (*V4, *V6):
            self.speaker.line(self.exabgp.event(str(peer), "up"))
        self.settle()

    def want(self, *prefixes: str, wanted: bool = True) -> None:
        for prefix in prefixes:
            self.speaker.announcer.change(ip_network(prefix), wanted)
        self.speaker.pump()

    def start(self) -> Stage:
        self.speaker.ready = True
        self.speaker.connect()
        self.settle()
        return self


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_ipv4_goes_to_ipv4_sessions_and_ipv6_to_ipv6_sessions(stage: Stage) -> None:
    stage.start().want("10.64.0.1/32", "2001:db8:64::1/128")
    stage.settle()
    assert stage.exabgp.out == {
        **{str(peer): {"10.64.0.1/32"} for peer in V4},
        **{str(peer): {"2001:db8:64::1/128"} for peer in V6},
    }


def test_a_thousand_routes_take_21_lines_and_at_most_eight_are_unanswered(stage: Stage) -> None:
    stage.start()
    before = len(stage.exabgp.commands)
    stage.want(*(f"10.64.{index // 250}.{index % 250}/32" for index in range(1000)))
    stage.settle()
    lines = stage.exabgp.commands[before:]
    assert stage.exabgp.longest_queue <= 8
    assert 21 <= len(lines) <= 22  # of 49 prefixes; the first event goes out at once
    assert len(stage.exabgp.out["10.1.1.0"]) == 1000


def test_while_a_line_is_unanswered_the_next_ones_are_filled_and_the_rest_follows_the_answer(stage: Stage) -> None:
    stage.start()
    before = len(stage.exabgp.commands)
    for index in range(60):  # one event each, before ExaBGP has answered the first
        stage.want(f"10.64.0.{index}/32")
    lines = [line.count("/32") for line in stage.exabgp.commands[before:]]
    assert lines == [1, 49]
    stage.settle()
    assert [line.count("/32") for line in stage.exabgp.commands[before:]] == [1, 49, 10]
    assert len(stage.exabgp.out["10.1.1.0"]) == 60


def test_nothing_is_announced_before_the_kernel_was_read(stage: Stage) -> None:
    stage.start()
    stage.speaker.ready = False
    stage.up()
    stage.want("10.64.0.1/32")
    stage.settle()
    assert (stage.exabgp.out["10.1.1.0"], stage.exabgp.ended) == (set(), [])
    stage.speaker.ready = True
    stage.speaker.pump()
    stage.settle()
    assert stage.exabgp.out["10.1.1.0"] == {"10.64.0.1/32"}


def test_end_of_rib_follows_the_whole_replay_to_each_session(stage: Stage) -> None:
    stage.want(*(f"10.64.0.{index}/32" for index in range(120)))
    stage.exabgp.established = {str(V4[0]), str(V6[0])}
    stage.start()
    assert [(peer, len(held)) for peer, held in stage.exabgp.ended] == [("10.1.1.0", 120), ("2001:db8:1:1::a", 0)]
    stage.up(V4[1])
    assert stage.exabgp.ended[-1] == (str(V4[1]), frozenset(stage.exabgp.out["10.1.1.0"]))


def test_a_new_agent_takes_over_what_exabgp_holds_without_a_word(stage: Stage) -> None:
    for peer in V4:
        stage.exabgp.out[str(peer)] = {"10.64.0.1/32", "10.64.0.2/32"}
    stage.want("10.64.0.1/32", "10.64.0.2/32")
    stage.start()
    assert not [line for line in stage.exabgp.commands if "nlri" in line]


def test_a_new_agent_announces_and_withdraws_only_what_differs(stage: Stage) -> None:
    stage.exabgp.out[str(V4[0])] = {"10.64.0.1/32", "10.64.0.9/32"}
    stage.exabgp.out[str(V4[1])] = {"10.64.0.1/32", "10.64.0.2/32"}
    stage.want("10.64.0.1/32", "10.64.0.2/32")
    stage.start()
    assert sorted(line for line in stage.exabgp.commands if "nlri" in line) == [
        "neighbor 10.1.1.0 announce attributes next-hop self nlri 10.64.0.2/32",
        "neighbor 10.1.1.0 withdraw attributes next-hop self nlri 10.64.0.9/32",
    ]


def test_a_neighbor_that_came_back_empty_is_told_everything_again(stage: Stage) -> None:
    stage.start().up()
    stage.want("10.64.0.1/32")
    stage.settle()
    stage.speaker.line(stage.exabgp.event("10.1.1.0", "down"))
    stage.exabgp.out["10.1.1.0"].clear()
    stage.exabgp.ended.clear()
    stage.up(V4[0])
    assert stage.exabgp.ended == [("10.1.1.0", frozenset({"10.64.0.1/32"}))]


def test_one_bad_prefix_is_found_by_halves_and_the_others_are_announced(stage: Stage) -> None:
    stage.start().up()
    prefixes = [f"10.64.0.{index}/32" for index in range(100)]
    stage.exabgp.bad = {"10.64.0.77/32"}
    stage.want(*prefixes)
    stage.settle()
    assert stage.exabgp.out["10.1.1.0"] == set(prefixes) - stage.exabgp.bad
    assert stage.speaker.announcer.refused == {(peer, ip_network("10.64.0.77/32")) for peer in V4}
    assert "10.64.0.77/32" in stage.speaker.last_refusal[1]


def test_a_refused_prefix_is_not_tried_again_and_again(stage: Stage) -> None:
    stage.start().up()
    stage.exabgp.bad = {"10.64.0.77/32"}
    stage.want("10.64.0.77/32")
    stage.settle()
    told = len([line for line in stage.exabgp.commands if "nlri" in line])
    for _second in range(10):
        stage.timers.advance(1.0)
        stage.settle()
    assert len([line for line in stage.exabgp.commands if "nlri" in line]) == told


def test_a_session_gets_one_end_of_rib_however_often_exabgp_is_surveyed(stage: Stage) -> None:
    stage.start().up()
    for _survey in range(3):
        stage.speaker.survey()
        stage.settle()
    assert len(stage.exabgp.ended) == 4


def test_a_refused_prefix_does_not_hold_up_end_of_rib(stage: Stage) -> None:
    stage.exabgp.bad = {"10.64.0.77/32"}
    stage.want("10.64.0.77/32", "10.64.0.1/32")
    stage.start().up()
    assert ("10.1.1.0", frozenset({"10.64.0.1/32"})) in stage.exabgp.ended


def test_answers_to_a_dead_predecessor_s_commands_are_nobody_s(stage: Stage) -> None:
    stage.want("10.64.0.1/32")
    stage.speaker.ready = True
    stage.speaker.connect()
    stage.exabgp.answers.extend(["done", "error", "10.9.9.9 ipv4 unicast 10.64.9.9/32 next-hop 10.1.1.1", "done"])
    stage.settle()
    assert stage.exabgp.out["10.1.1.0"] == {"10.64.0.1/32"}
    assert not stage.speaker.announcer.refused


def test_a_session_that_exabgp_lacks_is_reported_and_not_addressed(stage: Stage) -> None:
    del stage.exabgp.local["10.2.1.0"]
    del stage.exabgp.out["10.2.1.0"]
    stage.start().want("10.64.0.1/32")
    stage.settle()
    assert stage.speaker.sessions.alarms() == ["10.2.1.0 is not configured in ExaBGP"]
    assert [line for line in stage.exabgp.commands if "nlri" in line] == [
        "neighbor 10.1.1.0 announce attributes next-hop self nlri 10.64.0.1/32"
    ]


def test_a_default_that_came_while_nobody_listened_is_found(stage: Stage) -> None:
    peer = str(V4[0])
    stage.exabgp.established.add(peer)
    stage.exabgp.received[peer] = [
        f"neighbor {peer} local-ip 10.1.1.1 ipv4 unicast 0.0.0.0/0 next-hop {peer} origin igp as-path ( 65101 )"
    ]
    stage.start()
    assert stage.speaker.sessions.peers[V4[0]].received == {ip_network("0.0.0.0/0")}


def test_a_full_table_in_a_survey_leaves_only_what_is_imported(stage: Stage) -> None:
    peer = str(V4[0])
    stage.exabgp.established.add(peer)
    line = "neighbor 10.1.1.0 local-ip x ipv4 unicast {} next-hop 10.1.1.0 as-path ( 65101 )"
    stage.exabgp.received[peer] = [line.format(f"20.{index}.0.0/16") for index in range(200)]
    stage.exabgp.received[peer].append(line.format("0.0.0.0/0"))
    seen: list[int] = []
    stage.speaker.connect()
    receive = stage.speaker.conversation.receive
    stage.speaker.conversation.receive = lambda message, now: (seen.append(1), receive(message, now))
    stage.settle()
    assert stage.speaker.sessions.peers[V4[0]].received == {ip_network("0.0.0.0/0")}
    assert len(seen) < 10


def test_a_neighbor_that_exabgp_gets_later_is_found_without_its_session(stage: Stage) -> None:
    local = stage.exabgp.local.pop("10.2.1.0")
    stage.start()
    stage.exabgp.local["10.2.1.0"] = local
    stage.timers.advance(11)
    stage.settle()
    assert stage.speaker.sessions.alarms() == []


def test_an_event_during_a_survey_beats_the_survey_s_older_answer(stage: Stage) -> None:
    peer = str(V4[0])
    stage.start().up(V4[0])
    stage.speaker.line(stage.exabgp.default(peer))
    stage.speaker.survey()
    stage.exabgp.step()  # neighbors: established
    stage.speaker.line(stage.exabgp.answers.popleft())
    stage.speaker.line(stage.exabgp.event(peer, "down", "hold timer expired"))
    stage.settle()
    assert stage.speaker.sessions.peers[V4[0]].state is SessionState.DOWN


def test_a_silent_exabgp_is_noticed(stage: Stage) -> None:
    stage.start().want("10.64.0.1/32")
    stage.clock.now += 29
    assert not stage.speaker.broken()
    stage.clock.now += 2
    assert stage.speaker.broken()


def test_an_answer_that_takes_long_is_not_taken_for_none(stage: Stage) -> None:
    stage.start()
    stage.speaker.survey()
    stage.exabgp.step()
    while stage.exabgp.answers:
        stage.speaker.line(stage.exabgp.answers.popleft())
    for index in range(10):  # routes that we don't import, of a full table
        stage.clock.now += 29
        assert not stage.speaker.broken()
        route = f"20.{index}.0.0/16 next-hop 10.1.1.0 as-path ( 65101 )"
        stage.speaker.line(f"neighbor 10.1.1.0 local-ip x ipv4 unicast {route}")
    stage.clock.now += 29
    stage.speaker.line(stage.exabgp.event("10.1.1.0", "up"))  # says nothing about the answer
    stage.clock.now += 2
    assert stage.speaker.broken()


@pytest.mark.parametrize("asked", ["show adj-rib in extensive", "neighbor 10.1.1.0 , ", None])
def test_the_neighbors_of_a_predecessor_s_question_show_that_answers_are_out_of_step(
    stage: Stage, asked: str | None
) -> None:
    stage.start()
    if asked and "adj-rib" in asked:
        stage.speaker.survey()
        stage.exabgp.step()
        while stage.exabgp.answers:
            stage.speaker.line(stage.exabgp.answers.popleft())
    elif asked:
        stage.want("10.64.0.1/32")
    assert (stage.speaker.conversation.asked() or "").startswith(asked or "")
    assert stage.speaker.broken() is None
    stage.speaker.line("[]")
    assert "another question" in stage.speaker.broken()


def test_a_route_that_nobody_asked_for_shows_that_answers_are_out_of_step(stage: Stage) -> None:
    stage.start().want("10.64.0.1/32")
    held = {peer: set(stage.speaker.announcer.held_by(peer)) for peer in V4}
    stage.speaker.line("10.1.1.0 ipv4 unicast 10.64.0.1/32 next-hop 10.1.1.1")
    assert stage.speaker.broken()
    said = len(stage.exabgp.commands)
    stage.speaker.line("done")  # whose?
    stage.want("10.64.0.2/32")
    assert {peer: set(stage.speaker.announcer.held_by(peer)) for peer in V4} == held
    assert len(stage.exabgp.commands) == said
    stage.speaker.disconnect()
    stage.exabgp.queue.clear()
    stage.speaker.connect()
    stage.settle()
    assert stage.speaker.broken() is None
    assert stage.exabgp.out["10.1.1.0"] == {"10.64.0.1/32", "10.64.0.2/32"}


def test_a_broken_connection_forgets_what_was_held_and_asks_again(stage: Stage) -> None:
    stage.start().want("10.64.0.1/32")
    stage.settle()
    stage.speaker.disconnect()
    assert all(peer.state is SessionState.UNKNOWN for peer in stage.speaker.sessions.peers.values())
    for held in stage.exabgp.out.values():
        held.clear()  # ExaBGP was restarted
    stage.exabgp.queue.clear()
    stage.speaker.connect()
    stage.settle()
    assert stage.exabgp.out["10.1.1.0"] == {"10.64.0.1/32"}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["want", "drop"]), st.integers(0, 70)),
        st.tuples(st.sampled_from(["up", "down", "forget"]), st.integers(0, 3)),
        st.tuples(st.sampled_from(["step", "reconnect", "survey"]), st.just(0)),
    ),
    max_size=120,
)


@given(STEPS)
def test_after_any_history_every_session_holds_exactly_what_is_wanted(steps: list[tuple[str, int]]) -> None:
    stage = Stage().start()
    peers = [str(peer) for peer in (*V4, *V6)]
    wanted: set[str] = set()
    for what, number in steps:
        prefix = f"10.64.0.{number}/32" if number % 2 else f"2001:db8:64::{number + 1:x}/128"
        if what in ("want", "drop"):
            (wanted.add if what == "want" else wanted.discard)(prefix)
            stage.want(prefix, wanted=what == "want")
        elif what in ("up", "down"):
            stage.speaker.line(stage.exabgp.event(peers[number], what))
        elif what == "forget":  # removed and added again by a reload
            stage.exabgp.out[peers[number]].clear()
            stage.speaker.line(stage.exabgp.event(peers[number], "down"))
            stage.speaker.line(stage.exabgp.event(peers[number], "up"))
        elif what == "reconnect":
            stage.speaker.disconnect()
            stage.exabgp.queue.clear()
            stage.exabgp.answers.clear()
            stage.speaker.connect()
        elif what == "survey":
            stage.speaker.survey()
        elif stage.exabgp.queue:
            stage.exabgp.step()
            while stage.exabgp.answers:
                stage.speaker.line(stage.exabgp.answers.popleft())
    stage.settle()
    for peer in peers:
        version = 6 if ":" in peer else 4
        assert stage.exabgp.out[peer] == {prefix for prefix in wanted if ip_network(prefix).version == version}
        if peer in stage.exabgp.established:
            assert [held for ended, held in stage.exabgp.ended if ended == peer]
    assert stage.exabgp.longest_queue <= 8
