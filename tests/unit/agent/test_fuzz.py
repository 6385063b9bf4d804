"""Seeded nonsense at every door of the agent and the bridge: nobody falls over, and what was there stays."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roth.config import Config, ConfigError, parse
from roth.exabgp_api import decode
from roth.status import StatusServer, ask

from tests.unit.agent.fakes import document
from tests.unit.agent.host import bring_up
from tests.unit.agent.test_bridge import DEADLINE, Bridge, bridge, eventually

__all__ = ["bridge"]  # the fixture

ROUNDS = 60
WORDS = [
    b'{"command": "status"}',
    b'{"command": ',
    b"[",
    b"\xff\xfe",
    b"\0" * 50,
    b"\n",
    b"x" * 5000,
    b'"a"',
    b"}" * 90,
]
WORDS += [b"[" * 3000, b"1" * 4200, b'{"command": ["status"]}', b'{"command": "\\ud800"}', b"null\n", b"\r\n", b"-0\n"]


def nonsense(chance: random.Random) -> bytes:
    """Some bytes: words of the protocol, half lines, nulls, what is no UTF-8."""
    parts = [chance.choice(WORDS) for _part in range(chance.randint(0, 5))]
    return b"".join(parts) + chance.randbytes(chance.randint(0, 40)) + chance.choice([b"", b"\n"])


class Guest:
    """A client without manners."""

    def __init__(self, path: str, chance: random.Random, patience: float = DEADLINE) -> None:
        self.chance = chance
        self.socket = socket.socket(socket.AF_UNIX)
        # waits for a place in the queue of connections, as a socket with a timeout of Python's does not
        waits = struct.pack("@ll", int(patience), int(patience % 1 * 1e6))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, waits)
        self.socket.connect(path)
        self.socket.settimeout(patience)

    def misbehave(self) -> None:
        """Send something, perhaps in pieces, perhaps wait for some of the answer, and leave in one way or another."""
        with contextlib.suppress(OSError):
            data = nonsense(self.chance)
            middle = self.chance.randint(0, len(data))
            self.socket.sendall(data[:middle])
            self.socket.sendall(data[middle:])
            if self.chance.random() < 0.3:
                self.socket.shutdown(socket.SHUT_WR)
                self.socket.recv(self.chance.choice([1, 100]))
        self.socket.close()


# -- the agent's status socket -------------------------------------------------------------------------------------


def beside_a_host(path: str, client: Any) -> tuple[Any, Any]:
    """Run `client(path)` in a thread beside the status socket of a whole agent; the agent and the loop's complaints."""
    host = bring_up()
    for number in range(1, 9):
        host.event(host.kernel.add(f"10.64.0.{number}/32"))
    complaints: list[object] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
        server = await StatusServer(path, host.agent.answer).start()
        try:
            await asyncio.to_thread(client, path)
        finally:
            server.close()

    asyncio.run(run())
    return host, complaints


