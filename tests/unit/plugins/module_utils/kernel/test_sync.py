"""Read, plan and write, with a kernel that others change meanwhile."""

from __future__ import annotations

import errno
from ipaddress import ip_address

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import (
    Action,
    KernelNeighbor,
    Link,
    RouteTable,
)
from ansible_collections.roth.fabric.plugins.module_utils.kernel.routes import operations, plan_routes
from ansible_collections.roth.fabric.plugins.module_utils.kernel.sync import apply_plan, read_plan
from ansible_collections.roth.fabric.plugins.module_utils.kernel.text import parse_routes

LINKS = {2: Link(2, "a", up=True, carrier=True), 3: Link(3, "b", up=True, carrier=True)}
ONE, OTHER, THIRD = "10.64.1.53/32", "10.64.1.54/32", "10.64.1.55/32"


def key(prefix):
    ((found, _device),) = parse_routes([f"{prefix} dev a"]).routes.items()
    return found


class Store:
    """A kernel's table: ours by key, and keys of others."""

    def __init__(self, routes=(), foreign=()):
        plan = plan_routes(parse_routes(list(routes)), RouteTable(), {}, LINKS)
        self.hops = {key: hop for _action, key, hop in operations(plan)}
        self.theirs = dict.fromkeys(map(key, foreign), 4)
        self.foreign_dumps, self.unseen, self.refused, self.written, self.known = 0, set(), {}, [], []

    def links(self):
        return LINKS

    def route_table(self, table, protocol):
        return RouteTable({key: hop for key, hop in self.hops.items() if key not in self.unseen})

    def foreign_routes(self, table, protocol):
        self.foreign_dumps += 1
        return dict(self.theirs)

    def neighbors(self, index=None):
        return [entry for entry in self.known if index in (None, entry.oif)]

    def delete_neighbor(self, address, oif):
        self.known = [entry for entry in self.known if (entry.address, entry.oif) != (address, oif)]

    def write(self, table, protocol, changes):
        failures = []
        for place, (action, key, hop) in enumerate(changes):
            code = self.refused.get(key)
            if code is None and action is Action.ADD and (key in self.hops or key in self.theirs):
                code = errno.EEXIST
            if code is not None:
                failures.append((place, code, "said by the kernel"))
            elif action is Action.REMOVE:
                del self.hops[key]
            else:
                self.hops[key] = hop
            self.written.append((action, key))
        self.unseen.clear()  # the next dump is whole
        return failures


def planned(store, *routes):
    return read_plan(store, 142, 142, parse_routes(list(routes)))


def applied(store, plan, *routes):
    return [(it.prefix, it.reason) for it in apply_plan(store, 142, 142, parse_routes(list(routes)), plan).problems]


def test_where_nothing_comes_foreign_routes_are_not_even_read():
    store = Store([f"{ONE} dev a", f"{OTHER} dev a"], foreign=[THIRD])
    assert not planned(store, f"{ONE} dev a", f"{OTHER} dev a").changed
    assert list(planned(store, f"{ONE} dev a").remove) == [key(OTHER)]
    assert store.foreign_dumps == 0


@pytest.mark.parametrize("route", [f"{OTHER} dev a", f"{ONE} dev b"], ids=["installed", "changed"])
def test_a_route_of_another_protocol_in_the_way_is_a_problem_of_the_plan_already(route):
    prefix = route.split()[0]
    store = Store([f"{ONE} dev a"], foreign=[prefix])
    plan = planned(store, route)
    assert [problem.prefix for problem in plan.problems] == [prefix]
    assert not plan.install.keys() | plan.change.keys()


def test_a_route_of_another_protocol_elsewhere_is_no_problem():
    store = Store([f"{ONE} dev a"], foreign=[THIRD])
    plan = planned(store, f"{OTHER} dev a", f"{ONE} dev b")
    assert (plan.problems, list(plan.install), list(plan.change)) == ([], [key(OTHER)], [key(ONE)])
    assert store.foreign_dumps == 1


def test_a_route_that_the_dump_missed_is_found_by_the_second_and_the_rest_is_written():
    wanted = [f"{ONE} dev b", f"{OTHER} dev a"]
    store = Store([f"{ONE} dev a"])
    store.unseen = {key(ONE)}
    assert applied(store, planned(store, *wanted), *wanted) == []
    assert store.hops == {key(ONE): (3, 1), key(OTHER): (2, 1)}
    assert store.written[-1] == (Action.REPLACE, key(ONE))


def test_the_second_plan_removes_nothing_that_was_not_judged_in_the_first():
    wanted = [f"{ONE} dev a"]
    store = Store([f"{ONE} dev b", f"{OTHER} dev a", f"{THIRD} dev a"])
    store.unseen = {key(ONE), key(OTHER)}
    plan = planned(store, *wanted)
    assert list(plan.remove) == [key(THIRD)]
    store.unseen = {key(ONE), key(OTHER)}
    assert applied(store, plan, *wanted) == []
    assert store.hops.keys() == {key(ONE), key(OTHER)}


def test_one_conflict_among_other_refusals_is_enough_to_look_again():
    wanted = [f"{ONE} dev b", f"{OTHER} dev a"]
    store = Store([f"{ONE} dev a"])
    store.unseen, store.refused = {key(ONE)}, {key(OTHER): errno.ENETDOWN}
    assert [prefix for prefix, _reason in applied(store, planned(store, *wanted), *wanted)] == [OTHER]
    assert store.hops == {key(ONE): (3, 1)}


def test_other_refusals_are_reported_and_not_tried_again():
    wanted = [f"{ONE} dev a", f"{OTHER} dev a"]
    store = Store()
    store.refused = {key(ONE): errno.ENETDOWN}
    (problem,) = applied(store, planned(store, *wanted), *wanted)
    assert problem[0] == ONE
    assert store.written == [(Action.ADD, key(ONE)), (Action.ADD, key(OTHER))]
    assert store.hops.keys() == {key(OTHER)}


@pytest.mark.parametrize("missed", [False, True])
def test_what_is_known_of_a_neighbour_goes_with_its_route_also_after_a_dump_that_missed_one(missed):
    store = Store([f"{ONE} dev a", f"{OTHER} dev a", f"{THIRD} dev a"])
    store.known = [
        KernelNeighbor(ip_address(prefix.partition("/")[0]), 2, None, 4, 0) for prefix in (ONE, OTHER, THIRD)
    ]
    wanted = [f"{ONE} dev a", f"{OTHER} dev b"]
    store.unseen = {key(OTHER)} if missed else set()
    assert applied(store, planned(store, *wanted), *wanted) == []
    assert [f"{entry.address}/32" for entry in store.known] == [ONE]


def test_what_is_known_of_a_neighbour_stays_where_its_route_could_not_be_removed():
    store = Store([f"{ONE} dev a", f"{OTHER} dev a"])
    store.known = [KernelNeighbor(ip_address("10.64.1.54"), 2, None, 4, 0)]
    store.refused = {key(OTHER): errno.EBUSY}
    assert [prefix for prefix, _reason in applied(store, planned(store, f"{ONE} dev a"), f"{ONE} dev a")] == [OTHER]
    assert len(store.known) == 1
