"""The units of this host as systemd has them: what died, and how often. The agent itself may be what dies, so this
is read by the `roth` command and not by the agent."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

UNITS = ("roth-agent.service", "roth-exabgp.service", "roth-bfdd.service", "roth-radvd.service", "roth-ports.service")
OFTEN = 3  # restarts that are more than one mishap
LATELY = 300.0  # seconds for which a unit that died so often must have run before it counts as cured

_PROPERTIES = "Id,LoadState,ActiveState,SubState,Result,NRestarts,ActiveEnterTimestampMonotonic"


@dataclass(frozen=True)
class UnitState:
    """One unit. `restarts` are those by systemd since it was last started on purpose; `seconds` it has been active."""

    unit: str
    state: str
    sub: str
    result: str
    restarts: int
    seconds: float | None

    def problem(self) -> str | None:
        """What is wrong with it, for the operator."""
        name = self.unit.removesuffix(".service")
        if self.state != "active":
            died = f" after {self.restarts} restarts" if self.restarts else ""
            again = "; it is tried again about every minute" if self.state == "failed" else ""
            return f"{self.unit} is {self.state} ({self.sub}, {self.result}){died}{again}: journalctl -u {name}"
        if self.restarts >= OFTEN and self.seconds is not None and self.seconds < LATELY:
            return f"{self.unit} died {self.restarts} times, last {self.seconds:.0f} s ago: journalctl -u {name}"
        return None


def parse(text: str, now: float) -> list[UnitState]:
    """Of `systemctl show`, a block a unit; `now` is CLOCK_MONOTONIC. Units that this host lacks are left out."""
    found = []
    for block in text.strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        if values.get("LoadState") != "loaded":
            continue
        entered = int(values["ActiveEnterTimestampMonotonic"] or 0) / 1e6
        active = values["ActiveState"] == "active"
        found.append(
            UnitState(
                values["Id"],
                values["ActiveState"],
                values["SubState"],
                values["Result"],
                int(values["NRestarts"] or 0),
                round(max(0.0, now - entered), 1) if active else None,
            )
        )
    return found


def read_units(units: Sequence[str] = UNITS) -> list[UnitState]:
    """Empty where systemd can't be asked (no bus, no systemd): no knowledge is no alarm."""
    line = ["systemctl", "show", f"--property={_PROPERTIES}", *units]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=10, check=True)
        return parse(done.stdout, time.monotonic())
    except (OSError, subprocess.SubprocessError, KeyError, ValueError):
        return []


def problems(units: Iterable[UnitState]) -> list[str]:
    """One line for each unit that isn't well."""
    return [problem for unit in units if (problem := unit.problem())]
