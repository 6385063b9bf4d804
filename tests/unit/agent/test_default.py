"""The learned default in the kernel, by the whole agent: what is written, put back, kept and left alone."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from roth.health import problems
from roth.kernel.model import (
    Family,
    KernelRoute,
    Nexthop,
    NexthopEvent,
    NexthopGroup,
)
from roth.sessions import GRACE
from roth.uplinks import BfdState

from tests.unit.agent.fakes import V4, FakeKernel, config, document
from tests.unit.agent.host import Host, bring_up


def test_the_learned_default_becomes_a_group_over_both_uplinks(host: Host) -> None:
    assert (host.members(), host.members(Family.IPV6)) == ((142104, 142114), (142106, 142116))
    assert host.kernel.nexthop_table[142114] == Nexthop(142114, 3, V4[1])
    assert [route.nhid for key, route in host.kernel.route_table.items() if key[0] == 143] == [142004, 142006]
    assert host.status()["defaults"][0] == {
        "family": "ipv4",
        "group": 142004,
        "uplinks": ["up0", "up1"],
        "installed": True,
        "fail_static": False,
    }
    assert problems(host.status()) == []


def test_carrier_loss_and_return_recreate_what_the_kernel_dropped_silently(host: Host) -> None:
    host.event(host.kernel.lose_carrier("up0"))
    assert host.members() == (142114,)
    assert 142104 not in host.kernel.nexthop_table
    host.event(host.kernel.regain_carrier("up0"))
    assert host.members() == (142104, 142114)
    assert host.kernel.nexthop_table[142104].gateway == V4[0]


def test_both_carriers_lost_and_back_reinstall_group_and_route(host: Host) -> None:
    host.event(host.kernel.lose_carrier("up0"), host.kernel.lose_carrier("up1"))
    assert host.members() == ()
    assert not host.status()["defaults"][0]["installed"]
    host.event(host.kernel.regain_carrier("up0"), host.kernel.regain_carrier("up1"))
    assert host.members() == (142104, 142114)
    assert [route.nhid for key, route in host.kernel.route_table.items() if key[0] == 143] == [142004, 142006]


def test_a_nexthop_that_somebody_removed_is_put_back(host: Host) -> None:
    host.kernel.delete_nexthop(142004)
    host.event(NexthopEvent(False, 142004))
    host.advance(0.3)
    assert host.members() == (142104, 142114)


def test_what_goes_missing_without_any_event_is_put_back_by_the_slow_check(host: Host) -> None:
    host.kernel.delete_nexthop(142004)
    host.advance(10.1)
    assert host.members() == (142104, 142114)


def test_a_kernel_that_is_right_is_not_written(host: Host) -> None:
    host.kernel.writes.clear()
    host.agent.decide()
    host.advance(60)
    assert host.kernel.writes == []


@pytest.mark.parametrize("id", [142004, 142114])
def test_a_nexthop_object_of_somebody_else_is_left_alone_and_an_alarm(id: int) -> None:
    kernel = FakeKernel()
    kernel.foreign_ids = {id: 196}
    kernel.nexthop_table = {142999: Nexthop(142999, 2, V4[0])}
    if id == 142004:
        kernel.group_table[id] = foreign = NexthopGroup(id, ((142999, 1),))
    else:
        kernel.nexthop_table[id] = foreign = Nexthop(id, 2, V4[0])
    host = bring_up(kernel)
    assert (kernel.group_table | kernel.nexthop_table)[id] == foreign
    assert host.members(Family.IPV6) == (142106, 142116)
    assert not host.status()["defaults"][0]["installed"]
    (alarm,) = host.status()["alarms"]
    assert alarm.endswith(f"nexthop id {id} belongs to routing protocol 196")


def test_a_default_of_somebody_else_is_left_alone_and_an_alarm_until_it_goes() -> None:
    kernel = FakeKernel()
    foreign = KernelRoute(ip_network("0.0.0.0/0"), 20, 2, 1, 4, 143, plain=False)
    kernel.route_table[143, "0.0.0.0/0", 20] = foreign
    host = bring_up(kernel)
    assert kernel.route_table[143, "0.0.0.0/0", 20] == foreign
    (alarm,) = host.status()["alarms"]
    assert alarm.endswith("0.0.0.0/0 metric 20 in table 143 belongs to routing protocol 4")
    del kernel.route_table[143, "0.0.0.0/0", 20]
    host.advance(10.1)
    assert kernel.route_table[143, "0.0.0.0/0", 20].nhid == 142004
    assert host.status()["alarms"] == []


def test_the_floor_below_the_default_is_no_conflict() -> None:
    kernel = FakeKernel()
    kernel.route_table[143, "0.0.0.0/0", 4294967295] = KernelRoute(
        ip_network("0.0.0.0/0"), 4294967295, None, 7, 4, 143, plain=False
    )
    assert bring_up(kernel).status()["alarms"] == []


def sources(host: Host) -> list[str]:
    return [str(route.source) for key, route in host.kernel.route_table.items() if key[0] == 143]


def test_a_default_whose_source_is_missing_stands_without_it_until_it_is_there() -> None:
    kernel = FakeKernel()
    kernel.missing = {ip_address("192.0.2.11")}
    host = bring_up(kernel)
    assert sources(host) == ["None", "2001:db8:ffff::11"]
    (alarm,) = host.status()["alarms"]
    assert alarm.startswith("0.0.0.0/0 stands without its source address 192.0.2.11: ")
    host.kernel.writes.clear()
    host.advance(20.1)
    assert host.kernel.writes == []
    host.kernel.missing.clear()
    host.advance(10.1)
    assert (sources(host), host.status()["alarms"]) == (["192.0.2.11", "2001:db8:ffff::11"], [])


def test_a_reload_changes_the_default_s_source(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "agent.json"
    path.write_text(json.dumps(document(source={"ipv4": "192.0.2.12"})))
    host.agent.reload(str(path))
    assert sources(host) == ["192.0.2.12", "None"]


def test_a_restarted_agent_waits_for_both_sessions_of_a_restarted_exabgp(host: Host) -> None:
    again = Host(host.kernel)
    again.agent.start()
    again.connect()  # nothing is established yet
    again.bfd()
    again.advance(1.0)
    assert {session["state"] for session in again.status()["sessions"]} == {"unknown"}
    assert (again.members(), again.status()["alarms"]) == ((142104, 142114), [])
    for line in (again.exabgp.event("10.1.1.0", "up"), again.exabgp.default("10.1.1.0")):
        again.agent.speaker.line(line)
    again.settle()
    again.advance(GRACE - 2)
    assert again.members() == (142104, 142114)
    again.advance(2)
    assert again.members() == (142104,)


def test_a_reload_drops_an_uplink_and_its_nexthops(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "agent.json"
    path.write_text(json.dumps(document(uplinks=document()["uplinks"][:1])))
    host.agent.reload(str(path))
    host.settle()
    assert (host.members(), sorted(host.kernel.nexthop_table)) == ((142104,), [142104, 142106])
    assert [session["peer"] for session in host.status()["sessions"]] == ["10.1.1.0", "2001:db8:1:1::a"]


def test_a_reload_that_replaces_every_uplink_keeps_none_that_no_longer_exists(host: Host, tmp_path: Path) -> None:
    (other,) = document()["uplinks"][:1]
    other.update(name="up9", index=9)
    path = tmp_path / "agent.json"
    path.write_text(json.dumps(document(uplinks=[other])))
    host.bfd(BfdState.DOWN)
    host.agent.reload(str(path))
    host.settle()
    assert (host.members(), host.kernel.nexthop_table) == ((), {})
    assert host.status()["alarms"] == []


def test_members_that_no_configuration_has_make_no_empty_group(host: Host) -> None:
    fib = host.agent.fib
    fib.apply(Family.IPV4, ("up9",), host.agent.mirror.links)
    assert (host.members(), fib.defaults[Family.IPV4].failure, fib.defaults[Family.IPV4].installed) == ((), None, False)


def test_a_leftover_that_a_standing_group_needs_is_not_removed(host: Host) -> None:
    host.agent.fib.config = config(uplinks=document()["uplinks"][:1])  # the groups have yet to follow
    host.agent.fib.remove_leftovers()
    assert host.members() == (142104, 142114)


def test_an_adopted_group_without_any_knowledge_survives_a_default_less_start() -> None:
    kernel = FakeKernel()
    kernel.nexthop_table = {142104: Nexthop(142104, 2, V4[0])}
    kernel.group_table = {142004: NexthopGroup(142004, ((142104, 1),))}
    host = Host(kernel)
    host.agent.start()
    host.advance(15)
    assert host.members() == (142104,)


def test_a_nexthop_of_somebody_else_in_our_group_is_not_adopted() -> None:
    kernel = FakeKernel()
    kernel.nexthop_table = {142104: Nexthop(142104, 2, V4[0]), 142114: Nexthop(142114, 3, V4[1])}
    kernel.group_table = {142004: NexthopGroup(142004, ((142104, 1), (142114, 1)))}
    kernel.foreign_ids = {142114: 196}
    host = Host(kernel)
    host.agent.start()
    assert host.agent.fib.defaults[Family.IPV4].members == ("up0",)


def test_a_group_that_has_a_member_too_many_or_too_few_is_written_again(host: Host) -> None:
    for members in (((142104, 1),), ((142104, 1), (142114, 1), (142106, 1))):
        host.kernel.group_table[142004] = NexthopGroup(142004, members)
        host.advance(10.1)
        assert host.members() == (142104, 142114)


def test_what_can_not_be_installed_is_said_once_and_so_is_a_missing_source(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kernel = FakeKernel()
    kernel.missing = {ip_address("192.0.2.11")}
    kernel.route_table[143, "::/0", 20] = KernelRoute(ip_network("::/0"), 20, 2, 1, 4, 143, plain=False)
    host = bring_up(kernel)
    host.advance(40)
    told = capsys.readouterr().err
    assert (told.count("event=default_not_installed"), told.count("event=default_without_source")) == (1, 1)
    assert len(host.status()["alarms"]) == 2


@pytest.mark.parametrize(
    ("id", "kept"), [(900, True), (142099, True), (142100, False), (142999, False), (143000, True)]
)
def test_only_leftovers_within_our_own_numbers_are_removed(host: Host, id: int, kept: bool) -> None:
    host.kernel.nexthop_table[id] = Nexthop(id, 2, V4[0])
    host.agent.fib.remove_leftovers()
    assert (id in host.kernel.nexthop_table) is kept


def test_another_route_in_the_learned_default_s_table_is_nobody_s_business() -> None:
    kernel = FakeKernel()
    other = KernelRoute(ip_network("10.0.0.0/8"), 20, 2, 1, 4, 143, plain=False)
    kernel.route_table[143, "10.0.0.0/8", 20] = other
    host = bring_up(kernel)
    assert (host.status()["alarms"], kernel.route_table[143, "10.0.0.0/8", 20]) == ([], other)
    assert sources(host) == ["None", "192.0.2.11", "2001:db8:ffff::11"]


def test_an_application_tells_whether_anything_was_written(host: Host) -> None:
    fib, links, both = host.agent.fib, host.agent.mirror.links, ("up0", "up1")
    assert not fib.apply(Family.IPV4, both, links)
    host.kernel.nexthop_table[142104] = Nexthop(142104, 2, V4[1])
    assert fib.apply(Family.IPV4, both, links)
    assert fib.apply(Family.IPV4, both[:1], links)
    assert fib.apply(Family.IPV4, (), links)
    assert not fib.apply(Family.IPV4, (), links)
    assert fib.apply(Family.IPV4, both, links)
