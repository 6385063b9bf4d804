"""Pairs of patch ports between the agent's bridge and a network's: what is ours is set, all else is left."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.openvswitch.model import FoundBridge, FoundPort, WantedBridge
from ansible_collections.roth.fabric.plugins.module_utils.openvswitch.patches import (
    PatchPlan,
    patch_names,
    plan_patches,
    wanted_patches,
)
from ansible_collections.roth.fabric.plugins.module_utils.openvswitch.plan import plan_bridges
from hypothesis import given
from hypothesis import strategies as st

MAC = "02:8e:00:00:00:01"
WANTED = WantedBridge("br-layered", "layered", MAC, 1500, agent_bridge="br-provider", vlans=(101, 102))
OURS = FoundBridge("br-layered", "system", MAC, 1500, external_ids={"roth": "layered"})
AGENTS = FoundBridge("br-provider", "system", None, None)
BRIDGES = {bridge.name: bridge for bridge in (OURS, AGENTS, FoundBridge("br-int", "system", None, None))}
PHY = FoundPort("phy-br-provider", "br-provider", "patch", "int-br-provider")
THEIRS, OWN = patch_names("br-layered", 101)


def joined(*bridges: WantedBridge) -> dict[str, FoundPort]:
    """The ports as they are once all is done, beside one of the agent's."""
    ends = [end for bridge in bridges for end in wanted_patches(bridge)]
    ours = [FoundPort(it.name, it.bridge, "patch", it.peer, it.tag, {"roth": it.network}) for it in ends]
    return {port.name: port for port in (*ours, PHY)}


def planned(*wanted: WantedBridge, ports: dict[str, FoundPort] | None = None) -> PatchPlan:
    return plan_patches(wanted, BRIDGES, {PHY.name: PHY} if ports is None else ports)


def test_a_pair_has_the_vlan_on_the_agents_side_alone_and_both_ends_are_marked():
    plan = planned(replace(WANTED, vlans=(101,)))
    assert plan.commands == [
        ("add-port", "br-provider", "ra0a7a535a-101", "tag=101"),
        ("set", "Port", "ra0a7a535a-101", 'external_ids:roth="layered"'),
        ("set", "Interface", "ra0a7a535a-101", "type=patch", 'options:peer="rn0a7a535a-101"'),
        ("add-port", "br-layered", "rn0a7a535a-101"),
        ("set", "Port", "rn0a7a535a-101", 'external_ids:roth="layered"'),
        ("set", "Interface", "rn0a7a535a-101", "type=patch", 'options:peer="ra0a7a535a-101"'),
    ]
    assert (plan.created, plan.removals, plan.before) == ([THEIRS, OWN], [], {})


def test_pairs_that_are_as_wanted_cost_no_command():
    plan = planned(WANTED, ports=joined(WANTED))
    assert (plan.removals, plan.commands, plan.updated, plan.after) == ([], [], [], {})


def test_each_vlan_has_a_pair():
    assert planned(WANTED).created == [name for vlan in (101, 102) for name in patch_names("br-layered", vlan)]


@pytest.mark.parametrize("bridge", ["br-layered", "br-01234567890", "x"])
def test_names_fit_an_interface_whatever_the_bridge_is_called(bridge: str):
    theirs, own = patch_names(bridge, 4094)
    assert (len(theirs), len(own), theirs == own) == (15, 15, False)


def test_names_stay_from_release_to_release():
    assert patch_names("br-layered", 101) == ("ra0a7a535a-101", "rn0a7a535a-101")


@pytest.mark.parametrize(
    ("end", "change", "command"),
    [
        (THEIRS, {"tag": 7}, ("set", "Port", THEIRS, "tag=101")),
        (OWN, {"tag": 7}, ("clear", "Port", OWN, "tag")),
        (THEIRS, {"peer": "x"}, ("set", "Interface", THEIRS, "type=patch", f'options:peer="{OWN}"')),
        (OWN, {"kind": "internal"}, ("set", "Interface", OWN, "type=patch", f'options:peer="{THEIRS}"')),
        (OWN, {"external_ids": {"roth": "old", "x": "y"}}, ("set", "Port", OWN, 'external_ids:roth="layered"')),
    ],
)
def test_only_what_differs_of_a_port_is_set(end: str, change: dict[str, object], command: tuple[str, ...]):
    ports = joined(WANTED)
    plan = planned(WANTED, ports={**ports, end: replace(ports[end], **change)})
    assert (plan.removals, plan.commands, plan.updated) == ([], [command], [end])


def test_an_end_that_went_with_its_bridge_comes_back_and_the_other_one_stays():
    ports = {name: port for name, port in joined(WANTED).items() if name != THEIRS}
    plan = planned(WANTED, ports=ports)
    assert (plan.created, plan.updated, plan.removals) == ([THEIRS], [], [])


def test_a_pair_follows_when_the_agents_bridge_is_another():
    other = replace(WANTED, vlans=(101,), agent_bridge="br-int")
    plan = planned(other, ports=joined(replace(WANTED, vlans=(101,))))
    assert plan.removals == [("del-port", "br-provider", THEIRS)]
    assert plan.commands[0] == ("add-port", "br-int", THEIRS, "tag=101")
    assert (plan.updated, plan.created, plan.removed) == ([THEIRS], [], [])


