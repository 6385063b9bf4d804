"""Looks for a string where anybody could find it: process lists while something runs, files, journals."""

from __future__ import annotations

import os
import stat
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

NO_FILES = ("proc", "sys", "dev")
LARGEST = 64 << 20  # bytes of a file that is read
LOOKS = 5  # at one process: it may have been a copy of its parent at the first
PAUSE = 0.01  # seconds between two looks


@dataclass(frozen=True)
class Trace:
    """A file with the string in it: path as its node has it, `rw-r-----`, and whether every user can read it."""

    path: str
    mode: str
    public: bool


def traces(root: Path, needle: bytes, since: float, below: str = "") -> Iterator[Trace]:
    """Files below `root` that changed since then (seconds since 1970) and hold the needle."""
    for folder, names, files in os.walk(root / below):
        if Path(folder) == root:
            names[:] = [name for name in names if name not in NO_FILES]
        for path in (Path(folder) / name for name in files):
            with suppress(OSError):  # a file may go while it is looked at
                mode, changed, size = (status := path.lstat()).st_mode, status.st_ctime, status.st_size
                wanted = stat.S_ISREG(mode) and changed >= since and size <= LARGEST
                if wanted and needle in path.read_bytes():
                    yield Trace(f"/{path.relative_to(root)}", stat.filemode(mode)[1:], _public(path, root))


def _public(path: Path, root: Path) -> bool:
    """Whether a user without any group can open the file: he needs to get through every folder."""
    folders = [folder for folder in path.parents if folder.is_relative_to(root)]
    return bool(path.lstat().st_mode & stat.S_IROTH) and all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)


@dataclass
class Sightings:
    """What was seen while something ran; `looks` counts how often all processes were looked at."""

    looks: int = 0
    command_lines: set[str] = field(default_factory=set)
    files: set[Trace] = field(default_factory=set)


@contextmanager
def watching(needle: bytes, roots: dict[str, Path], folders: tuple[str, ...]) -> Iterator[Sightings]:
    """Look at the command lines of new processes, and at public files of some folders, for as long as the block runs.

    :param roots: nodes' root directories as this machine sees them, by name.
    """
    seen, ended = Sightings(), threading.Event()
    known: Counter[str] = Counter()

    def look() -> None:
        while not ended.wait(PAUSE):
            seen.command_lines |= set(_command_lines(needle, known))
            for root in roots.values():
                for folder in folders:
                    seen.files |= {trace for trace in traces(root, needle, 0, folder) if trace.public}
            seen.looks += 1

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _command_lines(needle: bytes, known: Counter[str]) -> Iterator[str]:
    """Command lines with the needle; `known` counts how often each process was looked at before."""
    present = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208  # a Path for each is slow
    for gone in known.keys() - present:
        del known[gone]
    for name in present:
        known[name] += 1
        if known[name] <= LOOKS:
            with suppress(OSError):
                line = Path(f"/proc/{name}/cmdline").read_bytes()
                if needle in line:
                    yield line.replace(b"\0", b" ").decode(errors="replace").strip()
