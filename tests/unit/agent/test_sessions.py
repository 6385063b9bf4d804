"""Sessions and what their peers sent: imports are checked, and not knowing is not "down"."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from roth.exabgp_api import EndOfRib, Neighbors, RibRoute, Session, Update
from roth.kernel.model import Family
from roth.sessions import GRACE, Sessions, SessionState

from tests.unit.agent.fakes import V4, V6, config, document

DEFAULT = ip_network("0.0.0.0/0")
LINK_LOCAL = ip_address("fe80::1")


@pytest.fixture
def sessions() -> Sessions:
    table = Sessions(config())
    for peer in (*V4, *V6):
        table.session(Session(peer, True), 0.0, 100.0)
    return table


def update(*hops: object, prefix: str = "0.0.0.0/0", path: tuple[int, ...] = (65101,)) -> Update:
    return Update(V4[0], path, ((ip_network(prefix), tuple(hops)),), ())


def test_the_default_from_the_session_s_peer_is_imported(sessions: Sessions) -> None:
    assert sessions.update(update(V4[0]))
    assert sessions.peers[V4[0]].received == {DEFAULT}


def test_our_own_as_in_the_path_is_refused_and_reported(sessions: Sessions) -> None:
    assert not sessions.update(update(V4[0], path=(65101, 65011)))
    assert sessions.alarms() == ["0.0.0.0/0 from 10.1.1.0 refused: our own AS 65011 is in the path 65101 65011"]


def test_another_next_hop_than_the_peer_is_refused_and_reported(sessions: Sessions) -> None:
    assert not sessions.update(update(ip_address("10.9.9.9")))
    assert sessions.alarms() == ["0.0.0.0/0 from 10.1.1.0 refused: next hop 10.9.9.9 is not the session's peer"]


def test_a_refused_announcement_replaces_the_accepted_one(sessions: Sessions) -> None:
    sessions.update(update(V4[0]))
    assert sessions.update(update(V4[0], path=(65101, 65011)))
    assert sessions.peers[V4[0]].received == set()


def test_what_is_not_to_be_imported_is_not_looked_at(sessions: Sessions) -> None:
    assert not sessions.update(update(V4[0], prefix="8.8.8.0/24"))
    assert (sessions.peers[V4[0]].received, sessions.alarms()) == (set(), [])


def test_an_on_link_next_hop_serves_ipv6(sessions: Sessions) -> None:
    default = ip_network("::/0")
    sessions.update(Update(V6[0], (65101,), ((default, (LINK_LOCAL,)),), ()))
    assert sessions.peers[V6[0]].received == {default}


def test_a_withdrawal_is_news_once(sessions: Sessions) -> None:
    sessions.update(update(V4[0]))
    gone = Update(V4[0], (), (), (DEFAULT,))
    assert [sessions.update(gone), sessions.update(gone)] == [True, False]


def test_a_session_that_goes_down_takes_its_routes_with_it(sessions: Sessions) -> None:
    sessions.update(update(V4[0]))
    assert sessions.session(Session(V4[0], False, "hold timer"), 1.0, 101.0)
    peer = sessions.peers[V4[0]]
    assert (peer.state, peer.received, peer.since) == (SessionState.DOWN, set(), 101.0)


def test_failed_attempts_to_connect_are_no_news(sessions: Sessions) -> None:
    sessions.session(Session(V4[0], False), 1.0, 101.0)
    assert not sessions.session(Session(V4[0], False), 2.0, 102.0)
    assert sessions.peers[V4[0]].since == 101.0


def test_exabgp_stopping_is_not_a_failed_path(sessions: Sessions) -> None:
    sessions.session(Session(V4[0], False, "stop, message [shutting down]"), 1.0, 101.0)
    assert sessions.peers[V4[0]].state is SessionState.UNKNOWN


def test_without_exabgp_nothing_is_known(sessions: Sessions) -> None:
    sessions.disconnected(1.0, 101.0)
    assert {peer.state for peer in sessions.peers.values()} == {SessionState.UNKNOWN}


def test_a_session_that_a_restarted_exabgp_has_yet_to_establish_is_unknown_for_a_grace_period(
    sessions: Sessions,
) -> None:
    sessions.disconnected(1.0, 101.0)
    sessions.listed(Neighbors(tuple((peer, False) for peer in (*V4, *V6))), [], 2.0, 102.0)
    sessions.expire(GRACE - 1, 130.0)
    assert sessions.peers[V4[0]].state is SessionState.UNKNOWN
    assert sessions.expire(1.0 + GRACE, 131.0)
    assert sessions.peers[V4[0]].state is SessionState.DOWN


def test_a_new_agent_grants_the_grace_period_from_its_connection_on() -> None:
    table = Sessions(config())
    table.connected(500.0)
    assert not table.expire(500.0 + GRACE - 1, 100.0)
    assert {peer.state for peer in table.peers.values()} == {SessionState.UNKNOWN}
    assert table.expire(500.0 + GRACE, 100.0)


def test_a_session_that_a_reload_adds_has_a_grace_period_of_its_own(sessions: Sessions) -> None:
    both = document()["uplinks"]
    sessions.reconfigure(config(uplinks=both[:1]), 500.0)
    sessions.reconfigure(config(), 500.0)
    sessions.expire(500.0 + GRACE - 1, 100.0)
    assert sessions.peers[V4[0]].state is SessionState.ESTABLISHED
    assert sessions.peers[V4[1]].state is SessionState.UNKNOWN
    sessions.expire(500.0 + GRACE, 100.0)
    assert sessions.peers[V4[1]].state is SessionState.DOWN


def test_a_new_session_after_a_restart_has_yet_to_send_its_end_of_rib(sessions: Sessions) -> None:
    sessions.end_of_rib(EndOfRib(V4[0], Family.IPV4))
    sessions.disconnected(1.0, 101.0)
    sessions.listed(Neighbors(((V4[0], True),)), [], 2.0, 102.0)
    assert not sessions.peers[V4[0]].end_of_rib


def test_a_peer_without_end_of_rib_has_said_all_after_a_while(sessions: Sessions) -> None:
    assert sessions.expire(GRACE, 130.0)
    assert sessions.peers[V4[0]].end_of_rib


def test_adopted_routes_are_checked_like_announced_ones(sessions: Sessions) -> None:
    routes = [RibRoute(V4[0], DEFAULT, V4[0], (65101,)), RibRoute(V4[1], DEFAULT, V4[1], (65102, 65011))]
    sessions.listed(Neighbors(tuple((peer, True) for peer in V4)), routes, 1.0, 101.0)
    assert [bool(sessions.peers[peer].received) for peer in V4] == [True, False]


@pytest.mark.parametrize("answer", [((V4[0], False),), ()], ids=["listed as down", "not listed"])
def test_a_session_that_exabgp_no_longer_has_up_is_down_and_its_routes_are_gone(
    sessions: Sessions, answer: tuple[tuple[object, bool], ...]
) -> None:
    sessions.update(update(V4[0]))
    sessions.listed(Neighbors(answer), [RibRoute(V4[0], DEFAULT, V4[0], (65101,))], 2.0, 102.0)  # type: ignore[arg-type]
    peer = sessions.peers[V4[0]]
    assert (peer.state, peer.received, peer.since) == (SessionState.DOWN, set(), 102.0)


def test_a_session_that_stays_up_keeps_its_since_and_its_end_of_rib(sessions: Sessions) -> None:
    sessions.end_of_rib(EndOfRib(V4[0], Family.IPV4))
    sessions.listed(Neighbors(((V4[0], True),)), [RibRoute(V4[0], DEFAULT, V4[0], (65101,))], 2.0, 102.0)
    peer = sessions.peers[V4[0]]
    assert (peer.since, peer.end_of_rib, peer.received) == (100.0, True, {DEFAULT})


def test_sessions_that_exabgp_lacks_are_an_alarm(sessions: Sessions) -> None:
    sessions.listed(Neighbors(tuple((peer, True) for peer in V4)), [], 1.0, 101.0)
    assert sessions.alarms() == [f"{peer} is not configured in ExaBGP" for peer in V6]


def test_strangers_are_ignored(sessions: Sessions) -> None:
    stranger = ip_address("10.9.9.9")
    assert not sessions.session(Session(stranger, True), 1.0, 101.0)
    assert not sessions.update(Update(stranger, (1,), ((DEFAULT, (stranger,)),), ()))


def test_why_a_session_ended_is_kept_in_words_over_attempts_that_fail(sessions: Sessions) -> None:
    sessions.session(Session(V4[0], False, "notification received (6,1)"), 1.0, 101.0)
    sessions.session(Session(V4[0], False, "closing connection"), 2.0, 102.0)
    assert sessions.peers[V4[0]].reason == "the switch ended it, 6/1 maximum number of prefixes reached"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("notification sent (4,0)", "ExaBGP ended it, 4/0 hold timer expired"),
        ("notification received (3,11)", "the switch ended it, 3/11 see RFC 4271"),
        ("closing connection", "closing connection"),
    ],
)
def test_notifications_are_shown_by_number_and_name(sessions: Sessions, told: str, shown: str) -> None:
    sessions.session(Session(V4[0], False, told), 1.0, 101.0)
    assert sessions.peers[V4[0]].reason == shown
