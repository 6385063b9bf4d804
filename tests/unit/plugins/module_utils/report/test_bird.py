"""BIRD 2.0.12's answers, recorded from a switch: one host silent, one session disabled, one host a transit."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path as File

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.report import bird
from ansible_collections.roth.fabric.plugins.module_utils.report.switches import BfdSession, Path, SwitchState

RECORDED = File(__file__).parent / "recorded"
OUTPUTS = {
    bird.PROTOCOLS: (RECORDED / "bird_protocols.txt").read_text(),
    bird.BFD_SESSIONS: (RECORDED / "bird_bfd.txt").read_text(),
    bird.ROUTES: (RECORDED / "bird_routes.txt").read_text(),
}
NOW = datetime(2026, 11, 22, 3, 15, 1)


@pytest.fixture
def state() -> SwitchState:
    return bird.switch_state(OUTPUTS, NOW)


def test_each_configured_peer_is_a_session_with_its_state(state):
    assert [(session.peer, session.asn, session.state) for session in state.sessions] == [
        ("10.2.1.1", 65011, "established"),
        ("10.2.2.1", 65012, "established"),
        ("10.2.3.1", 65013, "active"),
        ("10.2.9.1", 65019, "down"),
        ("2001:db8:2:1::b", 65011, "established"),
        ("2001:db8:2:2::b", 65012, "established"),
    ]


def test_only_established_sessions_have_an_uptime_and_prefixes(state):
    up, down = state.sessions[0], state.sessions[2]
    assert (up.uptime_seconds, up.prefixes_received) == (60, 3)
    assert (down.uptime_seconds, down.prefixes_received) == (None, None)


def test_a_limit_that_was_reached_is_read_and_one_that_was_not_is_none():
    before, after = OUTPUTS[bird.PROTOCOLS].split("    Neighbor address: 10.2.1.1\n")
    for limit, expected in (("256 [HIT]", 256), ("256", None)):
        after_it = after.replace("    Routes:  ", f"    Import limit:   {limit}\n    Routes:  ", 1)
        text = f"{before}    Neighbor address: 10.2.1.1\n{after_it}"
        sessions = bird.switch_state({**OUTPUTS, bird.PROTOCOLS: text}, NOW).sessions
        assert [session.limit_reached for session in sessions] == [expected, *[None] * 5]


def test_bfd_sessions_are_read(state):
    assert state.bfd[2] == BfdSession("10.2.3.1", "down")
    assert {session.state for session in state.bfd if session.peer != "10.2.3.1"} == {"up"}
    assert len(state.bfd) == 5


def test_every_path_of_a_prefix_has_its_peer_and_next_hop(state):
    assert [path for path in state.paths if path.prefix == "10.64.250.1/32"] == [
        Path("10.64.250.1/32", "10.2.1.1", "10.2.1.1", best=True, stale=False),
        Path("10.64.250.1/32", "10.2.2.1", "10.2.2.1", best=False, stale=False),
    ]


def test_the_global_next_hop_of_ipv6_names_the_host(state):
    assert [path for path in state.paths if path.prefix == "2001:db8:64::b2/128"] == [
        Path("2001:db8:64::b2/128", "2001:db8:2:2::b", "2001:db8:2:2::b", best=True, stale=False),
        Path("2001:db8:64::b2/128", "2001:db8:2:1::b", "2001:db8:2:1::b", best=False, stale=False),
    ]


def test_static_and_connected_routes_are_no_bgp_paths(state):
    assert not {path.prefix for path in state.paths} & {"0.0.0.0/0", "10.2.1.0/31", "2001:db8:2:1::a/127"}


def test_a_path_kept_by_graceful_restart_is_stale():
    text = OUTPUTS[bird.ROUTES].replace("* (100) [AS65011i]", "* (100s) [AS65011i]")
    stale = [path for path in bird.paths(text, {"hv1_ipv4": "10.2.1.1"}) if path.stale]
    assert {path.prefix for path in stale} == {"192.0.2.11/32", "10.64.250.1/32", "10.64.1.53/32"}


@pytest.mark.parametrize(
    ("since", "seconds"),
    [("03:14:01.946", 60), ("03:14:01", 60), ("03:16:01", 23 * 3600 + 59 * 60), ("2026-11-21", 98101), ("never", None)],
)
def test_uptime_is_reckoned_from_birds_ways_to_write_a_time(since, seconds):
    text = OUTPUTS[bird.PROTOCOLS].replace("up     03:14:01.946", f"up     {since}")
    state = bird.switch_state({**OUTPUTS, bird.PROTOCOLS: text}, NOW)
    found = [session.uptime_seconds for session in state.sessions if session.peer == "10.2.1.1"]
    assert found == [seconds]


def test_a_truncated_answer_is_refused():
    text = OUTPUTS[bird.PROTOCOLS].partition("    Neighbor AS:      65012")[0]
    with pytest.raises(ValueError, match="hv2_ipv4 has no Neighbor AS"):
        bird.switch_state({**OUTPUTS, bird.PROTOCOLS: text}, NOW)


def test_a_state_survives_the_way_through_a_modules_result(state):
    assert SwitchState.from_result(state.as_result()) == SwitchState(
        state.sessions, state.bfd, tuple(sorted(state.paths, key=lambda path: ":" in path.prefix))
    )
