"""An instance that has just arrived and moves again: nothing preferred is left behind it, and no two hosts alike."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from lab.api import Api

from tests.lab.fabric import Fabric, Monitor, Stream, eventually

from .arriving import (
    PAUSE,
    arrived,
    forwarded,
    gone,
    lines,
    migrate,
    neighbor,
    prepare,
    reads,
    running,
    settled,
    shared,
    told,
)
from .cloud import prefixes
from .migration import Migration, Pause
from .plugged import SWITCHES, addresses, tap, watcher
from .preferences import Preferences, Seen, preferences

FIRST, SECOND, THIRD = "hv1", "hv3", "hv2"
RATE = 500.0  # packets a second of each flow


@dataclass
class Watched:
    """What was seen of an instance's way; complete once the block has ended."""

    seen: Seen
    monitors: dict[str, Monitor] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)

    def alike(self, port: dict[str, Any]) -> tuple[list[tuple[str, Preferences]], list[str]]:
        """Where two hosts were preferred alike, and what a switch's kernel forwarded to two."""
        spread = [text for name in SWITCHES for text in shared(self.monitors[name], prefixes(port))]
        return self.seen.equal(), spread

    def show(self, port: dict[str, Any], target: str, pause: Pause) -> None:
        """The figures; the switches' kernels went over to the target."""
        print(f"{self.seen.looks} looks at the switches: {self.seen.of}")
        for name in SWITCHES:
            forwarded(name, self.monitors[name], prefixes(port), target, pause)
        for name, stream in self.streams.items():
            told(name, stream.result, pause)


@pytest.fixture
def came(api: Api, fabric: Fabric) -> Iterator[Migration]:
    """A migration of which Nova has just cleared up: the instance is on the second host, and preferred there."""
    with running(api, fabric, FIRST) as port:
        before = reads(fabric)
        move = Migration(api, fabric, port, FIRST, SECOND)
        prepare(move)
        migrate(move)
        arrived(fabric, port, SECOND)
        print(f"reads of Neutron until the instance had come from {FIRST} to {SECOND}: {reads(fabric, before)}")
        yield move


@contextmanager
def watched(fabric: Fabric, port: dict[str, Any], sources: Sequence[str] = ("client",)) -> Iterator[Watched]:
    """Look at what both switches know and what their kernels do, under load from these sources."""
    wanted = addresses(port)
    assert None not in fabric.reach("client", wanted, 60).values()
    with preferences(fabric, SWITCHES, wanted[0]) as seen, ExitStack() as stack:
        found = Watched(seen)
        found.monitors = {name: stack.enter_context(fabric.monitoring(name)) for name in (*SWITCHES, *fabric.hosts)}
        found.streams = {name: stack.enter_context(fabric.streaming(name, wanted, RATE)) for name in sources}
        yield found


def unpreferred(fabric: Fabric, port: dict[str, Any], host: str) -> None:
    """The host that an instance is about to leave has read so and taken its preference back."""
    eventually(
        lambda: watcher(fabric, host),
        lambda found: tap(port) in found["leaving"] and tap(port) not in found["arrived"],
        f"{host} gives its preference up",
        30,
    )


def routed_before(found: Watched, host: str, port: dict[str, Any], pause: Pause) -> list[str]:
    """Routes that a host had for the address before the instance ran there."""
    return [
        each.text
        for each in found.monitors[host].changes
        if each.prefix in prefixes(port) and not each.deleted and each.when < pause.began
    ]


def test_it_is_like_any_other_soon_after_nova_has_cleared_up_and_moves_on_without_two_hosts_alike(
    fabric: Fabric, came: Migration
) -> None:
    """Not after the 180 s that count where the source is not seen to be cleared up."""
    port, before = came.port, reads(fabric)
    settled(fabric, port, SECOND)
    print(f"and from then until it was like any other: {reads(fabric, before)}")
    move = came.on(THIRD)
    with watched(fabric, port) as found:
        prepare(move)
        pause = migrate(move)
        arrived(fabric, port, THIRD)
        gone(fabric, port, SECOND)
        fabric.forwarding(prefixes(port), {THIRD})
    found.show(port, THIRD, pause)
    assert found.alike(port) == ([], [])


