"""bfdd's vty protocol against a server that speaks it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.bfdd.vty import ReplyBuffer, Vty, VtyError, encode


class Server:
    """Answers each command from `replies` (default: an empty success) and keeps what it was told."""

    def __init__(self, path: Path) -> None:
        self.path, self.told, self.replies = path, [], {}
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            while received := connection.recv(4096):
                command = received.rstrip(b"\0").decode()
                self.told.append(command)
                reply = self.replies.get(command, (b"", 0))
                if reply is None:
                    return
                text, code = reply
                connection.sendall(text[:3])
                connection.sendall(text[3:] + b"\0\0\0" + bytes([code]))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path / "bfdd.vty")
    yield started
    started.listener.close()


def test_a_reply_may_come_in_any_pieces() -> None:
    whole = b"some text\0\0\0\x02"
    for cut in range(1, len(whole)):
        buffer = ReplyBuffer()
        assert buffer.feed(whole[:cut]) is None
        assert buffer.feed(whole[cut:]) == (2, b"some text")


def test_commands_are_one_line() -> None:
    assert encode("show bfd peers json") == b"show bfd peers json\0"
    for bad in ("a\nb", "a\0b"):
        with pytest.raises(ValueError, match="one line"):
            encode(bad)


def test_a_connection_starts_in_enable_mode_and_returns_output(server: Server) -> None:
    server.replies["show bfd peers json"] = (b"[]", 0)
    with Vty(str(server.path)) as vty:
        assert vty.command("show bfd peers json") == "[]"
    assert server.told == ["enable", "show bfd peers json"]


def test_configuration_is_left_after_a_refused_line(server: Server) -> None:
    server.replies["nonsense"] = (b"% Unknown command.", 2)
    with Vty(str(server.path)) as vty, pytest.raises(VtyError, match="refused 'nonsense': no match % Unknown command"):
        vty.configure(["bfd", "nonsense", "never said"])
    assert server.told[1:] == ["configure terminal", "bfd", "nonsense", "end"]


def test_a_daemon_that_goes_away_is_an_error_in_words(server: Server) -> None:
    server.replies["show bfd peers json"] = None
    with Vty(str(server.path)) as vty, pytest.raises(VtyError, match="closed the connection"):
        vty.command("show bfd peers json")


def test_a_missing_socket_is_named(tmp_path: Path) -> None:
    with pytest.raises(VtyError, match=r"none\.vty"):
        Vty(str(tmp_path / "none.vty"))
