"""What the watcher knows, for people, for `roth status` and for who waits for a read."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest
from roth import cli
from roth.port_watcher import status
from roth.port_watcher.service import main, sync
from roth.port_watcher.status import Failure, State, SwitchState

from tests.unit.agent.test_status import HEALTHY

AWAY = Failure("unreachable", "GET https://neutron/v2.0/ports: no route to host", 1000.0, 9)


def state(**changes: object) -> State:
    return State("0.1.0", "hv1", 500.0, 300.0, **{"good": 1000.0, "routes": 21, **changes})  # type: ignore[arg-type]


def test_a_good_read_is_no_problem_until_it_is_too_old_and_then_says_why() -> None:
    document = asdict(state(failure=AWAY))
    assert status.problems(document, 1300.0) == []
    assert status.problems(document, 1301.0) == [
        "Neutron's ports were read last 301 s ago (bound 300 s): GET https://neutron/v2.0/ports: no route to host"
    ]


def test_one_that_never_read_is_a_problem_after_the_same_bound() -> None:
    document = asdict(state(good=None))
    assert status.problems(document, 800.0) == []
    assert status.problems(document, 801.0) == ["Neutron's ports were never read, started 301 s ago (bound 300 s)"]


def test_an_answer_that_is_refused_and_routes_that_are_not_had_are_problems() -> None:
    document = asdict(state(refused="20 of the 20 would be removed", problems=["10.64.0.1/32 can't be routed: why"]))
    assert status.problems(document, 1001.0) == [
        "Neutron's answer is not followed: 20 of the 20 would be removed",
        "10.64.0.1/32 can't be routed: why",
    ]


def test_a_switch_that_is_silent_for_longer_than_a_restart_is_a_problem() -> None:
    silent = SwitchState("tcp:127.0.0.1:6640", False, 1000.0, "Connection refused", 3)
    document = asdict(state(switch=silent))
    assert status.problems(document, 1030.0) == []
    assert status.problems(document, 1031.0) == [
        "Open vSwitch's tcp:127.0.0.1:6640 is not followed for 31 s: Connection refused"
    ]
    assert status.summary(document, 1012.0).endswith("21 routes, 3 in Open vSwitch (silent)")
    followed = asdict(state(switch=SwitchState("tcp:127.0.0.1:6640", True, 1000.0, "", 3)))
    assert status.problems(followed, 1200.0) == []
    assert status.summary(followed, 1012.0).endswith("21 routes, 3 in Open vSwitch")


def test_the_summary_tells_the_age_and_what_waits() -> None:
    document = asdict(state(waiting=["10.64.0.9/32"], failure=AWAY))
    assert status.summary(document, 1012.0) == (
        "Neutron's ports: read 12 s ago, 21 routes, 1 wait for their tap; 9 reads failed since: "
        "GET https://neutron/v2.0/ports: no route to host"
    )


def test_the_file_can_be_read_again_and_is_not_for_everyone(tmp_path: Path) -> None:
    path = str(tmp_path / "status.json")
    assert status.read(path) is None
    old = state(failure=AWAY, written=2000.0)
    status.write(path, old)
    assert status.read(path) == {**json.loads(json.dumps(asdict(old))), "alarms": status.problems(asdict(old), 2000.0)}
    assert "1000 s ago" in status.problems(asdict(old), 2000.0)[0]
    assert Path(path).stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("content", ["[]", "{", ""])
def test_a_file_of_another_form_is_no_document(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)
    assert status.read(str(tmp_path / "status.json")) is None


def test_roth_status_shows_the_watcher_s_line_and_counts_its_problems() -> None:
    now = HEALTHY["time"]
    text = cli.render(HEALTHY, ports=asdict(state(good=now - 7)))
    assert "Neutron's ports: read 7 s ago, 21 routes\n" in text
    assert text.endswith("State: healthy")
    late = cli.render(HEALTHY, ports=asdict(state(good=now - 400)))
    assert late.endswith("State: DEGRADED\n  Neutron's ports were read last 400 s ago (bound 300 s)")


def test_without_a_watcher_roth_status_says_nothing_of_neutron() -> None:
    assert "Neutron" not in cli.render(HEALTHY)


class Waiting:
    """A file that changes while somebody waits for it: each pause is a step."""

    def __init__(self, folder: Path, *steps: State) -> None:
        self.path, self.steps, self.now = str(folder / "status.json"), list(steps), 2000.0

    def reload(self) -> None:
        self.pause(0)

    def pause(self, seconds: float) -> None:
        self.now += 1
        if self.steps:
            status.write(self.path, self.steps.pop(0))

    def sync(self) -> tuple[int, object]:
        return sync(self.path, 30, self.reload, lambda: self.now, self.pause)


def test_who_asks_waits_for_a_read_that_had_begun_after_the_question(tmp_path: Path) -> None:
    status.write(str(tmp_path / "status.json"), state(installed=3, tried=1000.0))
    waiting = Waiting(tmp_path, state(tried=1999.0, good=1999.0), state(tried=2001.0, good=2001.0, installed=5))
    code, found = waiting.sync()
    assert (code, found["changes"]) == (0, {"installed": 2, "removed": 0})
    assert found["tried"] == 2001.0


def test_a_read_that_failed_is_nobody_s_work(tmp_path: Path) -> None:
    assert Waiting(tmp_path, state(tried=2001.0, failure=AWAY)).sync() == (2, AWAY.text)


def test_an_answer_that_is_refused_is_told_apart(tmp_path: Path) -> None:
    assert Waiting(tmp_path, state(tried=2001.0, good=2001.0, refused="too many")).sync()[0] == 1


def test_a_watcher_that_does_not_read_is_given_up(tmp_path: Path) -> None:
    assert Waiting(tmp_path, state(tried=1000.0)).sync() == (2, "no read has ended within 30 s")


def test_a_watcher_that_is_not_there_is_said_in_systemd_s_words(tmp_path: Path) -> None:
    def refuse() -> None:
        raise subprocess.CalledProcessError(5, ["systemctl"], stderr="Unit roth-ports.service not found.\n")

    assert sync(str(tmp_path / "none"), 30, refuse) == (
        2, "roth-ports.service can't be asked: Unit roth-ports.service not found.",
    )  # fmt: skip


def test_a_configuration_that_cannot_be_used_is_told_and_nothing_runs(tmp_path: Path, capsys) -> None:
    (tmp_path / "ports.json").write_text("{}")
    assert main(["--config", str(tmp_path / "ports.json"), "--check"]) == 2
    assert "host: missing, expected the name that Neutron has for this host" in capsys.readouterr().err
