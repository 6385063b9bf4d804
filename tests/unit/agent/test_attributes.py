"""Attribute sets: their text, their numbers, and that ExaBGP's own queues end with the last word."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import pairwise

import pytest
from exabgp.bgp.message import Action as ExabgpAction
from exabgp.configuration.configuration import Configuration
from exabgp.environment import getenv
from exabgp.logger import log
from exabgp.protocol.family import AFI, SAFI
from exabgp.reactor.api import API
from exabgp.rib.outgoing import OutgoingRIB
from hypothesis import example, given, settings
from hypothesis import strategies as st
from roth.announcer import Announcer
from roth.attributes import (
    MOST_PREPENDS,
    PLAIN,
    Treatment,
    attributes,
    is_preferred,
    kind_of,
    next_like,
    next_mark,
    next_other,
    next_treatment,
    treatment_of,
)
from roth.exabgp_api import RibRoute, decode

from tests.unit.agent.fakes import V4

MOVING, DRAINED = Treatment(1), Treatment(1, True)
TREATMENTS = [Treatment(prepends, shutdown) for prepends in range(MOST_PREPENDS + 1) for shutdown in (False, True)]


def test_a_plain_announcement_has_no_attribute_of_ours() -> None:
    assert attributes(65011, 0) == "next-hop self"


def test_a_drained_one_has_all_that_rfc_8326_and_a_plain_spine_need() -> None:
    assert attributes(65011, next_mark(0, DRAINED)) == (
        "next-hop self as-path [ 65011 65011 ] med 1000 local-preference 3 community [65535:0]"
    )


def test_a_preferred_one_has_a_large_community_and_a_drained_one_never_has() -> None:
    said = [attributes(65011, next_like(next_mark(0, treatment), True)) for treatment in TREATMENTS]
    assert ["large-community [4294967294:142:1]" in each for each in said] == [not each.shutdown for each in TREATMENTS]
    assert said[0] == "next-hop self local-preference 8 large-community [4294967294:142:1]"


@pytest.mark.parametrize("mark", range(40))
def test_a_number_never_comes_again_and_says_what_was_asked_for(mark: int) -> None:
    for treatment in TREATMENTS:
        found = next_mark(mark, treatment)
        assert found >= mark
        assert (treatment_of(found), is_preferred(found)) == (treatment, False)
        liked = next_like(found, True)
        assert liked >= found
        assert (treatment_of(liked), is_preferred(liked)) == (treatment, not treatment.shutdown)
        assert next_like(liked, True) == liked
        assert next_other(liked, True) > liked
        assert kind_of(next_other(found, True)) == kind_of(liked)
        assert kind_of(next_like(liked, False)) == kind_of(found)


def line(said: str) -> str:
    """As ExaBGP 5.0.15 prints it."""
    return (
        "neighbor 10.1.1.0 local-ip 10.1.1.1 local-as 65011 peer-as 65101 router-id 192.0.2.11 family-allowed in-open"
        f" ipv4 unicast 10.64.0.32/32 next-hop 10.1.1.1{said}"
    )


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ("", 0),
        (" as-path ( 65011 65011 ) local-preference 2", 2),
        (" as-path ( 65011 65011 ) med 1000 local-preference 3 community 65535:0", 3),
        (" as-path ( 65011 65011 ) med 1000 local-preference 19 community 65535:0", 19),
        (" local-preference 16", 16),
        (" local-preference 8 large-community 4294967294:142:1", 8),
        (" as-path ( 65011 65011 ) local-preference 10 large-community 4294967294:142:1", 10),
        (" local-preference 8", None),
        (" large-community 4294967294:142:1", None),
        (" local-preference 8 large-community 4294967294:142:2", None),
        (" local-preference 8 large-community [ 4294967294:142:1 65011:143:1 ]", None),
        (" local-preference 8 community 65011:142 large-community 4294967294:142:1", None),
        (" local-preference 3", None),
        (" as-path ( 65011 ) med 1000 local-preference 3 community 65535:0", None),
        (" med 7", None),
        (" as-path ( 65011 65011 ) med 1000 local-preference 3 community [ 65535:0 65011:1 ]", None),
    ],
)
def test_what_exabgp_lists_is_recognised_and_what_is_not_ours_is_not(said: str, mark: int | None) -> None:
    route = decode(line(said))
    assert isinstance(route, RibRoute)
    assert route.mark == mark


def test_everybody_else_leaves_before_the_tor_does_and_comes_back_after_it() -> None:
    assert next_treatment(PLAIN, DRAINED) == MOVING
    assert next_treatment(MOVING, DRAINED) == DRAINED
    assert next_treatment(DRAINED, PLAIN) == MOVING
    assert next_treatment(MOVING, PLAIN) == PLAIN


@pytest.mark.parametrize("current", TREATMENTS)
@pytest.mark.parametrize("aim", TREATMENTS)
def test_graceful_shutdown_never_comes_or_goes_together_with_the_length_of_the_path(
    current: Treatment, aim: Treatment
) -> None:
    steps = [current]
    while steps[-1] != aim:
        steps.append(next_treatment(steps[-1], aim))
        assert len(steps) <= 4, steps
    for before, after in pairwise(steps):
        assert before.shutdown == after.shutdown or before.prepends == after.prepends


class Wire:
    """ExaBGP's own outgoing queues for one peer, and what the peer has from them: a mark by prefix."""

    def __init__(self) -> None:
        log.init(getenv())
        self.api = API.__new__(API)  # its parser alone
        self.api.configuration = Configuration([])
        self.rib = OutgoingRIB(True, {(AFI.ipv4, SAFI.unicast)})
        self.peer: dict[str, int | None] = {}
        self.up, self.first = True, False

    def say(self, command: str) -> None:
        text = command.replace("next-hop self", "next-hop 10.1.1.1")  # what the session would make of it
        for change in self.api.api_attributes(text, []):
            withdrawn = command.startswith("withdraw")
            change.nlri.action = ExabgpAction.WITHDRAW if withdrawn else ExabgpAction.ANNOUNCE
            self.rib.add_to_rib(change)  # as Configuration.inject_change does, for withdrawals as well

    def held(self) -> list[RibRoute]:
        """What ExaBGP answers to `show adj-rib out`."""
        rows = [(str(change.nlri.cidr), str(change.attributes)) for change in self.rib.cached_changes()]
        said = [decode(line(text).replace("10.64.0.32/32", prefix)) for prefix, text in rows]
        return [route for route in said if isinstance(route, RibRoute)]

    def flush(self) -> None:
        """What is queued is sent; in the first flush of a session no withdrawals, and nothing while there is none."""
        for update in self.rib.updates(True):
            route = decode(line(str(update.attributes)))
            assert isinstance(route, RibRoute)
            for nlri in update.nlris if self.up else []:
                if nlri.action == ExabgpAction.ANNOUNCE:
                    self.peer[str(nlri.cidr)] = route.mark
                elif not self.first:
                    self.peer.pop(str(nlri.cidr), None)
        self.first = False

    def down(self) -> None:
        """The session ends, as Peer._reset has it."""
        self.up = False
        self.peer = {}
        self.rib.reset()

    def establish(self) -> None:
        """Another one begins, as in Peer._main; not flushed yet."""
        self.up = self.first = True
        self.rib.replace_restart([], [])


