"""Opens the port watcher's packet socket, gives up what that takes, and becomes the watcher.

Usage: opening.py COMMAND…; the command gets `--packet-socket FD`. A process that is not root and loses an ambient
capability before it executes another program does not have it there (capabilities(7)): so the watcher can send frames
on a socket that is open, and open no other. The socket has protocol 0 and receives nothing (packet(7)).
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys

_CAP_NET_RAW = 13  # linux/capability.h
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_LOWER = 47, 3  # linux/prctl.h


def give_up_raw() -> None:
    """Nothing that is executed from now on has CAP_NET_RAW. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_LOWER, _CAP_NET_RAW, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def main() -> None:
    """Never returns. Without the capability the command is run as it is, and says so itself."""
    command = sys.argv[1:]
    try:
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        raw.set_inheritable(True)
        command += ["--packet-socket", str(raw.fileno())]
    except OSError as error:
        print(f"roth-ports: no packet socket ({error.strerror})", file=sys.stderr)
    give_up_raw()
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
