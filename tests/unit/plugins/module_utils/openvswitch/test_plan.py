"""What is done in Open vSwitch for the wanted bridges, and what is left to others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.openvswitch.model import FoundBridge, WantedBridge
from ansible_collections.roth.fabric.plugins.module_utils.openvswitch.plan import plan_bridges
from hypothesis import given
from hypothesis import strategies as st

MAC, OTHER_MAC = "02:8e:00:00:00:01", "02:00:00:00:00:42"
WANTED = WantedBridge("br-mobile", "mobile", MAC, 1500)
OURS = FoundBridge("br-mobile", "system", MAC, 1500, external_ids={"roth": "mobile"})
FOREIGN = FoundBridge("br-mobile", "system", OTHER_MAC, None, ("eth9",), external_ids={"made-by": "kolla"})
ADOPTED = replace(
    FOREIGN,
    mac=MAC,
    mtu=1500,
    external_ids={
        "made-by": "kolla",
        "roth": "mobile",
        "roth-found-hwaddr": OTHER_MAC,
        "roth-found-mtu-request": "",
    },
)


def planned(wanted, *found, **options):
    return plan_bridges(wanted, {bridge.name: bridge for bridge in found}, **options)


def test_a_bridge_gets_its_mac_in_the_transaction_that_makes_it():
    plan = planned([replace(WANTED, fail_mode="secure", datapath_type="netdev")])
    assert plan.commands == [
        ("add-br", "br-mobile"),
        (
            *("set", "Bridge", "br-mobile", 'datapath_type="netdev"', 'external_ids:roth="mobile"'),
            *(f'other_config:hwaddr="{MAC}"', "fail_mode=secure"),
        ),
        ("set", "Interface", "br-mobile", "mtu_request=1500"),
    ]


def test_a_bridge_that_is_as_wanted_costs_no_command():
    assert planned([WANTED], OURS).commands == []


def test_the_fail_mode_of_a_bridge_that_is_there_is_its_agents():
    assert planned([replace(WANTED, fail_mode="secure")], OURS).commands == []


@pytest.mark.parametrize(
    ("change", "command"),
    [
        ({"mac": None}, ("set", "Bridge", "br-mobile", f'other_config:hwaddr="{MAC}"')),
        ({"mtu": 9000}, ("set", "Interface", "br-mobile", "mtu_request=1500")),
        ({"external_ids": {"roth": "old"}}, ("set", "Bridge", "br-mobile", 'external_ids:roth="mobile"')),
    ],
)
def test_only_what_differs_is_set(change, command):
    plan = planned([WANTED], replace(OURS, **change))
    assert (plan.commands, plan.updated) == ([command], ["br-mobile"])


def test_a_bridge_of_others_is_refused_unless_it_may_be_adopted():
    assert planned([WANTED], FOREIGN).problems == [
        "br-mobile: Open vSwitch has a bridge of that name that is not ours. Choose another name, or adopt it"
    ]
    assert planned([WANTED], FOREIGN, adopt=["br-mobile"]).after == {"br-mobile": ADOPTED}


def test_bridges_to_adopt_are_left_alone_where_no_network_wants_them():
    assert planned([], FOREIGN, adopt=["br-mobile"]).commands == []


def test_an_adopted_bridge_is_given_back_and_never_deleted_not_even_with_ports_on_it():
    plan = planned([], ADOPTED)
    assert (plan.problems, plan.released, plan.after) == ([], ["br-mobile"], {"br-mobile": FOREIGN})
    assert not any("del-br" in command for command in plan.commands)


def test_a_bridge_with_ports_goes_only_when_that_is_wished_for():
    used = replace(OURS, ports=("tap1", "tap2"))
    (problem,) = planned([], used).problems
    assert "still on it: tap1, tap2" in problem
    assert planned([], used, remove_in_use=True).commands == [("del-br", "br-mobile")]


def test_all_refusals_are_told_at_once():
    plan = planned([WANTED], FOREIGN, FoundBridge("br-x", "system", None, None, ("tap1",), external_ids={"roth": "x"}))
    assert [problem.split(":")[0] for problem in plan.problems] == ["br-mobile", "br-x"]


def test_a_network_with_a_quote_in_its_name_stays_one_word():
    plan = planned([replace(WANTED, network='a"b c=d')])
    assert r'external_ids:roth="a\"b c=d"' in plan.commands[1]


names = st.sampled_from(["br-a", "br-b", "br-c", "br-d"])
macs = st.sampled_from([MAC, OTHER_MAC])
marks = st.sampled_from(
    [{}, {"x": "y"}, {"roth": "a"}, {"roth": "b", "roth-found-hwaddr": "", "x": "y"}, ADOPTED.external_ids]
)
found_bridges = st.builds(
    FoundBridge, names, st.just("system"), st.none() | macs, st.none() | st.integers(1280, 9000),
    st.sampled_from([(), ("tap1",)]), st.just(True), marks,
)  # fmt: skip
wanted_bridges = st.builds(WantedBridge, names, st.sampled_from(["a", "b"]), macs, st.integers(1280, 9000))


@given(
    st.lists(wanted_bridges, unique_by=lambda bridge: bridge.name),
    st.lists(found_bridges, unique_by=lambda bridge: bridge.name),
    st.sets(names),
    st.booleans(),
)
def test_whatever_is_there_a_second_run_does_nothing_and_what_is_not_ours_is_never_named(wanted, found, adopt, in_use):
    world = {bridge.name: bridge for bridge in found}
    plan = plan_bridges(wanted, world, adopt, remove_in_use=in_use)
    foreign = {name for name, bridge in world.items() if not bridge.ours and name not in adopt}
    assert not foreign & {word for command in plan.commands for word in command}
    assert not {name for name, bridge in world.items() if bridge.adopted or not bridge.ours} & set(plan.removed)
    if not plan.problems:
        after = {name: bridge for name, bridge in world.items() if name not in plan.removed} | plan.after
        again = plan_bridges(wanted, after, adopt, remove_in_use=in_use)
        assert (again.commands, again.problems) == ([], [])
        assert {name for name, bridge in after.items() if bridge.ours} == {bridge.name for bridge in wanted}
