"""Host routes against a real kernel."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import (
    ODD,
    Action,
    Family,
    RouteEvent,
    RouteOperation,
)
from ansible_collections.roth.fabric.plugins.module_utils.kernel.netlink import Netlink
from ansible_collections.roth.fabric.plugins.module_utils.kernel.sync import apply_plan, read_plan
from ansible_collections.roth.fabric.plugins.module_utils.kernel.text import parse_route, parse_routes

from tests.kernel.conftest import eventually

ROUTES = ["10.64.1.53/32 dev v0", "2001:db8:64::135/128 dev v0", "192.0.2.11/32 dev lo", "2001:db8:ffff::11/128 dev lo"]
AGGREGATE = ["198.51.100.0/26 dev br0", "blackhole 198.51.100.0/26 metric 4294967295", "blackhole 2001:db8:9::/64"]


def sync(kernel, routes, purge=True, table=142):
    """Apply; the plan and (prefix, reason) of each problem."""
    wanted = parse_routes(routes)
    plan = read_plan(kernel, table, 142, wanted, purge)
    problems = apply_plan(kernel, table, 142, wanted, plan, purge).problems
    return plan, [(problem.prefix, problem.reason) for problem in problems]


def listed(shell, table=142):
    # `ip` fails when the family has no such table.
    lines = shell(f"ip route show table {table} || true") + shell(f"ip -6 route show table {table} || true")
    return sorted(" ".join(line.split()) for line in lines.splitlines())


def test_routes_of_both_families_are_installed_as_ip_would_install_them(shell, kernel):
    plan, problems = sync(kernel, ROUTES + AGGREGATE)
    assert (len(plan.install), problems) == (7, [])
    ours = listed(shell)
    for route in ROUTES[:1] + ROUTES[2:3] + AGGREGATE[:2]:
        shell(f"ip route add {route} table 9 proto 142")
    for route in ROUTES[1:2] + ROUTES[3:] + AGGREGATE[2:]:
        shell(f"ip -6 route add {route} table 9 proto 142")
    assert ours == listed(shell, 9)


def test_a_second_run_changes_nothing(kernel):
    sync(kernel, ROUTES + AGGREGATE)
    plan, problems = sync(kernel, ROUTES + AGGREGATE)
    assert (plan.changed, plan.unchanged, problems) == (False, 7, [])


def test_a_route_to_another_device_is_changed_in_place(shell, kernel, events):
    sync(kernel, ["10.64.1.53/32 dev v0", "2001:db8:64::135/128 dev v0"])
    events.read()
    plan, problems = sync(kernel, ["10.64.1.53/32 dev br0", "2001:db8:64::135/128 dev br0"])
    assert (len(plan.change), problems) == (2, [])
    assert [line.split()[:3] for line in listed(shell)] == [
        ["10.64.1.53", "dev", "br0"],
        ["2001:db8:64::135", "dev", "br0"],
    ]
    # REPLACE tells of the new route only: at no time was there none.
    assert [event.added for event in events.read() if isinstance(event, RouteEvent)] == [True, True]


def test_what_is_not_wanted_is_purged_and_only_when_asked(shell, kernel):
    sync(kernel, ROUTES)
    assert sync(kernel, ROUTES[:1], purge=False)[0].changed is False
    plan, problems = sync(kernel, ROUTES[:1])
    assert (len(plan.remove), problems) == (3, [])
    assert listed(shell) == ["10.64.1.53 dev v0 proto 142 scope link"]


def test_foreign_routes_are_never_removed_or_overwritten(shell, kernel):
    shell("ip route add 10.64.1.53/32 dev br0 table 142 proto static")
    shell("ip -6 route add 2001:db8:64::135/128 dev br0 table 142 proto static")
    shell("ip route add 10.64.1.54/32 dev br0 table 142 proto static")
    foreign = listed(shell)
    _plan, problems = sync(kernel, ROUTES)
    reason = "protocol 4 has a route of the same prefix and metric"
    assert problems == [("10.64.1.53/32", f"{reason} 0"), ("2001:db8:64::135/128", f"{reason} 1024")]
    assert set(foreign) < set(listed(shell))
    sync(kernel, [])
    assert listed(shell) == foreign


def test_a_foreign_route_of_another_metric_is_no_conflict(shell, kernel):
    shell("ip route add 10.64.1.53/32 dev br0 table 142 proto static metric 7")
    assert sync(kernel, ["10.64.1.53/32 dev v0"])[1] == []
    assert len(listed(shell)) == 2


def test_a_missing_link_and_a_link_that_is_down_are_reported_and_the_rest_is_applied(shell, kernel):
    shell("ip link set br0 down")
    _plan, problems = sync(kernel, ["10.64.1.1/32 dev gone", "10.64.1.2/32 dev br0", *ROUTES])
    assert problems == [("10.64.1.1/32", "link gone does not exist"), ("10.64.1.2/32", "link br0 is down")]
    assert len(listed(shell)) == 4


def test_a_route_stays_where_it_is_while_its_new_link_is_missing(shell, kernel):
    sync(kernel, ["10.64.1.53/32 dev v0"])
    assert sync(kernel, ["10.64.1.53/32 dev gone"])[1] == [("10.64.1.53/32", "link gone does not exist")]
    assert listed(shell) == ["10.64.1.53 dev v0 proto 142 scope link"]


def test_contradictory_duplicates_are_reported_and_change_nothing(shell, kernel):
    sync(kernel, ["10.64.1.53/32 dev v0"])
    _plan, problems = sync(kernel, ["10.64.1.53/32 dev br0", "10.64.1.53/32 dev v0", "192.0.2.11/32 dev lo"])
    assert [prefix for prefix, _reason in problems] == ["10.64.1.53/32"]
    assert listed(shell) == ["10.64.1.53 dev v0 proto 142 scope link", "192.0.2.11 dev lo proto 142 scope link"]


@pytest.mark.parametrize("appended", ["dev br0", "via 10.1.1.0 dev v0"])
def test_appended_duplicates_of_ours_are_reduced_to_the_wanted_route(shell, kernel, appended):
    shell("ip address add 10.1.1.1/31 dev v0")
    shell("ip route add 10.64.1.53/32 dev v0 table 142 proto 142 scope link")
    shell(f"ip route append 10.64.1.53/32 {appended} table 142 proto 142")
    assert len(listed(shell)) == 2
    assert sync(kernel, ["10.64.1.53/32 dev br0"])[1] == []
    assert listed(shell) == ["10.64.1.53 dev br0 proto 142 scope link"]
    assert sync(kernel, ["10.64.1.53/32 dev br0"])[0].changed is False


def test_routes_of_ours_in_another_form_are_rewritten(shell, kernel):
    shell("ip address add 10.1.1.1/31 dev v0; ip address add 2001:db8:1::b/127 dev v0 nodad")
    shell("ip route add 10.64.1.53/32 via 10.1.1.0 table 142 proto 142")
    shell("ip -6 route add 2001:db8:64::135/128 via 2001:db8:1::a table 142 proto 142")
    plan, problems = sync(kernel, ROUTES[:2])
    assert (len(plan.change), problems) == (2, [])
    assert sync(kernel, ROUTES[:2])[0].changed is False
    shell("ip route replace 10.64.1.53/32 via 10.1.1.0 table 142 proto 142")
    assert sync(kernel, [])[1] == []
    assert listed(shell) == []


def test_ten_thousand_routes_come_and_go_in_batches(shell, kernel):
    routes = [f"10.{64 + i // 65536}.{i // 256 % 256}.{i % 256}/32 dev v0" for i in range(5000)]
    routes += [f"2001:db8:64::{i:x}/128 dev v0" for i in range(5000)]
    assert sync(kernel, routes)[1] == []
    assert [len(kernel.routes(142, 142, family)) for family in Family] == [5000, 5000]
    assert sync(kernel, routes)[0].changed is False
    assert sync(kernel, [])[1] == []
    assert listed(shell) == []


def test_every_failure_of_a_batch_is_returned_and_the_rest_applied(shell, kernel, index):
    v0 = index("v0")
    texts = [f"10.64.1.{i}/32 dev v0" for i in range(1, 200)]
    prefixes = [route.prefix for route in map(parse_route, texts)]
    operations = [RouteOperation(Action.ADD, prefix, 0, v0 if n % 2 else 9999) for n, prefix in enumerate(prefixes)]
    failures = kernel.apply(142, 142, operations)
    assert [failure.operation for failure in failures] == operations[::2]
    assert {failure.errno for failure in failures} == {19}
    assert len(listed(shell)) == 99


def test_adding_never_overwrites_and_removing_what_is_gone_is_no_failure(shell, kernel, index):
    route = parse_route("10.64.1.53/32 dev v0")
    add = RouteOperation(Action.ADD, route.prefix, 0, index("v0"))
    remove = RouteOperation(Action.REMOVE, route.prefix, 0, index("v0"))
    assert kernel.apply(142, 142, [add]) == []
    assert [failure.errno for failure in kernel.apply(142, 142, [add])] == [17]
    assert kernel.apply(142, 142, [remove, remove]) == []
    assert listed(shell) == []


def test_a_route_that_the_dump_missed_is_found_in_a_second_reading(shell, kernel, monkeypatch):
    shell("ip route add 10.64.1.53/32 dev br0 table 142 proto 142")
    wanted = parse_routes(ROUTES)
    complete = kernel.route_table

    def incomplete(table, protocol):
        monkeypatch.setattr(kernel, "route_table", complete)
        found = complete(table, protocol)
        found.hops.clear()
        return found

    monkeypatch.setattr(kernel, "route_table", incomplete)
    plan = read_plan(kernel, 142, 142, wanted)
    assert apply_plan(kernel, 142, 142, wanted, plan).problems == []
    assert listed(shell)[0] == "10.64.1.53 dev v0 proto 142 scope link"


def test_the_dump_is_filtered_by_table_and_protocol_in_the_kernel(shell, kernel):
    shell(
        "ip route add 10.64.1.1/32 dev v0 table 142 proto 142; ip route add 10.64.1.2/32 dev v0 table 142 proto static"
    )
    shell("ip route add 10.64.1.3/32 dev v0 table 143 proto 142")
    assert [str(route.prefix) for route in kernel.routes(142, 142, Family.IPV4)] == ["10.64.1.1/32"]
    assert len(kernel.routes(142, None, Family.IPV4)) == 2
    assert kernel.routes(99, 142, Family.IPV4) == kernel.routes(99, 142, Family.IPV6) == []
    assert list(kernel.foreign_routes(142, 142).values()) == [4]


@pytest.mark.parametrize("table", [1000, 254])
def test_any_table_can_be_ours(shell, kernel, table):
    shell(f"ip route add 192.0.2.1/32 dev v0 table {table} proto static")
    before = listed(shell, table)
    assert sync(kernel, ROUTES, table=table)[1] == []
    assert sync(kernel, ROUTES, table=table)[0].changed is False
    sync(kernel, [], table=table)
    assert listed(shell, table) == before


def test_a_route_with_a_tos_is_left_alone(shell, kernel):
    shell("ip route add 10.64.1.53/32 tos 0x10 dev v0 table 142 proto 142")
    sync(kernel, [])
    assert len(listed(shell)) == 1


def test_a_group_route_counts_as_another_form(shell, kernel):
    shell("ip nexthop add id 7 dev v0; ip route add 10.64.1.53/32 nhid 7 table 142 proto 142")
    table = kernel.route_table(142, 142)
    assert list(table.hops.values()) == [(0, ODD)]
    assert kernel.routes(142, 142, Family.IPV4)[0].nhid == 7
    sync(kernel, [])
    assert listed(shell) == []


def test_ipv4_routes_of_a_link_that_goes_down_are_installed_again_when_it_is_up(shell, kernel):
    sync(kernel, ROUTES[:2])
    shell("ip link set v0 down; ip link set v0 up")
    plan, problems = sync(kernel, ROUTES[:2])
    assert (len(plan.install), problems) == (2, [])


def test_lost_carrier_is_told_and_takes_no_route(shell, kernel):
    sync(kernel, ROUTES[:2])
    shell("ip link set v1 down")
    eventually(lambda: [route.linkdown for family in Family for route in kernel.routes(142, 142, family)], [True, True])
    assert sync(kernel, ROUTES[:2])[0].changed is False


def test_the_kernel_can_be_asked_inside_a_running_event_loop(kernel):
    async def ask():
        return kernel.links()

    assert asyncio.run(ask()) == kernel.links()


def test_closing_releases_the_sockets(shell):
    gc.collect()  # what earlier tests left open
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _again in range(3):
        with Netlink() as netlink:
            netlink.links()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
