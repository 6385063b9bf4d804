"""Live migration under load: the target is preferred before the source withdraws, and nothing is left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

import pytest
from lab.api import Api

from tests.lab.fabric import Fabric, Loss, eventually

from .arriving import PAUSE, arrived, forwarded, gone, lines, migrate, neighbor, prepare, running, settled, told
from .cloud import prefixes
from .migration import Migration, Pause
from .plugged import SWITCHES, addresses, plug, ports, tap, watcher
from .preferences import Preferences, preferences

RUNS = int(os.environ.get("ROTH_MIGRATIONS", "2"))
"""Migrations that are counted; 20 for figures that are published."""
RATE = float(os.environ.get("ROTH_MIGRATION_RATE", "1000"))
"""Packets a second of each flow."""
SOURCE, TARGET, THIRD = "hv1", "hv3", "hv2"


@contextmanager
def moving(api: Api, fabric: Fabric) -> Iterator[tuple[dict[str, Any], Migration]]:
    """A port of the source whose instance runs there and is expected on the target."""
    with running(api, fabric, SOURCE) as port:
        move = Migration(api, fabric, port, SOURCE, TARGET)
        prepare(move)
        yield port, move


def test_while_an_instance_moves_the_target_is_preferred_and_never_two_hosts_alike(api: Api, fabric: Fabric) -> None:
    """Prints what each flow lost, and what of it was sent when the instance ran somewhere."""
    flows = {"client": "client", "third host": neighbor(fabric, THIRD), "source's neighbour": neighbor(fabric, SOURCE),
             "target's neighbour": neighbor(fabric, TARGET)}  # fmt: skip
    beyond: dict[str, list[int]] = {name: [] for name in flows}
    for number in range(RUNS):
        with ports(api, fabric, [SOURCE]) as (port,):
            pause, losses, equal = one(api, fabric, port, list(flows.values()))
            for name, loss in zip(flows, losses, strict=True):
                beyond[name].append(told(f"{number}: {name}", loss, pause))
            assert equal == []
    for name, counts in beyond.items():
        print(f"{name}: lost beyond the pause: median {median(counts)}, most {max(counts)}, of {RUNS} migrations")


def one(
    api: Api, fabric: Fabric, port: dict[str, Any], sources: Sequence[str]
) -> tuple[Pause, list[Loss], list[tuple[str, Preferences]]]:
    """One migration under load, until nothing is left of it on the source and the target has it like any other."""
    plug(fabric, [port])
    wanted = addresses(port)
    for source in sources:
        assert None not in fabric.reach(source, wanted, 60).values()
    move = Migration(api, fabric, port, SOURCE, TARGET)
    prepare(move)
    with preferences(fabric, SWITCHES, wanted[0]) as seen:
        with ExitStack() as stack:
            monitors = {name: stack.enter_context(fabric.monitoring(name)) for name in SWITCHES}
            streams = [stack.enter_context(fabric.streaming(source, wanted, RATE)) for source in sources]
            assert lines(fabric, TARGET, port) == [], "a route before the instance runs here"
            pause = migrate(move)
            arrived(fabric, port, TARGET)
            gone(fabric, port, SOURCE)
            fabric.forwarding(prefixes(port), {TARGET})
        settled(fabric, port, TARGET)
        seen.last({TARGET: 100})
    for name, monitor in monitors.items():
        forwarded(name, monitor, prefixes(port), TARGET, pause)
    print(f"{seen.looks} looks at the switches: {seen.of}")
    for found in seen.of.values():
        assert {TARGET: 200} in found
    assert None not in fabric.reach("client", wanted, 60).values()
    return pause, [stream.result for stream in streams], seen.equal()


def test_a_copy_that_stays_on_the_source_is_withdrawn_without_its_tap(api: Api, fabric: Fabric) -> None:
    """The source has read that its port is to leave: from then on it reads more often."""
    with moving(api, fabric) as (port, move):
        fabric.run(SOURCE, "systemctl", "reload", "roth-ports")  # else it would read so within its period
        eventually(lambda: watcher(fabric, SOURCE)["leaving"], lambda found: tap(port) in found, "it knows", 30)
        with preferences(fabric, SWITCHES, addresses(port)[0]) as seen:
            move.move(PAUSE)
            move.activate()
            gone(fabric, port, SOURCE)
            assert len(lines(fabric, TARGET, port)) == 2
            settled(fabric, port, TARGET)
        assert tap(port) in fabric.ip(SOURCE, "-br", "link")
        assert seen.equal() == []
        move.finish()
        move.unplug()


@pytest.mark.slow  # it waits for 30 s that Neutron might still bind it there
def test_an_instance_that_neutron_does_not_bind_where_it_was_seen_is_given_back(api: Api, fabric: Fabric) -> None:
    with moving(api, fabric) as (port, move):
        with preferences(fabric, SWITCHES, addresses(port)[0]) as seen:
            move.move(PAUSE)
            arrived(fabric, port, TARGET)
            gone(fabric, port, TARGET)
            seen.last({SOURCE: 100})
        assert len(lines(fabric, SOURCE, port)) == 2
        assert seen.equal() == []
