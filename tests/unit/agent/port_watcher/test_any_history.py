"""Whatever happens to Neutron, to the host and to the watcher, in whatever order."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from roth.kernel.removals import RemovalLimit

from tests.unit.agent.port_watcher.rig import Rig, port, prefixes, routed, tap

MODES = ["good", "good", "empty", "unreachable", "refused", "broken", "half", "surprise", "silent", "empty"]
LIMIT = RemovalLimit(20, 4)
numbers = st.integers(0, 7)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["boot", "boot", "plug", "unplug", "unnoticed", "here", "away", "delete"]), numbers),
        st.tuples(st.just("lose"), st.sets(numbers, max_size=4)),
        st.tuples(st.just("mode"), st.sampled_from(MODES)),
        st.tuples(st.just("wait"), st.sampled_from([0.01, 0.1, 0.2, 1.0, 31.0, 80.0, 80.0, 400.0])),
        st.tuples(st.just("latency"), st.sampled_from([0.01, 0.15, 8.0, 31.0])),
        st.tuples(st.sampled_from(["restart", "reboot", "flap", "hurry"]), st.none()),
    ),
    min_size=12,
    max_size=40,
)


def watch_removals(rig: Rig) -> None:
    """No answer takes away more than the share of what is here, and never all of it, unless their taps are gone."""
    write = rig.store.write

    def judged(table, protocol, changes):
        here = {prefix for number in range(8) if tap(number) in rig.taps() for prefix in prefixes(number)}
        before = rig.store.has() & here
        failures = write(table, protocol, changes)
        removed = before - rig.store.has()
        assert not removed or LIMIT.accepts(len(removed), len(before)), f"{removed} of {before} were removed at once"
        return failures

    rig.store.write = judged


def change_port(rig: Rig, what: str, number: int) -> None:
    """In Neutron, and of a tap on the host."""
    plugged = tap(number) in rig.taps()
    if what == "delete":
        rig.ports.pop(number, None)
    elif what in ("here", "boot"):
        rig.ports[number] = port(number)
    elif what == "away":
        rig.ports[number] = port(number, host="hv3")
    if what in ("boot", "plug", "unnoticed") and not plugged:
        event = rig.store.plug(tap(number))
        rig.event(event) if what != "unnoticed" else rig.watcher.overrun()
    elif what == "unplug" and plugged:
        rig.event(rig.store.unplug(tap(number)))


def step(rig: Rig, what: str, value: object) -> None:
    if isinstance(value, int):
        change_port(rig, what, value)
    elif what == "lose":
        rig.lost = set(value)
    elif what in ("mode", "latency"):
        setattr(rig, what, value)
    elif what == "wait":
        rig.settle(value)
    elif what == "hurry":
        rig.watcher.hurry()
    elif what == "flap":
        rig.event(rig.store.set_bridge(False))
        rig.event(rig.store.set_bridge(True))
    elif what in ("restart", "reboot"):
        if what == "reboot":
            rig.store.hops.clear()
        rig.start()


@given(steps, st.floats(0, 1))
def test_no_route_of_a_port_that_is_here_is_ever_missing_and_none_of_another_host_is_there(history, chance) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), chance)
        watch_removals(rig)
        rig.boot(0, 1, 2, 3)
        rig.settle(2)
        for what, value in history:
            step(rig, what, value)
            assert rig.due() <= rig.store.has(), "a port that the last good answer placed here lacks its route"
            assert rig.store.has() <= routed(*rig.ever), "a port that no answer ever placed here is routed"
            without = {number for number in rig.ever if tap(number) not in rig.taps()}
            assert rig.store.has().isdisjoint(routed(*without)), "a port without its tap is routed"


@given(steps, st.floats(0, 1))
def test_once_neutron_is_well_the_host_has_exactly_its_ports_or_the_share_is_alarmed(history, chance) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), chance)
        for what, value in history:
            step(rig, what, value)
        rig.mode, rig.lost, rig.latency = "good", set(), 0.1
        rig.settle(250)
        wanted = {
            prefix
            for number, each in rig.ports.items()
            if each["binding:host_id"] == "hv1" and tap(number) in rig.taps()
            for prefix in prefixes(number)
        }
        assert rig.store.has() >= wanted
        assert rig.store.has() == wanted or rig.status()["refused"]
        assert rig.status()["failure"] is None
        assert rig.status()["problems"] == []
