"""Memory and idle CPU of everything that runs on a host for the sake of routing."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from .announcing import BASE, speakers
from .benchmark import OURS, Benchmark
from .fabric import HOSTS, Fabric, running
from .samples import Sample
from .stacks import Profile

PROFILES = (Profile(3, 300), Profile(3, 50))
SETTLE, WINDOW, WINDOWS = 10.0, 20.0, 3
PROCESSES = {
    OURS: {"agent": "agent", "bridge": "exabgp>", "ExaBGP": "exabgp", "bfdd": "hv1-bfdd"},
    "FRR": {"zebra": "hv2-zebra", "bgpd": "hv2-bgpd", "bfdd": "hv2-bfdd"},
    "BIRD": {"bird": "hv3-bird"},
}
"""Names of processes by contender, as the rig calls them; with > its child."""

METHOD = f"""\
The three hosts of the other measurements with {2 * BASE} routes each, while nothing happens. Memory is the
proportional set size (shared pages are counted by their share), CPU the share of one core that user and kernel time
made up over {WINDOW:g} s. The sums of all processes, and each of them."""


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def pid_of(fabric: Fabric, name: str) -> int:
    """The process behind a name of PROCESSES."""
    pid = fabric.processes[name.rstrip(">")].pid
    return children(pid)[0] if name.endswith(">") else pid


def memory(pid: int) -> float:
    """Proportional set size, MiB."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def cpu(pid: int) -> float:
    """Seconds of user and kernel time so far, of all threads (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shares(pids: Sequence[int], seconds: float) -> list[float]:
    """Percent of one core that each process used over the next `seconds`."""
    began, before = time.monotonic(), [cpu(pid) for pid in pids]
    time.sleep(seconds)
    took = time.monotonic() - began
    return [(cpu(pid) - then) / took * 100 for pid, then in zip(pids, before, strict=True)]


def rows(profile: Profile, fabric: Fabric, seconds: float) -> list[Sample]:
    """One look at everybody."""
    named = [(who, name, pid_of(fabric, key)) for who, keys in PROCESSES.items() for name, key in keys.items()]
    used = shares([pid for _who, _name, pid in named], seconds)
    figures = [(who, name, memory(pid), share) for (who, name, pid), share in zip(named, used, strict=True)]
    samples = []
    for position, (what, unit) in enumerate((("memory", "MiB"), (f"idle CPU, BFD {profile}", "% of a core")), 2):
        for who in HOSTS:
            total = sum(float(figure[position]) for figure in figures if figure[0] == who)
            samples.append(Sample(what, who, unit, total))
        for who, name, *values in figures:
            samples.append(Sample(f"… {name}: {what}", who, unit, values[position - 2]))
    return samples


def measure(quick: bool) -> list[Sample]:
    """Each profile in a fabric of its own."""
    samples = []
    for profile in PROFILES:
        with running(profile) as fabric, speakers(fabric):
            time.sleep(0 if quick else SETTLE)
            for _window in range(1 if quick else WINDOWS):
                samples += rows(profile, fabric, 2 if quick else WINDOW)
    return samples


BENCHMARK = Benchmark("footprint", "Memory and idle CPU", METHOD, measure)
