"""ExaBGP, with a clock that nobody can set.

ExaBGP 5.0.15 times hold, keepalives and retries by time.time() (bgp/timer.py, reactor/delay.py). A host whose clock is
set forwards by more than the hold time ends all of its sessions, one whose clock is set back sends no keepalive until
the clock has caught up. So this process has a time.time() that starts right and then only runs. The bridge is a process
of its own, with the machine's clock.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from . import exabgp_shortcuts
from .log import log


def steady(
    wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
) -> Callable[[], float]:
    """A clock that shows the `wall` clock's seconds as of now, and goes on as the `monotonic` one does."""
    offset = wall() - monotonic()
    return lambda: offset + monotonic()


def main() -> None:
    """Entry point `roth-exabgp`, with ExaBGP's own arguments."""
    time.time = steady()
    from exabgp.application.main import main as exabgp

    for method in exabgp_shortcuts.take():
        log("shortcut_left_out", "warning", method=method)
    sys.exit(exabgp())


if __name__ == "__main__":
    main()
