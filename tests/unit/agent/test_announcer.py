"""What is sent to whom and when: against what ExaBGP holds, without a survey that would put it right."""

from __future__ import annotations

import random
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roth.announcer import LINE, Announcer, Batch
from roth.exabgp_api import Action, RibRoute
from roth.kernel.model import Family

from tests.unit.agent.fakes import V4, V6
from tests.unit.agent.test_any_history import PEERS, PREFIXES, Router, drain

ONE, OTHER = ip_network("10.64.0.1/32"), ip_network("10.64.0.2/32")
SIX = ip_network("2001:db8:64::1/128")


@pytest.fixture
def announcer() -> Announcer:
    """All sessions known to ExaBGP, which holds nothing."""
    found = Announcer(dict(PEERS))
    found.holds(PEERS, [])
    return found


def sent(announcer: Announcer, ok: bool = True) -> list[tuple[Action, tuple[object, ...], tuple[object, ...]]]:
    """All that is sent until nothing more is, each line answered the same way."""
    lines = []
    while batches := announcer.next_batches(4):
        for batch in batches:
            lines.append((batch.action, batch.peers, batch.prefixes))
            announcer.answered(batch, ok)
    return lines


@given(st.integers(0, 2**32), st.sets(st.tuples(st.sampled_from(list(PEERS)), st.sampled_from(PREFIXES)), max_size=4))
def test_what_changes_while_lines_are_under_way_comes_right_without_a_survey(seed, poisoned) -> None:
    chance = random.Random(seed)
    router, announcer = Router(chance, poisoned, 1.0), Announcer(dict(PEERS))
    router.survey(announcer)
    for _change in range(3):
        for prefix in chance.sample(PREFIXES, 70):
            announcer.change(prefix, chance.random() < 0.6)
        drain(announcer, router, chance)
    for peer in PEERS:
        never = {prefix for refuser, prefix in poisoned if refuser == peer}
        wanted = {prefix for prefix in announcer.desired if prefix.version == peer.version}
        assert router.held[peer].keys() == wanted - never
    assert announcer.held == router.held


def test_a_prefix_that_arrives_or_settles_is_announced_anew_without_a_withdrawal_and_alone(
    announcer: Announcer,
) -> None:
    for prefix in PREFIXES:
        announcer.change(prefix, True)
    sent(announcer)
    for preferred in (True, False, True):
        announcer.change(ONE, True, preferred)
        assert sent(announcer) == [(Action.ANNOUNCE, tuple(V4), (ONE,))]
        assert announcer.told_preferred() == ([ONE] if preferred else [])
    announcer.change(OTHER, True, True)
    assert sent(announcer) == [(Action.ANNOUNCE, tuple(V4), (OTHER,))]
    assert sent(announcer) == []


def test_a_preferred_prefix_that_is_dropped_and_comes_back_is_plain(announcer: Announcer) -> None:
    announcer.change(ONE, True, True)
    sent(announcer)
    announcer.change(ONE, False)
    announcer.change(ONE, True)
    assert sent(announcer) == [(Action.ANNOUNCE, tuple(V4), (ONE,))]
    assert announcer.told_preferred() == []


def test_a_new_agent_takes_preferred_and_plain_prefixes_of_older_numbers_for_right(announcer: Announcer) -> None:
    announcer.change(ONE, True, True)
    sent(announcer)
    announcer.change(OTHER, True)
    sent(announcer)
    announcer.change(SIX, True, True)
    sent(announcer)
    rows = [
        RibRoute(peer, it, PEERS[peer], mark=mark) for peer, held in announcer.held.items() for it, mark in held.items()
    ]
    again = Announcer(dict(PEERS))
    for prefix in (ONE, OTHER, SIX):
        again.change(prefix, True, prefix != OTHER)
    again.holds(PEERS, rows)
    assert sent(again) == []
    assert again.told_preferred() == [ONE, SIX]


def test_a_prefix_that_is_dropped_while_its_line_is_under_way_is_withdrawn(announcer: Announcer) -> None:
    announcer.change(ONE, True)
    (batch,) = announcer.next_batches(4)
    announcer.change(ONE, False)
    assert announcer.next_batches(4) == [], "two lines for one prefix could be overtaken by one another"
    announcer.answered(batch, True)
    assert sent(announcer) == [(Action.WITHDRAW, tuple(V4), (ONE,))]
    assert announcer.announced() == []


