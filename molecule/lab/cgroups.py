"""A cgroup2 folder a node, so that a node's systemd has its own tree and ``down`` finds every process."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from .errors import LabError
from .settings import Settings

GONE_SECONDS = 60


def cgroup2_mount() -> Path:
    """Where the unified hierarchy is mounted (also beside version 1); raise LabError if it is nowhere."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, folder, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(folder)
    raise LabError("no cgroup2 hierarchy is mounted: mount -t cgroup2 none /sys/fs/cgroup/unified (or boot with it)")


def lab_cgroup(settings: Settings) -> Path:
    """The folder of a whole lab. The home directory is not part of it: prefixes are unique on a machine."""
    return cgroup2_mount() / "roth-lab" / settings.prefix


def node_cgroup(settings: Settings, node: str) -> Path:
    """The folder of one node."""
    return lab_cgroup(settings) / node


def remove(folder: Path) -> None:
    """Kill what is left in a cgroup and remove it with those below; raise LabError when a process does not go.

    A killed process leaves its cgroup a moment later: kill and remove again until it is gone.
    """
    deadline = time.monotonic() + GONE_SECONDS
    while folder.exists():
        _kill(folder)
        with contextlib.suppress(OSError):
            for inner, _, _ in os.walk(folder, topdown=False):
                Path(inner).rmdir()
            break
        if time.monotonic() > deadline:
            raise LabError(
                f"cgroup {folder} still has processes: {', '.join(map(str, processes(folder))) or 'unknown'}"
            )
        time.sleep(0.02)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that another lab may still need."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def processes(folder: Path) -> list[int]:
    """Pids in a cgroup and those below it."""
    pids: list[int] = []
    for procs in folder.rglob("cgroup.procs"):
        with contextlib.suppress(OSError):
            pids += map(int, procs.read_text().split())
    return pids


def _kill(folder: Path) -> None:
    try:
        (folder / "cgroup.kill").write_text("1")
    except OSError:  # older than Linux 5.14, or just gone
        for pid in processes(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
