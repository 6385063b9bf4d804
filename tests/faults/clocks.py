"""The wall clock of our processes steps; the machine's own is never touched.

The kernel has time namespaces for the monotonic clock alone, so the step is made in each process: Python's time.time()
by a sitecustomize in the PYTHONPATH, bfdd's CLOCK_REALTIME by libfaketime (which breaks the select() of Python's).
Monotonic time goes on, as it does when a real clock is set. What it can't show: timers that the kernel itself runs on
CLOCK_REALTIME, of which none of ours has any.
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

machine = time.time, time.time_ns


def offset():
    with open("{FOLDER}/offset") as file:
        return int(file.read())


time.time = lambda: machine[0]() + offset()
time.time_ns = lambda: machine[1]() + offset() * 10**9
"""
FAKED = (
    f"LD_PRELOAD={FOLDER}/libfaketime.so.1",
    f"FAKETIME_TIMESTAMP_FILE={FOLDER}/offset",
    "FAKETIME_NO_CACHE=1",
    "FAKETIME_DISABLE_SHM=1",
    "FAKETIME_DONT_FAKE_MONOTONIC=1",
    "DONT_FAKE_MONOTONIC=1",
)
PYTHON = f"[Service]\nEnvironment=PYTHONPATH={FOLDER}\n"
WITHOUT_STEADY = f"""\
{PYTHON}ExecStart=
ExecStart=/opt/roth/current/bin/exabgp server /etc/roth/exabgp.conf
"""
DROP_INS = {AGENT.unit: PYTHON, EXABGP.unit: PYTHON, BFDD.unit: f"[Service]\nEnvironment={' '.join(FAKED)}\n"}


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
    fabric.run(node, "chmod", "a+r", f"{FOLDER}/offset.new")
    fabric.run(node, "mv", f"{FOLDER}/offset.new", f"{FOLDER}/offset")


def off(fabric: Fabric, node: str) -> dict[str, float]:
    """By how many seconds the clocks differ from the node's, as the agent says and as any program sees it that has
    bfdd's library and environment."""
    machine, faked, loaded = fabric.run(
        node,
        "sh",
        "-c",
        f"date +%s; env {' '.join(FAKED)} date +%s; grep -c libfaketime /proc/{BFDD.pid(fabric, node)}/maps",
    ).split()
    assert int(loaded), "bfdd does not have the library"
    return {"agent": fabric.status(node)["time"] - float(machine), "library": float(faked) - float(machine)}


@contextmanager
def stepping(fabric: Fabric, node: str, folder: Path, drop_ins: dict[str, str]) -> Iterator[None]:
    """The units of these drop-ins, restarted for that, have a clock that `step` sets; afterwards the machine's again.

    `folder` is where the library is unpacked."""
    fabric.run(node, "install", "-d", FOLDER)
    copy(fabric, node, library(folder), f"{FOLDER}/libfaketime.so.1")
    write(fabric, node, f"{FOLDER}/sitecustomize.py", SHIFT)
    step(fabric, node, 0)
    fabric.run(node, "chmod", "-R", "a+rX", FOLDER)
    try:
        for unit, text in drop_ins.items():
            fabric.run(node, "install", "-d", f"/run/systemd/system/{unit}.d")
            write(fabric, node, f"/run/systemd/system/{unit}.d/clock.conf", text)
        fabric.run(node, "systemctl", "daemon-reload")
        fabric.run(node, "systemctl", "restart", *drop_ins)
        yield
    finally:
        fabric.run(node, "rm", "-r", *(f"/run/systemd/system/{unit}.d" for unit in drop_ins))
        fabric.run(node, "systemctl", "daemon-reload")
        fabric.run(node, "systemctl", "restart", *drop_ins)
        fabric.run(node, "rm", "-r", FOLDER)
