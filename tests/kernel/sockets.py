"""Whether a daemon that was started can be spoken to."""

from __future__ import annotations

import socket
from pathlib import Path


def listens(path: Path) -> bool:
    """Whether somebody takes connections there: a socket's file is there before that, and after its daemon's end."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True
