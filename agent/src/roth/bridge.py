"""ExaBGP's API process: a pipe between ExaBGP (stdin, stdout) and the agent (a Unix socket).

ExaBGP blocks in write() and loses its sessions when its API process doesn't read. So this process does one thing:
it always reads stdin. Whatever the agent does (hang, die, send nonsense), ExaBGP doesn't notice.
"""

from __future__ import annotations

import errno
import os
import pwd
import selectors
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

DEFAULT_SOCKET = "/run/roth-exabgp/bridge.sock"
AGENT_USER = "roth-agent"
CHUNK = 65536
MAX_LINE = 65536  # bytes of a command; ExaBGP kills its API process at 1 MiB
MAX_TO_CLIENT = (
    64 << 20
)  # bytes a client may leave unread before it is dropped: about 300,000 routes of `show adj-rib out`
MAX_TO_EXABGP = 256 << 10  # bytes queued for ExaBGP before the client isn't read any more


def log(event: str, **fields: object) -> None:
    """Write one key=value line to stderr (stdout belongs to ExaBGP)."""
    sys.stderr.write(
        " ".join(["roth-bridge", f"event={event}", *(f"{key}={value}" for key, value in fields.items())]) + "\n"
    )


def allowed_uids() -> frozenset[int]:
    """root, this process's own user (tests) and the agent's, which may have been created after this process started."""
    uids = {0, os.geteuid()}
    try:
        uids.add(pwd.getpwnam(os.environ.get("ROTH_AGENT_USER", AGENT_USER)).pw_uid)
    except KeyError:
        log("no_agent_user", user=AGENT_USER)
    return frozenset(uids)


def refused(line: bytes) -> str | None:
    """Why a command must not reach ExaBGP (it would kill its API process, or answer nothing), or None."""
    if len(line) > MAX_LINE:
        return "too long"
    if not line.strip():
        return "empty"
    if any(byte < 0x20 or byte > 0x7E for byte in line):
        return "not printable ASCII"
    return None