@pytest.mark.parametrize("prefixes", [[ONE, OTHER], [ONE]], ids=["by prefixes", "by peers"])
def test_a_prefix_of_a_refused_line_is_busy_until_the_last_part_has_its_answer(
    announcer: Announcer, prefixes: list[object]
) -> None:
    for prefix in prefixes:
        announcer.change(prefix, True)
    (batch,) = announcer.next_batches(4)
    announcer.answered(batch, False)
    parts = announcer.next_batches(4)
    assert len(parts) == 2
    announcer.change(ONE, False)
    assert announcer.next_batches(4) == []
    for part in parts[:-1]:
        announcer.answered(part, True)
    if prefixes == [ONE]:
        assert announcer.next_batches(4) == []
        assert not announcer.settled(Family.IPV4)
    announcer.answered(parts[-1], True)
    assert {line[0] for line in sent(announcer)} == {Action.WITHDRAW}
    assert announcer.settled(Family.IPV4)


def test_what_exabgp_holds_and_nobody_wants_is_withdrawn_whatever_its_next_hop_and_attributes() -> None:
    announcer = Announcer(dict(PEERS))
    announcer.holds(PEERS, [RibRoute(V4[0], ONE, ip_address("203.0.113.9")), RibRoute(V4[0], OTHER, PEERS[V4[0]])])
    ((action, peers, prefixes),) = sent(announcer)
    assert (action, peers, set(prefixes)) == (Action.WITHDRAW, (V4[0],), {ONE, OTHER})
    assert sent(announcer) == []


def test_what_exabgp_holds_with_another_next_hop_is_announced_again() -> None:
    announcer = Announcer(dict(PEERS))
    announcer.change(ONE, True)
    announcer.holds(V4, [RibRoute(V4[0], ONE, ip_address("203.0.113.9"), mark=0), RibRoute(V4[1], ONE, PEERS[V4[1]])])
    assert {peer for _action, peers, _prefixes in sent(announcer) for peer in peers} == set(V4)


def test_a_withdrawal_that_exabgp_refuses_is_not_tried_for_ever(announcer: Announcer) -> None:
    announcer.change(ONE, True)
    sent(announcer)
    announcer.change(ONE, False)
    refused = sent(announcer, ok=False)
    assert [peers for _action, peers, _prefixes in refused] == [tuple(V4), (V4[0],), (V4[1],)]
    assert announcer.held_by(V4[0]) == frozenset()


def test_an_announcement_that_a_peer_refuses_is_tried_again_once_it_was_given_up_and_wanted_anew(
    announcer: Announcer,
) -> None:
    announcer.change(ONE, True)
    sent(announcer, ok=False)
    assert announcer.refused == {(peer, ONE) for peer in V4}
    announcer.change(ONE, False)
    assert announcer.refused == set()
    announcer.change(ONE, True)
    assert sent(announcer) == [(Action.ANNOUNCE, tuple(V4), (ONE,))]


def test_a_session_that_went_down_before_its_end_of_rib_gets_none_until_it_is_up_again(announcer: Announcer) -> None:
    announcer.established(V4[0])
    announcer.lost(V4[0])
    assert announcer.next_end_of_rib() is None
    announcer.established(V4[0])
    assert (announcer.next_end_of_rib() or ("",))[0] == V4[0]
    announcer.established(V4[0])
    assert announcer.next_end_of_rib() is None, "it has had its own"
    announcer.lost(V4[0])
    announcer.established(V4[0])
    assert (announcer.next_end_of_rib() or ("",))[0] == V4[0]


def test_what_was_withdrawn_while_a_session_was_down_is_withdrawn_once_more_after_its_end_of_rib(
    announcer: Announcer,
) -> None:
    for peer in V4:
        announcer.established(peer)
        announcer.next_end_of_rib()
    for prefix in (ONE, OTHER):
        announcer.change(prefix, True)
    sent(announcer)
    announcer.lost(V4[0])
    for prefix in (ONE, OTHER):
        announcer.change(prefix, False)
    sent(announcer)
    announcer.change(OTHER, True)  # this one is wanted again
    sent(announcer)
    announcer.established(V4[0])
    assert sent(announcer) == [], "ExaBGP's first flush must be over"
    assert (announcer.next_end_of_rib() or ("",))[0] == V4[0]
    assert sent(announcer) == [(Action.WITHDRAW, (V4[0],), (ONE,))]
    announcer.holds(PEERS, [RibRoute(peer, OTHER, PEERS[peer], mark=0) for peer in V4])
    assert sent(announcer) == []


