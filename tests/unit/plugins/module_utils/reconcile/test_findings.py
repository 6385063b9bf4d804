"""Each disagreement gets its right name, the places it was seen at, and what a repair does about it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.reconcile.findings import disagreements
from ansible_collections.roth.fabric.plugins.module_utils.reconcile.model import Kind, PortName, SwitchPath
from truths import ANYCAST, WANTED, change, kernel, named, only, route, routes, settled, world

MINE, MINE6 = "10.64.0.11/32", "2001:db8:64::11/128"
STRAY = "10.64.77.7/32"
OUTSIDE = "10.99.0.1/32"
EVERYWHERE = ("kernel", "adj-rib-out tor1", "adj-rib-out tor2", "tor1", "tor2")


def test_where_all_agree_there_is_no_finding() -> None:
    assert disagreements(world()) == []


def test_a_wanted_prefix_without_a_route_is_missing_everywhere_and_is_installed() -> None:
    found = only(kernel(world(), "hv1", drop=[MINE]))
    assert (found.kind, found.host, found.prefix) == (Kind.MISSING, "hv1", MINE)
    assert (found.seen, found.missing) == ((), EVERYWHERE)
    assert found.port == PortName(f"id-{MINE}-hv1", f"vm-{MINE}", "hv1")
    assert (found.install, found.repair) == ((route(MINE),), f"install {route(MINE)}")


def test_a_route_that_leads_elsewhere_is_missing_and_changed_in_place() -> None:
    found = only(kernel(world(), "hv1", add={MINE: (route(MINE, "br-pinned"),)}))
    assert (found.kind, found.missing, found.install) == (Kind.MISSING, ("kernel",), (route(MINE),))
    assert found.reason == f"the kernel has {MINE} dev br-pinned"
    assert found.seen == EVERYWHERE


def test_a_route_beside_the_wanted_one_is_an_orphan_of_which_only_itself_goes() -> None:
    more = f"{MINE} dev br-mobile metric 50"
    found = only(kernel(world(), "hv1", add={MINE: (route(MINE), more)}))
    assert (found.kind, found.remove) == (Kind.ORPHAN, (more,))


def test_where_a_foreign_route_has_the_place_nothing_is_repaired() -> None:
    before = kernel(world(), "hv1", drop=[MINE])
    found = only(change(before, "hv1", foreign={MINE: f"{MINE} dev eth9 proto 4"}))
    assert (found.kind, found.install, found.remove) == (Kind.MISSING, (), ())
    assert found.reason == f"another protocol has its place: {MINE} dev eth9 proto 4"
    assert found.repair == "none: a foreign route is never touched"


def test_what_one_peer_is_not_told_is_missing_there_and_at_its_switch() -> None:
    before = world()
    told = {**before.hosts["hv1"].announced, "10.1.1.0": frozenset({ANYCAST})}
    at = tuple(path for path in before.switches["tor1"] if (path.prefix, path.peer) != (MINE, "10.1.1.1"))
    found = only(replace(change(before, "hv1", announced=told), switches={**before.switches, "tor1": at}))
    assert (found.kind, found.missing) == (Kind.MISSING, ("adj-rib-out tor1", "tor1"))
    assert found.seen == ("kernel", "adj-rib-out tor2", "tor2")
    assert found.install == ()


def test_what_the_agent_withholds_is_missing_with_its_reason() -> None:
    before = world()
    told = {peer: prefixes - {MINE} for peer, prefixes in before.hosts["hv1"].announced.items()}
    held = change(before, "hv1", announced=told, withheld={MINE: "br-mobile has no carrier"})
    found = disagreements(held)[0]
    assert found.reason == "the agent withholds it: br-mobile has no carrier"


def test_a_route_of_ours_that_no_port_wants_is_an_orphan_and_goes() -> None:
    found = only(kernel(world(), "hv1", add=routes([STRAY])))
    assert (found.kind, found.host, found.seen, found.reason) == (Kind.ORPHAN, "hv1", EVERYWHERE, "no port has it")
    assert (found.port, found.remove) == (None, (route(STRAY),))


def test_an_orphan_outside_the_allowed_prefixes_stays_in_the_kernel_and_is_an_orphan() -> None:
    found = only(kernel(world(), "hv1", add=routes([OUTSIDE])))
    assert (found.kind, found.seen, found.remove) == (Kind.ORPHAN, ("kernel",), (route(OUTSIDE),))


def test_an_orphan_whose_port_is_left_out_says_why() -> None:
    before = kernel(world(), "hv1", add=routes([STRAY]))
    found = only(change(before, "hv1", left_out={STRAY: "administratively down"}))
    assert found.reason == "administratively down"


def test_a_prefix_on_two_hosts_is_a_duplicate_on_the_one_where_it_does_not_belong() -> None:
    found = only(kernel(world(), "hv2", add=routes([MINE])))
    assert (found.kind, found.host, found.seen) == (Kind.DUPLICATE, "hv2", EVERYWHERE)
    assert found.reason == "belongs on hv1, and is on hv1 as well"
    assert found.port == PortName(f"id-{MINE}-hv1", f"vm-{MINE}", "hv1")
    assert found.remove == (route(MINE),)


def test_a_prefix_of_no_port_on_two_hosts_is_a_duplicate_on_both() -> None:
    both = kernel(kernel(world(), "hv1", add=routes([STRAY])), "hv2", add=routes([STRAY]))
    assert named(both) == [(Kind.DUPLICATE, "hv1", STRAY), (Kind.DUPLICATE, "hv2", STRAY)]


def test_an_anycast_prefix_on_all_its_hosts_is_none_and_on_another_host_it_is_a_duplicate() -> None:
    assert named(kernel(world(), "hv3", add=routes([ANYCAST]))) == [(Kind.DUPLICATE, "hv3", ANYCAST)]


def test_a_route_on_another_host_than_its_port_is_at_the_wrong_host_and_stays_until_the_right_one_has_it() -> None:
    moved = kernel(kernel(world(), "hv1", drop=[MINE]), "hv3", add=routes([MINE]))
    missing, wrong = disagreements(moved)
    assert (missing.kind, missing.host, missing.install) == (Kind.MISSING, "hv1", (route(MINE),))
    assert missing.reason == "no route of ours; it is on hv3 instead"
    assert (wrong.kind, wrong.host, wrong.remove, wrong.waits) == (Kind.WRONG_HOST, "hv3", (), True)
    assert wrong.missing == tuple(f"hv1: {place}" for place in EVERYWHERE)
    assert wrong.repair == f"remove {route(MINE)}, once hv1 has it"


def test_a_prefix_from_outside_what_its_host_may_announce_is_leaked() -> None:
    before = world()
    at = (*before.switches["tor1"], SwitchPath(OUTSIDE, "10.1.1.1"))
    found = only(replace(before, switches={**before.switches, "tor1": at}))
    assert (found.kind, found.host, found.seen) == (Kind.LEAKED, "hv1", ("tor1",))
    assert found.reason == "outside what hv1 may announce"
    assert found.remove == ()


def test_what_is_announced_without_a_route_is_leaked() -> None:
    before = world()
    told = {peer: held | ({STRAY} if "." in peer else set()) for peer, held in before.hosts["hv1"].announced.items()}
    found = only(change(before, "hv1", announced=told))
    assert (found.kind, found.seen) == (Kind.LEAKED, ("adj-rib-out tor1", "adj-rib-out tor2"))


@pytest.mark.parametrize(("prefix", "leaks"), [(STRAY, True), ("10.64.0.0/16", False), ("203.0.113.0/24", False)])
def test_a_prefix_inside_our_subnets_from_somebody_else_is_leaked(prefix: str, leaks: bool) -> None:
    before = world()
    at = (*before.switches["tor2"], SwitchPath(prefix, "10.255.2.0"))
    found = disagreements(replace(before, switches={**before.switches, "tor2": at}))
    assert [(each.kind, each.host, each.seen) for each in found] == (
        [(Kind.LEAKED, None, ("tor2 (from 10.255.2.0)",))] if leaks else []
    )


def test_while_a_host_is_not_looked_at_nobody_can_tell_where_a_prefix_from_the_spine_is_from() -> None:
    before = change(world(), "hv3", kernel=None, announced=None, looked_at=False)
    at = (*before.switches["tor2"], SwitchPath(STRAY, "10.255.2.0"))
    assert disagreements(replace(before, switches={**before.switches, "tor2": at})) == []


def test_what_the_spine_passes_on_of_a_host_is_no_leak() -> None:
    before = kernel(world(), "hv1", add=routes([STRAY]))
    at = tuple(SwitchPath(prefix, "10.255.2.0") for prefix in (STRAY, MINE, MINE6, ANYCAST))
    tor2 = (*before.switches["tor2"], *at)
    assert named(replace(before, switches={**before.switches, "tor2": tor2})) == [(Kind.ORPHAN, "hv1", STRAY)]


def test_what_a_host_has_withdrawn_and_a_switch_still_has_is_stale() -> None:
    before = world()
    at = (*before.switches["tor1"], SwitchPath(STRAY, "10.1.1.1"))
    found = only(replace(before, switches={**before.switches, "tor1": at}))
    assert (found.kind, found.host, found.seen, found.reason) == (Kind.STALE, "hv1", ("tor1",), "withdrawn by hv1")


def test_the_rest_of_a_move_at_a_switch_is_stale_and_names_where_it_belongs() -> None:
    before = world()
    at = (*before.switches["tor1"], SwitchPath(MINE, "10.1.2.1"))
    found = only(replace(before, switches={**before.switches, "tor1": at}))
    assert (found.kind, found.host, found.reason) == (Kind.STALE, "hv2", "withdrawn by hv2; belongs on hv1")


def test_what_a_switch_keeps_by_graceful_restart_only_is_stale() -> None:
    before = world()
    at = tuple(replace(path, stale=path.prefix == MINE) for path in before.switches["tor1"])
    assert named(replace(before, switches={**before.switches, "tor1": at})) == [(Kind.STALE, "hv1", MINE)]


def test_a_host_that_was_not_read_is_unreadable_and_nothing_of_it_is_repaired() -> None:
    before = kernel(world(), "hv1", drop=[MINE])
    blind = change(before, "hv1", kernel=None, announced=None, unread={"host": "no answer"})
    found = disagreements(blind)
    assert [(each.kind, each.prefix, each.missing) for each in found] == [
        (Kind.MISSING, MINE, ("tor1", "tor2")),
        (Kind.UNREADABLE, None, ("host",)),
    ]
    assert not any(each.install or each.remove for each in found)


def test_a_host_that_was_not_read_is_unreadable_even_if_the_switches_have_all_of_it() -> None:
    found = only(change(world(), "hv1", kernel=None, announced=None, unread={"host": "no answer"}))
    assert (found.kind, found.host, found.reason) == (Kind.UNREADABLE, "hv1", "no answer")


def test_a_switch_that_was_not_read_is_unreadable() -> None:
    found = only(replace(world(), switches={"tor1": "no such node", "tor2": world().switches["tor2"]}))
    assert (found.kind, found.host, found.missing, found.reason) == (Kind.UNREADABLE, None, ("tor1",), "no such node")


def test_a_switch_that_is_drained_on_all_hosts_may_be_unreadable() -> None:
    before = world()
    for name, host in before.hosts.items():
        drained = tuple(replace(each, drained=each.tor == "tor1") for each in host.sessions)
        before = change(before, name, sessions=drained)
    dark = {"tor1": "no such node", "tor2": before.switches["tor2"]}
    assert disagreements(replace(before, switches=dark)) == []


def test_from_a_host_that_was_not_read_a_prefix_of_no_port_is_leaked_and_one_of_another_host_a_duplicate() -> None:
    before = kernel(world(), "hv3", add=routes([STRAY, MINE]))
    blind = change(before, "hv3", kernel=None, announced=None, unread={"host": "no answer"})
    assert [item for item in named(blind) if item[0] is not Kind.UNREADABLE] == [
        (Kind.LEAKED, "hv3", STRAY),
        (Kind.DUPLICATE, "hv3", MINE),
    ]
    assert not any(each.remove or each.waits for each in disagreements(blind))


def test_a_wrong_host_keeps_what_the_right_one_cannot_be_seen_to_have() -> None:
    moved = kernel(kernel(world(), "hv1", drop=[MINE]), "hv3", add=routes([MINE]))
    blind = change(moved, "hv1", kernel=None, announced=None, unread={"host": "no answer"})
    wrong = next(each for each in disagreements(blind) if each.host == "hv3")
    assert (wrong.kind, wrong.remove, wrong.waits) == (Kind.WRONG_HOST, (), True)


def test_a_wrong_host_keeps_what_the_right_one_has_and_does_not_announce() -> None:
    before = kernel(world(), "hv3", add=routes([MINE]))
    told = {peer: held - {MINE} for peer, held in before.hosts["hv1"].announced.items()}
    wrong = next(each for each in disagreements(change(before, "hv1", announced=told)) if each.host == "hv3")
    assert (wrong.kind, wrong.remove, wrong.waits) == (Kind.WRONG_HOST, (), True)
    assert wrong.missing == ("hv1: adj-rib-out tor1", "hv1: adj-rib-out tor2")


def test_what_switches_only_keep_of_a_host_that_was_not_read_is_not_taken_for_being_there() -> None:
    before = kernel(world(), "hv3", add=routes([MINE]))
    blind = change(before, "hv1", kernel=None, announced=None, unread={"host": "no answer"})
    mine = {session.local for session in before.hosts["hv1"].sessions}
    at = {tor: tuple(replace(it, stale=it.peer in mine) for it in paths) for tor, paths in blind.switches.items()}
    wrong = next(each for each in disagreements(replace(blind, switches=at)) if each.host == "hv3")
    assert (wrong.kind, wrong.waits) == (Kind.WRONG_HOST, True)


def unlooked(which: str):
    before = kernel(world(), which, add=routes([STRAY, MINE]))
    return change(before, which, kernel=None, announced=None, looked_at=False)


def test_of_a_host_that_was_not_looked_at_only_what_belongs_to_one_that_was_is_named() -> None:
    found = only(unlooked("hv3"))
    assert (found.kind, found.host, found.prefix) == (Kind.DUPLICATE, "hv3", MINE)
    assert found.repair == "none: this host was not looked at"


def test_a_duplicate_of_what_the_switches_have_from_a_host_that_was_not_looked_at_may_go() -> None:
    before = kernel(world(), "hv2", add=routes([MINE]))
    found = only(change(before, "hv1", kernel=None, announced=None, looked_at=False))
    assert (found.kind, found.host, found.remove) == (Kind.DUPLICATE, "hv2", (route(MINE),))


def test_over_a_drained_uplink_nothing_is_missing_and_its_stale_paths_are_no_findings() -> None:
    before = world()
    drained = tuple(replace(each, drained=each.tor == "tor1") for each in before.hosts["hv1"].sessions)
    at = tuple(
        replace(each, stale=True) for each in before.switches["tor1"] if each.peer in ("10.1.1.1", "2001:db8:1:1::b")
    )
    rest = tuple(each for each in before.switches["tor1"] if each.peer not in ("10.1.1.1", "2001:db8:1:1::b"))
    told = {
        peer: found for peer, found in before.hosts["hv1"].announced.items() if peer.startswith(("10.2", "2001:db8:2"))
    }
    after = change(before, "hv1", sessions=drained, announced=told)
    assert disagreements(replace(after, switches={**after.switches, "tor1": (*rest, *at)})) == []


def test_what_a_drained_host_has_given_up_is_not_missing() -> None:
    before = world()
    told = {peer: found - {ANYCAST} for peer, found in before.hosts["hv1"].announced.items()}
    after = change(before, "hv1", announced=told, given_up=frozenset({ANYCAST}))
    at = {
        tor: tuple(it for it in paths if (it.prefix, it.peer[-3:]) != (ANYCAST, "1.1"))
        for tor, paths in after.switches.items()
    }
    assert disagreements(replace(after, switches=at)) == []


def test_without_any_switch_kernel_and_announcements_are_compared() -> None:
    blank = replace(kernel(world(), "hv1", drop=[MINE]), switches={})
    assert only(blank).missing == ("kernel", "adj-rib-out tor1", "adj-rib-out tor2")


def test_findings_come_by_host_and_kind() -> None:
    bad = kernel(kernel(world(), "hv3", add=routes([STRAY, MINE])), "hv1", add=routes([OUTSIDE]), drop=[MINE6])
    assert named(settled(bad)) == [
        (Kind.MISSING, "hv1", MINE6),
        (Kind.ORPHAN, "hv1", OUTSIDE),
        (Kind.DUPLICATE, "hv3", MINE),
        (Kind.ORPHAN, "hv3", STRAY),
    ]
    assert set(WANTED) == {"hv1", "hv2", "hv3"}
