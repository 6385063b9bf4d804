"""Wanted BFD peers against a running bfdd's, as commands."""

from __future__ import annotations

import json

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.bfdd.peers import (
    CurrentPeer,
    PeerKey,
    Timers,
    diff,
    peer_key,
    plan,
    read_peers,
)
from hypothesis import given
from hypothesis import strategies as st

SLOW, FAST = Timers(3, 300, 300), Timers(3, 100, 100)
ONE, TWO = peer_key("10.1.1.0", "10.1.1.1"), peer_key("2001:db8:1:1::a", "2001:db8:1:1::b")
PROFILE = ("bfd", "profile roth", "detect-multiplier 3", "receive-interval 300", "transmit-interval 300", "exit")


def current(*keys: PeerKey, timers: Timers | None = SLOW) -> list[CurrentPeer]:
    return [CurrentPeer(key, timers, "up") for key in keys]


def test_a_peer_that_is_as_wanted_needs_nothing() -> None:
    planned = plan([ONE], "roth", SLOW, current(ONE), purge=True)
    assert (planned.lines, planned.added, planned.changed, planned.removed) == ((), (), (), ())


def test_a_new_peer_gets_the_profile() -> None:
    assert plan([ONE], "roth", SLOW, [], purge=True).lines == (
        *PROFILE,
        "peer 10.1.1.0 local-address 10.1.1.1",
        "profile roth",
        "exit",
    )


def test_other_timers_change_the_profile_and_leave_the_session_up() -> None:
    planned = plan([ONE], "roth", SLOW, current(ONE, timers=FAST), purge=True)
    assert planned.changed == (ONE,)
    assert not [line for line in planned.lines if line.startswith("no ")]


def test_unlisted_peers_go_with_purge_only() -> None:
    assert plan([ONE], "roth", SLOW, current(ONE, TWO), purge=False).lines == ()
    assert plan([ONE], "roth", SLOW, current(ONE, TWO), purge=True).lines == (
        "bfd",
        "no peer 2001:db8:1:1::a local-address 2001:db8:1:1::b",
    )


def test_a_removal_alone_does_not_write_the_profile() -> None:
    assert plan([], "roth", SLOW, current(ONE), purge=True).lines == ("bfd", "no peer 10.1.1.0 local-address 10.1.1.1")


def test_interfaces_are_part_of_a_session() -> None:
    key = peer_key("fe80::1", "fe80::2", "up0")
    assert key.words() == "peer fe80::1 local-address fe80::2 interface up0"
    assert plan([key], "roth", SLOW, current(peer_key("fe80::1", "fe80::2", "up1")), purge=True).added == (key,)


def test_the_diff_has_one_line_for_each_peer_that_changes() -> None:
    planned = plan([ONE], "roth", SLOW, current(ONE, TWO, timers=FAST), purge=True)
    assert diff(planned, SLOW, current(ONE, TWO, timers=FAST)) == {
        "before": (
            "peer 10.1.1.0 local-address 10.1.1.1 detect-multiplier 3 receive-interval 100 transmit-interval 100\n"
            "peer 2001:db8:1:1::a local-address 2001:db8:1:1::b "
            "detect-multiplier 3 receive-interval 100 transmit-interval 100\n"
        ),
        "after": (
            "peer 10.1.1.0 local-address 10.1.1.1 detect-multiplier 3 receive-interval 300 transmit-interval 300\n"
        ),
    }


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("10.1.1.x", "10.1.1.1"), "10.1.1.x"),
        (("10.1.1.0", "2001:db8::1"), "different families"),
        (("10.1.1.1", "10.1.1.1"), "is the local address"),
        (("fe80::1", "fe80::2"), "needs an interface"),
        (("fe80::1", "fe80::2", "a\nno peer x"), "no interface name"),
        (("fe80::1", "fe80::2", "an-interface-name"), "no interface name"),
    ],
)
def test_wrong_peers_are_refused(arguments: tuple[str, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        peer_key(*arguments)


@pytest.mark.parametrize("values", [(0, 300, 300), (256, 300, 300), (3, 9, 300), (3, 300, 4294968)])
def test_timers_outside_bfdd_s_bounds_are_refused(values: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="is not from"):
        Timers(*values)


@pytest.mark.parametrize("values", [(1, 10, 10), (255, 4294967, 4294967)])
def test_timers_at_bfdd_s_bounds_are_taken(values: tuple[int, int, int]) -> None:
    assert Timers(*values).detect_multiplier == values[0]


def entry(**changes: object) -> dict[str, object]:
    return {
        "multihop": False, "peer": "10.1.1.0", "local": "10.1.1.1", "status": "up",
        "receive-interval": 300, "transmit-interval": 300, "detect-multiplier": 3, **changes,
    }  # fmt: skip


def test_multihop_peers_are_never_ours() -> None:
    listed = [entry(), entry(peer="192.0.2.1", multihop=True)]
    assert read_peers(json.dumps(listed)) == current(ONE)


def test_timers_that_we_would_refuse_are_read_and_changed() -> None:
    found = read_peers(json.dumps([entry(**{"detect-multiplier": 0})]))
    assert found == current(ONE, timers=None)
    assert plan([ONE], "roth", SLOW, found, purge=False).changed == (ONE,)


@pytest.mark.parametrize("text", ["{", "[1]", '[{"peer": "x"}]', "% Unknown command"])
def test_what_is_no_list_of_peers_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_peers(text)


KEYS = st.builds(lambda number: peer_key(f"10.1.{number}.0", f"10.1.{number}.1"), st.integers(0, 9))
PEERS = st.dictionaries(KEYS, st.sampled_from([SLOW, FAST]))


@given(st.sets(KEYS), PEERS, st.booleans())
def test_after_the_plan_every_wanted_peer_has_the_wanted_timers(
    wanted: set[PeerKey], before: dict[PeerKey, Timers], purge: bool
) -> None:
    planned = plan(wanted, "roth", SLOW, [CurrentPeer(key, timers, "up") for key, timers in before.items()], purge)
    after = {key: timers for key, timers in before.items() if key not in planned.removed}
    after.update(dict.fromkeys((*planned.added, *planned.changed), SLOW))
    assert all(after[key] == SLOW for key in wanted)
    assert purge is False or set(after) == wanted
    again = plan(wanted, "roth", SLOW, [CurrentPeer(key, timers, "up") for key, timers in after.items()], purge)
    assert again.lines == ()
