"""systemd is told through its socket, and nobody else is."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from roth.log import log
from roth.notify import notify, watchdog_interval


def test_the_state_arrives_at_systemd_s_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.settimeout(5)
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        notify("READY=1")
        assert systemd.recv(100) == b"READY=1"


def test_outside_a_unit_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/notify")
    notify("READY=1")


@pytest.mark.parametrize(("limit", "interval"), [("10000000", 5.0), ("", None), ("x", None), ("0", None)])
def test_the_watchdog_is_fed_at_half_its_limit(
    monkeypatch: pytest.MonkeyPatch, limit: str, interval: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", limit)
    assert watchdog_interval() == interval


def test_a_log_line_is_key_value_whatever_the_value(capsys: pytest.CaptureFixture[str]) -> None:
    log("refused", "warning", text='a "quoted"\nline', number=7, empty="")
    assert capsys.readouterr().err == '<4>event=refused text="a \\"quoted\\" line" number=7 empty=""\n'
