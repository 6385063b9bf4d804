"""What the loss of a host's links, and of its instances' links, costs."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import partial
from ipaddress import ip_network

import pytest
from lab import instances
from lab.lab import locked

from tests.lab import links
from tests.lab.fabric import INVENTORY, Fabric, eventually

from .case import Bound, Case, packets

HOST = "hv1"
SHARE = 1 / 3
"""Of the flows, one host's."""
DETECT = 0.9
"""Seconds until BFD takes a silent path for dead: 3 x 300 ms (roth_bfd_profile)."""
REROUTE = 0.3
"""Seconds for which a switch may drop what is under way while it turns to another path."""
SLACK = 3
"""How much later than by the timers something may be noticed on a machine that stalls."""


def until_default_is(fabric: Fabric, *uplinks: str) -> None:
    wanted = {family: list(uplinks) for family in ("-4", "-6")}
    eventually(lambda: fabric.default_uplinks(HOST), lambda found: found == wanted, f"{uplinks} in the default", 120)


@pytest.mark.parametrize(("switch", "left"), [pytest.param("tor1", "up1", marks=pytest.mark.quick), ("tor2", "up0")])
def test_uplink_down(case: Case, switch: str, left: str) -> None:
    """The kernel itself leaves a link without carrier, on both ends: sooner than BFD could tell."""
    few = packets(DETECT, SHARE / 2)
    bound = Bound(few, few, True, "in flight; < BFD 0.9 s")
    with case.costing(bound), links.down(case.fabric, switch, HOST):
        until_default_is(case.fabric, left)


SILENCES = {"both-ways": ("ingress", "egress"), "from-host": ("ingress",), "to-host": ("egress",)}


@pytest.mark.parametrize("switch", ["tor1", "tor2"])
@pytest.mark.parametrize("silence", SILENCES)
def test_uplink_silent(case: Case, switch: str, silence: str) -> None:
    """BFD alone notices. The end that hears nothing is first, and tells the other one if it can."""
    left = {"tor1": "up1", "tor2": "up0"}[switch]
    most = packets(DETECT * SLACK, SHARE / 2)
    hooks = SILENCES[silence]
    few = packets(REROUTE, SHARE / 2)
    bound = Bound(most if "egress" in hooks else few, most if "ingress" in hooks else few, True, "BFD 0.9 s, x3")
    with case.costing(bound), links.silent(case.fabric, switch, HOST, *hooks):
        until_default_is(case.fabric, left)


def test_both_uplinks_down_at_once_and_back(case: Case) -> None:
    """For as long as both are down nothing passes; afterwards everything comes back by itself."""
    seconds = 3.0
    most = packets(seconds + 7, SHARE)
    with case.costing(Bound(most, most, True, "3 s + 7 s BGP")) as traffic, ExitStack() as stack:
        for switch in case.fabric.switches:
            stack.enter_context(links.down(case.fabric, switch, HOST))
        traffic.go_on(seconds)


@pytest.mark.quick
def test_tap_removed_and_recreated_with_the_same_name(case: Case) -> None:
    """The host routes to the bridge, not to the tap: nothing is withdrawn, and only this instance is away."""
    name = next(port["name"] for port in case.fabric.good_ports if port["binding:host_id"] == HOST)
    instance = next(each for each in case.fabric.instances.values() if each.is_called(name))
    most = packets(5, SHARE)
    with case.costing(Bound(most, most, False, "the instance's own 5 s")) as traffic:
        before = case.fabric.ip(HOST, "-o", "link", "show", "dev", instance.tap).partition(":")[0]
        case.fabric.ip(HOST, "link", "del", instance.tap)
        with locked(case.fabric.settings, "plug"):
            instances.plug(case.fabric.settings, case.fabric.topology, INVENTORY, names=[name])
        traffic.steady()
    after = case.fabric.ip(HOST, "-o", "link", "show", "dev", instance.tap).partition(":")[0]
    assert before != after, "the tap has kept its ifindex: it was not made anew"
    others = traffic.loss(0, lambda flow: flow.instance != name), traffic.loss(1, lambda flow: flow.instance != name)
    assert [loss.lost for loss in others] == [0, 0], others