@pytest.mark.slow
@pytest.mark.parametrize("target", [pytest.param(FIRST, id="back"), pytest.param(THIRD, id="on")])
def test_one_that_moves_again_at_once_is_preferred_where_it_is_no_more_before_its_memory_is_copied(
    fabric: Fabric, came: Migration, target: str
) -> None:
    port, move = came.port, came.on(target)
    flows = ["client", *(neighbor(fabric, host) for host in (FIRST, SECOND, THIRD))]
    with watched(fabric, port, flows) as found:
        prepare(move)
        unpreferred(fabric, port, SECOND)
        assert lines(fabric, target, port) == [], "a route before the instance runs here"
        pause = migrate(move)
        arrived(fabric, port, target)
        gone(fabric, port, SECOND)
        settled(fabric, port, target)
        found.seen.last({target: 100})
        fabric.forwarding(prefixes(port), {target})
    found.show(port, target, pause)
    assert found.alike(port) == ([], [])
    assert routed_before(found, target, port, pause) == []
    for each in found.seen.of.values():
        assert {target: 200} in each


@pytest.mark.slow
def test_one_that_moves_on_at_once_is_forwarded_to_two_hosts_until_the_tap_of_the_one_before_has_gone_at_most(
    fabric: Fabric, came: Migration
) -> None:
    """Faster than any read of the host that it leaves. Prints for how long, and what it cost."""
    port, move = came.port, came.on(THIRD)
    with watched(fabric, port, ["client", neighbor(fabric, FIRST)]) as found:
        prepare(move)
        pause = migrate(move)
        arrived(fabric, port, THIRD)
        gone(fabric, port, SECOND)
        settled(fabric, port, THIRD)
        found.seen.last({THIRD: 100})
        fabric.forwarding(prefixes(port), {THIRD})
    for name, stream in found.streams.items():
        told(name, stream.result, pause)
    removed = last_removal(found.monitors[SECOND], port)
    for name in SWITCHES:
        for began, ended in together(found.monitors[name], port):
            after, span, more = (1000 * it for it in (began - pause.ended, ended - began, ended - removed))
            print(f"{name}: to two hosts for {span:.0f} ms from {after:.0f} ms after the pause,"
                  f" {more:.0f} ms longer than {SECOND} routed it")  # fmt: skip
            assert began > pause.began


def last_removal(monitor: Monitor, port: dict[str, Any]) -> float:
    """When a host had no route of the port any more (seconds since 1970)."""
    return max(each.when for each in monitor.changes if each.prefix in prefixes(port) and each.deleted)


def together(monitor: Monitor, port: dict[str, Any]) -> list[tuple[float, float]]:
    """From when to when a switch's kernel forwarded an address of the port to two hosts; all of them have ended."""
    found = []
    for prefix in sorted(prefixes(port)):
        changes = [each for each in monitor.changes if each.prefix == prefix]
        for number, each in enumerate(changes):
            if each.text.count("dev hv") > 1:
                later = [it.when for it in changes[number + 1 :] if it.text.count("dev hv") == 1 and not it.deleted]
                assert later, f"{prefix} is forwarded to two hosts to the end"
                found.append((each.when, later[0]))
    return found


def test_where_neutron_was_read_last_between_the_end_of_the_tap_and_the_activation_nothing_comes_back_with_a_tap(
    api: Api, fabric: Fabric
) -> None:
    """Nova has Neutron bind the port to the target when QEMU has ended on the source, and the tap with it."""
    with running(api, fabric, FIRST) as port:
        move = Migration(api, fabric, port, FIRST, SECOND)
        prepare(move)
        move.move(PAUSE)
        ended = time.time()  # before the tap goes: Open vSwitch is told of it later, when the read may have begun
        move.unplug()
        eventually(lambda: watcher(fabric, FIRST)["good"], lambda when: when > ended, "the source has read Neutron", 30)
        move.activate()
        move.finish()
        settled(fabric, port, SECOND)
        back = move.on(FIRST)
        with fabric.monitoring(FIRST) as monitor:
            prepare(back)
        assert [each.text for each in monitor.changes if each.prefix in prefixes(port)] == []
        migrate(back)
        arrived(fabric, port, FIRST)
        gone(fabric, port, SECOND)
