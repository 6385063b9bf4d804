"""When hosts are told."""

from __future__ import annotations

from roth.port_listener.pacing import GAP, GAP_OF_ALL, Pacing


def test_a_host_is_told_at_once_and_a_burst_is_one_more_hint() -> None:
    pacing = Pacing(["hv1", "hv2"])
    pacing.concern({"hv1", "elsewhere"}, 100.0)
    assert pacing.due(100.0) == ["hv1"]
    for moment in (100.01, 100.02, 100.1):
        pacing.concern({"hv1"}, moment)
        assert pacing.due(moment) == []
    assert pacing.next() == 100.0 + GAP
    assert pacing.due(100.0 + GAP) == ["hv1"]
    assert (pacing.due(200.0), pacing.next()) == ([], None)


def test_one_host_s_burst_keeps_nobody_waiting() -> None:
    pacing = Pacing(["hv1", "hv2"])
    pacing.concern({"hv1"}, 100.0)
    pacing.due(100.0)
    pacing.concern({"hv1", "hv2"}, 100.01)
    assert pacing.due(100.01) == ["hv2"]


def test_all_hosts_are_told_less_often_and_never_forgotten() -> None:
    pacing = Pacing(["hv1", "hv2"])
    pacing.concern(None, 100.0)
    assert pacing.due(100.0) == ["hv1", "hv2"]
    pacing.concern(None, 101.0)
    pacing.concern(None, 102.0)
    assert pacing.due(104.0) == []
    assert pacing.due(100.0 + GAP_OF_ALL) == ["hv1", "hv2"]
    pacing.concern(None, 100.1 + GAP_OF_ALL)
    assert pacing.due(100.0 + 2 * GAP_OF_ALL - 0.1) == []
    assert pacing.due(100.0 + 2 * GAP_OF_ALL) == ["hv1", "hv2"]


def test_a_hint_for_one_does_not_wait_for_the_one_for_all() -> None:
    pacing = Pacing(["hv1", "hv2"])
    pacing.concern(None, 100.0)
    pacing.due(100.0)
    pacing.concern(None, 101.0)
    pacing.concern({"hv1"}, 101.0)
    assert pacing.due(101.0) == ["hv1"]