def test_what_a_session_did_not_hear_is_bounded(announcer: Announcer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roth.announcer.MOST_UNHEARD", 5)
    for prefix in PREFIXES[:20]:
        announcer.change(prefix, True)
        sent(announcer)
        announcer.change(prefix, False)
        sent(announcer)
    assert list(announcer.unheard[V4[0]]) == PREFIXES[15:20]


def test_end_of_rib_waits_for_the_last_line_of_its_own_family_alone(announcer: Announcer) -> None:
    for peer in (V4[0], V6[0]):
        announcer.established(peer)
    announcer.change(SIX, True)
    assert (announcer.next_end_of_rib() or ("",))[0] == V4[0]
    assert announcer.next_end_of_rib() is None
    (batch,) = announcer.next_batches(4)
    assert announcer.next_end_of_rib() is None
    announcer.answered(batch, False)
    assert announcer.next_end_of_rib() is None, "it is to be tried in parts"
    sent(announcer)
    assert (announcer.next_end_of_rib() or ("",))[0] == V6[0]


def test_a_session_that_left_the_configuration_is_forgotten_and_one_that_stays_is_not(announcer: Announcer) -> None:
    announcer.change(ONE, True)
    sent(announcer)
    for peer in V4:
        announcer.established(peer)
    announcer.set_peers({V4[1]: PEERS[V4[1]]})
    assert (announcer.held, announcer.marks.keys()) == ({V4[1]: {ONE: announcer.marks[V4[1]]}}, {V4[1]})
    assert (announcer.next_end_of_rib() or ("",))[0] == V4[1]
    assert announcer.next_end_of_rib() is None


def test_a_session_that_comes_back_into_the_configuration_has_yet_to_get_its_end_of_rib(announcer: Announcer) -> None:
    announcer.established(V4[0])
    assert announcer.next_end_of_rib() is not None
    announcer.set_peers({V4[1]: PEERS[V4[1]]})
    announcer.set_peers(dict(PEERS))
    announcer.holds(PEERS, [])
    announcer.established(V4[0])
    assert (announcer.next_end_of_rib() or ("",))[0] == V4[0]


@pytest.mark.parametrize("room", [1, 2, 3])
def test_no_more_lines_than_there_is_room_for_and_none_longer_than_exabgp_bears(
    announcer: Announcer, room: int
) -> None:
    many = [ip_network(f"10.64.{n >> 8}.{n & 255}/32") for n in range(2 * LINE + 7)]
    for prefix in (*many, *(ip_network(f"2001:db8:64::{n:x}/128") for n in range(LINE))):
        announcer.change(prefix, True)
    under_way: list[Batch] = []
    while batches := announcer.next_batches(room):
        assert len(batches) <= room
        under_way += batches
    told = [prefix for batch in under_way for prefix in batch.prefixes]
    assert len(told) == len(set(told)) == 3 * LINE, "what does not fill a line waits for an answer"
    assert {len(batch.prefixes) for batch in under_way} == {LINE}
    assert announcer.busy.keys() == set(told)
    for batch in under_way:
        announcer.answered(batch, True)
    rest = [prefix for _action, _peers, prefixes in sent(announcer) for prefix in prefixes]
    assert {*told, *rest} == announcer.desired
    assert len(rest) == 7


def test_what_is_known_of_an_exabgp_goes_with_it(announcer: Announcer) -> None:
    announcer.change(ONE, True)
    sent(announcer)
    announcer.established(V4[0])
    announcer.disconnected()
    assert (announcer.announced(), announcer.next_batches(4), announcer.next_end_of_rib()) == ([], [], None)
    announcer.holds(PEERS, [])
    assert sent(announcer) == [(Action.ANNOUNCE, tuple(V4), (ONE,))]
