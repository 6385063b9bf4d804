"""Numbered UDP packets both ways between the client and instances; stdlib only, so that any Python runs it as root.

One process holds the sockets of all namespaces (a socket stays in the one it was opened in), so sender and receiver
share a clock and a ledger: what was sent and has not come is lost, and no answer has to travel to say so. Both ways
are streams of their own: a packet that is lost on its way to an instance costs nothing on the way back.

stdin: a line of JSON with the plan, then `ask` for a look at the flows, `end` (or the end) for the result.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import struct
import sys
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PORT = 7007
"""Instances listen here; every flow has a port of its own at the client."""
PACKET = struct.Struct("!IHBxI")
"""Run, flow, direction, number."""
UP, DOWN = 0, 1
"""Client to instance, instance to client."""
TICK = 0.005
"""Seconds between two rounds of sending and receiving."""
BURST = 64
"""Packets each way in one round at most: after a stall of this process the queues on the way must not overflow."""
LATE = 2.0
"""Seconds to wait for the last packets: a machine that stalls delays packets, and a delay is no loss."""
DEAD = 0.5
"""A flow is dead when none of the packets that it sent in so many seconds has come."""
SO_RCVBUFFORCE = 33
"""asm-generic/socket.h: beyond net.core.rmem_max, so that a stall of this process is not counted as loss."""
CLONE_NEWNET = 0x40000000


def enter(namespace: int) -> None:
    """Sockets that are opened from now on belong to this namespace (os.setns came with Python 3.12)."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def listen(netns: str, address: str, port: int) -> socket.socket:
    """A UDP socket in a namespace. It is not connected: then no ICMP error of an earlier packet fails a later one."""
    home, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(Path("/run/netns") / netns, os.O_RDONLY)
    try:
        enter(there)
        opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
        opened.bind((address, port))
        opened.setblocking(False)
        return opened
    finally:
        enter(home)
        os.close(home)
        os.close(there)


class Way:
    """One direction of one flow: when each packet left, and whether it came."""

    def __init__(self, source: socket.socket, target: tuple[str, int], head: tuple[int, int, int]) -> None:
        self.source, self.target, self.head = source, target, head
        self.sent = array("d")
        self.came = bytearray()

    def send(self) -> None:
        """A packet that the kernel refuses (no route, no address) is lost like any other."""
        number = len(self.came)
        self.sent.append(time.monotonic())
        self.came.append(0)
        try:
            self.source.sendto(PACKET.pack(*self.head, number), self.target)
        except OSError:
            return

    def dead(self, now: float) -> bool:
        """Whether packets left between `DEAD` seconds ago and now, and none of them came."""
        found = False
        for sent, came in zip(reversed(self.sent), reversed(self.came), strict=True):
            if sent <= now - DEAD:
                break
            if sent <= now:
                if came:
                    return False
                found = True
        return found

    def result(self, until: float) -> dict[str, float]:
        """`gap` is the longest time (seconds) between a lost packet and the next that came."""
        gap, since = 0.0, 0.0
        for sent, came in zip(self.sent, self.came, strict=True):
            if came:
                gap, since = max(gap, sent - since if since else 0.0), 0.0
            elif not since:
                since = sent
        if since:
            gap = max(gap, until - since)
        return {"sent": len(self.came), "lost": self.came.count(0), "gap": gap}


class Flows:
    """All flows of a plan, at `rate` packets a second each way, round robin."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.rate, self.run = float(plan["rate"]), os.getpid() & 0xFFFFFFFF
        self.poll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}
        self.ways: list[tuple[Way, Way]] = []
        instances: dict[tuple[str, str], socket.socket] = {}
        for flow in plan["flows"]:
            key = flow["netns"], flow["address"]
            if key not in instances:
                instances[key] = self._open(*key, PORT)
            client = self._open(plan["netns"], flow["client"], 0)
            head, port = (self.run, len(self.ways)), client.getsockname()[1]
            up = Way(client, (flow["address"], PORT), (*head, UP))
            self.ways.append((up, Way(instances[key], (flow["client"], port), (*head, DOWN))))
        self.began = self.last_round = time.monotonic()
        self.shots, self.pause = 0, 0.0

    def _open(self, netns: str, address: str, port: int) -> socket.socket:
        opened = listen(netns, address, port)
        self.sockets[opened.fileno()] = opened
        self.poll.register(opened, select.EPOLLIN)
        return opened

    def round(self) -> None:
        """Send what is due, and take what has come."""
        now = time.monotonic()
        self.pause, self.last_round = max(self.pause, now - self.last_round), now
        due = min(int((now - self.began) * self.rate) - self.shots, BURST)
        if due == BURST:  # what a stall kept from being sent is not made up for
            self.began = now - (self.shots + due) / self.rate
        for _shot in range(due):
            for way in self.ways[self.shots % len(self.ways)]:
                way.send()
            self.shots += 1
        self.receive()

    def receive(self) -> None:
        for file, _event in self.poll.poll(0):
            for packet in self._packets(self.sockets[file]):
                if len(packet) != PACKET.size:
                    continue
                run, flow, direction, number = PACKET.unpack(packet)
                if run == self.run:
                    self.ways[flow][direction].came[number] = 1

    def _packets(self, source: socket.socket) -> Iterator[bytes]:
        while True:
            try:
                yield source.recv(64)
            except BlockingIOError:
                return
            except OSError:
                continue  # an error of the past is reported once

    def look(self) -> dict[str, Any]:
        """For whoever waits for something: seconds since the start, packets lost so far, flows that are dead."""
        now = time.monotonic()
        dead = [
            [number, direction]
            for number, ways in enumerate(self.ways)
            for direction, way in enumerate(ways)
            if way.dead(now - 0.1)  # what has just left may be on its way
        ]
        return {"sent": self.shots, "dead": dead}

    def finish(self) -> dict[str, Any]:
        """Wait for the last packets; the result of every flow each way."""
        ended = time.monotonic()
        while time.monotonic() < ended + LATE and any(0 in way.came[-BURST:] for both in self.ways for way in both):
            time.sleep(TICK)
            self.receive()
        results = [[way.result(ended) for way in ways] for ways in self.ways]
        return {"flows": results, "pause": self.pause}


def main() -> None:
    flows = Flows(json.loads(sys.stdin.readline()))
    os.set_blocking(0, False)
    print("streaming", flush=True)
    flows.began = flows.last_round = time.monotonic()
    words = b""
    while b"end" not in words:
        flows.round()
        if select.select([0], [], [], 0)[0]:
            words = os.read(0, 64) or b"end"
            if b"ask" in words:
                print(json.dumps(flows.look()), flush=True)
        time.sleep(TICK)
    print(json.dumps(flows.finish()), flush=True)


if __name__ == "__main__":
    main()
