"""sd_notify(3): readiness, status text and the watchdog, over the socket systemd names. No library needed."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Send `READY=1`, `STATUS=…`, `WATCHDOG=1`, … ; does nothing outside a unit."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.connect(address)
            sender.send(state.encode())
        except OSError:
            return  # systemd notices by itself when we stay silent


def watchdog_interval() -> float | None:
    """Seconds between two WATCHDOG=1 (half of what the unit allows), or None without a watchdog."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    return int(limit) / 2_000_000 if limit.isdigit() and int(limit) > 0 else None
