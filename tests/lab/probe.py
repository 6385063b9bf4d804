"""What the lab proofs send into the fabric; stdlib only, so that any Python inside any network namespace runs it.

reach SECONDS ADDRESS…       ICMP echo to each address until it answers; prints {address: milliseconds or null}
first SECONDS ADDRESS…       ICMP echo to each address every 5 ms; prints {address: when it answered first, or null}
stream RATE ADDRESS…         ICMP echo round robin, RATE packets a second, until stdin closes; prints what was lost
flows COUNT PORT ADDRESS     one UDP datagram from each of COUNT source ports
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Sequence

ECHO = {4: (8, 0), 6: (128, 129)}  # request and reply, RFC 792 and RFC 4443
SO_RCVBUFFORCE = 33
"""asm-generic/socket.h: beyond net.core.rmem_max, so that a stall of this process is not counted as loss."""
GRACE = 5.0
"""Seconds to wait for the last answers."""


def version(address: str) -> int:
    return 6 if ":" in address else 4


def checksum(packet: bytes) -> int:
    """RFC 1071. The kernel fills it in for ICMPv6."""
    total: int = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


class Echo:
    """ICMP echo over both families; packets bear a number of 32 bits."""

    def __init__(self) -> None:
        self.identifier = os.getpid() & 0xFFFF
        self.sockets = {
            4: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
            6: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
        }
        for opened in self.sockets.values():
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)

    def send(self, address: str, number: int) -> bool:
        """Whether the kernel took it (no route is an error at once, and a loss)."""
        family = version(address)
        body = struct.pack("!HHI", self.identifier, number & 0xFFFF, number)
        head = struct.pack("!BBH", ECHO[family][0], 0, 0)
        if family == 4:
            head = struct.pack("!BBH", ECHO[family][0], 0, checksum(head + body))
        try:
            self.sockets[family].sendto(head + body, (address, 0))
        except OSError:
            return False
        return True

    def receive(self, seconds: float) -> list[tuple[str, int]]:
        """Sender and number of each answer that is there, after at most `seconds`."""
        answers = []
        for ready in select.select(list(self.sockets.values()), [], [], max(0.0, seconds))[0]:
            family = 4 if ready is self.sockets[4] else 6
            while True:
                try:
                    packet, sender = ready.recvfrom(2048)
                except BlockingIOError:
                    break
                packet = packet[(packet[0] & 15) * 4 :] if family == 4 else packet
                if len(packet) >= 12 and packet[0] == ECHO[family][1]:
                    identifier, _short, number = struct.unpack_from("!HHI", packet, 4)
                    if identifier == self.identifier:
                        answers.append((sender[0], number))
        return answers


def reach(seconds: float, addresses: Sequence[str]) -> dict[str, float | None]:
    """Milliseconds until each address answered, None for those that did not within `seconds`."""
    echo, began = Echo(), time.monotonic()
    took: dict[str, float | None] = dict.fromkeys(addresses)
    sent: dict[int, tuple[str, float]] = {}
    while (now := time.monotonic()) < began + seconds and None in took.values():
        for address in (address for address, answered in took.items() if answered is None):
            sent[len(sent)] = (address, time.monotonic())
            echo.send(address, len(sent) - 1)
        while (left := now + 0.25 - time.monotonic()) > 0 and None in took.values():
            for sender, number in echo.receive(left):
                address, then = sent[number]
                if sender == address and took[address] is None:
                    took[address] = round((time.monotonic() - then) * 1000, 2)
    return took


def first(seconds: float, addresses: Sequence[str]) -> dict[str, float | None]:
    """When each address answered first (seconds since 1970); None for those that did not within `seconds`."""
    echo, until = Echo(), time.monotonic() + seconds
    answered: dict[str, float | None] = dict.fromkeys(addresses)
    print("asking", flush=True)
    while None in answered.values() and (now := time.monotonic()) < until:
        for address in addresses:
            if answered[address] is None:
                echo.send(address, 0)
        while (left := now + 0.005 - time.monotonic()) > 0:
            for sender, _number in echo.receive(left):
                if answered.get(sender, 0.0) is None:
                    answered[sender] = time.time()
    return answered


def stream(rate: float, addresses: Sequence[str]) -> dict[str, object]:
    """Send until stdin closes. `gaps` is the longest outage of each address in ms.

    `losses` are when packets without an answer were sent (seconds since 1970), `reordered` counts answers that came
    after one to a later packet of their address.
    """
    echo, began, epoch = Echo(), time.monotonic(), time.time() - time.monotonic()
    answered: list[bool] = []
    sent: list[float] = []
    newest = dict.fromkeys(addresses, -1)
    reordered = 0
    ended = False
    print("streaming", flush=True)
    while not ended:
        due = began + len(answered) / rate
        for sender, number in echo.receive(due - time.monotonic()):
            answered[number] = True
            reordered += number < newest[sender]
            newest[sender] = max(number, newest[sender])
        while time.monotonic() >= began + len(answered) / rate:
            answered.append(False)
            sent.append(time.monotonic())
            echo.send(addresses[(len(answered) - 1) % len(addresses)], len(answered) - 1)
        ended = bool(select.select([sys.stdin], [], [], 0)[0])
    until = time.monotonic() + GRACE
    while time.monotonic() < until and not all(answered):
        for _sender, number in echo.receive(until - time.monotonic()):
            answered[number] = True
    period = len(addresses) / rate * 1000
    return {
        "sent": len(answered),
        "lost": answered.count(False),
        "losses": [epoch + when for when, came in zip(sent, answered, strict=True) if not came],
        "reordered": reordered,
        "gaps": {address: _longest(answered[n :: len(addresses)]) * period for n, address in enumerate(addresses)},
    }


def _longest(answered: Sequence[bool]) -> int:
    longest = current = 0
    for came in answered:
        current = 0 if came else current + 1
        longest = max(longest, current)
    return longest


def flows(count: int, port: int, address: str) -> int:
    family = socket.AF_INET6 if version(address) == 6 else socket.AF_INET
    for _number in range(count):
        with socket.socket(family, socket.SOCK_DGRAM) as opened:
            opened.sendto(bytes(64), (address, port))
    return count


def main(arguments: Sequence[str]) -> None:
    command, first_word, *rest = arguments
    answer: object
    if command == "reach":
        answer = reach(float(first_word), rest)
    elif command == "first":
        answer = first(float(first_word), rest)
    elif command == "stream":
        answer = stream(float(first_word), rest)
    else:
        answer = flows(int(first_word), int(rest[0]), rest[1])
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
