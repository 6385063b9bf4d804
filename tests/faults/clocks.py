"""The wall clock of some processes steps; the machine's own is never touched.

Python's time.time() is shifted by a sitecustomize in the PYTHONPATH, bfdd's clock by libfaketime (which would break
Python's sleep). Monotonic time goes on, as it does when a real clock is set. What it can't show: timers that the kernel
itself runs on CLOCK_REALTIME.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import lab

from tests.lab.fabric import Fabric

from .bird import write
from .processes import AGENT, BFDD, EXABGP

FOLDER = "/run/roth-test-clock"
SHIFT = f"""\
import time

machine = time.time


def shifted():
    with open("{FOLDER}/offset") as file:
        return machine() + float(file.read() or 0)


time.time = shifted
"""
PYTHON = f"[Service]\nEnvironment=PYTHONPATH={FOLDER}\n"
LIBRARY = f"""\
[Service]
Environment=LD_PRELOAD={FOLDER}/libfaketime.so.1
Environment=FAKETIME_TIMESTAMP_FILE={FOLDER}/offset FAKETIME_NO_CACHE=1
Environment=FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 FAKETIME_DISABLE_SHM=1
"""
DROP_INS = {AGENT.unit: PYTHON, EXABGP.unit: PYTHON, BFDD.unit: LIBRARY}


def library(folder: Path) -> Path:
    """libfaketime from the distribution's package, unpacked into `folder`: nothing is installed."""
    download = ["apt-get", "--option=APT::Sandbox::User=root", "download", "--quiet=2", "libfaketime"]
    subprocess.run(download, cwd=folder, check=True)
    package = next(folder.glob("libfaketime_*.deb"))
    subprocess.run(["dpkg-deb", "--extract", str(package), str(folder)], check=True)
    return next(folder.rglob("libfaketime.so.1"))


def copy(fabric: Fabric, node: str, source: Path, target: str) -> None:
    """A file of the machine's into a node."""
    line = lab.command_in(fabric.settings, fabric.topology, node, ["tee", target])
    subprocess.run(line, input=source.read_bytes(), stdout=subprocess.DEVNULL, check=True)


def step(fabric: Fabric, node: str, seconds: int) -> None:
    """How far the processes' clock is off from now on: the file changes in one go."""
    write(fabric, node, f"{FOLDER}/offset.new", f"{seconds:+d}\n")
    fabric.run(node, "mv", f"{FOLDER}/offset.new", f"{FOLDER}/offset")


@contextmanager
def stepping(fabric: Fabric, node: str, folder: Path) -> Iterator[None]:
    """Our units, restarted for that, have a clock that `step` sets; afterwards they have the machine's again."""
    fabric.run(node, "install", "-d", FOLDER)
    copy(fabric, node, library(folder), f"{FOLDER}/libfaketime.so.1")
    write(fabric, node, f"{FOLDER}/sitecustomize.py", SHIFT)
    step(fabric, node, 0)
    fabric.run(node, "chmod", "-R", "a+rX", FOLDER)
    try:
        for unit, text in DROP_INS.items():
            fabric.run(node, "install", "-d", f"/run/systemd/system/{unit}.d")
            write(fabric, node, f"/run/systemd/system/{unit}.d/clock.conf", text)
        fabric.run(node, "systemctl", "daemon-reload")
        fabric.run(node, "systemctl", "restart", *DROP_INS)
        yield
    finally:
        fabric.run(node, "rm", "-r", *(f"/run/systemd/system/{unit}.d" for unit in DROP_INS))
        fabric.run(node, "systemctl", "daemon-reload")
        fabric.run(node, "systemctl", "restart", *DROP_INS)
        fabric.run(node, "rm", "-r", FOLDER)
