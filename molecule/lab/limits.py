"""Kernel limits of the machine that all nodes share, because they share their user: root."""

from __future__ import annotations

from pathlib import Path

INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
# A node holds about ten of them; the default of 128 is used up by a second lab, whose units then fail to start.
ENOUGH_INSTANCES = 2048


def raise_inotify_limit(limit: Path = INOTIFY_INSTANCES) -> str:
    """Make room for the systemds of several labs; give back what was changed, in words, or ''.

    The new limit stays until the machine restarts: another lab may be living on it.
    """
    before = int(limit.read_text())
    if before >= ENOUGH_INSTANCES:
        return ""
    limit.write_text(f"{ENOUGH_INSTANCES}\n")
    return f"Raised fs.inotify.max_user_instances from {before} to {ENOUGH_INSTANCES}: every node needs about ten."
