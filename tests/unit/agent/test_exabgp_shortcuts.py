"""Shortcuts through ExaBGP send what it would have sent, and are only for the code that they were written beside."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from ipaddress import IPv6Address
from types import SimpleNamespace
from typing import Any

import pytest
from roth import exabgp_shortcuts
from roth.exabgp_shortcuts import SHORTCUTS, digest, take

pytest.importorskip("exabgp")

OWN_ASN = 65011
NEIGHBOR = """
neighbor {peer} {{ router-id 192.0.2.11; local-address {local}; local-as {own}; peer-as {asn};
  family {{ {family} unicast; }} }}
"""
V4 = ("10.1.1.0", "10.2.1.0")
V6 = ("2001:db8:1:1::a", "2001:db8:2:1::a")
CONFIGURATION = "".join(
    NEIGHBOR.format(own=OWN_ASN, peer=peer, local=local, asn=65101 + number, family=family)
    for family, peers in (("ipv4", zip(V4, ("10.1.1.1", "10.2.1.1"), strict=True)),
                          ("ipv6", zip(V6, ("2001:db8:1:1::b", "2001:db8:2:1::b"), strict=True)))
    for number, (peer, local) in enumerate(peers)
)  # fmt: skip
PLAIN, DRAINED = "next-hop self", "next-hop self as-path [ 65011 65011 ] med 1000 community [65535:0]"


def negotiated() -> SimpleNamespace:
    """What a session of ours has agreed on, as far as UPDATEs need it."""
    from exabgp.bgp.message.open.asn import ASN
    from exabgp.protocol.family import AFI, SAFI

    return SimpleNamespace(
        families=[(AFI.ipv4, SAFI.unicast), (AFI.ipv6, SAFI.unicast)],
        local_as=ASN(OWN_ASN),
        peer_as=ASN(65101),
        msg_size=4096,
        asn4=True,
        addpath=SimpleNamespace(send=lambda _afi, _safi: False, receive=lambda _afi, _safi: False),
        cached_attributes=None,
        cached_wire=None,
        nexthop=[],
    )


class Speaker:
    """ExaBGP's configuration, API and adj-rib-out, without its sockets."""

    def __init__(self) -> None:
        from exabgp.configuration.configuration import Configuration
        from exabgp.reactor.api import API
        from exabgp.rib import RIB

        RIB._cache.clear()  # it outlives a configuration, so that a reload keeps what was announced
        self.configuration = Configuration([CONFIGURATION], True)
        assert self.configuration.reload(), str(self.configuration.error)
        self.api = API.__new__(API)
        self.api.configuration = Configuration([])

    def say(self, verb: str, attributes: str, prefixes: list[str]) -> None:
        """One of our lines, as `announce_attributes` and `withdraw_attribute` of ExaBGP treat it."""
        from exabgp.bgp.message import Action

        action = {"announce": Action.ANNOUNCE, "withdraw": Action.WITHDRAW}[verb]
        changes = self.api.api_attributes(f"{verb} attributes {attributes} nlri {' '.join(prefixes)}", [])
        assert len(changes) == len(prefixes)
        for change in changes:
            change.nlri.action = action
            self.configuration.inject_change(list(self.configuration.neighbors), change)
            change.extensive()  # for the log: it fills the attributes' own cache

    def sent(self, grouped: bool = True) -> dict[str, list[bytes]]:
        """The UPDATEs that go out now, by peer."""
        agreed = negotiated()
        return {
            str(neighbor["peer-address"]): [
                message
                for update in neighbor.rib.outgoing.updates(grouped)
                for message in update.messages(agreed)
            ]
            for neighbor in self.configuration.neighbors.values()
        }  # fmt: skip

    def held(self) -> dict[str, list[str]]:
        """What `show adj-rib out extensive` would list, by peer."""
        return {
            str(neighbor["peer-address"]): sorted(
                change.extensive() for change in neighbor.rib.outgoing.cached_changes()
            )
            for neighbor in self.configuration.neighbors.values()
        }  # fmt: skip


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    from exabgp.environment import getenv
    from exabgp.logger import log

    getenv()
    for level in ("debug", "info", "warning", "error", "critical"):
        monkeypatch.setattr(log, level, lambda *_arguments, **_options: None)


