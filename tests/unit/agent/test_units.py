"""What systemd says of the units, and when that is an alarm: also when the agent itself is what dies."""

from __future__ import annotations

import json

import pytest
from roth import cli
from roth.units import UnitState, parse, problems, read_units

SHOWN = """\
Result=success
NRestarts=4
Id=roth-agent.service
LoadState=loaded
ActiveState=active
SubState=running
ActiveEnterTimestampMonotonic=90000000

Result=start-limit-hit
NRestarts=6
Id=roth-bfdd.service
LoadState=loaded
ActiveState=failed
SubState=failed
ActiveEnterTimestampMonotonic=80000000

Result=success
NRestarts=0
Id=roth-radvd.service
LoadState=not-found
ActiveState=inactive
SubState=dead
ActiveEnterTimestampMonotonic=0
"""


def unit(state: str = "active", sub: str = "running", restarts: int = 0, seconds: float | None = 60.0) -> UnitState:
    return UnitState("roth-bfdd.service", state, sub, "signal", restarts, seconds)


def test_units_that_the_host_lacks_are_left_out() -> None:
    assert [each.unit for each in parse(SHOWN, 100.0)] == ["roth-agent.service", "roth-bfdd.service"]


def test_how_long_a_unit_is_active_is_counted_from_its_last_start() -> None:
    assert [each.seconds for each in parse(SHOWN, 100.0)] == [10.0, None]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (unit(), None),
        (unit(restarts=2, seconds=1.0), None),
        (unit(restarts=3, seconds=400.0), None),
        (unit(restarts=3, seconds=20.0), "roth-bfdd.service died 3 times, last 20 s ago: journalctl -u roth-bfdd"),
        (
            unit("failed", "failed", 6, None),
            "roth-bfdd.service is failed (failed, signal) after 6 restarts; it is tried again about every minute: "
            "journalctl -u roth-bfdd",
        ),
        (
            unit("activating", "auto-restart", 2, None),
            "roth-bfdd.service is activating (auto-restart, signal) after 2 restarts: journalctl -u roth-bfdd",
        ),
    ],
)
def test_a_unit_that_dies_again_and_again_is_an_alarm_and_one_mishap_is_not(
    state: UnitState, expected: str | None
) -> None:
    assert state.problem() == expected
    assert problems([state]) == ([expected] if expected else [])


def test_where_systemd_cannot_be_asked_there_is_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert read_units() == []


def test_the_command_names_the_dead_unit_when_the_agent_does_not_answer(capsys: pytest.CaptureFixture[str]) -> None:
    states = parse(SHOWN, 100.0)
    assert cli.main(["--socket", "/nonexistent", "status"], lambda: states) == 2
    shown = capsys.readouterr().out
    assert "roth-bfdd.service   failed   failed" in shown
    assert "roth-agent.service died 4 times, last 10 s ago" in shown


def test_json_has_the_units_when_the_agent_does_not_answer(capsys: pytest.CaptureFixture[str]) -> None:
    states = parse(SHOWN, 100.0)
    assert cli.main(["--socket", "/nonexistent", "status", "--json"], lambda: states) == 2
    document = json.loads(capsys.readouterr().out)
    assert [each["restarts"] for each in document["units"]] == [4, 6]
    assert "no answer from the agent" in document["error"]