@pytest.mark.parametrize("wanted", [replace(WANTED, vlans=(102,)), replace(WANTED, agent_bridge=None, vlans=())])
def test_a_pair_goes_with_its_vlan_or_with_the_key(wanted: WantedBridge):
    plan = planned(wanted, ports=joined(WANTED))
    gone = [name for vlan in (101, 102) if vlan not in wanted.vlans for name in patch_names("br-layered", vlan)]
    assert (sorted(plan.removed), plan.commands) == (sorted(gone), [])
    assert sorted(plan.before) == sorted(gone)


def test_with_a_network_its_ports_go_before_its_bridge_and_the_agents_bridge_stays():
    plan = plan_bridges([], BRIDGES, ports=joined(replace(WANTED, vlans=(101,))))
    assert plan.commands == [
        ("del-port", "br-provider", THEIRS),
        ("del-port", "br-layered", OWN),
        ("del-br", "br-layered"),
    ]


def test_a_bridge_is_made_before_the_ports_on_it():
    plan = plan_bridges([WANTED], {AGENTS.name: AGENTS})
    assert plan.commands[0] == ("add-br", "br-layered")
    assert plan.problems == []
    assert plan.patches.created == planned(WANTED).created


def test_a_port_of_that_name_that_is_not_ours_is_refused():
    plan = plan_bridges([WANTED], BRIDGES, ports={THEIRS: FoundPort(THEIRS, "br-int", "internal")})
    assert plan.problems == [
        f"{THEIRS}: Open vSwitch has a port of that name on br-int that is not ours, and network layered wants it on "
        "br-provider. Remove it, or rename it"
    ]


def test_an_agents_bridge_that_is_not_there_is_named_with_those_that_are():
    assert planned(replace(WANTED, agent_bridge="br-provide")).problems == [
        "network layered: agent_bridge = 'br-provide': expected a bridge that Open vSwitch has (beside br-layered it "
        "has br-int, br-provider)"
    ]


def test_an_open_vswitch_without_other_bridges_is_said_to_have_none():
    assert plan_patches([WANTED], {}, {}).problems == [
        "network layered: agent_bridge = 'br-provider': expected a bridge that Open vSwitch has (beside br-layered it "
        "has none)"
    ]


def test_an_agents_bridge_of_another_datapath_is_refused_because_no_frame_would_pass():
    plan = plan_patches([WANTED], {AGENTS.name: replace(AGENTS, datapath_type="netdev")}, {})
    assert plan.problems == [
        "network layered: agent_bridge = 'br-provider': expected a bridge with datapath_type system, as br-layered, it "
        "is netdev"
    ]


def test_the_agents_bridge_may_be_one_of_ours_that_comes_with_it_and_not_one_that_goes():
    provider = WantedBridge("br-provider", "provider", MAC, 1500)
    assert plan_bridges([WANTED, provider], {}).problems == []
    leaving = replace(AGENTS, external_ids={"roth": "provider"})
    (problem,) = plan_bridges([WANTED], {AGENTS.name: leaving}).problems
    assert "expected a bridge that Open vSwitch has" in problem


@st.composite
def wanted_bridges(draw: st.DrawFn) -> WantedBridge:
    name = draw(st.sampled_from(["br-a", "br-b"]))
    vlans = draw(st.sets(st.integers(1, 3), min_size=1))
    agents = draw(st.none() | st.just("br-p"))
    return WantedBridge(
        name, draw(st.sampled_from(["x", "y"])), MAC, 1500, "system", None, agents, tuple(sorted(vlans))
    )


NAMES = [name for bridge in ("br-a", "br-b") for vlan in (1, 2, 3) for name in patch_names(bridge, vlan)]
found_ports = st.builds(
    FoundPort, st.sampled_from([*NAMES, "tap1"]), st.sampled_from(["br-a", "br-b", "br-p", "br-q"]),
    st.sampled_from(["patch", "internal", ""]), st.none() | st.sampled_from(NAMES), st.none() | st.integers(0, 4),
    st.sampled_from([{}, {"x": "y"}, {"roth": "x"}, {"roth": "y", "x": "y"}]),
)  # fmt: skip


@given(
    st.lists(wanted_bridges(), unique_by=lambda bridge: bridge.name),
    st.lists(found_ports, unique_by=lambda port: port.name),
)
def test_whatever_is_there_a_second_run_does_nothing_and_no_port_of_others_is_touched(wanted, found):
    bridges = {name: FoundBridge(name, "system", None, None) for name in ("br-a", "br-b", "br-p", "br-q")}
    world = {port.name: port for port in found}
    plan = plan_patches(wanted, bridges, world)
    touched = {word for command in (*plan.removals, *plan.commands) for word in command[1:]}
    assert not {name for name, port in world.items() if not port.ours} & touched
    if not plan.problems:
        after = {name: port for name, port in world.items() if name not in plan.removed} | plan.after
        again = plan_patches(wanted, bridges, after)
        assert (again.removals, again.commands, again.problems) == ([], [], [])
        ends = {end.name for bridge in wanted for end in wanted_patches(bridge)}
        assert {name for name, port in after.items() if port.ours} == ends
