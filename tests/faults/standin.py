"""A BGP speaker that stands in for a switch towards one host, and sends what a switch shouldn't.

It listens beside BIRD, which gives up this one session and keeps the host's BFD: only BGP is to be seen to fail.
"""

from __future__ import annotations

import os
import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lab.settings import netns_path

from tests.lab.fabric import Fabric, eventually

from . import updates
from .bird import bird_with
from .flows import enter

SWITCH, HOST, UPLINK = "tor2", "hv2", "up1"
"""A session without a TCP MD5 key: its signature would not outlive the change of the port."""
ASN, ADDRESS, ROUTER_ID = 65102, "10.2.2.0", "192.0.2.2"
HOST_ASN, HOST_ADDRESS = 65012, "10.2.2.1"
PROTOCOL = f"{HOST}_{UPLINK}_ipv4"
PORT = 1790
HOLD_TIME, KEEPALIVE = 9, 2.0  # seconds
REDIRECT = (
    f"add table ip standin; add chain ip standin in {{ type nat hook prerouting priority dstnat; }}; "
    f"add rule ip standin in ip saddr {HOST_ADDRESS} tcp dport 179 redirect to :{PORT}"
)


@dataclass
class Standin:
    """One session at a time: established, then `send`. `ended` tells why each session ended."""

    listener: socket.socket
    greeting: list[bytes]
    ended: list[str] = field(default_factory=list)
    established: int = 0
    _connection: socket.socket | None = None
    _sending: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    def send(self, *messages: bytes) -> None:
        """However long the host takes to read them; no keepalive comes between."""
        assert self._connection is not None, "no session"
        with self._sending, self._connection.dup() as patient:
            patient.settimeout(120)
            patient.sendall(b"".join(messages))

    def serve(self) -> None:
        """Accept, greet, keep alive; again and again until stopped."""
        while not self._stop.is_set():
            if not select.select([self.listener], [], [], 0.1)[0]:
                continue
            connection, _peer = self.listener.accept()
            with connection:
                connection.settimeout(0.1)
                reason = self._session(connection)
                self._connection = None
            if not self._stop.is_set():
                self.ended.append(reason)

    def stop(self) -> None:
        self._stop.set()

    def _session(self, connection: socket.socket) -> str:
        """Why it ended."""
        connection.sendall(updates.opening(ASN, HOLD_TIME, ROUTER_ID))
        buffer, due = b"", time.monotonic()
        while not self._stop.is_set():
            if time.monotonic() >= due:
                due = time.monotonic() + KEEPALIVE
                self._keep_alive(connection)
            try:
                received = connection.recv(1 << 16)
            except TimeoutError:
                continue
            except OSError as error:
                return str(error)
            if not received:
                return "closed"
            buffer += received
            while len(buffer) >= updates.HEADER and len(buffer) >= (length := int.from_bytes(buffer[16:18], "big")):
                kind, body, buffer = buffer[18], buffer[updates.HEADER : length], buffer[length:]
                if kind == updates.NOTIFICATION:
                    return f"notification {body[0]}/{body[1]} {body[2:].decode('ascii', 'replace')}".rstrip()
                self._receive(kind, connection)
        return "stopped"

    def _keep_alive(self, connection: socket.socket) -> None:
        """Unless messages are on their way: those are as good."""
        if self._connection is not None and self._sending.acquire(blocking=False):
            try:
                connection.sendall(updates.message(updates.KEEPALIVE))
            finally:
                self._sending.release()

    def _receive(self, kind: int, connection: socket.socket) -> None:
        if kind == updates.OPEN:
            connection.sendall(updates.message(updates.KEEPALIVE))
        elif kind == updates.KEEPALIVE and self._connection is None:
            connection.sendall(b"".join(self.greeting))
            self._connection = connection
            self.established += 1


def _listen(netns: str) -> socket.socket:
    home, there = os.open("/proc/thread-self/ns/net", os.O_RDONLY), os.open(netns_path(netns), os.O_RDONLY)
    try:
        enter(there)
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    finally:
        enter(home)
        os.close(home)
        os.close(there)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)  # GTSM, RFC 5082
    listener.bind(("0.0.0.0", PORT))
    listener.listen()
    return listener


def _without_session(text: str) -> str:
    """BIRD's configuration without this session, and with its BFD nevertheless."""
    text = re.sub(rf"(?m)^protocol bgp '{PROTOCOL}' {{$", rf"protocol bgp '{PROTOCOL}' {{\n  disabled;", text)
    return re.sub(r"(?m)^  accept direct;$", f"  accept direct;\n  neighbor {HOST_ADDRESS} local {ADDRESS};", text)


@contextmanager
def standing_in(fabric: Fabric, *greeting: bytes) -> Iterator[Standin]:
    """The session is established with the stand-in, which has sent its greeting; at the end BIRD takes it back.

    Whoever leaves does so when the other is there already: ExaBGP waits longer with each attempt that fails."""
    with _listen(fabric.netns(SWITCH)) as listener:
        standin = Standin(listener, list(greeting))
        thread = threading.Thread(target=standin.serve, daemon=True)
        thread.start()
        fabric.run(SWITCH, "nft", REDIRECT)
        try:
            with bird_with(fabric, SWITCH, _without_session):
                eventually(lambda: standin.established, bool, "a session with the stand-in", 90)
                yield standin
        finally:
            fabric.run(SWITCH, "nft", "delete table ip standin")
            standin.stop()
            thread.join()
