"""The listener without a bus: what hosts get of its messages, and what it says of what it cannot do."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from roth.hints import Verifier
from roth.port_listener import bus
from roth.port_listener.bus import BusError
from roth.port_listener.config import Broker, ConfigError, Tls, parse, parse_url
from roth.port_listener.service import Listener, main, sender

from tests.unit.agent.fakes import FakeClock

from .test_messages import bound, push, versioned

KEY = b"k" * 32
DOCUMENT = (
    '{"exchanges": ["neutron-vo-Port-1.11_fanout"], "hosts": {"hv1": "192.0.2.11", "hv2": "192.0.2.12"}, "port": 7142}'
)


class Rig:
    def __init__(self) -> None:
        self.clock, self.sent = FakeClock(), []
        self.failing = False
        self.listener = Listener(parse(DOCUMENT), KEY, self.send, self.clock)
        self.listener.turn()
        self.first, self.sent = self.sent, []
        self.clock.now += 1

    def send(self, datagram: bytes, address: str) -> None:
        if self.failing:
            raise OSError("Network is unreachable")
        self.sent.append((datagram, address))

    def told(self, *ports: object) -> list[str]:
        """Addresses that are told of a push."""
        self.listener.told(push(*ports).encode())
        self.listener.turn()
        found = [address for _datagram, address in self.sent]
        self.sent = []
        self.clock.now += 1
        return found


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_at_first_all_are_told_because_nobody_has_heard_what_was_before(rig: Rig) -> None:
    assert [address for _datagram, address in rig.first] == ["192.0.2.11", "192.0.2.12"]


def test_each_host_takes_what_is_sent_to_it(rig: Rig) -> None:
    for (datagram, _address), host in zip(rig.first, ("hv1", "hv2"), strict=True):
        Verifier(KEY, host, 0.0).check(datagram, rig.clock.wall())


def test_a_port_that_moves_is_told_to_both_hosts_and_one_elsewhere_to_nobody(rig: Rig) -> None:
    assert rig.told(versioned("Port", id="p1", bindings=bound("hv1"))) == ["192.0.2.11"]
    assert rig.told(versioned("Port", id="p1", bindings=bound("hv2"))) == ["192.0.2.11", "192.0.2.12"]
    assert rig.told(versioned("Port", id="p1")) == ["192.0.2.12"]
    assert rig.told(versioned("Port", id="p2", bindings=bound("elsewhere"))) == []


def test_what_is_not_understood_is_told_to_all_and_said_once(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    rig.clock.now += 60
    assert rig.told(3) == ["192.0.2.11", "192.0.2.12"]
    rig.told(3)
    assert capsys.readouterr().err.count("event=message_not_understood") == 1


def test_a_host_that_cannot_be_told_is_said_once(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    rig.failing = True
    for _time in range(3):
        rig.told(versioned("Port", id="p1", bindings=bound("hv1")))
    assert capsys.readouterr().err.count("event=host_not_told") == 1


def test_a_listener_without_ipv6_tells_the_hosts_that_need_none(monkeypatch: pytest.MonkeyPatch) -> None:
    make = socket.socket

    def refuse(family: int = socket.AF_INET, *rest: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return make(family, *rest)

    monkeypatch.setattr(socket, "socket", refuse)
    with make(socket.AF_INET, socket.SOCK_DGRAM) as host:
        host.bind(("127.0.0.1", 0))
        host.settimeout(30)
        send = sender(host.getsockname()[1])
        send(b"hint", "127.0.0.1")
        assert host.recv(10) == b"hint"
        with pytest.raises(OSError, match="not supported"):
            send(b"hint", "::1")


class Tired(Exception):
    """Enough was seen."""


def waits(rig: Rig, monkeypatch: pytest.MonkeyPatch, *lasting: float) -> tuple[list[float], list[str]]:
    """The pauses after connections to two brokers that last so long each, and the broker of each."""
    left, asked, slept = list(lasting), [], []

    def consume(broker: Broker, *_rest: object) -> None:
        asked.append(broker.host)
        if not left:
            raise Tired
        rig.listener.turn()
        rig.clock.now += left.pop(0)
        raise BusError("closed")

    monkeypatch.setattr(bus, "consume", consume)
    with pytest.raises(Tired):
        rig.listener.run(parse_url("rabbit://n:p@a,n:p@b/"), lambda: 1.0, slept.append)
    return slept, asked


def test_a_bus_that_throws_the_listener_out_at_once_is_tried_less_and_less_one_server_after_another(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept, asked = waits(rig, monkeypatch, *[0.1] * 6, 60.0)
    assert slept == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 0.5]
    assert asked[:3] == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("text", "servers", "vhost"),
    [
        ("rabbit://neutron:s%40ret@controller:5672/", ["controller:5672"], "/"),
        ("rabbit://n:p@a,n:p@[2001:db8::1]:5673/cloud?ssl=0", ["a:5672", "2001:db8::1:5673"], "cloud"),
    ],
)
def test_the_bus_is_found_as_neutron_finds_it(text: str, servers: list[str], vhost: str) -> None:
    found = parse_url(text)
    assert ([str(each) for each in found], {each.vhost for each in found}) == (servers, {vhost})


@pytest.mark.parametrize(
    ("text", "tls", "server"),
    [
        ("rabbit://n:p@a/", False, "a:5672"),
        ("rabbit://n:p@a/", True, "a:5671"),
        ("rabbit://n:p@a:5673/?ssl=0", True, "a:5673"),
        ("rabbit://n:p@a/?ssl=1", False, "a:5671"),
        ("rabbit://n:p@a/cloud?rpc=x&ssl=True", False, "a:5671"),
        ("amqps://n:p@a", False, "a:5671"),
    ],
)
def test_tls_is_spoken_where_the_role_or_the_url_asks_for_it_and_has_a_port_of_its_own(
    text: str, tls: bool, server: str
) -> None:
    (found,) = parse_url(text, tls)
    assert (str(found), found.tls) == (server, server != "a:5672")


@pytest.mark.parametrize(
    ("tls", "found"),
    [
        ("null", None),
        ("{}", Tls()),
        ('{"ca_file": "/ca", "certificate_file": null, "key_file": null}', Tls("/ca")),
        ('{"certificate_file": "/crt", "key_file": "/key"}', Tls(None, "/crt", "/key")),
    ],
)
def test_the_files_of_tls_are_read(tls: str, found: Tls | None) -> None:
    assert parse(f'{DOCUMENT[:-1]}, "tls": {tls}}}').tls == found


def test_files_that_cannot_be_used_are_told_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "url").write_text("rabbit://n:p@a/\n")
    (tmp_path / "key").write_text("k" * 32)
    files = {"url_file": str(tmp_path / "url"), "key_file": str(tmp_path / "key"), "tls": {"ca_file": "/nonexistent"}}
    (tmp_path / "listener.json").write_text(json.dumps({**json.loads(DOCUMENT), **files}))
    assert main(["--config", str(tmp_path / "listener.json"), "--check"]) == 0
    assert main(["--config", str(tmp_path / "listener.json")]) == 2
    assert "TLS to the bus: [Errno 2] No such file or directory: '/nonexistent'" in capsys.readouterr().err


def test_a_broker_s_text_has_no_secret() -> None:
    (broker,) = parse_url("rabbit://neutron:s%40ret@controller")
    assert (broker.password, "s@ret" in f"{broker} {broker!r} {[broker]}") == ("s@ret", False)
    assert isinstance(broker, Broker)


@pytest.mark.parametrize(
    "text", ["", "secret", "http://neutron:secret@a", "rabbit://neutron:secret@", "rabbit://n:secret@a:x"]
)
def test_a_url_that_is_none_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_url(text)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('"port": 0', "port: 0 is not a UDP port"),
        ('"hosts": {}', "hosts: {} is not a mapping of host names to addresses"),
        ('"hosts": {"hv1": "x"}', "hosts: {'hv1': 'x'} is not"),
        ('"bus": 1', "bus: unknown key"),
        ('"tls": true', "tls: True is not a mapping of ca_file, and of certificate_file and key_file together"),
        ('"tls": {"key_file": "/key"}', "is not a mapping of ca_file, and of certificate_file and key_file together"),
        ('"tls": {"verify": false}', "is not a mapping of ca_file"),
    ],
)
def test_a_mistake_is_told_by_its_key(change: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(f"{DOCUMENT[:-1]}, {change}}}")
    assert said in str(refused.value)