def test_exabgp_puts_an_older_word_last_when_a_set_is_used_again() -> None:
    """Why each set has a number of its own: should this fail, ExaBGP has learned better."""
    wire = Wire()
    for mark in (0, 3, 0):
        wire.say(f"announce attributes {attributes(65011, mark)} nlri 10.64.0.1/32")
    wire.flush()
    assert wire.peer == {"10.64.0.1/32": 3}


def test_exabgp_puts_an_older_word_last_when_another_prefix_used_the_newer_set_first() -> None:
    """Why a number is not used after a higher one for any prefix."""
    wire = Wire()
    for mark, address in ((8, "10.64.0.2/32"), (0, "10.64.0.1/32"), (8, "10.64.0.1/32")):
        wire.say(f"announce attributes {attributes(65011, mark)} nlri {address}")
    wire.flush()
    assert wire.peer["10.64.0.1/32"] == 0


STEP = st.one_of(
    st.tuples(st.sampled_from(["want", "prefer", "drop"]), st.integers(0, 2)),
    st.tuples(st.sampled_from(["want", "prefer", "drop"]), st.integers(0, 2)),
    st.tuples(st.just("aim"), st.sampled_from(TREATMENTS)),
    st.tuples(st.sampled_from(["advance", "flush", "survey", "down", "establish"]), st.none()),
)


