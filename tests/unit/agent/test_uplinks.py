"""Which uplinks carry the default: everything that is not knowledge keeps what is there."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roth.kernel.model import Family
from roth.sessions import GRACE, PeerState, SessionState
from roth.uplinks import DEFAULT, BfdMemory, BfdState, Decision, Vote, decide, session_vote, usable

from tests.unit.agent.fakes import V4, V6, config, document

NOW = 5000.0
BOTH = ("up0", "up1")
CARRIER = {"up0": True, "up1": True}


def peer(state: SessionState = SessionState.ESTABLISHED, default: bool = True, ended: bool = True) -> PeerState:
    received = set(DEFAULT.values()) if default else set()
    return PeerState(state=state, end_of_rib=ended, received=received)


def bfd(*states: BfdState, seen: bool = True) -> BfdMemory:
    memory = BfdMemory()
    memory.expect((*V4, *V6), NOW)
    if seen:
        memory.report(dict.fromkeys((*V4, *V6), BfdState.UP), NOW)
    memory.report({each: states[index % 2] for index, each in enumerate((*V4, *V6))}, NOW)
    return memory


UP_UP = bfd(BfdState.UP, BfdState.UP)
DOWN, UNKNOWN = SessionState.DOWN, SessionState.UNKNOWN


def group(
    first: PeerState,
    second: PeerState,
    memory: BfdMemory = UP_UP,
    current: tuple[str, ...] = BOTH,
    carrier: dict[str, bool] | None = None,
    now: float = NOW,
) -> Decision:
    settings = config()
    peers = {V4[0]: first, V4[1]: second, V6[0]: peer(), V6[1]: peer()}
    return decide(settings, Family.IPV4, current, peers, memory, CARRIER if carrier is None else carrier, now)


def test_two_good_uplinks_carry_the_default() -> None:
    assert group(peer(), peer(), current=()) == Decision(BOTH)


def test_a_session_that_is_down_leaves_though_bfd_is_up() -> None:
    assert group(peer(), peer(DOWN)).members == ("up0",)


def test_a_withdrawn_default_leaves() -> None:
    assert group(peer(), peer(default=False)).members == ("up0",)


def test_a_session_whose_peer_has_yet_to_speak_changes_nothing() -> None:
    silent = peer(default=False, ended=False)
    assert group(peer(), silent).members == BOTH
    assert group(peer(), silent, current=("up0",)).members == ("up0",)


def test_bfd_down_leaves_though_the_session_is_up() -> None:
    assert group(peer(), peer(), bfd(BfdState.UP, BfdState.DOWN)).members == ("up0",)


@pytest.mark.parametrize("state", [BfdState.DOWN, BfdState.INIT])
def test_a_bfdd_that_has_never_seen_up_takes_nothing_out_and_lets_nothing_in(state: BfdState) -> None:
    restarted = bfd(BfdState.UP, state, seen=False)
    restarted.seen_up.discard(V4[1])
    assert group(peer(), peer(), restarted).members == BOTH
    assert group(peer(), peer(), restarted, current=("up0",)).members == ("up0",)


def test_a_peer_that_bfdd_lost_and_got_again_has_no_say_until_it_is_up() -> None:
    memory = bfd(BfdState.UP, BfdState.UP)
    memory.report({V4[0]: BfdState.UP}, NOW)
    memory.report({V4[0]: BfdState.UP, V4[1]: BfdState.DOWN}, NOW)
    assert memory.vote(V4[1], NOW) is Vote.KEEP
    assert group(peer(), peer(), memory).members == BOTH


def test_a_lost_bfdd_takes_nothing_out() -> None:
    memory = bfd(BfdState.UP, BfdState.UP)
    memory.lost(NOW)
    assert group(peer(), peer(), memory).members == BOTH


def test_an_uplink_that_bfd_took_out_stays_out_when_bfdd_dies_until_the_grace_period_ends() -> None:
    memory = bfd(BfdState.UP, BfdState.DOWN)
    memory.lost(NOW)
    assert group(peer(), peer(), memory, current=("up0",)).members == ("up0",)
    assert group(peer(), peer(), memory, current=("up0",), now=NOW + GRACE + 1).members == BOTH


def test_admin_down_says_nothing_about_the_path() -> None:
    assert group(peer(), peer(), bfd(BfdState.ADMIN_DOWN, BfdState.UP), current=()).members == BOTH


def test_without_exabgp_the_group_stays() -> None:
    lost = peer(UNKNOWN)
    assert group(lost, lost).members == BOTH
    assert group(lost, lost, current=("up1",)).members == ("up1",)
    assert group(lost, lost, current=()).members == ()


def test_bfd_still_takes_an_uplink_out_while_exabgp_is_away() -> None:
    lost = peer(UNKNOWN)
    assert group(lost, lost, bfd(BfdState.DOWN, BfdState.UP)).members == ("up1",)


def test_both_down_at_once_keeps_the_last_group_and_raises_an_alarm() -> None:
    decision = group(peer(), peer(), bfd(BfdState.DOWN, BfdState.DOWN))
    assert (decision.members, decision.fail_static) == (BOTH, True)
    assert decision.alarm == "no uplink is usable for 0.0.0.0/0: keeping up0, up1"


def test_the_last_member_is_kept_without_its_session_too() -> None:
    decision = group(peer(DOWN), peer(DOWN), current=("up1",))
    assert (decision.members, decision.fail_static) == (("up1",), True)


def test_an_uplink_without_carrier_is_not_kept() -> None:
    decision = group(peer(DOWN), peer(DOWN), bfd(BfdState.DOWN, BfdState.DOWN), carrier={"up0": False, "up1": True})
    assert decision.members == ("up1",)


def test_only_configured_uplinks_are_kept() -> None:
    settings = config(uplinks=document()["uplinks"][1:])
    peers = {V4[1]: peer(DOWN), V6[1]: peer()}
    decision = decide(settings, Family.IPV4, BOTH, peers, UP_UP, CARRIER, NOW)
    assert (decision.members, decision.fail_static) == (("up1",), True)
    assert decide(settings, Family.IPV4, ("up0",), peers, UP_UP, CARRIER, NOW) == Decision(())


def test_no_carrier_at_all_leaves_nothing_to_keep() -> None:
    assert group(peer(), peer(), carrier={"up0": False, "up1": False}).members == ()
    assert group(peer(), peer(), carrier={}).members == ()


def test_when_every_tor_withdraws_its_default_the_group_empties() -> None:
    assert group(peer(default=False), peer(default=False)) == Decision(())


def test_a_peer_is_unknown_before_it_votes() -> None:
    assert session_vote(PeerState(), ip_network("0.0.0.0/0")) is Vote.KEEP


STATES = st.builds(peer, st.sampled_from(list(SessionState)), st.booleans(), st.booleans())
BFD_STATES = st.builds(bfd, st.sampled_from(list(BfdState)), st.sampled_from(list(BfdState)), seen=st.booleans())


@given(STATES, STATES, BFD_STATES, st.sets(st.sampled_from(BOTH)))
def test_a_group_is_emptied_only_when_every_tor_said_so(
    first: PeerState, second: PeerState, memory: BfdMemory, current: set[str]
) -> None:
    before = tuple(sorted(current))
    decision = group(first, second, memory, before)
    told = all(
        each.state is SessionState.ESTABLISHED and not each.received and each.end_of_rib for each in (first, second)
    )
    assert decision.members or not before or told


@given(STATES, STATES, BFD_STATES, st.sets(st.sampled_from(BOTH)))
def test_an_uplink_joins_only_with_session_default_and_no_word_against_it(
    first: PeerState, second: PeerState, memory: BfdMemory, current: set[str]
) -> None:
    decision = group(first, second, memory, tuple(sorted(current)))
    for name, told, address in (("up0", first, V4[0]), ("up1", second, V4[1])):
        if name in decision.members and name not in current:
            assert told.state is SessionState.ESTABLISHED
            assert told.received
            assert memory.vote(address, NOW) is Vote.IN


def test_missing_information_on_any_uplink_is_told() -> None:
    assert group(peer(UNKNOWN), peer()).fail_static
    assert group(peer(), peer(UNKNOWN)).fail_static
    assert not group(peer(), peer()).fail_static


REPORTS = st.lists(
    st.none() | st.dictionaries(st.sampled_from([*V4, *V6]), st.sampled_from(list(BfdState))) | st.floats(1, 2 * GRACE),
    max_size=12,
)
"""What bfdd says, one after the other: None when it is lost, a number for seconds that pass."""


@given(REPORTS)
def test_only_a_bfdd_that_has_itself_seen_a_peer_up_takes_an_uplink_out(reports: list[object]) -> None:
    memory, now = BfdMemory(), NOW
    memory.expect((*V4, *V6), now)
    seen: set[object] = set()  # since this bfdd runs, and has had the peer without a break
    unknown_since = dict.fromkeys((*V4, *V6), now)
    for report in reports:
        if isinstance(report, float):
            now += report
            continue
        states = {} if report is None else report
        seen = {each for each in seen if each in states} | {
            each for each, state in states.items() if state is BfdState.UP
        }
        unknown_since = {each: unknown_since.get(each, now) for each in (*V4, *V6) if each not in states}
        if report is None:
            memory.lost(now)
        else:
            memory.report(states, now)
        assert memory.connected is (report is not None)
        for each in (*V4, *V6):
            state = states.get(each, BfdState.UNKNOWN)
            if state in (BfdState.DOWN, BfdState.INIT):
                expected = Vote.OUT if each in seen else Vote.KEEP
            elif state is BfdState.UNKNOWN:
                late = now - unknown_since.get(each, now) > GRACE
                expected = Vote.IN if late else Vote.KEEP
            else:
                expected = Vote.IN
            assert memory.vote(each, now) is expected, (each, state)


@pytest.mark.parametrize("broken", [None, V4[0], V6[0]])
def test_an_uplink_is_usable_when_nothing_speaks_against_it_in_either_family(broken: object) -> None:
    settings = config()
    peers = {each: peer(DOWN if each == broken else SessionState.ESTABLISHED) for each in (*V4, *V6)}
    assert usable(settings.uplinks[0], peers, UP_UP, CARRIER, NOW) is (broken is None)
    assert usable(settings.uplinks[1], peers, UP_UP, CARRIER, NOW)
    assert not usable(settings.uplinks[1], peers, UP_UP, {"up0": True}, NOW)
