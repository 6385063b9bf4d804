"""Routes that went with their link, or over a reboot, come back; what somebody deleted stays away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from roth.kernel.model import Link, LinkEvent, RouteEvent, RouteKind
from roth.lists import Lists
from roth.mirror import Changes
from roth.restore import read_listed

from tests.unit.agent.fakes import FakeKernel
from tests.unit.agent.host import Host, bring_up

LISTED = """\
# a comment
10.64.0.1/32 dev br-mobile
2001:db8:64::1/128 dev br-mobile
198.51.100.0/26 dev br-mobile
blackhole 198.51.100.0/26 metric 4294967295
192.0.2.11/32 dev lo
"""
BOOTED = "10.64.0.1/32 0\n"  # a note that something waits: this is no boot

Start = Callable[..., Host]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """A host whose lists and note are in a folder of the test's; `note` None: it has just booted."""

    def start(kernel: FakeKernel | None = None, listed: str = LISTED, taps: str = "", note: str | None = "") -> Host:
        (tmp_path / "routes").write_text(listed)
        (tmp_path / "taps").write_text(taps)
        if note is not None:
            (tmp_path / "waiting").write_text(note)
        return bring_up(
            kernel,
            routes_file=str(tmp_path / "routes"),
            taps_file=str(tmp_path / "taps"),
            watcher_routes_file=str(tmp_path / "watcher-routes"),
            watcher_taps_file=str(tmp_path / "watcher-taps"),
            status_socket=str(tmp_path / "agent.sock"),
        )

    return start


def full() -> FakeKernel:
    """A kernel that has all that is listed."""
    kernel = FakeKernel()
    kernel.add("10.64.0.1/32")
    kernel.add("2001:db8:64::1/128", metric=1024)
    kernel.add("198.51.100.0/26")
    kernel.add("198.51.100.0/26", None, 4294967295, RouteKind.BLACKHOLE)
    kernel.add("192.0.2.11/32", 1)
    return kernel


def held(host: Host) -> set[str]:
    return {prefix for (table, prefix, _metric), route in host.kernel.route_table.items() if table == 142}


ALL = {"10.64.0.1/32", "2001:db8:64::1/128", "198.51.100.0/26", "192.0.2.11/32"}


def pump(host: Host) -> None:
    """Let time pass, and the events of what was written come in."""
    host.advance(0.1)
    written = [route for (table, _prefix, _metric), route in host.kernel.route_table.items() if table == 142]
    host.event(*(RouteEvent(True, route) for route in written))


def test_routes_of_a_bridge_that_was_down_are_back_and_announced_when_it_is_up(start: Start) -> None:
    host = start(full())
    host.event(*host.kernel.set_down("br-mobile"))
    host.advance(0.1)
    assert held(host) == {"198.51.100.0/26", "192.0.2.11/32"}
    assert host.exabgp.out["10.1.1.0"] == {"198.51.100.0/26", "192.0.2.11/32"}
    host.event(host.kernel.set_up("br-mobile"))
    pump(host)
    assert held(host) == ALL
    assert host.exabgp.out["10.1.1.0"] == {prefix for prefix in ALL if ":" not in prefix}
    assert host.exabgp.out["2001:db8:1:1::a"] == {"2001:db8:64::1/128"}


def test_a_bridge_that_is_down_for_a_moment_between_two_reads_loses_nothing(start: Start) -> None:
    host = start(full())
    host.event(*host.kernel.set_down("br-mobile"), host.kernel.set_up("br-mobile"))
    pump(host)
    assert held(host) == ALL


def test_a_bridge_that_was_removed_and_made_again_gets_its_routes(start: Start) -> None:
    host = start(full())
    host.event(*host.kernel.set_down("br-mobile"))
    gone = host.kernel.link_table.pop(4)
    host.event(LinkEvent(False, gone))
    host.advance(0.1)
    host.kernel.link_table[9] = new = Link(9, "br-mobile", True, True)
    host.event(LinkEvent(True, new))
    pump(host)
    assert held(host) == ALL
    assert host.kernel.route_table[142, "10.64.0.1/32", 0].oif == 9


def test_a_route_that_somebody_deleted_stays_deleted_whatever_its_link_does(start: Start) -> None:
    host = start(full())
    host.event(host.kernel.remove("10.64.0.1/32"))
    host.event(*host.kernel.set_down("br-mobile"))
    host.advance(0.1)
    host.event(host.kernel.set_up("br-mobile"))
    pump(host)
    assert held(host) == ALL - {"10.64.0.1/32"}


def test_a_route_whose_removal_was_missed_is_not_put_back(start: Start) -> None:
    host = start(full())
    host.kernel.remove("10.64.0.1/32")  # its event was lost
    host.advance(61)
    assert held(host) == ALL - {"10.64.0.1/32"}


def test_a_route_by_hand_is_not_on_the_list_and_does_not_come_back(start: Start) -> None:
    host = start(full())
    host.event(host.kernel.add("10.64.77.7/32"))
    host.event(*host.kernel.set_down("br-mobile"))
    host.event(host.kernel.set_up("br-mobile"))
    pump(host)
    assert held(host) == ALL


def test_what_a_playbook_took_off_the_list_meanwhile_stays_away(start: Start, tmp_path: Path) -> None:
    host = start(full())
    host.event(*host.kernel.set_down("br-mobile"))
    host.advance(0.1)
    (tmp_path / "routes").write_text(LISTED.replace("10.64.0.1/32 dev br-mobile\n", ""))
    host.event(host.kernel.set_up("br-mobile"))
    pump(host)
    assert held(host) == ALL - {"10.64.0.1/32"}


