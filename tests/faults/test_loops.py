"""A process that dies again and again is an alarm, in the unit's state and in `roth status`, and is not given up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lab.fabric import Fabric, eventually

from .case import NOTHING, Bound, Case, packets
from .processes import AGENT, BFDD, EXABGP, Process

HOST = "hv1"
DEATHS = 6
"""In a minute: one more than the starts that the unit allows (StartLimitBurst)."""


def shown(fabric: Fabric, process: Process) -> str:
    return fabric.run(HOST, "systemctl", "show", "--property=ActiveState", "--value", process.unit).strip()


def die(fabric: Fabric, process: Process) -> None:
    """Until systemd has had enough."""
    for _death in range(2 * DEATHS):  # systemd counts in minutes of its own: the next one may begin in between
        pid, state = eventually(
            lambda: (process.pid(fabric, HOST), shown(fabric, process)),
            lambda found: found[0] > 0 or found[1] == "failed",
            f"{process.unit} running, or failed",
        )
        if state == "failed":
            return
        fabric._run(HOST, "kill", "-KILL", str(pid))  # this one: asked again it may be 0, our own process group
    eventually(lambda: shown(fabric, process), lambda state: state == "failed", f"{process.unit} failed")


def units(fabric: Fabric) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code of `roth status --json`, and its units by name."""
    done = fabric._run(HOST, "roth", "status", "--json")
    return done.returncode, {unit["unit"]: unit for unit in json.loads(done.stdout)["units"]}


@pytest.mark.parametrize(
    ("process", "bound", "code"),
    [
        (AGENT, NOTHING, 2),
        (EXABGP, Bound(0, 0, False, "nothing: graceful restart"), 1),
        (BFDD, Bound(packets(20, 1 / 3), 0, True, "BGP resets at each death"), 1),
    ],
    ids=["agent", "exabgp", "bfdd"],
)
def test_death_in_a_loop_of(case: Case, process: Process, bound: Bound, code: int) -> None:
    with case.costing(bound):
        die(case.fabric, process)
        found = units(case.fabric)
        assert (found[0], found[1][process.unit]["state"]) == (code, "failed")
        text = case.fabric._run(HOST, "roth", "status").stdout
        assert f"{process.unit} is failed" in text, text
        eventually(lambda: shown(case.fabric, process), lambda state: state == "active", "started again", 150)
    assert units(case.fabric)[1][process.unit]["state"] == "active"
