"""The real bridge as a process: whatever a client does, ExaBGP's lines keep being read."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from roth.bridge import refused

DEADLINE = 60.0
FLOOD = 10.0  # seconds


class Bridge:
    """The process; `say` and `hear` are ExaBGP's side of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        source = Path(__file__).parents[3] / "agent" / "src"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "roth.bridge", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(source)},
        )
        eventually(path.exists, True)

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def hear(self, lines: int = 1) -> list[str]:
        assert self.process.stdout is not None
        return [self.process.stdout.readline().decode().rstrip("\n") for _line in range(lines)]

    def client(self) -> Client:
        return Client(self.path)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class Client:
    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        eventually(lambda: self.socket.connect_ex(str(path)), 0)
        self.file = self.socket.makefile("rb")

    def send(self, text: str) -> None:
        self.socket.sendall(text.encode("latin-1"))

    def line(self) -> str:
        return self.file.readline().decode().rstrip("\n")

    def close(self) -> None:
        self.file.close()
        self.socket.close()


def eventually(observe: Callable[[], object], expected: object) -> None:
    deadline = time.monotonic() + DEADLINE
    while (observed := observe()) != expected:
        assert time.monotonic() < deadline, f"observed {observed!r}, expected {expected!r}"
        time.sleep(0.01)


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    with closing(Bridge(tmp_path / "bridge.sock")) as started:
        yield started


def test_commands_and_answers_pass_both_ways(bridge: Bridge) -> None:
    client = bridge.client()
    client.send("show neighbor json\n")
    assert bridge.hear() == ["show neighbor json"]
    bridge.say('[]\ndone\n{"type": "state"}\n')
    assert [client.line() for _line in range(3)] == ["[]", "done", '{"type": "state"}']


def test_the_socket_is_for_owner_and_group_only(bridge: Bridge) -> None:
    eventually(lambda: bridge.path.stat().st_mode & 0o777, 0o660)  # between bind and chmod it is the owner's


def test_answers_to_a_gone_client_are_not_given_to_the_next(bridge: Bridge) -> None:
    first = bridge.client()
    first.send("show adj-rib out\nannounce x\n")
    bridge.hear(2)
    first.close()
    second = bridge.client()
    second.send("show neighbor json\n")
    bridge.say("10.1.1.0 ipv4 unicast 10.64.0.1/32 next-hop 10.1.1.1\ndone\nerror\n")
    assert bridge.hear() == ["show neighbor json"]
    bridge.say("[]\ndone\n")
    assert [second.line(), second.line()] == ["[]", "done"]


def test_events_reach_a_new_client_while_answers_of_the_old_one_are_due(bridge: Bridge) -> None:
    first = bridge.client()
    first.send("announce x\n")
    bridge.hear()
    first.close()
    second = bridge.client()
    bridge.say('{"type": "state"}\n')
    assert second.line() == '{"type": "state"}'


def test_a_new_client_replaces_the_old_one(bridge: Bridge) -> None:
    first, second = bridge.client(), bridge.client()
    assert first.file.readline() == b""
    second.send("version\n")
    assert bridge.hear() == ["version"]


@pytest.mark.parametrize("line", ["caf\xe9\n", "a\tb\n", "\n", "x" * 70000 + "\n", "x" * 70000])
def test_a_line_that_would_kill_the_bridge_in_exabgp_ends_the_connection(bridge: Bridge, line: str) -> None:
    client = bridge.client()
    client.send(line)
    assert client.file.readline() == b""
    after = bridge.client()
    after.send("version\n")
    assert bridge.hear() == ["version"]


def test_without_any_client_everything_is_read(bridge: Bridge) -> None:
    bridge.say('{"type": "update"}\n' * 200_000)  # far more than a pipe holds: this would block
    client = bridge.client()
    client.send("version\n")
    assert bridge.hear() == ["version"]


def test_a_client_that_does_not_read_never_stops_the_reading(bridge: Bridge) -> None:
    client = bridge.client()
    client.send("version\n")
    bridge.hear()
    bridge.say(("{" + "x" * 1000 + "}\n") * 80_000)  # 80 MB: more than the bridge keeps
    other = bridge.client()
    other.send("version\n")
    bridge.say("done\n")
    assert bridge.hear() == ["version"]
    client.close()


def test_a_client_that_floods_is_read_no_further_than_exabgp_reads(bridge: Bridge) -> None:
    client = bridge.client()
    client.socket.setblocking(False)
    line = b"announce " + b"x" * 1000 + b"\n"
    sent = 0
    stalled = time.monotonic() + FLOOD
    while time.monotonic() < stalled:
        try:
            sent += client.socket.send(line * 64)
        except BlockingIOError:
            bridge.say('{"type": "state"}\n')  # still read
            if sent > 256 << 10:
                break
    assert sent < 4 << 20, "the bridge buffers without bound"
    assert bridge.process.poll() is None


def test_the_bridge_ends_with_exabgp(bridge: Bridge) -> None:
    assert bridge.process.stdin is not None
    bridge.process.stdin.close()
    assert bridge.process.wait(DEADLINE) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: becomes another user")
def test_a_stranger_is_refused(public: Path) -> None:
    stranger = "import socket, sys; s = socket.socket(1); s.settimeout(10); s.connect(sys.argv[1]); print(s.recv(1))"
    with closing(Bridge(public / "bridge.sock")) as bridge:
        bridge.path.chmod(0o777)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/env", "python3", "-c", stranger, str(bridge.path)],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
    assert done.stdout.strip() == "b''", done.stderr


@pytest.mark.parametrize(
    ("line", "reason"),
    [(b"version", None), (b" ", "empty"), (b"a\x80", "not printable ASCII"), (b"x" * 65537, "too long")],
)
def test_lines_are_refused_with_a_reason(line: bytes, reason: str | None) -> None:
    assert refused(line) == reason