def test_after_a_reboot_all_that_is_listed_comes_back_blackholes_first(start: Start) -> None:
    host = start(FakeKernel(), note=None)
    pump(host)
    assert held(host) == ALL
    adds = [text for text in host.kernel.writes if text.startswith("add ")]
    assert adds[:2] == ["add 198.51.100.0/26", "add 198.51.100.0/26"]


def test_after_a_reboot_routes_wait_for_their_bridge_and_their_instance_s_tap(start: Start) -> None:
    kernel = FakeKernel()
    del kernel.link_table[4], kernel.link_table[5]
    host = start(kernel, taps="10.64.0.1/32 tap0\n", note=None)
    pump(host)
    assert held(host) == {"198.51.100.0/26", "192.0.2.11/32"}  # of the first, the blackhole
    host.kernel.link_table[4] = bridge = Link(4, "br-mobile", True, True)
    host.event(LinkEvent(True, bridge))
    pump(host)
    assert held(host) == ALL - {"10.64.0.1/32"}
    host.kernel.link_table[7] = tap = Link(7, "tap0", True, True, 4)
    host.event(LinkEvent(True, tap))
    pump(host)
    assert held(host) == ALL


def test_an_agent_that_starts_again_puts_back_only_what_waited(start: Start, tmp_path: Path) -> None:
    host = start(FakeKernel(), note=BOOTED)
    pump(host)
    assert held(host) == {"10.64.0.1/32"}
    assert (tmp_path / "waiting").read_text() == ""


def test_an_agent_that_starts_while_the_bridge_is_down_waits_for_it(start: Start) -> None:
    kernel = full()
    kernel.set_down("br-mobile")
    host = start(kernel)
    host.event(host.kernel.set_up("br-mobile"))
    pump(host)
    assert held(host) == ALL


def test_what_waits_is_noted_for_the_next_agent(start: Start, tmp_path: Path) -> None:
    host = start(full())
    host.event(*host.kernel.set_down("br-mobile"))
    host.advance(0.1)
    assert (tmp_path / "waiting").read_text().splitlines() == [
        "10.64.0.1/32 0", "198.51.100.0/26 0", "2001:db8:64::1/128 1024",
    ]  # fmt: skip


def test_a_list_that_cannot_be_understood_is_an_alarm_and_changes_nothing(start: Start) -> None:
    host = start(full(), listed="10.64.0.1/32 over br-mobile\n")
    host.event(*host.kernel.set_down("br-mobile"))
    host.event(host.kernel.set_up("br-mobile"))
    pump(host)
    assert any("the list of wanted routes can't be read" in alarm for alarm in host.status()["alarms"])
    assert "10.64.0.1/32" not in held(host)


def test_no_list_lists_nothing(tmp_path: Path) -> None:
    assert read_listed(Lists(str(tmp_path / "none"), str(tmp_path / "none"))).routes == {}


def test_what_the_kernel_refused_is_tried_again(start: Start) -> None:
    host = start(full())
    host.event(*host.kernel.set_down("br-mobile"))
    host.advance(0.1)
    restoration = host.agent.restoration
    bridge = Link(4, "br-mobile", True, True)
    operations = restoration.due(host.agent.mirror.routes, {4: bridge})  # it is down again before they are written
    failures = host.kernel.apply(142, 142, operations)
    restoration.put_back(operations, failures)
    assert {str(prefix) for prefix, _metric in restoration.waiting} == {
        "10.64.0.1/32", "198.51.100.0/26", "2001:db8:64::1/128",
    }  # fmt: skip
    host.event(host.kernel.set_up("br-mobile"))
    pump(host)
    assert held(host) == ALL


def test_what_was_put_back_is_not_written_again_before_its_event_is_here(start: Start) -> None:
    host = start(full())
    host.event(*host.kernel.set_down("br-mobile"))
    host.event(host.kernel.set_up("br-mobile"))
    host.advance(0.1)
    host.agent.mirror.changed(Changes(links=True))
    assert host.kernel.writes.count("add 10.64.0.1/32") == 1


def test_a_list_that_can_not_be_read_is_said_once_and_read_again_when_it_can(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host = start(full())
    (tmp_path / "routes").write_text("10.64.0.1/32 over there\n")
    for _time in range(3):
        host.event(*host.kernel.set_down("br-mobile"))
        host.advance(0.1)
        host.event(host.kernel.set_up("br-mobile"))
        pump(host)
    assert capsys.readouterr().err.count("event=list_not_read") == 1
    assert host.agent.restoration.failure
    (tmp_path / "routes").write_text(LISTED)
    host.event(*host.kernel.set_down("br-mobile"), host.kernel.set_up("br-mobile"))
    pump(host)
    assert (host.agent.restoration.failure, held(host)) == (None, ALL)


def test_a_route_of_the_loopback_is_put_back_while_nothing_else_is_up(start: Start) -> None:
    kernel = full()
    for name in ("up0", "up1", "br-mobile", "tap0"):
        kernel.set_down(name)
    kernel.remove("192.0.2.11/32")
    host = start(kernel, note=None)
    pump(host)
    assert "192.0.2.11/32" in held(host)
    assert not {"10.64.0.1/32", "2001:db8:64::1/128"} & held(host)
