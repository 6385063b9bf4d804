"""The client of the agent's status socket, against sockets that answer as an agent does, or not."""

from __future__ import annotations

import json
import socket
import threading

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.report.agent import ask


@pytest.fixture
def serve(tmp_path):
    """Answer one client with the given bytes; `asked` holds what it sent."""
    asked: list[bytes] = []
    threads: list[threading.Thread] = []

    def start(answer: bytes) -> tuple[str, list[bytes]]:
        path = str(tmp_path / "agent.sock")
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(path)
        server.listen()

        def run() -> None:
            with server, server.accept()[0] as connection:
                asked.append(connection.makefile("rb").readline())
                connection.sendall(answer)

        threads.append(threading.Thread(target=run))
        threads[0].start()
        return path, asked

    yield start
    for thread in threads:
        thread.join(5)


def test_a_command_is_one_json_line_and_the_answer_is_read_to_its_end(serve):
    routes = [
        {"peer": "10.1.1.0", "prefix": f"10.64.{n >> 8}.{n & 255}/32", "next_hop": "10.1.1.1"} for n in range(9000)
    ]
    path, asked = serve(json.dumps({"routes": routes}).encode())
    assert ask(path, "adj-rib-out") == {"routes": routes}
    assert asked == [b'{"command": "adj-rib-out"}\n']


def test_an_agent_that_does_not_run_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        ask(str(tmp_path / "agent.sock"), "status")


def test_an_agent_that_hangs_is_a_timeout(tmp_path):
    path = str(tmp_path / "agent.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        server.listen()
        with pytest.raises(TimeoutError):
            ask(path, "status", timeout=0.05)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "closed the connection without an answer"),
        (b"[]", "answered 'status' with list; expected an object"),
        (b"{", "Expecting property name"),
        (b'{"error": "unknown command"}', "refused 'status': unknown command"),
    ],
)
def test_an_answer_that_is_none_is_a_value_error(serve, answer, message):
    path, _asked = serve(answer)
    with pytest.raises(ValueError, match=message):
        ask(path, "status")
