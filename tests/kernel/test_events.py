"""Events of a real kernel."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address, ip_network

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.events import RouteEvents
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import (
    LearnedEvent,
    LinkEvent,
    Nexthop,
    NexthopEvent,
    NexthopGroup,
    Overrun,
    RouteEvent,
)
from ansible_collections.roth.fabric.plugins.module_utils.kernel.sync import apply_plan, read_plan
from ansible_collections.roth.fabric.plugins.module_utils.kernel.text import parse_routes

from tests.kernel.conftest import eventually

MANY = [f"10.64.{i // 256}.{i % 256}/32" for i in range(5000)]
SMALL_BUFFER = 64 << 10
"""Bytes: events of a few links fit in, MANY events don't by far."""


def batch(shell, path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    shell(f"ip -batch {path}")


def routes_of(events):
    return [(event.added, str(event.route.prefix)) for event in events.read() if isinstance(event, RouteEvent)]


def test_our_routes_are_told_when_they_come_and_go(shell, events):
    shell("ip route add 10.64.1.53/32 dev v0 table 142 proto 142")
    shell("ip -6 route add 2001:db8:64::135/128 dev v0 table 142 proto 142")
    shell("ip route del 10.64.1.53/32 dev v0 table 142")
    assert routes_of(events) == [(True, "10.64.1.53/32"), (True, "2001:db8:64::135/128"), (False, "10.64.1.53/32")]
    assert events.read() == []


def tell_of_links(shell):
    """Ten events, which a socket gets whatever routes it asks for."""
    for order in range(10):
        shell(f"ip link set v0 alias {order}")


def test_foreign_routes_cost_nothing(shell, tmp_path):
    events = RouteEvents(142, (142,), receive_buffer=SMALL_BUFFER)
    events.read()
    tell_of_links(shell)
    batch(shell, tmp_path / "batch", [f"route add {prefix} dev v0 table 142 proto static" for prefix in MANY])
    shell("ip route add 192.0.2.1/32 dev v0 table 142 proto 142")
    assert routes_of(events) == [(True, "192.0.2.1/32")]
    events.close()


def test_a_foreign_route_that_replaces_ours_is_told_as_its_loss(shell, events):
    shell("ip route add 10.64.1.53/32 dev v0 table 142 proto 142")
    shell("ip route replace 10.64.1.53/32 dev v0 table 142 proto static")
    shell("ip route add 10.64.1.54/32 dev v0 table 20 proto static")
    shell("ip route replace 10.64.1.54/32 dev br0 table 20 proto static")
    assert routes_of(events) == [(True, "10.64.1.53/32"), (False, "10.64.1.53/32")]


def test_an_overrun_is_raised_and_the_subscription_goes_on(shell, tmp_path):
    events = RouteEvents(142, (142,), receive_buffer=SMALL_BUFFER)
    batch(shell, tmp_path / "batch", [f"route add {prefix} dev v0 table 142 proto 142" for prefix in MANY])
    with pytest.raises(Overrun):
        events.read()
    assert events.read() == []
    shell("ip route add 192.0.2.1/32 dev v0 table 142 proto 142")
    assert routes_of(events) == [(True, "192.0.2.1/32")]
    events.close()


def test_the_default_buffer_takes_a_burst_of_ten_thousand(kernel, events):
    wanted = parse_routes(f"{prefix} dev v0" for prefix in MANY)
    apply_plan(kernel, 142, 142, wanted, read_plan(kernel, 142, 142, wanted))
    apply_plan(kernel, 142, 142, parse_routes([]), read_plan(kernel, 142, 142, parse_routes([])))
    told = []
    while found := routes_of(events):
        told += found
    assert len(told) == 10000


def test_a_link_that_goes_down_takes_its_ipv4_routes_silently(shell, events, index):
    v0 = index("v0")
    shell("ip route add 10.64.1.53/32 dev v0 table 142 proto 142")
    shell("ip -6 route add 2001:db8:64::135/128 dev v0 table 142 proto 142")
    events.read()
    shell("ip link set v0 down")
    found = events.read()
    routes = [str(event.route.prefix) for event in found if isinstance(event, RouteEvent)]
    assert routes == ["2001:db8:64::135/128"]
    assert any(isinstance(event, LinkEvent) and event.link.index == v0 and not event.link.up for event in found)


def test_a_link_that_is_deleted_is_told(shell, events, index):
    v0 = index("v0")
    shell("ip link del v0")
    gone = [event.link.index for event in events.read() if isinstance(event, LinkEvent) and not event.present]
    assert v0 in gone


def test_a_port_that_leaves_its_bridge_is_still_a_link(shell, events):
    shell("ip link set v1 nomaster")
    told = [event for event in events.read() if isinstance(event, LinkEvent) and event.link.name == "v1"]
    assert told[-1].link.master is None
    assert all(event.present for event in told)


def test_nexthops_are_told_by_id_and_foreign_ones_are_not(shell, kernel, events, index):
    shell("ip nexthop add id 7 dev v0 proto static")
    kernel.replace_nexthop(Nexthop(142104, index("v0"), ip_address("fe80::1")), 142)
    kernel.replace_group(NexthopGroup(142004, ((142104, 1),)), 142)
    kernel.delete_nexthop(142004)
    told = [(event.added, event.id) for event in events.read() if isinstance(event, NexthopEvent)]
    assert told == [(True, 142104), (True, 142004), (False, 142004)]


def test_an_event_loop_is_woken(shell, events):
    async def first_event():
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(events.fileno(), woken.set)
        # The thread is made here and inherits the test's namespace.
        await asyncio.to_thread(shell, "ip route add 10.64.1.53/32 dev v0 table 142 proto 142")
        await asyncio.wait_for(woken.wait(), 5)
        loop.remove_reader(events.fileno())

    asyncio.run(first_event())
    assert (True, "10.64.1.53/32") in routes_of(events)


def test_events_of_another_table_of_ours_are_told(shell, events):
    shell("ip route add 10.64.1.53/32 dev v0 table 1000 proto 142")
    (told,) = [event.route for event in events.read() if isinstance(event, RouteEvent)]
    assert (told.prefix, told.table) == (ip_network("10.64.1.53/32"), 1000)


@pytest.fixture
def learning(shell):
    subscription = RouteEvents(142, (142,), learned=True)
    yield subscription
    subscription.close()


def set_behind_v1(shell, mac, kind):
    """A forwarding entry; the kernel refuses one (EPERM) until the port forwards."""
    shell(f"bridge fdb add {mac} dev v1 master {kind}")


def learned(events):
    return [(event.port, event.mac) for event in events.read() if isinstance(event, LearnedEvent)]


def test_a_bridge_tells_who_is_behind_a_port_with_the_first_frame_from_there(shell, learning, index):
    shell("ip link add v2 address fe:16:3e:00:00:01 type veth peer name v3 address fa:16:3e:00:00:01")
    shell("ip link set v2 master br0 up")
    shell("sysctl -qw net.ipv4.conf.v3.arp_notify=1")
    shell("ip address add 10.64.0.1/24 dev v3")
    assert {port for port, _mac in learned(learning)}.isdisjoint({index("v2")})
    shell("ip link set v3 up")
    told = set()
    eventually(lambda: told.update(learned(learning)) or (index("v2"), "fa:16:3e:00:00:01") in told, True)
    assert "fe:16:3e:00:00:01" not in {mac for _port, mac in told}


def test_addresses_that_somebody_sets_on_a_bridge_are_not_learned(shell, learning):
    set_behind_v1(shell, "fa:16:3e:00:00:02", "static")
    shell("ip link add v2 address fe:16:3e:00:00:03 type veth peer name v3")
    shell("ip link set v2 master br0")
    set_behind_v1(shell, "fa:16:3e:00:00:04", "dynamic")
    told = {mac for _port, mac in learned(learning)}
    assert "fa:16:3e:00:00:04" in told
    assert told.isdisjoint({"fa:16:3e:00:00:02", "fe:16:3e:00:00:03"})


def test_neighbour_entries_of_arp_and_ndp_cost_nothing(shell, tmp_path):
    events = RouteEvents(142, (142,), receive_buffer=SMALL_BUFFER, learned=True)
    events.read()
    tell_of_links(shell)
    batch(shell, tmp_path / "batch", [f"neigh add {each[:-3]} lladdr fa:16:3e:00:00:01 dev v0" for each in MANY])
    shell("ip route add 192.0.2.1/32 dev v0 table 142 proto 142")
    assert routes_of(events) == [(True, "192.0.2.1/32")]
    events.close()


def test_who_does_not_ask_for_it_is_told_nothing_of_bridges(shell, events):
    set_behind_v1(shell, "fa:16:3e:00:00:04", "dynamic")
    assert learned(events) == []


def test_packets_that_an_interface_has_received_are_counted(shell, kernel, index):
    before = kernel.received(index("v1"))
    shell("sysctl -qw net.ipv4.conf.v0.arp_notify=1")
    shell("ip link set v0 down")
    shell("ip address add 10.64.0.1/24 dev v0")
    shell("ip link set v0 up")
    eventually(lambda: kernel.received(index("v1")) > before, True)
    shell("ip link del v0")
    with pytest.raises(OSError, match="No such device"):
        kernel.received(9999)
