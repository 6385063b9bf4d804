"""The listener without a bus: what hosts get of its messages, and what it says of what it cannot do."""

from __future__ import annotations

import pytest
from roth.hints import Verifier
from roth.port_listener.config import Broker, ConfigError, parse, parse_url
from roth.port_listener.service import Listener

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
    ],
)
def test_a_mistake_is_told_by_its_key(change: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(f"{DOCUMENT[:-1]}, {change}}}")
    assert said in str(refused.value)
