"""The lists of what this host should have: routes, and the tap that each instance's prefix needs.

Who has read Neutron last has written them: the playbook its own pair below /etc/roth, the port watcher, which is not
root, its own in /var/lib/roth-ports. **The pair that was written last counts**, for everyone who reads: the agent,
which puts back what went with a link or over a reboot, and the watcher, which has no other memory. They are no source
of announcements, which is the kernel alone. Without them a host that starts while Neutron is away would have nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Lists:
    """One pair of files."""

    routes: str
    taps: str

    def looks(self) -> tuple[tuple[int, int, int] | None, ...]:
        """What tells a changed pair from an unchanged one."""
        return tuple(_looks(path) for path in (self.routes, self.taps))

    def written(self) -> int | None:
        """When the routes were written (nanoseconds since 1970); None when there are none."""
        try:
            return Path(self.routes).stat().st_mtime_ns
        except OSError:
            return None

    def lines(self) -> tuple[list[str], list[str]]:
        """Routes and taps. No list lists nothing. Raises OSError or UnicodeDecodeError when one can't be read."""
        try:
            routes = _lines(self.routes)
        except FileNotFoundError:
            return [], []
        try:
            return routes, _lines(self.taps)
        except FileNotFoundError:
            return routes, []

    def write(self, routes: Sequence[str], taps: Sequence[str], after: int | None = None) -> None:
        """Write both, each in one step, the taps first: a route without its tap would be put back too early.

        They will be newer than `after` (nanoseconds since 1970), whatever the clock says. Raises OSError.
        """
        for path, lines in ((self.taps, taps), (self.routes, routes)):
            new = Path(f"{path}.new")
            new.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
            new.chmod(0o644)
            if after is not None and new.stat().st_mtime_ns <= after:
                os.utime(new, ns=(after + 1, after + 1))
            new.replace(path)


def newest(pairs: Sequence[Lists]) -> Lists:
    """The pair that counts. The first one where none was written."""
    return max(pairs, key=lambda pair: pair.written() or -1)


def _lines(path: str) -> list[str]:
    lines = Path(path).read_text(encoding="ascii").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _looks(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
