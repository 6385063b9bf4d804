"""Processes of a host, and what can happen to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.lab.fabric import Fabric, eventually

from .traffic import Traffic


@dataclass(frozen=True)
class Process:
    """A process of a unit: its main one, or the child whose command line holds `child`."""

    unit: str
    child: str = ""

    def pid(self, fabric: Fabric, host: str) -> int:
        """0 while there is none."""
        if self.child:
            return int(fabric._run(host, "pgrep", "--oldest", "--full", self.child).stdout or 0)
        return int(fabric.run(host, "systemctl", "show", "--property=MainPID", "--value", self.unit))


AGENT = Process("roth-agent.service")
BRIDGE = Process("roth-exabgp.service", "bin/roth-bridge")
EXABGP = Process("roth-exabgp.service")
BFDD = Process("roth-bfdd.service")

Blow = Callable[[Fabric, str, Process, Traffic], None]


def _another(fabric: Fabric, host: str, process: Process, before: int) -> None:
    eventually(lambda: process.pid(fabric, host), lambda pid: pid not in (0, before), f"another {process}")


def _signal(name: str) -> Blow:
    def blow(fabric: Fabric, host: str, process: Process, _traffic: Traffic) -> None:
        before = process.pid(fabric, host)
        fabric.run(host, "kill", f"-{name}", str(before))
        _another(fabric, host, process, before)

    return blow


def _freeze(seconds: float) -> Blow:
    def blow(fabric: Fabric, host: str, process: Process, traffic: Traffic) -> None:
        pid = process.pid(fabric, host)
        fabric.run(host, "kill", "-STOP", str(pid))
        try:
            traffic.go_on(seconds)
        finally:
            fabric.run(host, "kill", "-CONT", str(pid))

    return blow


def _restart(fabric: Fabric, host: str, process: Process, _traffic: Traffic) -> None:
    before = process.pid(fabric, host)
    fabric.run(host, "systemctl", "restart", process.unit)
    _another(fabric, host, process, before)


BLOWS: dict[str, Blow] = {
    "kill-9": _signal("KILL"),
    "sigterm": _signal("TERM"),
    "stopped-1s": _freeze(1),
    "stopped-20s": _freeze(20),
    "restart": _restart,
}
