"""Whom the neighbours are told of that an address has left, when, and how often."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from roth.kernel.model import Link

from .rig import BRIDGE, Rig, prefixes, tap

ADDRESSES = {prefix.partition("/")[0] for prefix in prefixes(1)}


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    found = Rig(tmp_path)
    found.settle()
    found.boot(1, 2, 3)
    found.settle()
    assert not found.wire.told
    return found


def leave(rig: Rig, number: int) -> None:
    rig.event(rig.store.unplug(tap(number)))


def test_neighbours_are_told_at_once_and_twice_again(rig: Rig) -> None:
    began = rig.clock.now
    leave(rig, 1)
    rig.settle(5)
    assert rig.wire.told.keys() == ADDRESSES
    for times in rig.wire.told.values():
        assert [round(when - began, 3) for when in times] == [0, 0.2, 1]


def test_neutron_is_not_needed_for_it(rig: Rig) -> None:
    rig.mode = "unreachable"
    leave(rig, 1)
    assert rig.wire.told.keys() == ADDRESSES


def test_an_instance_that_came_back_is_told_no_more_of(rig: Rig) -> None:
    leave(rig, 1)
    leave(rig, 2)
    rig.event(rig.store.plug(tap(1)))
    rig.settle(5)
    assert {address: len(times) for address, times in rig.wire.told.items()} == {
        **dict.fromkeys(ADDRESSES, 1),
        **{prefix.partition("/")[0]: 3 for prefix in prefixes(2)},
    }


def test_one_that_leaves_again_is_told_of_from_the_beginning(rig: Rig) -> None:
    leave(rig, 1)
    rig.settle(0.1)
    rig.event(rig.store.plug(tap(1)))
    rig.settle(0.1)
    began = rig.clock.now
    leave(rig, 1)
    rig.settle(5)
    for times in rig.wire.told.values():
        assert [round(when - began, 3) for when in times] == [-0.2, 0, 0.2, 1]


def test_one_whose_port_moved_is_told_of_although_its_tap_is_still_here(rig: Rig) -> None:
    rig.ports[1]["binding:host_id"] = "hv2"
    rig.watcher.hurry()
    rig.settle()
    assert rig.wire.told.keys() == ADDRESSES


@pytest.mark.parametrize("plugged", [True, False])
def test_one_that_is_only_not_routed_any_more_keeps_its_neighbours(rig: Rig, plugged: bool) -> None:
    """To the instance it would look as if somebody had taken its address."""
    rig.ports[1]["admin_state_up"] = False
    if not plugged:
        rig.store.unplug(tap(1))
    rig.watcher.hurry()
    rig.settle(5)
    assert rig.store.has() == prefixes(2) | prefixes(3)
    assert rig.wire.told.keys() == (set() if plugged else ADDRESSES)


def test_on_a_pinned_network_s_bridge_nobody_is_told(tmp_path: Path) -> None:
    subnets = [{"cidr": "10.64.0.0/16", "host": "hv1"}, {"cidr": "2001:db8:64::/64", "host": "hv1"}]
    network = {"name": "mobile", "bridge": BRIDGE, "plan": "pinned", "subnets": subnets}
    rig = Rig(tmp_path, networks=[network])
    rig.settle()
    rig.boot(1)
    rig.settle()
    assert rig.store.has() == prefixes(1)
    leave(rig, 1)
    rig.settle(5)
    assert (rig.store.has(), dict(rig.wire.told)) == (set(), {})


def test_a_frame_that_cannot_be_sent_stops_nothing(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(link: Link, addresses: object) -> None:
        raise OSError(errno.ENETDOWN, "Network is down")

    rig.wire.tell = fail  # type: ignore[method-assign]
    leave(rig, 1)
    rig.settle(5)
    assert rig.store.has() == prefixes(2) | prefixes(3)
    assert capsys.readouterr().err.count("event=neighbors_not_told") == 3
    assert json.loads((rig.folder / "status.json").read_text())["problems"] == []


def test_without_a_socket_nothing_is_remembered(rig: Rig) -> None:
    rig.watcher.farewells.wire = None
    leave(rig, 1)
    rig.watcher.farewells.wire = rig.wire
    rig.settle(5)
    assert not rig.wire.told
