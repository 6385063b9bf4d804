"""The process that hears hints of the listener: each that is one becomes a line on stdout, at most one a second.

It faces the network, so it has no capability; all that it can tell the watcher is "read Neutron now". It ends with its
stdin.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from select import select

from ..hints import LONGEST, Refused, Verifier, read_key

PAUSE = 1.0  # seconds between two hints that are passed on; one that comes earlier waits
REPORT = 60.0  # seconds between two reports of what was refused

Message = dict[str, object]


class Gate:
    """What is passed on, and when. Pure: `now` is in seconds, monotonic."""

    def __init__(self, say: Callable[[Message], None]) -> None:
        self.say = say
        self._next, self._waiting = 0.0, False
        self._refused: Counter[str] = Counter()
        self._report = 0.0

    def hint(self) -> None:
        """One has come."""
        self._waiting = True

    def refused(self, why: str) -> None:
        """Something else has."""
        self._refused[why] += 1

    def due(self, now: float) -> float | None:
        """Seconds until there is something to say; None: nothing."""
        times = [self._next] if self._waiting else []
        times += [self._report] if self._refused else []
        return max(0.0, min(times) - now) if times else None

    def turn(self, now: float) -> None:
        """Say what is due."""
        if self._waiting and self._next <= now:
            self._waiting, self._next = False, now + PAUSE
            self.say({"hint": True})
        if self._refused and self._report <= now:
            self.say({"refused": dict(self._refused)})
            self._refused, self._report = Counter(), now + REPORT


def open_socket(address: str, port: int) -> socket.socket:
    """Where hints come in. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    opened.bind((address, port))
    opened.setblocking(False)
    return opened


def serve(opened: socket.socket, verifier: Verifier, gate: Gate, until: int) -> None:
    """Until the descriptor `until` has ended."""
    while True:
        readable, _, _ = select([opened.fileno(), until], [], [], gate.due(time.monotonic()))
        if until in readable and not os.read(until, 1):
            return
        if opened.fileno() in readable:
            _receive(opened, verifier, gate)
        gate.turn(time.monotonic())


def _receive(opened: socket.socket, verifier: Verifier, gate: Gate) -> None:
    try:
        datagram = opened.recv(LONGEST + 1)
    except BlockingIOError:
        return  # its checksum was wrong: select(2) had called the socket readable all the same
    except OSError as error:
        gate.refused(error.strerror or "no datagram")
        return
    try:
        verifier.check(datagram, time.time())
        gate.hint()
    except Refused as error:
        gate.refused(str(error))


def _say(message: Message) -> None:
    print(json.dumps(message), flush=True)


def main() -> int:
    """`python -m roth.port_watcher.hearing HOST ADDRESS PORT KEY_FILE`."""
    host, address, port, path = sys.argv[1:]
    try:
        key = read_key(Path(path).read_text(encoding="utf-8"))
        opened = open_socket(address, int(port))
    except (OSError, ValueError) as error:
        _say({"lost": f"no hints are heard: {error}"})
        return 1
    _say({"hearing": True})
    serve(opened, Verifier(key, host, time.time()), Gate(_say), 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
