"""The whole agent with a kernel, an ExaBGP, a bfdd and a clock of our own."""

from __future__ import annotations

import asyncio
import errno
import json
from pathlib import Path

import pytest
from roth.health import problems
from roth.kernel.model import (
    Family,
    Link,
    LinkEvent,
    Overrun,
    RouteKind,
)
from roth.uplinks import BfdState

from tests.unit.agent.fakes import FakeKernel, config, document
from tests.unit.agent.host import Host, bring_up


def test_a_route_in_the_kernel_is_announced_at_once_and_withdrawn_with_it(host: Host) -> None:
    host.event(host.kernel.add("10.64.77.7/32"))
    assert host.exabgp.out["10.1.1.0"] == host.exabgp.out["10.2.1.0"] == {"10.64.77.7/32"}
    assert host.status()["announced"] == ["10.64.77.7/32"]
    host.event(host.kernel.remove("10.64.77.7/32"))
    assert host.exabgp.out["10.1.1.0"] == set()


def test_a_prefix_outside_the_allowed_ones_is_withheld_and_reported(host: Host) -> None:
    host.event(host.kernel.add("10.99.0.1/32"))
    assert host.exabgp.out["10.1.1.0"] == set()
    assert host.status()["withheld"] == [{"prefix": "10.99.0.1/32", "reason": "outside the allowed prefixes"}]
    host.event(host.kernel.remove("10.99.0.1/32"))
    assert host.status()["withheld"] == []


def test_of_two_metrics_the_last_one_to_go_withdraws_the_prefix(host: Host) -> None:
    host.event(host.kernel.add("10.64.0.1/32"), host.kernel.add("10.64.0.1/32", metric=5))
    host.event(host.kernel.remove("10.64.0.1/32"))
    assert host.exabgp.out["10.1.1.0"] == {"10.64.0.1/32"}
    host.event(host.kernel.remove("10.64.0.1/32", metric=5))
    assert host.exabgp.out["10.1.1.0"] == set()


def test_an_aggregate_stands_on_its_blackhole(host: Host) -> None:
    host.event(host.kernel.add("198.51.100.0/26", None, 4294967295, RouteKind.BLACKHOLE))
    assert host.exabgp.out["10.1.1.0"] == {"198.51.100.0/26"}


def test_routes_that_vanish_silently_with_their_link_are_withdrawn_and_come_back(host: Host) -> None:
    host.event(host.kernel.add("10.64.0.1/32"))
    host.kernel.route_table.clear()  # IPv4: no RTM_DELROUTE
    down = Link(4, "br-mobile", False, False)
    host.kernel.link_table[4] = down
    host.event(LinkEvent(True, down))
    host.advance(0.1)
    assert host.exabgp.out["10.1.1.0"] == set()
    host.kernel.link_table[4] = up = Link(4, "br-mobile", True, True)
    host.event(LinkEvent(True, up), host.kernel.add("10.64.0.1/32"))
    host.advance(0.1)
    assert host.exabgp.out["10.1.1.0"] == {"10.64.0.1/32"}


def test_a_missed_event_is_noticed_by_the_check_that_follows_a_burst(host: Host) -> None:
    host.kernel.add("10.64.0.2/32")  # its event never comes
    host.event(host.kernel.add("10.64.0.1/32"))
    assert host.exabgp.out["10.1.1.0"] == {"10.64.0.1/32"}
    host.advance(1.1)
    assert host.exabgp.out["10.1.1.0"] == {"10.64.0.1/32", "10.64.0.2/32"}