@pytest.fixture
def original(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """ExaBGP's methods are back when the test is over."""
    for shortcut in SHORTCUTS:
        monkeypatch.setattr(shortcut.owner_class(), shortcut.method, getattr(shortcut.owner_class(), shortcut.method))
    yield


def said_of(messages: list[bytes]) -> dict[str, list[tuple[str, str]]]:
    """What UPDATEs say, one after the other, of each prefix."""
    from exabgp.bgp.message import Action, Update
    from exabgp.bgp.message.direction import Direction

    agreed, said = negotiated(), {}
    for message in messages:
        update = Update.unpack_message(message[19:], Direction.IN, agreed)
        for nlri in update.nlris:
            withdrawn = nlri.action == Action.WITHDRAW
            text = ("withdrawn", "") if withdrawn else (str(nlri.nexthop), str(update.attributes))
            said.setdefault(nlri.cidr.prefix(), []).append(text)
    return said


Step = tuple[str, str, list[str]]


def story(seed: int) -> list[Step | None]:
    """Lines of any kind in any order; None: what is queued is sent."""
    chance = random.Random(seed)
    steps: list[Step | None] = []
    for _step in range(60):
        count, first = chance.choice((1, 3, 49)), chance.randrange(60)
        prefixes = [f"10.64.0.{number}/32" for number in range(first, first + count)]
        if chance.random() < 0.5:
            prefixes = [f"{IPv6Address('2001:db8:64::') + number}/128" for number in range(first, first + count)]
        steps.append((chance.choice(("announce", "withdraw")), chance.choice((PLAIN, DRAINED)), prefixes))
        if chance.random() < 0.3:
            steps.append(None)
    return [*steps, None]


def told(steps: list[Step | None]) -> tuple[list[dict[str, list[bytes]]], list[dict[str, list[str]]]]:
    speaker, sent, held = Speaker(), [], []
    for step in steps:
        if step is None:
            sent.append(speaker.sent())
            held.append(speaker.held())
        else:
            speaker.say(*step)
    return sent, held


@pytest.mark.usefixtures("quiet", "original")
@pytest.mark.parametrize("seed", range(12))
def test_the_switches_are_told_the_same_with_and_without_them(seed: int):
    sent, held = told(story(seed))
    assert take() == []
    sent_short, held_short = told(story(seed))
    assert held_short == held
    for plain, short in zip(sent, sent_short, strict=True):
        for peer in V4:
            assert short[peer] == plain[peer]
        for peer in V6:
            assert said_of(short[peer]) == said_of(plain[peer])
            assert len(short[peer]) <= len(plain[peer])


@pytest.mark.usefixtures("quiet", "original")
def test_ipv6_routes_of_a_line_share_an_update():
    assert take() == []
    speaker = Speaker()
    speaker.say("announce", PLAIN, [f"2001:db8:64::{number:x}/128" for number in range(1, 50)])
    assert {peer: len(messages) for peer, messages in speaker.sent().items() if messages} == dict.fromkeys(V6, 1)


@pytest.mark.usefixtures("quiet", "original")
def test_a_session_without_grouped_updates_gets_an_update_for_each_route():
    assert take() == []
    speaker = Speaker()
    speaker.say("announce", PLAIN, ["10.64.0.1/32", "10.64.0.2/32"])
    speaker.say("announce", PLAIN, ["2001:db8:64::1/128", "2001:db8:64::2/128"])
    assert {peer: len(messages) for peer, messages in speaker.sent(False).items()} == dict.fromkeys((*V4, *V6), 2)


@pytest.mark.usefixtures("quiet", "original")
def test_each_switch_gets_the_host_s_own_address_towards_it_as_next_hop():
    assert take() == []
    speaker = Speaker()
    speaker.say("announce", PLAIN, ["10.64.0.1/32", "10.64.0.2/32"])
    hops = {peer: {line.split("next-hop ")[1].split()[0] for line in lines} for peer, lines in speaker.held().items()}
    assert (hops["10.1.1.0"], hops["10.2.1.0"]) == ({"10.1.1.1"}, {"10.2.1.1"})


@pytest.mark.parametrize("shortcut", SHORTCUTS, ids=lambda shortcut: shortcut.method)
def test_the_pinned_exabgp_is_the_one_that_they_were_written_beside(shortcut: exabgp_shortcuts.Shortcut):
    assert digest(getattr(shortcut.owner_class(), shortcut.method)) == shortcut.digest


@pytest.mark.usefixtures("original")
def test_a_method_that_reads_differently_stays_and_is_named(monkeypatch: pytest.MonkeyPatch):
    changed = SHORTCUTS[0].owner_class()

    def remove_self(neighbor: object, changes: object) -> object:
        return changes

    monkeypatch.setattr(changed, "remove_self", remove_self)
    assert take() == ["Neighbor.remove_self"]
    assert changed.remove_self is remove_self


class Queue:
    """What ASYNC.run needs of its class."""

    def __init__(self, *callbacks: Any) -> None:
        self._async = [("uid", callback) for callback in callbacks]
        self.ran = 0

    def _is_coroutine(self, callback: object) -> bool:
        return callback == "coroutine"

    async def _run_async(self) -> bool:
        self.ran += 1
        return True


def run_of(queue: Queue, original: Callable[[Queue], str]) -> object:
    return exabgp_shortcuts.without_event_loop(original)(queue)


def test_commands_run_without_an_event_loop_and_coroutines_with_one():
    queue = Queue("generator")
    assert (run_of(queue, lambda _queue: "event loop"), queue.ran) == (True, 1)
    assert run_of(Queue("generator", "coroutine"), lambda _queue: "event loop") == "event loop"
