"""UDP in one direction, and which packets arrived; stdlib only, so that any Python inside any namespace runs it.

send ADDRESS PORT RATE FLOWS   one numbered packet after the other, over FLOWS source ports; prints when each was sent
receive ADDRESS PORT           prints the numbers that arrived

Both work until stdin closes. Times are CLOCK_MONOTONIC seconds, which all namespaces share.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import time
from collections.abc import Sequence

NUMBER = struct.Struct("!I")
SO_RCVBUFFORCE = 33
"""asm-generic/socket.h: a stall of the receiver must not look like loss."""


def ended() -> bool:
    """Whether whoever started this wants it to stop."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def send(address: str, port: int, rate: float, flows: int) -> list[float]:
    """The time of each packet; one that the kernel refuses (no route) counts as sent: it is lost."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _flow in range(flows)]
    sent: list[float] = []
    began = time.monotonic()
    print("ready", flush=True)
    while not ended():
        while (now := time.monotonic()) >= began + len(sent) / rate:
            try:
                sockets[len(sent) % flows].sendto(NUMBER.pack(len(sent)), (address, port))
            except OSError as error:
                if error.errno is None:
                    raise
            sent.append(now)
        time.sleep(max(0.0, began + len(sent) / rate - time.monotonic()))
    return sent


def receive(address: str, port: int) -> list[int]:
    """The numbers of the packets that came in."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 23)
    opened.bind((address, port))
    opened.settimeout(0.1)
    numbers: list[int] = []
    print("ready", flush=True)
    while True:
        try:
            numbers.append(NUMBER.unpack(opened.recv(64))[0])
        except TimeoutError:
            if ended():
                return numbers


def main(arguments: Sequence[str]) -> None:
    """One of the two commands."""
    command, address, port, *rest = arguments
    answer: object
    if command == "send":
        answer = send(address, int(port), float(rest[0]), int(rest[1]))
    else:
        answer = receive(address, int(port))
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
