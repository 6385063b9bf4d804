"""What differs in a fabric of two hosts and two switches that is right but for one thing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.report.compare import Finding, compare, plugged
from ansible_collections.roth.fabric.plugins.module_utils.report.hosts import Announcement, TableRoute
from ansible_collections.roth.fabric.plugins.module_utils.report.switches import BfdSession, Path

from .fabric import EXPECTED, SUBNET, host, switch


def found(*, hosts=None, switches=None, expected=None) -> list[Finding]:
    return compare(
        expected or EXPECTED,
        hosts or {"hv1": host(1), "hv2": host(2)},
        {"tor1": switch("tor1"), "tor2": switch("tor2"), **(switches or {})},
    )


def texts(**changed) -> list[str]:
    return [finding.text for finding in found(**changed)]


def hv1(**changed) -> dict[str, object]:
    return {"hosts": {"hv1": replace(host(1), **changed), "hv2": host(2)}}


def tor1(**changed) -> dict[str, object]:
    return {"switches": {"tor1": replace(switch("tor1"), **changed)}}


def test_a_fabric_where_all_is_right_has_no_findings():
    assert texts() == []


def test_a_route_that_is_missing_in_the_kernel_is_named():
    kept = tuple(route for route in host(1).announced if route.prefix != "10.64.1.53/32")
    assert texts(**hv1(announced=kept)) == [
        "hv1: 10.64.1.53/32 missing in kernel: no route; expected unicast dev br-mobile"
    ]


def test_an_address_that_has_just_arrived_has_a_route_that_is_as_good():
    routes = tuple(replace(r, metric=142) if r.prefix == "10.64.1.53/32" else r for r in host(1).announced)
    assert texts(**hv1(announced=routes)) == []


@pytest.mark.parametrize(
    ("changed", "observed"),
    [
        ({"device": "br-pinned"}, "unicast dev br-pinned metric 0 proto 142"),
        ({"protocol": 4}, "unicast dev br-mobile metric 0 proto 4"),
        ({"kind": "blackhole", "device": None}, "blackhole metric 0 proto 142"),
    ],
)
def test_a_route_that_is_another_in_the_kernel_is_told_from_a_missing_one(changed, observed):
    routes = tuple(replace(r, **changed) if r.prefix == "10.64.1.53/32" else r for r in host(1).announced)
    assert texts(**hv1(announced=routes)) == [
        f"hv1: 10.64.1.53/32 wrong in kernel: {observed}; expected unicast dev br-mobile"
    ]


def test_a_missing_blackhole_under_a_subnet_is_a_finding_of_its_own():
    kept = tuple(route for route in host(1).announced if route.kind != "blackhole")
    assert texts(**hv1(announced=kept)) == [
        f"hv1: {SUBNET} wrong in kernel: unicast dev br-pinned metric 0 proto 142; expected blackhole"
    ]


def test_a_route_of_ours_that_nobody_wants_is_unexpected():
    extra = TableRoute("10.64.77.7/32", "unicast", "br-mobile", 0, 142)
    assert texts(**hv1(announced=(*host(1).announced, extra))) == [
        "hv1: 10.64.77.7/32 unexpected in kernel: unicast dev br-mobile metric 0 proto 142; expected no route of ours"
    ]


def test_a_foreign_route_in_our_table_is_none_of_our_business():
    extra = TableRoute("10.64.77.7/32", "unicast", "br-mobile", 0, 4)
    assert texts(**hv1(announced=(*host(1).announced, extra))) == []


def test_a_prefix_that_is_not_announced_to_one_switch_is_named_with_it():
    kept = host(1).adj_rib_out - {Announcement("10.2.1.0", "10.64.1.53/32", "10.2.1.1")}
    assert texts(**hv1(adj_rib_out=kept)) == [
        "hv1 at tor2: 10.64.1.53/32 not announced: not in the adj-rib-out for 10.2.1.0; expected next hop 10.2.1.1"
    ]


def test_an_announcement_with_a_wrong_next_hop_is_a_finding():
    right = Announcement("10.2.1.0", "10.64.1.53/32", "10.2.1.1")
    changed = (host(1).adj_rib_out - {right}) | {replace(right, next_hop="192.0.2.11")}
    assert texts(**hv1(adj_rib_out=changed)) == [
        "hv1 at tor2: 10.64.1.53/32 announced with a wrong next hop: 192.0.2.11; expected next hop 10.2.1.1"
    ]


def test_an_announcement_that_nobody_wants_is_a_finding():
    extra = Announcement("10.1.1.0", "203.0.113.7/32", "10.1.1.1")
    assert texts(**hv1(adj_rib_out=host(1).adj_rib_out | {extra})) == [
        "hv1 at tor1: 203.0.113.7/32 announced: in the adj-rib-out for 10.1.1.0; expected nothing of the kind"
    ]


def test_a_prefix_that_the_agent_withholds_is_a_finding():
    assert texts(**hv1(withheld={"203.0.113.7/32": "not in the allowed prefixes"})) == [
        "hv1: 203.0.113.7/32 withheld by the agent: not in the allowed prefixes; expected no such route"
    ]


def test_a_session_that_is_down_on_the_host_is_named_with_uplink_and_switch():
    assert texts(**hv1(sessions={**host(1).sessions, "10.1.1.0": "down"})) == [
        "hv1 at tor1: BGP session down: up0 10.1.1.0 is down; expected established"
    ]


def test_a_session_that_is_down_on_the_host_is_named_with_the_reason_that_the_agent_knows():
    why = "the switch ended it, 6/1 maximum number of prefixes reached"
    down = {**host(1).sessions, "10.1.1.0": "down"}
    assert texts(**hv1(sessions=down, reasons={"10.1.1.0": why})) == [
        f"hv1 at tor1: BGP session down: up0 10.1.1.0 is down ({why}); expected established"
    ]


def test_a_bfd_session_that_bfdd_does_not_have_is_down():
    known = {peer: state for peer, state in host(1).bfd.items() if peer != "10.2.1.0"}
    assert texts(**hv1(bfd=known)) == ["hv1 at tor2: BFD session down: up1 10.2.1.0 is absent; expected up"]


def test_without_bfd_on_an_uplink_nobody_looks_for_it():
    quiet = tuple(replace(item, bfd=item.tor != "tor2") for item in EXPECTED["hv1"].peerings)
    expected = {**EXPECTED, "hv1": replace(EXPECTED["hv1"], peerings=quiet)}
    known = {peer: state for peer, state in host(1).bfd.items() if "10.2." not in peer and ":2:" not in peer}
    assert texts(expected=expected, **hv1(bfd=known)) == []


@pytest.mark.parametrize(
    ("hops", "observed"), [((("up0", "10.1.1.0"),), "up0 via 10.1.1.0"), ((), "no uplink")], ids=["one", "none"]
)
def test_a_default_that_is_not_over_all_uplinks_is_a_finding(hops, observed):
    defaults = tuple(replace(r, hops=hops) if r.prefix == "0.0.0.0/0" else r for r in host(1).defaults)
    assert texts(**hv1(defaults=defaults)) == [
        f"hv1: ipv4 default not over all uplinks: {observed}; expected up0 via 10.1.1.0, up1 via 10.2.1.0"
    ]


def test_a_default_over_a_stranger_is_a_finding():
    hops = (("up0", "10.1.1.0"), ("up1", "10.2.1.0"), ("eth0", "192.0.2.200"))
    defaults = tuple(replace(r, hops=hops) if r.prefix == "0.0.0.0/0" else r for r in host(1).defaults)
    assert [finding.kind for finding in found(**hv1(defaults=defaults))] == ["ipv4 default over others"]


def test_a_unit_that_is_not_active_is_named():
    assert texts(**hv1(units={"roth-agent.service": "failed"})) == [
        "hv1: unit not active: roth-agent.service is failed; expected active"
    ]


@pytest.mark.parametrize(("state", "findings"), [("inactive", 0), ("active", 0), ("failed", 1)])
def test_a_unit_that_runs_at_boot_may_wait_for_it_but_not_fail(state, findings):
    assert len(texts(**hv1(units={"roth-sysctl.service": state}))) == findings


def test_an_alarm_of_the_agent_is_passed_on():
    assert texts(**hv1(alarms=("BFD down on all uplinks",))) == [
        "hv1: alarm of the agent: BFD down on all uplinks; expected none"
    ]


def test_what_is_not_well_with_the_port_watcher_is_passed_on():
    alarm = "Neutron's answer is not followed: 20 of the 20 instance prefixes (100 %) would be removed"
    assert texts(**hv1(watcher_alarms=(alarm,))) == [f"hv1: alarm of the port watcher: {alarm}; expected none"]


def test_what_could_not_be_read_is_one_finding_and_judges_nothing_else():
    unread = replace(host(1), sessions=None, adj_rib_out=None, problems=("agent at /run/roth/agent.sock: refused",))
    assert texts(hosts={"hv1": unread, "hv2": host(2)}) == [
        "hv1: not readable: agent at /run/roth/agent.sock: refused; expected an answer"
    ]


def test_a_prefix_that_a_switch_lacks_is_named_with_it():
    kept = tuple(path for path in switch("tor1").paths if path.prefix != "2001:db8:64::bd/128")
    assert texts(**tor1(paths=kept)) == [
        "hv1 at tor1: 2001:db8:64::bd/128 missing at switch: no path from 2001:db8:1:1::b; "
        "expected next hop 2001:db8:1:1::b"
    ]


def test_a_prefix_at_the_wrong_host_names_both_hosts():
    moved = tuple(
        replace(path, peer="10.1.2.1", next_hop="10.1.2.1") if path.prefix == "10.64.1.53/32" else path
        for path in switch("tor1").paths
    )
    assert sorted(texts(**tor1(paths=moved))) == [
        "hv1 at tor1: 10.64.1.53/32 missing at switch: no path from 10.1.1.1; expected next hop 10.1.1.1",
        "hv2 at tor1: 10.64.1.53/32 at the wrong host: next hop 10.1.2.1; expected on hv1",
    ]


def test_a_prefix_that_several_hosts_should_announce_is_right_at_each():
    both = {name: replace(item, routes=EXPECTED["hv1"].routes) for name, item in EXPECTED.items()}
    shared = [path for path in switch("tor1").paths if path.prefix == "10.64.1.53/32"]
    again = replace(shared[0], peer="10.1.2.1", next_hop="10.1.2.1")
    findings = found(expected=both, **tor1(paths=(*switch("tor1").paths, again)))
    assert not [
        item for item in findings if item.prefix == "10.64.1.53/32" and item.switch == "tor1" and "at" in item.kind
    ]


def test_a_prefix_that_nobody_wants_at_a_switch_is_a_leak():
    leak = Path("203.0.113.7/32", "10.1.1.1", "10.1.1.1", best=True, stale=False)
    assert texts(**tor1(paths=(*switch("tor1").paths, leak))) == [
        "hv1 at tor1: 203.0.113.7/32 unexpected at switch: next hop 10.1.1.1; expected no path: no host wants it"
    ]


def test_what_the_spine_told_a_switch_is_no_hosts_fault():
    seen = (*switch("tor1").paths, Path("10.64.1.53/32", "10.255.1.0", "10.255.1.0", best=False, stale=False))
    assert texts(**tor1(paths=seen)) == []


def test_a_wrong_next_hop_at_a_switch_is_named():
    paths = tuple(
        replace(path, next_hop="192.0.2.11") if path.prefix == "10.64.1.53/32" else path
        for path in switch("tor1").paths
    )
    assert texts(**tor1(paths=paths)) == [
        "hv1 at tor1: 10.64.1.53/32 wrong next hop: next hop 192.0.2.11; expected next hop 10.1.1.1"
    ]


def test_a_path_that_only_graceful_restart_keeps_is_a_finding():
    paths = tuple(replace(path, stale=path.prefix == "10.64.1.53/32") for path in switch("tor1").paths)
    assert [finding.kind for finding in found(**tor1(paths=paths))] == ["stale at switch"]


def test_sessions_that_the_switch_sees_down_are_named():
    bfd = tuple(BfdSession(item.peer, "down" if item.peer == "10.1.1.1" else "up") for item in switch("tor1").bfd)
    sessions = tuple(replace(s, state="active") if s.peer == "10.1.1.1" else s for s in switch("tor1").sessions)
    assert texts(**tor1(bfd=bfd, sessions=sessions)) == [
        "hv1 at tor1: BGP session down: 10.1.1.1 is active; expected established",
        "hv1 at tor1: BFD session down: 10.1.1.1 is down; expected up",
    ]


def test_a_session_that_is_down_explains_the_prefixes_that_are_missing():
    sessions = tuple(replace(s, state="active") if s.peer == "10.1.1.1" else s for s in switch("tor1").sessions)
    paths = tuple(path for path in switch("tor1").paths if path.peer != "10.1.1.1")
    assert texts(**tor1(paths=paths, sessions=sessions)) == [
        "hv1 at tor1: BGP session down: 10.1.1.1 is active; expected established"
    ]


def test_a_limit_that_a_host_has_reached_is_named_with_the_way_out():
    sessions = tuple(replace(s, limit_reached=256) if s.peer == "10.1.1.1" else s for s in switch("tor1").sessions)
    assert texts(**tor1(sessions=sessions)) == [
        "hv1 at tor1: prefix limit reached: 10.1.1.1: no prefix beyond 256 is taken; "
        "expected fewer; BIRD 2.0 then needs `birdc reload in` for this session"
    ]


def test_a_session_with_another_asn_is_named():
    sessions = tuple(replace(s, asn=64512) if s.peer == "10.1.1.1" else s for s in switch("tor1").sessions)
    assert texts(**tor1(sessions=sessions)) == ["hv1 at tor1: wrong ASN: 64512; expected 65011"]


def test_a_switch_that_does_not_answer_is_one_finding():
    assert texts(switches={"tor1": "vtysh: failed to connect to any daemons"}) == [
        "at tor1: not readable: vtysh: failed to connect to any daemons; expected its sessions and routes"
    ]


def test_a_run_limited_to_one_host_judges_only_that_host():
    leak = Path("203.0.113.7/32", "10.1.2.1", "10.1.2.1", best=True, stale=False)
    kept = tuple(path for path in switch("tor1").paths if path.prefix != "10.64.3.191/32")
    assert texts(hosts={"hv1": host(1)}, **tor1(paths=(*kept, leak))) == []


def test_a_run_limited_to_one_host_still_sees_its_prefix_at_another():
    stray = Path("10.64.1.53/32", "10.1.2.1", "10.1.2.1", best=False, stale=False)
    assert texts(hosts={"hv1": host(1)}, **tor1(paths=(*switch("tor1").paths, stray))) == [
        "hv2 at tor1: 10.64.1.53/32 at the wrong host: next hop 10.1.2.1; expected on hv1"
    ]


# What an operator has drained is no fault.


def without_up0(state):
    """A host whose up0 is drained: its switch may be off, and the default goes over the other."""
    gone = {peering.peer for peering in EXPECTED["hv1"].peerings if peering.uplink == "up0"}
    defaults = tuple(replace(r, hops=tuple(hop for hop in r.hops if hop[0] != "up0")) for r in state.defaults)
    return replace(
        state,
        drained=frozenset({"up0"}),
        defaults=defaults,
        sessions={peer: "down" if peer in gone else said for peer, said in state.sessions.items()},
        bfd={peer: "down" if peer in gone else said for peer, said in state.bfd.items()},
    )


def test_a_drained_uplink_may_be_down_at_both_ends():
    state = without_up0(host(1))
    off = replace(
        switch("tor1"),
        sessions=tuple(replace(s, state="active") if s.peer.endswith(".1.1") else s for s in switch("tor1").sessions),
        paths=tuple(path for path in switch("tor1").paths if path.peer not in ("10.1.1.1", "2001:db8:1:1::b")),
    )
    assert texts(hosts={"hv1": state, "hv2": host(2)}, switches={"tor1": off}) == []


def test_a_switch_whose_uplinks_are_all_drained_need_not_answer():
    hosts = {"hv1": without_up0(host(1))}
    assert texts(hosts=hosts, switches={"tor1": "no answer"}) == []
    hosts["hv2"] = host(2)
    assert texts(hosts=hosts, switches={"tor1": "no answer"}) == [
        "at tor1: not readable: no answer; expected its sessions and routes"
    ]


def test_a_drained_uplink_that_still_carries_the_default_is_a_finding():
    state = replace(without_up0(host(1)), defaults=host(1).defaults)
    kinds = [finding.kind for finding in found(hosts={"hv1": state, "hv2": host(2)})]
    assert kinds == ["ipv4 default over others", "ipv6 default over others"]


def test_the_other_uplink_of_a_drained_host_is_judged_as_ever():
    state = without_up0(host(1))
    state = replace(state, sessions={**state.sessions, "10.2.1.0": "down"})
    assert "hv1 at tor2: BGP session down: up1 10.2.1.0 is down; expected established" in texts(
        hosts={"hv1": state, "hv2": host(2)}
    )


def test_a_prefix_that_a_drained_host_has_given_up_is_missed_nowhere_but_in_the_kernel():
    name = "10.64.1.53/32"
    state = replace(
        host(1),
        given_up=frozenset({name}),
        withheld={name: "drained"},
        adj_rib_out=frozenset(route for route in host(1).adj_rib_out if route.prefix != name),
    )
    quiet = {
        tor: replace(switch(tor), paths=tuple(path for path in switch(tor).paths if path.prefix != name))
        for tor in ("tor1", "tor2")
    }
    assert texts(hosts={"hv1": state, "hv2": host(2)}, switches=quiet) == []
    left = replace(state, announced=tuple(route for route in host(1).announced if route.prefix != name))
    assert [f.kind for f in found(hosts={"hv1": left, "hv2": host(2)}, switches=quiet)] == ["missing in kernel"]


def test_a_prefix_that_waits_for_its_tap_is_neither_wanted_nor_missing():
    waiting = "10.64.1.53/32"
    state = replace(host(1), waiting=frozenset({waiting}))
    left = plugged(EXPECTED, {"hv1": state})
    assert left["hv1"].prefixes == EXPECTED["hv1"].prefixes - {waiting}
    assert left["hv2"] == EXPECTED["hv2"]
    kernel = tuple(route for route in host(1).announced if route.prefix != waiting)
    told = {each for each in host(1).adj_rib_out if each.prefix != waiting}
    hosts = {"hv1": replace(state, announced=kernel, adj_rib_out=frozenset(told)), "hv2": host(2)}
    paths = {
        name: replace(switch(name), paths=tuple(path for path in switch(name).paths if path.prefix != waiting))
        for name in ("tor1", "tor2")
    }
    assert found(hosts=hosts, expected=plugged(EXPECTED, hosts), switches=paths) == []


def test_a_prefix_that_waits_for_its_tap_and_is_announced_all_the_same_is_unexpected():
    hosts = {"hv1": replace(host(1), waiting=frozenset({"10.64.1.53/32"})), "hv2": host(2)}
    kinds = {finding.kind for finding in found(hosts=hosts, expected=plugged(EXPECTED, hosts))}
    assert kinds == {"unexpected in kernel", "announced", "unexpected at switch"}