class Bridge:
    """One client at a time; a new authorised client replaces the old one."""

    def __init__(
        self, listener: socket.socket, uids: Callable[[], frozenset[int]], stdin: int = 0, stdout: int = 1
    ) -> None:
        self.listener, self.uids, self.stdin, self.stdout = listener, uids, stdin, stdout
        self.selector = selectors.DefaultSelector()
        self.client: socket.socket | None = None
        self.to_client: deque[bytes] = deque()
        self.to_client_size = 0
        self.to_exabgp = b""
        self.from_client = b""
        self.from_exabgp = b""
        self.unanswered = 0  # commands of the present client
        self.orphans = 0  # commands of clients that are gone: their answers are nobody's
        os.set_blocking(stdin, False)
        os.set_blocking(stdout, False)
        self.selector.register(listener, selectors.EVENT_READ, self.accept)
        self.selector.register(stdin, selectors.EVENT_READ, self.read_exabgp)

    def run(self) -> None:
        """Serve until ExaBGP closes our stdin."""
        try:
            while True:
                for key, mask in self.selector.select():
                    handle: Callable[[int], None] = key.data
                    handle(mask)
                self.flush()
                self.watch()
        except EOFError:
            log("exabgp_gone")

    def flush(self) -> None:
        """Pass on what came in: most often there is room, and nobody has to be asked for it first."""
        if self.to_exabgp:
            self.write_exabgp(selectors.EVENT_WRITE)
        if self.client is not None and self.to_client:
            self.serve_client(selectors.EVENT_WRITE)

    def watch(self) -> None:
        """Choose what to wait for. Commands of a new client wait until the old one's have been answered."""
        self.interest(self.stdout, selectors.EVENT_WRITE if self.to_exabgp else 0, self.write_exabgp)
        if self.client is not None:
            read = not self.orphans and len(self.to_exabgp) < MAX_TO_EXABGP
            mask = (selectors.EVENT_READ if read else 0) | (selectors.EVENT_WRITE if self.to_client else 0)
            self.interest(self.client, mask, self.serve_client)

    def interest(self, what: int | socket.socket, mask: int, handle: Callable[[int], None]) -> None:
        """Register, change or drop the interest in one descriptor."""
        known = what in self.selector.get_map()
        if mask and known:
            self.selector.modify(what, mask, handle)
        elif mask:
            self.selector.register(what, mask, handle)
        elif known:
            self.selector.unregister(what)

    def accept(self, _mask: int) -> None:
        """Take a client whose user may talk to us (SO_PEERCRED: pid, uid, gid as the kernel knows them)."""
        connection, _ = self.listener.accept()
        pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid not in self.uids():
            log("client_refused", pid=pid, uid=uid)
            connection.close()
            return
        self.drop_client("replaced")
        connection.setblocking(False)
        self.client = connection
        log("client_connected", pid=pid, uid=uid, orphans=self.orphans)

    def drop_client(self, reason: str) -> None:
        """Forget the client; what ExaBGP has yet to answer it becomes orphaned."""
        if self.client is None:
            return
        if self.client in self.selector.get_map():
            self.selector.unregister(self.client)
        self.client.close()
        self.client = None
        self.orphans += self.unanswered
        self.unanswered = self.to_client_size = 0
        self.to_client.clear()
        self.from_client = b""
        log("client_gone", reason=reason, orphans=self.orphans)

    def read_exabgp(self, _mask: int) -> None:
        """Read all there is and pass whole lines on."""
        try:
            chunk = os.read(self.stdin, CHUNK)
        except BlockingIOError:
            return
        if not chunk:
            raise EOFError
        *lines, self.from_exabgp = (self.from_exabgp + chunk).split(b"\n")
        for line in lines:
            self.route_line(line)

    def route_line(self, line: bytes) -> None:
        """Events (JSON objects) are for whoever is connected, answers for who asked."""
        answer = line.strip() in (b"done", b"error")
        if self.orphans and not line.startswith(b"{"):
            self.orphans -= answer
            return
        self.unanswered -= answer and self.unanswered > 0
        if self.client is None:
            return
        self.to_client.append(line + b"\n")
        self.to_client_size += len(line) + 1
        if self.to_client_size > MAX_TO_CLIENT:
            self.drop_client("does not read")

    def serve_client(self, mask: int) -> None:
        """Read from and write to the client; any trouble with it drops it."""
        try:
            if mask & selectors.EVENT_WRITE:
                self.write_client()
            if mask & selectors.EVENT_READ:
                self.read_client()
        except BlockingIOError:
            return
        except OSError as error:
            self.drop_client(errno.errorcode.get(error.errno or 0, "error"))

    def write_client(self) -> None:
        """Send what the socket takes."""
        if self.client is None or not self.to_client:
            return
        chunk = b""
        while self.to_client and len(chunk) < CHUNK:
            chunk += self.to_client.popleft()
        sent = 0
        try:
            sent = self.client.send(chunk)
        finally:
            if sent < len(chunk):
                self.to_client.appendleft(chunk[sent:])
            self.to_client_size -= sent

    def read_client(self) -> None:
        """Queue the client's whole lines for ExaBGP; a line that ExaBGP can't take ends the connection."""
        if self.client is None:
            return
        chunk = self.client.recv(CHUNK)
        *lines, self.from_client = (self.from_client + chunk).split(b"\n")
        for line in lines:
            reason = refused(line)
            if reason:
                self.drop_client(f"command {reason}".replace(" ", "_"))
                return
            self.to_exabgp += line + b"\n"
            self.unanswered += 1
        if not chunk or len(self.from_client) > MAX_LINE:
            self.drop_client("line_too_long" if chunk else "closed")
            return

    def write_exabgp(self, _mask: int) -> None:
        """Hand ExaBGP what its pipe takes, never waiting for it: it may be waiting for us."""
        try:
            sent = os.write(self.stdout, self.to_exabgp[:CHUNK])
        except BlockingIOError:
            return
        except BrokenPipeError:
            raise EOFError from None
        self.to_exabgp = self.to_exabgp[sent:]


def listen(path: str) -> socket.socket:
    """Listen on `path`, replacing the socket file of a predecessor; mode 0660."""
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    Path(path).chmod(0o660)
    listener.listen(4)
    listener.setblocking(False)
    return listener


def main() -> None:
    """Entry point `roth-bridge [SOCKET]`; the environment variable ROTH_BRIDGE_SOCKET names it, too."""
    path = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("ROTH_BRIDGE_SOCKET", DEFAULT_SOCKET)
    Bridge(listen(path), allowed_uids).run()


if __name__ == "__main__":
    main()
