"""FRR 8.4.4's answers, recorded from a switch with three hosts, one of them silent."""

from __future__ import annotations

import json
from pathlib import Path as File

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.report import frr
from ansible_collections.roth.fabric.plugins.module_utils.report.switches import BfdSession, Path, Session, SwitchState

RECORDED = File(__file__).parent / "recorded"
OUTPUTS = {
    frr.SUMMARY: (RECORDED / "frr_summary.json").read_text(),
    frr.IPV4_ROUTES: (RECORDED / "frr_ipv4.json").read_text(),
    frr.IPV6_ROUTES: (RECORDED / "frr_ipv6.json").read_text(),
    frr.BFD_PEERS: (RECORDED / "frr_bfd.json").read_text(),
}


@pytest.fixture
def state() -> SwitchState:
    return frr.switch_state(OUTPUTS)


def test_each_configured_peer_is_a_session_with_its_state(state):
    assert [(session.peer, session.asn, session.state) for session in state.sessions] == [
        ("10.1.1.1", 65011, "established"),
        ("10.1.2.1", 65012, "established"),
        ("10.1.3.1", 65013, "active"),
        ("2001:db8:1:1::b", 65011, "established"),
        ("2001:db8:1:2::b", 65012, "established"),
    ]


def test_only_established_sessions_have_an_uptime_and_prefixes(state):
    assert state.sessions[1] == Session("10.1.2.1", 65012, "established", 19, 3)
    assert state.sessions[2] == Session("10.1.3.1", 65013, "active", None, None)


def test_a_peer_in_both_families_is_one_session_with_the_prefixes_of_both():
    summary = json.loads(OUTPUTS[frr.SUMMARY])
    summary["ipv6Unicast"]["peers"]["10.1.1.1"] = {**summary["ipv4Unicast"]["peers"]["10.1.1.1"], "pfxRcd": 2}
    found = {session.peer: session.prefixes_received for session in frr.sessions(json.dumps(summary))}
    assert found["10.1.1.1"] == 5


def test_an_unnumbered_peer_keeps_the_name_of_its_interface():
    peer = json.loads(OUTPUTS[frr.SUMMARY])["ipv4Unicast"]["peers"]["10.1.1.1"]
    sessions = frr.sessions(json.dumps({"ipv4Unicast": {"peers": {"swp1": peer}}}))
    assert [session.peer for session in sessions] == ["swp1"]


def test_bfd_sessions_are_read(state):
    assert BfdSession("10.1.3.1", "down") in state.bfd
    assert {session.state for session in state.bfd if session.peer != "10.1.3.1"} == {"up"}
    assert len(state.bfd) == 5


def test_a_bfd_session_that_is_shut_down_is_admin_down():
    text = OUTPUTS[frr.BFD_PEERS].replace('"status":"down"', '"status":"shutdown"')
    assert BfdSession("10.1.3.1", "admin-down") in frr.bfd_sessions(text)


def test_every_path_of_a_prefix_has_its_peer_and_next_hop(state):
    assert [path for path in state.paths if path.prefix == "10.64.250.1/32"] == [
        Path("10.64.250.1/32", "10.1.2.1", "10.1.2.1", best=False, stale=False),
        Path("10.64.250.1/32", "10.1.1.1", "10.1.1.1", best=True, stale=False),
    ]


def test_the_global_next_hop_of_ipv6_names_the_host(state):
    assert [path for path in state.paths if path.prefix == "2001:db8:64::b1/128"] == [
        Path("2001:db8:64::b1/128", "2001:db8:1:1::b", "2001:db8:1:1::b", best=True, stale=False)
    ]


def test_what_the_switch_originates_itself_is_no_path(state):
    assert "192.0.2.1/32" not in {path.prefix for path in state.paths}


def test_a_path_kept_by_graceful_restart_is_stale():
    text = OUTPUTS[frr.IPV4_ROUTES].replace('"network":"10.64.1.53/32"', '"stale":true,"network":"10.64.1.53/32"')
    assert [path.prefix for path in frr.paths(text) if path.stale] == ["10.64.1.53/32"]


def test_a_switch_without_bgp_or_bfd_has_nothing():
    assert frr.switch_state(dict.fromkeys(frr.COMMANDS, "")) == SwitchState()


def test_text_that_is_no_json_is_refused():
    with pytest.raises(ValueError, match="Expecting value"):
        frr.paths("% BGP instance not found")