@settings(deadline=None)
@example([("want", 0), ("aim", Treatment(0, True)), ("advance", None), ("drop", 0), ("survey", None), ("want", 0)])
@example([("prefer", 1), ("want", 0), ("prefer", 0)])
@example([("prefer", 0), ("flush", None), ("want", 1), ("prefer", 1), ("want", 0), ("survey", None), ("prefer", 0)])
@example([("down", None), ("prefer", 0), ("want", 0), ("drop", 0), ("establish", None)])
@example([("prefer", 0), ("want", 1), ("down", None), ("want", 2), ("establish", None), ("want", 0)])
@example([("prefer", 0), ("want", 1), ("down", None), ("want", 2), ("establish", None), ("drop", 0)])
@given(st.lists(STEP, max_size=40))
def test_after_any_history_the_peer_has_the_last_word(steps: list[tuple[str, object]]) -> None:
    peer = V4[0]
    wire, announcer = Wire(), Announcer({peer: peer + 1})
    announcer.holds([peer], [])
    announcer.ended.add(peer)
    for what, argument in [*steps, ("establish", None)]:
        if what in ("want", "prefer", "drop"):
            announcer.change(ip_network(f"10.64.0.{argument}/32"), what != "drop", what == "prefer")
        elif what == "aim":
            announcer.aim({peer: argument})
        elif what == "advance":
            announcer.advance(peer)
        elif what == "flush":
            wire.flush()
        elif what == "down" and wire.up:
            wire.down()
            announcer.lost(peer)
        elif what == "establish" and not wire.up:
            wire.establish()
        elif what == "survey" and wire.up and not announcer.unheard.get(peer):
            # an agent that begins anew and reads what ExaBGP holds; by then all that its predecessor said is sent.
            # What that one had still to withdraw again nobody knows after it: a switch keeps a prefix that was said in
            # two ways and withdrawn while there was no session, when the agent ends within ms after it is back.
            say_all(wire, announcer)
            wire.flush()
            before, announcer = announcer, Announcer({peer: peer + 1})
            announcer.desired, announcer.preferred = before.desired, before.preferred
            announcer.holds([peer], wire.held())
        say_all(wire, announcer)
    wire.flush()  # by when the agent's survey is answered, the first one is over
    announcer.holds([peer], wire.held())
    announcer.established(peer)
    say_all(wire, announcer)
    assert peer in announcer.ended
    say_all(wire, announcer)
    wire.flush()
    now = announcer.marks[peer]
    said = {prefix: mark if mark is None else kind_of(mark) for prefix, mark in wire.peer.items()}
    assert said == {str(prefix): kind_of(next_like(now, prefix in announcer.preferred)) for prefix in announcer.desired}


def say_all(wire: Wire, announcer: Announcer) -> None:
    """Everything that is due, End-of-RIB last, as the speaker does."""
    while batches := announcer.next_batches(8):
        for batch in batches:
            wire.say(batch.line(65011).partition(f"neighbor {V4[0]} ")[2])
            announcer.answered(batch, True)
    announcer.next_end_of_rib()


def test_two_peers_that_are_treated_alike_share_a_line_and_others_do_not() -> None:
    announcer = Announcer({each: each + 1 for each in V4})
    announcer.holds(V4, [])
    announcer.change(ip_network("10.64.0.1/32"), True)
    (batch,) = announcer.next_batches(8)
    assert batch.peers == tuple(V4)
    announcer.answered(batch, True)
    announcer.aim({V4[0]: DRAINED})
    assert announcer.advance(V4[0])
    (batch,) = announcer.next_batches(8)
    assert (batch.peers, treatment_of(batch.mark)) == ((V4[0],), MOVING)


def test_a_refused_line_of_an_older_set_is_not_tried_again_after_a_newer_one() -> None:
    announcer = Announcer({V4[0]: V4[0] + 1})
    announcer.holds(V4, [])
    for number in (1, 2):
        announcer.change(ip_network(f"10.64.0.{number}/32"), True)
    (batch,) = announcer.next_batches(8)
    announcer.answered(batch, False)  # the halves are to be tried
    announcer.aim({V4[0]: DRAINED})
    announcer.advance(V4[0])
    again = announcer.next_batches(8)
    assert {treatment_of(batch.mark) for batch in again} == {MOVING}
    assert {prefix for batch in again for prefix in batch.prefixes} == announcer.desired
    for batch in again:
        announcer.answered(batch, True)
    assert not announcer.busy


def test_an_exabgp_that_holds_nothing_is_told_the_aim_at_once() -> None:
    announcer = Announcer({V4[0]: V4[0] + 1})
    announcer.aim({V4[0]: DRAINED})
    announcer.holds([V4[0]], [])
    assert announcer.treatment(V4[0]) == DRAINED
