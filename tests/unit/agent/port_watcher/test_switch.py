"""The watcher where Open vSwitch tells which interfaces are here."""

from __future__ import annotations

from pathlib import Path

import pytest
from roth.kernel.model import Link
from roth.port_watcher.following import Lost
from roth.port_watcher.presence import SwitchPort

from .rig import Rig, port_id, routed, tap

TARGET = "tcp:127.0.0.1:6640"
LOST = Lost("Connection refused")


def plugged(*numbers: int, kind: str = "internal", name: str = "vm{}") -> frozenset[SwitchPort]:
    return frozenset(SwitchPort(port_id(number), name.format(number), kind) for number in numbers)


def vhost(*numbers: int) -> frozenset[SwitchPort]:
    return plugged(*numbers, kind="dpdkvhostuserclient", name="vhu{}")


def place_vhost(rig: Rig, *numbers: int) -> None:
    rig.place(*numbers)
    for number in numbers:
        rig.ports[number]["binding:vif_type"] = "vhostuser"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    found = Rig(tmp_path, ovsdb=TARGET)
    found.settle()
    return found


def test_a_port_that_is_no_link_of_the_host_brings_its_route_and_takes_it_away(rig: Rig) -> None:
    rig.watcher.heard(frozenset())
    rig.place(1, 2)
    rig.watcher.heard(plugged(1))
    rig.settle()
    assert rig.store.has() == routed(1)
    rig.mode = "unreachable"
    rig.watcher.heard(frozenset())
    assert rig.store.has() == set()
    rig.watcher.heard(plugged(1))
    assert rig.store.has() == routed(1)


def test_what_the_switch_tells_is_a_hint_and_what_it_repeats_is_none(rig: Rig) -> None:
    rig.watcher.heard(frozenset())
    rig.settle()
    reads = len(rig.reads)
    rig.watcher.heard(plugged(1))
    rig.settle()
    assert len(rig.reads) > reads
    rig.settle(200)  # the tap that nobody explains has been looked for
    reads = len(rig.reads)
    rig.watcher.heard(plugged(1))
    rig.settle()
    assert len(rig.reads) == reads


def test_a_silent_database_withdraws_nothing_and_is_shown(rig: Rig) -> None:
    rig.watcher.heard(vhost(1) | plugged(2))
    place_vhost(rig, 1)
    rig.place(2)
    rig.watcher.hurry()
    rig.settle()
    assert rig.store.has() == routed(1, 2)
    rig.watcher.heard(LOST)
    rig.watcher.hurry()
    rig.settle(100)
    assert rig.store.has() == routed(1, 2)
    shown = rig.status()["switch"]
    assert (shown["connected"], shown["text"], shown["ports"]) == (False, LOST.text, 2)
    rig.watcher.heard(plugged(2))
    assert rig.store.has() == routed(2)
    assert rig.status()["switch"]["connected"]


def test_a_tap_that_has_gone_is_gone_while_the_database_is_silent(rig: Rig) -> None:
    rig.watcher.heard(plugged(1, kind="", name=tap(1)))
    rig.boot(1)
    rig.settle()
    rig.watcher.heard(LOST)
    rig.event(rig.store.unplug(tap(1)))
    assert rig.store.has() == set()


def test_a_link_of_another_name_is_an_instance_s_by_its_iface_id(rig: Rig) -> None:
    rig.watcher.heard(plugged(1, kind="system"))
    rig.place(1)
    rig.settle()
    assert rig.store.has() == set()
    came = rig.store.plug("vm1")
    rig.event(came)
    rig.settle()
    assert rig.store.has() == routed(1)
    assert isinstance(came.link, Link)
    rig.event(rig.store.unplug("vm1"))
    assert rig.store.has() == set()


def test_a_vhost_user_port_stands_over_a_restart_until_the_switch_says_otherwise(rig: Rig) -> None:
    place_vhost(rig, 1)
    rig.watcher.heard(vhost(1))
    rig.settle()
    assert rig.store.has() == routed(1)
    rig.start()
    rig.settle()
    assert rig.store.has() == routed(1)
    rig.watcher.heard(LOST)
    rig.settle()
    assert rig.store.has() == routed(1)
    rig.watcher.heard(frozenset())
    rig.settle()
    assert rig.store.has() == set()


def test_the_agent_s_list_has_no_interface_that_the_agent_cannot_see(rig: Rig) -> None:
    place_vhost(rig, 1)
    rig.boot(2)
    rig.watcher.heard(vhost(1))
    rig.settle()
    assert {line.split()[1] for line in (rig.folder / "taps").read_text().splitlines()} == {tap(2)}


def test_where_no_database_is_followed_a_vhost_user_port_needs_no_interface(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    place_vhost(rig, 1)
    rig.settle()
    assert rig.store.has() == routed(1)
    assert rig.status()["switch"] is None