@pytest.mark.parametrize("seed", range(2))
def test_the_agents_socket_survives_nonsense_and_no_route_is_lost(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    def client(path: str) -> None:
        lasting = [Guest(path, chance) for _guest in range(40)]  # connected, and silent for the whole time
        for _round in range(ROUNDS):
            Guest(path, chance).misbehave()
        assert len(ask(path, "status")["announced"]) == 8
        for guest in lasting:
            guest.misbehave()
        assert ask(path, "status")["sessions"][0]["state"] == "established"

    host, complaints = beside_a_host(str(tmp_path / "agent.sock"), client)
    assert complaints == []
    assert all(len(held) == 8 for peer, held in host.exabgp.out.items() if "." in peer)
    assert [line for line in host.exabgp.commands if "withdraw" in line] == []


def test_a_thousand_connections_that_say_nothing_leave_the_socket_answering(tmp_path: Path) -> None:
    def client(path: str) -> None:
        for _turn in range(10):
            guests = [Guest(path, random.Random(0)) for _guest in range(100)]
            assert "announced" in ask(path, "status")
            for guest in guests:
                guest.socket.close()

    _host, complaints = beside_a_host(str(tmp_path / "agent.sock"), client)
    assert complaints == []


def test_a_client_that_sends_megabytes_is_not_kept_in_memory(tmp_path: Path) -> None:
    def client(path: str) -> None:
        guest = Guest(path, random.Random(0))
        with pytest.raises(OSError):
            guest.socket.sendall(b"x" * (64 << 20))  # the reader gives up long before
        guest.socket.close()
        assert "announced" in ask(path, "status")

    _host, complaints = beside_a_host(str(tmp_path / "agent.sock"), client)
    assert complaints == []


STRANGER = """
import socket, sys
s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\\n"); print(s.makefile("rb").read())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: becomes another user")
def test_a_stranger_gets_no_answer_whatever_it_asks(public: Path) -> None:
    def client(path: str) -> None:
        Path(path).chmod(0o777)
        for line in ('{"command": "status"}', '{"command": "adj-rib-out"}', "nonsense"):
            line_of = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/env", "python3", "-c"]
            done = subprocess.run(
                [*line_of, STRANGER, path, line], capture_output=True, text=True, timeout=DEADLINE * 6
            )
            assert "user 65534 may not ask" in done.stdout, done.stdout + done.stderr
            assert "65011" not in done.stdout

    _host, complaints = beside_a_host(str(public / "agent.sock"), client)
    assert complaints == []


# -- the bridge ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_the_bridge_survives_nonsense_of_clients_and_of_exabgp(bridge: Bridge, seed: int) -> None:
    chance = random.Random(seed)
    assert bridge.process.stdin is not None
    assert bridge.process.stdout is not None
    os.set_blocking(bridge.process.stdout.fileno(), False)
    heard = b""
    for _round in range(ROUNDS):
        with contextlib.suppress(ConnectionRefusedError, BlockingIOError, TimeoutError):
            Guest(str(bridge.path), chance, 0.02).misbehave()
        bridge.process.stdin.write(nonsense(chance).replace(b"\0", b"0") * chance.randint(0, 20))
        bridge.process.stdin.flush()  # would block, were it not read
        heard += bridge.process.stdout.read() or b""
    eventually(lambda: bridge.process.poll(), None)
    bridge.process.stdin.write(b"\n")
    client = bridge.client()
    client.send("version-of-the-test\n")

    def arrived() -> bool:
        nonlocal heard
        bridge.say("done\n")  # answers to whatever got through: what a guest asked last may only arrive now
        heard += bridge.process.stdout.read() or b""  # type: ignore[union-attr]
        return b"version-of-the-test\n" in heard

    eventually(arrived, True)
    # ExaBGP kills its API process for a byte that is no ASCII or a line of a mebibyte
    assert all(byte == 10 or 0x20 <= byte <= 0x7E for byte in heard)
    assert max(map(len, heard.split(b"\n"))) <= 65536


# -- what ExaBGP says, and what the configuration says -------------------------------------------------------------

LINES = (Path(__file__).parent / "golden" / "exabgp-5.0.15.txt").read_text().splitlines()
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["10.1.1.0", "::/0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def spoilt(draw: st.DrawFn, whole: Any) -> Any:
    """`whole` with one value somewhere replaced, removed or added."""
    root = json.loads(json.dumps(whole))
    place = root
    while isinstance(place, (dict, list)) and place:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or draw(st.integers(0, 3)) == 0:
            break
        place = place[key]
    if isinstance(place, dict) and draw(st.booleans()):
        place[draw(st.text(max_size=8))] = draw(json_values)
    elif draw(st.booleans()):
        place[key] = draw(json_values)
    else:
        del place[key]
    return root


EVENTS = [json.loads(line) for line in LINES if line.startswith(("{", "["))]
garbage = st.one_of(
    st.text(max_size=80),
    st.sampled_from(LINES).flatmap(lambda line: st.integers(0, len(line)).map(lambda end: line[:end])),
    st.sampled_from(LINES).flatmap(lambda line: st.text(max_size=3).map(lambda text: line.replace(" ", text, 1))),
    st.sampled_from(EVENTS).flatmap(lambda event: spoilt(event)).map(json.dumps),
    st.sampled_from(["[" * 100_000, '{"a":' * 50_000, "1" * 10_000, "[" + "9" * 5000 + "]", "done done", "error\0"]),
    st.sampled_from(["neighbor 10.1.1.0 ipv4 unicast 10.0.0.0/99", "10.1.1.0 ipv4 unicast ::/0 next-hop x", "\ud800"]),
)


@given(garbage)
def test_whatever_exabgp_says_is_understood_or_unknown(line: str) -> None:
    decode(line)


@settings(max_examples=25)
@given(st.lists(garbage, max_size=12))
def test_whatever_exabgp_says_no_announced_route_is_withdrawn(lines: list[str]) -> None:
    host = bring_up()
    for number in range(1, 4):
        host.event(host.kernel.add(f"10.64.0.{number}/32"))
    for line in lines:
        host.agent.speaker.line(line)
    host.settle()
    assert [line for line in host.exabgp.commands if "withdraw" in line] == []
    assert host.kernel.group_table[142004].members, "the default's group was emptied"


@given(st.text(max_size=60) | json_values.map(json.dumps) | spoilt(document()).map(json.dumps))
def test_a_configuration_is_taken_or_refused_in_words(text: str) -> None:
    try:
        assert isinstance(parse(text), Config)
    except ConfigError as error:
        assert str(error)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"asn": ' + "9" * 5000 + "}", "\ud800", "NaN"])
def test_absurd_configurations_are_refused_in_words(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text)
