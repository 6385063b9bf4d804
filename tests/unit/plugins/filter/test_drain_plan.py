"""What draining changes on the lab's hosts, as the role asks for it."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.roth.fabric.plugins.filter.drain_plan import drain_plan
from ansible_collections.roth.fabric.plugins.filter.drain_table import drain_table

from tests.unit.plugins.lab_inventory import DOCUMENT, HOSTS, variables_of_all

SHARED = ["10.64.250.1/32", "2001:db8:64::fa01/128"]


@pytest.fixture(scope="module")
def hostvars():
    found = variables_of_all()
    for variables in found.values():
        variables["roth_provider_networks"][0]["shared_addresses"] = "anycast"
    return found


@pytest.fixture
def ask(hostvars):
    def plan(host="hv1", **arguments):
        return drain_plan(hostvars, host, DOCUMENT, **arguments)

    return plan


def state(uplinks=(), host=False, withdrawn=(), settle=5):
    return json.dumps({"uplinks": list(uplinks), "host": host, "withdrawn": list(withdrawn), "settle": settle})


def content(plan):
    return json.loads(plan["content"])


def test_a_tor_means_the_uplinks_that_lead_to_it(ask):
    plan = ask(tor="tor1")
    assert content(plan) == {"uplinks": ["up0"], "host": False, "withdrawn": [], "settle": 5}
    assert plan["problem"] is None
    assert plan["changes"] == [
        "up0 (tor1): next hop 10.1.1.0 leaves 0.0.0.0/0",
        "up0 (tor1): next hop 2001:db8:1:1::a leaves ::/0",
        "up0 (tor1): 14 prefixes to 10.1.1.0 with GRACEFUL_SHUTDOWN, a worse MED and a longer path",
        "up0 (tor1): 13 prefixes to 2001:db8:1:1::a with GRACEFUL_SHUTDOWN, a worse MED and a longer path",
    ]
    assert len(plan["announcements"]) == 27
    assert {line.split()[2] for line in plan["announcements"]} == {"10.1.1.0:", "2001:db8:1:1::a:"}


def test_the_same_again_changes_nothing(ask):
    plan = ask(tor="tor1", current=state(["up0"]))
    assert (plan["changes"], plan["announcements"]) == ([], [])
    assert content(plan) == json.loads(state(["up0"]))


def test_an_undrain_takes_back_what_it_names_or_everything(ask):
    drained = state(["up0"], True, SHARED)
    assert content(ask(tor="tor1", undrain=True, current=drained)) == json.loads(state([], True, SHARED))
    assert content(ask(whole=True, undrain=True, current=drained)) == json.loads(state(["up0"]))
    assert content(ask(undrain=True, current=drained)) == json.loads(state())
    assert "up0 (tor1): next hop 10.1.1.0 joins 0.0.0.0/0" in ask(undrain=True, current=drained)["changes"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            {"tor": "tor2", "current": state(["up0"])},
            "hv1: roth_drain_tor = 'tor2': no uplink would be left for ipv4, up0, up1 would all be drained: expected at"
            " least one that is not",
        ),
        ({"uplink": "up7"}, "hv1: roth_drain_uplink = 'up7': expected one of up0, up1"),
        (
            {"uplink": "up0", "tor": "tor2"},
            "hv1: roth_drain_tor = 'tor2', roth_drain_uplink = 'up0': expected an uplink to that switch",
        ),
    ],
)
def test_what_can_not_be_drained_is_a_problem_and_stays_as_it_is(ask, arguments, problem):
    plan = ask(**arguments)
    assert plan["problem"] == problem
    assert (plan["changes"], plan["announcements"]) == ([], [])
    assert content(plan)["uplinks"] == json.loads(arguments.get("current", state()))["uplinks"]


def test_a_family_with_one_uplink_can_not_lose_it(hostvars):
    single = deepcopy(hostvars)
    del single["hv1"]["roth_uplinks"][1]["ipv6"], single["hv1"]["roth_uplinks"][1]["peer_ipv6"]
    assert "left for ipv6, up0 would" in drain_plan(single, "hv1", DOCUMENT, tor="tor1")["problem"]


def test_a_host_gives_up_what_others_go_on_announcing_and_lists_the_rest(ask):
    plan = ask(whole=True, hypervisors=HOSTS, announcing=["hv2", "hv3"])
    assert plan["withdrawn"] == SHARED
    assert plan["holders"] == ["hv2", "hv3"]
    assert plan["stays"]["10.64.1.53/32"] == "on this host only"
    assert not plan["stays"].keys() & {*SHARED, "192.0.2.11/32", "2001:db8:ffff::11/128"}
    assert "2 shared prefixes withdrawn" in plan["changes"]
    assert "10.64.250.1/32 to 10.1.1.0: withdrawn" in plan["announcements"]
    assert content(plan)["uplinks"] == []


def test_a_host_s_uplinks_are_told_how_from_now_on_and_a_drained_one_stays_drained(ask):
    def told(plan):
        return [line.partition("prefixes to ")[2] for line in plan["changes"] if "prefixes to " in line]

    longer = ask(whole=True, hypervisors=HOSTS, announcing=["hv2"], current=state(["up0"]))
    assert told(longer) == [
        f"{peer} with {how}"
        for peers, how in (
            (("10.1.1.0", "2001:db8:1:1::a"), "GRACEFUL_SHUTDOWN, a worse MED and a longer path"),
            (("10.2.1.0", "2001:db8:2:1::a"), "a longer path"),
        )
        for peer in peers
    ]
    usual = ask(whole=True, undrain=True, current=state([], True, SHARED))
    assert {line.partition(" with ")[2] for line in told(usual)} == {"the usual attributes"}
    assert not any("next hop" in line for line in [*longer["changes"], *usual["changes"]])


def test_the_last_holder_keeps_it(ask):
    plan = ask(whole=True, hypervisors=HOSTS, announcing=[])
    assert plan["withdrawn"] == []
    assert {plan["stays"][name] for name in SHARED} == {"its other holders are drained or not reachable"}


def test_a_whole_host_s_uplinks_are_drained_only_where_they_are_named(ask):
    plan = ask(whole=True, hypervisors=HOSTS, announcing=["hv2"])
    assert (content(plan)["uplinks"], content(plan)["host"]) == ([], True)
    for drained in ([], ["up1"]):
        plan = ask(current=state(drained))
        assert (content(plan)["uplinks"], plan["problem"]) == (drained, None), "nothing named: nothing more is drained"


def test_an_uplink_that_is_gone_from_the_inventory_is_forgotten(ask):
    assert content(ask(tor="tor1", current=state(["up9"])))["uplinks"] == ["up0"]


@pytest.mark.parametrize("current", ["{", "[]"])
def test_a_file_that_is_broken_names_the_host(ask, current):
    with pytest.raises(AnsibleFilterError, match=r"drain_plan: hv1: "):
        ask(tor="tor1", current=current)


def test_the_agent_takes_what_the_plan_writes(ask):
    from roth.drain import parse

    from tests.unit.agent.fakes import config

    written = ask(whole=True, tor="tor1", hypervisors=HOSTS, announcing=["hv2"], settle=7)["content"]
    drain = parse(written, config())
    assert (drain.uplinks, drain.host, drain.settle) == (frozenset({"up0"}), True, 7.0)
    assert sorted(map(str, drain.withdrawn)) == SHARED


def test_the_table_has_a_line_for_each_uplink():
    result = {
        "uplinks": [
            {"uplink": "up0", "tor": "tor1", "state": "drained", "received": 7.5, "sent": None},
            {"uplink": "up1", "tor": "tor2", "state": "in service", "received": 1000.0, "sent": 900.25},
        ],
        "seconds": 8.1,
    }
    lines = drain_table({"hv1": result, "hv2": {"msg": "no answer"}}).splitlines()
    assert [line.split() for line in lines[2:]] == [
        ["hv1", "up0", "tor1", "drained", "7.5", "?", "8.1"],
        ["hv1", "up1", "tor2", "in", "service", "1000", "900.25", "8.1"],
    ]