@pytest.mark.quick
def test_instance_without_carrier(case: Case) -> None:
    """Its tap is down for 2 s, and the instance's own interface without carrier: it is the only one that notices."""
    name = next(port["name"] for port in case.fabric.good_ports if port["binding:host_id"] == HOST)
    tap = next(each.tap for each in case.fabric.instances.values() if each.is_called(name))
    most = packets(10, SHARE)
    with case.costing(Bound(most, most, False, "the instance's own 10 s")) as traffic:
        with links.down(case.fabric, HOST, tap):
            traffic.go_on(2)
        traffic.steady()
    others = traffic.loss(0, lambda flow: flow.instance != name), traffic.loss(1, lambda flow: flow.instance != name)
    assert [loss.lost for loss in others] == [0, 0], others


def routes_via(fabric: Fabric, device: str) -> set[str]:
    """Our routes through a device of the host's, both families."""
    found = set()
    for family in ("-4", "-6"):
        rows = json.loads(fabric.ip(HOST, family, "-j", "route", "show", "table", "142", "proto", "142", "dev", device))
        found |= {str(ip_network(row["dst"])) for row in rows}
    return found


@pytest.mark.parametrize("bridge", [pytest.param("br-mobile", marks=pytest.mark.quick), "br-pinned"])
def test_bridge_down_and_up(case: Case, bridge: str) -> None:
    """Its routes vanish, IPv4's without a word; with the bridge they come back by themselves and are announced."""
    before = routes_via(case.fabric, bridge)
    assert before
    most = packets(4, SHARE)
    with case.costing(Bound(most, most, True, "while it is down, and 4 s")) as traffic:
        with links.down(case.fabric, HOST, bridge):
            eventually(lambda: routes_via(case.fabric, bridge), lambda found: not found, "no route through the bridge")
        eventually(lambda: routes_via(case.fabric, bridge), lambda found: found == before, "its routes again")
        traffic.steady()


def test_bridge_down_and_up_with_a_route_that_was_deleted(case: Case) -> None:
    """What an operator has taken away is not brought back by the link."""
    prefix = next(route for route in sorted(routes_via(case.fabric, "br-pinned")) if route.endswith("/32"))
    rest = routes_via(case.fabric, "br-pinned") - {prefix}
    most = packets(4, SHARE)
    with case.costing(Bound(most, most, True, "while it is down; one instance")) as traffic:
        case.fabric.ip(HOST, "route", "del", prefix, "dev", "br-pinned", "proto", "142", "table", "142")
        try:
            with links.down(case.fabric, HOST, "br-pinned"):
                eventually(lambda: routes_via(case.fabric, "br-pinned"), lambda found: not found, "no route")
            eventually(lambda: routes_via(case.fabric, "br-pinned"), lambda found: found == rest, "the rest")
            traffic.go_on(1)
            assert routes_via(case.fabric, "br-pinned") == rest
        finally:
            case.fabric.ip(HOST, "route", "add", prefix, "dev", "br-pinned", "proto", "142", "table", "142")


def damped(fabric: Fabric) -> set[str]:
    return {entry["uplink"] for entry in fabric.status(HOST).get("damping", ()) if entry["out"]}


def test_uplink_that_flaps_for_30_s(case: Case) -> None:
    """Down for 0.5 s and up for 0.5 s: the third loss takes it out of the default until it has been steady."""
    few = packets(3 * REROUTE, SHARE / 2)
    most = packets(30 * REROUTE, SHARE / 2)
    with case.costing(
        Bound(most, few, True, "to instances 30 x 0.3 s, from them 3 x 0.3 s: then it is out")
    ) as traffic:
        pause = partial(traffic.go_on, 0.5)
        links.flap(case.fabric, "tor1", HOST, pause, 5)
        assert damped(case.fabric) == {"up0"}
        links.flap(case.fabric, "tor1", HOST, pause, 25)
        assert case.fabric.default_uplinks(HOST) == {"-4": ["up1"], "-6": ["up1"]}
        assert damped(case.fabric) == {"up0"}
        until_default_is(case.fabric, "up0", "up1")
        assert damped(case.fabric) == set()
