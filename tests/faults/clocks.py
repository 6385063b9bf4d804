"""The wall clock of some processes steps; the machine's own is never touched.

libfaketime stands between a process and what the C library says of CLOCK_REALTIME. Monotonic time goes on, as it does
when a real clock is set. What it can't show: timers that the kernel itself runs on CLOCK_REALTIME.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab import lab

from tests.lab.fabric import Fabric

from .bird import write

FOLDER = "/run/roth-test-clock"
DROP_IN = f"""\
[Service]
Environment=LD_PRELOAD={FOLDER}/libfaketime.so.1
Environment=FAKETIME_TIMESTAMP_FILE={FOLDER}/offset FAKETIME_NO_CACHE=1
Environment=FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 FAKETIME_DISABLE_SHM=1
"""


def library(folder: Path) -> Path:
    """libfaketime from the distribution's package, unpacked into `folder`: nothing is installed."""
    subprocess.run(
        ["apt-get", "--option=APT::Sandbox::User=root", "download", "--quiet=2", "libfaketime"], cwd=folder, check=True
    )
    package = next(folder.glob("libfaketime_*.deb"))
    subprocess.run(["dpkg-deb", "--extract", str(package), str(folder)], check=True)
    return next(folder.rglob("libfaketime.so.1"))


def copy(fabric: Fabric, node: str, source: Path, target: str) -> None:
    """A file of the machine's into a node."""
    line = lab.command_in(fabric.settings, fabric.topology, node, ["tee", target])
    subprocess.run(line, input=source.read_bytes(), stdout=subprocess.DEVNULL, check=True)


def step(fabric: Fabric, node: str, seconds: int) -> None:
    """How far the processes' clock is off from now on."""
    write(fabric, node, f"{FOLDER}/offset", f"{seconds:+d}\n")


@contextmanager
def stepping(fabric: Fabric, node: str, units: Sequence[str], folder: Path) -> Iterator[None]:
    """The units, restarted for that, have a clock that `step` sets; afterwards they have the machine's again."""
    fabric.run(node, "install", "-d", FOLDER)
    copy(fabric, node, library(folder), f"{FOLDER}/libfaketime.so.1")
    step(fabric, node, 0)
    drop_ins = [f"/run/systemd/system/{unit}.d" for unit in units]
    try:
        for drop_in in drop_ins:
            fabric.run(node, "install", "-d", drop_in)
            write(fabric, node, f"{drop_in}/clock.conf", DROP_IN)
        fabric.run(node, "chmod", "-R", "a+rX", FOLDER)
        fabric.run(node, "systemctl", "daemon-reload")
        fabric.run(node, "systemctl", "restart", *units)
        yield
    finally:
        fabric.run(node, "rm", "-r", *drop_ins)
        fabric.run(node, "systemctl", "daemon-reload")
        fabric.run(node, "systemctl", "restart", *units)
        fabric.run(node, "rm", "-r", FOLDER)
