"""The connection to the bus, with and without TLS, against a server on loopback."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from roth.port_listener import bus
from roth.port_listener.config import Broker, Tls

from .broker import HEARTBEAT_FRAME, Authority, FakeBroker

ONE, OTHER = "neutron-vo-Port-1.11_fanout", "neutron-vo-Port-1.12_fanout"
BODY = b'{"oslo.message": "{}"}'


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


def consume(
    server: FakeBroker, tls: Tls | None, host: str = "localhost", exchanges: Sequence[str] = (ONE,)
) -> tuple[list[bytes], str]:
    """What was told until the connection ended, and what ended it."""
    told: list[bytes] = []
    broker = Broker(host, server.port, "listener", "secret", "/", tls is not None)
    with pytest.raises(bus.BusError) as ended:
        bus.consume(broker, exchanges, told.append, lambda: None, tls)
    return told, str(ended.value)


def test_messages_are_told_until_the_connection_ends() -> None:
    with FakeBroker(bodies=(BODY, BODY)) as server:
        told, ended = consume(server, None)
    assert told == [BODY, BODY]
    assert "closed" in ended
    assert b"secret" in server.login


def test_no_exchange_is_made_because_neutron_could_not_make_its_own_any_more() -> None:
    with FakeBroker(bodies=(BODY,)) as server:
        consume(server, None, exchanges=[ONE, OTHER])
    assert (server.bound, server.made) == ([ONE], [])


def test_a_version_that_no_agent_has_asked_for_is_named() -> None:
    with FakeBroker(exchanges=()) as server:
        told, ended = consume(server, None, exchanges=[ONE, OTHER])
    assert (told, server.made) == ([], [])
    assert ended == f"no exchange {ONE}, {OTHER}: no agent of Neutron has asked for this version yet"


def test_an_exchange_that_comes_later_is_listened_to_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "_LOOK", 0.05)
    with FakeBroker(bodies=(BODY,), pause=0.05, later=[OTHER]) as server:
        consume(server, None, exchanges=[ONE, OTHER])
    assert server.bound == [ONE, OTHER]
    assert server.open == 1  # of channels there are 2,047


def test_with_tls_they_are_told_once_the_server_has_proved_its_name(authority: Authority) -> None:
    with FakeBroker(authority.server("localhost"), (BODY,)) as server:
        told, _ended = consume(server, Tls(str(authority.file)))
    assert told == [BODY]
    assert b"secret" in server.login


def test_an_address_is_a_name_as_well(authority: Authority) -> None:
    with FakeBroker(authority.server("127.0.0.1"), (BODY,)) as server:
        assert consume(server, Tls(str(authority.file)), "127.0.0.1")[0] == [BODY]


def test_a_bus_that_asks_for_a_certificate_gets_the_listener_s(authority: Authority) -> None:
    certificate, key = authority.issue("roth-listener")
    with FakeBroker(authority.server("localhost", clients=True), (BODY,)) as server:
        assert consume(server, Tls(str(authority.file), certificate, key))[0] == [BODY]
    assert server.peer["subject"] == ((("commonName", "roth-listener"),),)


@pytest.mark.parametrize("named", ["elsewhere", "localhost"], ids=["of another name", "of another authority"])
def test_a_server_that_is_not_the_bus_is_told_no_secret(authority: Authority, tmp_path: Path, named: str) -> None:
    (tmp_path / "other").mkdir()
    trusted = authority if named == "elsewhere" else Authority(tmp_path / "other", "theirs")
    with FakeBroker(authority.server(named), (BODY,)) as server:
        told, ended = consume(server, Tls(str(trusted.file)))
    assert (told, server.login, server.frames) == ([], b"", [])
    assert "CERTIFICATE_VERIFY_FAILED" in ended


def test_the_system_s_authorities_count_where_none_is_named(authority: Authority) -> None:
    with FakeBroker(authority.server("localhost"), (BODY,)) as server:
        assert "CERTIFICATE_VERIFY_FAILED" in consume(server, Tls())[1]


def test_a_server_without_tls_is_told_no_secret(authority: Authority) -> None:
    with FakeBroker(bodies=(BODY,)) as server:
        told, _ended = consume(server, Tls(str(authority.file)))
    assert (told, server.login) == ([], b"")


def test_a_server_that_shakes_no_hands_is_given_up(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "_TIMEOUT", 0.2)
    with FakeBroker(silent=True) as server:
        assert "timed out" in consume(server, Tls(str(authority.file)))[1]


@pytest.mark.parametrize("tls", [False, True])
def test_a_bus_that_is_never_idle_gets_its_heartbeats(authority: Authority, tls: bool) -> None:
    """It would take us for dead: we send nothing else."""
    context = authority.server("localhost") if tls else None
    with FakeBroker(context, (BODY,), pause=0.05) as server:
        told, _ended = consume(server, Tls(str(authority.file)) if tls else None)
    assert HEARTBEAT_FRAME in server.frames
    assert len(told) > 2


def test_files_that_can_be_used_are_accepted(authority: Authority) -> None:
    bus.check(Tls())
    bus.check(Tls(str(authority.file), *authority.issue("roth-listener")))


def test_a_file_that_cannot_be_used_is_named(authority: Authority, tmp_path: Path) -> None:
    certificate, _key = authority.issue("roth-listener")
    other = authority.issue("another")[1]
    locked = authority.issue("locked", b"passphrase")
    (tmp_path / "empty").write_text("")
    for tls, said in [
        (Tls("/nonexistent/ca.pem"), "/nonexistent/ca.pem"),
        (Tls(str(tmp_path / "empty")), "empty has no certificates"),
        (Tls(None, certificate, "/nonexistent/key"), "/nonexistent/key"),
        (Tls(None, certificate, other), f"{certificate} and {other} are no certificate and its key"),
        (Tls(None, *locked), "without a passphrase"),
    ]:
        with pytest.raises(ValueError, match="TLS to the bus") as refused:
            bus.check(tls)
        assert said in str(refused.value)