def test_an_overrun_leads_to_a_full_read(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.kernel.add("10.64.0.2/32")
    host.events.waiting.append(Overrun("full"))
    host.agent.mirror.readable()
    host.advance(0.1)
    assert host.exabgp.out["10.1.1.0"] == {"10.64.0.2/32"}
    assert "event=events_lost action=resync" in capsys.readouterr().err


def test_a_failed_read_withdraws_nothing_and_is_tried_again(host: Host) -> None:
    host.event(host.kernel.add("10.64.0.1/32"))
    host.kernel.failing = OSError(11, "changed during each of 10 dumps")
    host.agent.mirror.resync()
    host.settle()
    assert host.exabgp.out["10.1.1.0"] == {"10.64.0.1/32"}
    assert any("can't be read" in alarm for alarm in host.status()["alarms"])
    host.kernel.failing = None
    host.advance(1.1)
    assert host.status()["alarms"] == []


def test_nothing_is_said_while_the_first_read_fails() -> None:
    host = Host()
    host.kernel.add("10.64.0.1/32")
    host.kernel.failing = OSError(1, "Operation not permitted")
    host.exabgp.out["10.1.1.0"] = {"10.64.0.1/32", "10.64.0.2/32"}
    host.exabgp.established = {"10.1.1.0"}
    host.agent.start()
    host.connect()
    assert not [line for line in host.exabgp.commands if "announce" in line or "withdraw" in line]
    host.kernel.failing = None
    host.advance(1.1)
    assert host.exabgp.out["10.1.1.0"] == {"10.64.0.1/32"}
    assert [peer for peer, _held in host.exabgp.ended] == ["10.1.1.0"]


def test_a_session_that_goes_down_leaves_the_group(host: Host) -> None:
    host.agent.speaker.line(host.exabgp.event("10.1.1.0", "down", "hold timer expired"))
    assert (host.members(), host.members(Family.IPV6)) == ((142114,), (142106, 142116))


def test_bfd_down_leaves_the_group_in_both_families_and_comes_back(host: Host) -> None:
    host.bfd(up1=BfdState.DOWN)
    assert (host.members(), host.members(Family.IPV6)) == ((142104,), (142106,))
    host.bfd()
    assert host.members() == (142104, 142114)


def test_a_restarted_agent_adopts_the_group_and_takes_nothing_out(host: Host) -> None:
    host.event(host.kernel.add("10.64.0.1/32"))
    host.kernel.writes.clear()
    again = Host(host.kernel)
    again.exabgp = host.exabgp
    again.agent.send = again.exabgp.send
    again.exabgp.commands.clear()
    again.agent.start()  # neither ExaBGP nor bfdd have said anything
    again.advance(1.0)
    assert (again.members(), again.kernel.writes) == ((142104, 142114), [])
    again.connect()
    again.bfd()
    assert not [line for line in again.exabgp.commands if "nlri" in line]
    assert (again.members(), again.kernel.writes) == ((142104, 142114), [])


def test_losing_exabgp_changes_neither_group_nor_announcements(host: Host) -> None:
    host.event(host.kernel.add("10.64.0.1/32"))
    host.kernel.writes.clear()
    host.agent.speaker.disconnect()
    host.advance(60)
    assert (host.members(), host.kernel.writes) == ((142104, 142114), [])
    assert {session["state"] for session in host.status()["sessions"]} == {"unknown"}
    assert "the agent has no connection to ExaBGP" in problems(host.status())


def test_losing_bfdd_changes_nothing_and_is_an_alarm(host: Host) -> None:
    host.kernel.writes.clear()
    host.agent.bfd_lost("connection refused")
    host.advance(5)
    assert (host.members(), host.kernel.writes) == ((142104, 142114), [])
    assert host.status()["alarms"] == ["bfdd can't be asked: connection refused"]


def test_a_restarted_bfdd_starts_down_and_takes_nothing_out(host: Host) -> None:
    host.agent.bfd_lost("closed")
    host.bfd(BfdState.DOWN)
    assert host.members() == (142104, 142114)
    host.bfd()
    host.bfd(up1=BfdState.DOWN)
    assert host.members() == (142104,)


def test_both_bfd_sessions_down_keep_the_group_with_an_alarm(host: Host) -> None:
    host.bfd(BfdState.DOWN)
    assert host.members() == (142104, 142114)
    status = host.status()
    assert status["defaults"][0]["fail_static"]
    assert "no uplink is usable for 0.0.0.0/0: keeping up0, up1" in status["alarms"]
    assert status["last_error"]["text"].startswith("no uplink is usable")


def test_new_ports_of_an_isolated_bridge_are_isolated(host: Host) -> None:
    assert host.kernel.isolated == [5]
    host.kernel.link_table[5] = Link(5, "tap0", True, True, 4, None, True)
    host.kernel.link_table[6] = tap = Link(6, "tap1", True, True, 4, None, False)
    host.event(LinkEvent(True, tap))
    host.advance(0.1)
    assert host.kernel.isolated[1:] == [6]


def test_a_port_that_could_not_be_isolated_is_an_alarm_and_tried_again_without_any_event() -> None:
    kernel = FakeKernel()
    kernel.busy_ports = OSError(16, "Device or resource busy")
    host = bring_up(kernel)
    assert host.status()["alarms"] == ["bridge port tap0 can't be isolated: [Errno 16] Device or resource busy"]
    kernel.busy_ports = None
    host.advance(10.1)
    assert (kernel.isolated, host.status()["alarms"]) == ([5], [])


@pytest.mark.parametrize("code", [errno.ENODEV, errno.ENXIO])
def test_a_port_that_vanished_is_no_alarm(code: int) -> None:
    kernel = FakeKernel()
    kernel.busy_ports = OSError(code, "gone")
    assert bring_up(kernel).status()["alarms"] == []


def test_a_reload_takes_over_allowed_prefixes(host: Host, tmp_path: Path) -> None:
    host.event(host.kernel.add("10.64.0.1/32"), host.kernel.add("10.99.0.1/32"))
    path = tmp_path / "agent.json"
    path.write_text(json.dumps(document(allowed_prefixes=[{"prefix": "10.99.0.0/16", "ge": 32, "le": 32}])))
    host.agent.reload(str(path))
    host.settle()
    assert host.exabgp.out["10.1.1.0"] == {"10.99.0.1/32"}


@pytest.mark.parametrize("changes", [{"asn": 65012}, {"table": 1}, {"asn": "x"}])
def test_a_bad_reload_is_refused_and_the_old_configuration_stays(host: Host, tmp_path: Path, changes: dict) -> None:
    path = tmp_path / "agent.json"
    path.write_text(json.dumps(document(**changes)))
    host.agent.reload(str(path))
    assert host.agent.config == config()
    assert host.status()["last_error"]["text"].startswith("configuration refused")


def test_unknown_questions_are_answered_with_an_error(host: Host) -> None:
    assert "unknown command" in asyncio.run(host.agent.answer("reboot"))["error"]
