"""What work costs: CPU and memory of a host's processes, and of commands that are run beside them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab import nodes

from tests.lab.fabric import Fabric

from .processes import AGENT, BRIDGE, EXABGP, Process

TICKS = os.sysconf("SC_CLK_TCK")
PROCESSES: dict[str, Process] = {"agent": AGENT, "bridge": BRIDGE, "exabgp": EXABGP}


@dataclass(frozen=True)
class Usage:
    """CPU seconds since a process began, and its resident memory in MiB."""

    cpu: float
    rss: float


def usage(fabric: Fabric, host: str, process: Process) -> Usage:
    """Of a process that runs (proc(5): utime and stime are fields 14 and 15 of stat, rss is field 24)."""
    init = nodes.init_pid(fabric.settings, host)
    folder = Path(f"/proc/{init}/root/proc/{process.pid(fabric, host)}")
    words = (folder / "stat").read_text().rpartition(")")[2].split()
    pages = int(words[21]) * os.sysconf("SC_PAGE_SIZE")
    return Usage((int(words[11]) + int(words[12])) / TICKS, pages / (1 << 20))


@dataclass
class Bill:
    """What the processes used while a block ran: CPU seconds, and memory in MiB before and after."""

    cpu: dict[str, float] = field(default_factory=dict)
    rss: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(
            f"{name} {cpu:.2f} s CPU, {self.rss[name][0]:.0f} → {self.rss[name][1]:.0f} MiB"
            for name, cpu in self.cpu.items()
        )


@contextmanager
def billing(fabric: Fabric, host: str, names: Sequence[str] = tuple(PROCESSES)) -> Iterator[Bill]:
    """The processes must live through the block: a restarted one starts from nothing."""
    before = {name: usage(fabric, host, PROCESSES[name]) for name in names}
    pids = {name: PROCESSES[name].pid(fabric, host) for name in names}
    bill = Bill()
    yield bill
    assert {name: PROCESSES[name].pid(fabric, host) for name in names} == pids, "a process was restarted"
    for name in names:
        after = usage(fabric, host, PROCESSES[name])
        bill.cpu[name] = after.cpu - before[name].cpu
        bill.rss[name] = before[name].rss, after.rss


@dataclass
class Batch:
    """`ip -batch` in a node's network stack: lines go to `write`, and its own CPU seconds are there once it is over."""

    process: subprocess.Popen[str]
    cpu: float = 0.0

    def write(self, lines: Sequence[str]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()


@contextmanager
def batch(fabric: Fabric, node: str) -> Iterator[Batch]:
    """Every line must succeed."""
    line = ["ip", "-n", fabric.netns(node), "-batch", "-"]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(line, stdin=subprocess.PIPE, stderr=errors, text=True)
        running = Batch(process)
        try:
            yield running
        finally:
            assert process.stdin is not None
            process.stdin.close()
            _pid, status, spent = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        running.cpu = spent.ru_utime + spent.ru_stime
        errors.seek(0)
        assert process.returncode == 0, errors.read(2000)
