"""The plan from what the kernel has to what is wanted, against a simulated kernel."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import (
    ODD,
    Action,
    KernelRoute,
    Link,
    RouteTable,
)
from ansible_collections.roth.fabric.plugins.module_utils.kernel.routes import operations, plan_routes, route_table
from ansible_collections.roth.fabric.plugins.module_utils.kernel.text import Wanted, parse_routes
from hypothesis import given
from hypothesis import strategies as st

LINKS = {
    1: Link(1, "lo", up=True, carrier=True),
    2: Link(2, "a", up=True, carrier=True),
    3: Link(3, "b", up=True, carrier=False),
    4: Link(4, "off", up=False, carrier=False),
}
OURS, THEIRS = 142, 4


class SimulatedKernel:
    """One table: (key, protocol, hop) in order, with the kernel's rules for EXCL, REPLACE and removal."""

    def __init__(self, ours=(), foreign=()):
        self.routes = [(key, OURS, hop) for key, hop in ours] + [(key, THEIRS, (2, 1)) for key in foreign]
        self.lost = []  # keys that a wanted route lost in between

    def table(self):
        table = RouteTable()
        for key, protocol, hop in self.routes:
            if protocol == OURS and table.hops.setdefault(key, hop) != hop:
                table.extra.append((key, hop))
        return table

    def foreign(self):
        return {key: protocol for key, protocol, _hop in self.routes if protocol != OURS}

    def write(self, changes):
        for action, key, hop in changes:
            places = [place for place, route in enumerate(self.routes) if route[0] == key]
            if action is Action.ADD:
                assert not places, f"EEXIST {key}"
                self.routes.append((key, OURS, hop))
            elif action is Action.REPLACE:
                assert places, f"{key} had vanished before it was replaced"
                assert self.routes[places[0]][1] == OURS, f"{key} of another protocol overwritten"
                self.routes[places[0]] = (key, OURS, hop)
            else:
                ours = [place for place in places if self.routes[place][1] == OURS]
                matching = [place for place in ours if hop in ((0, ODD), self.routes[place][2])]
                assert matching, f"ESRCH {key}"
                del self.routes[matching[0]]
                if not any(route[0] == key for route in self.routes):
                    self.lost.append(key)


addresses = st.integers(0, 7).map(lambda n: bytes([10, 64, 0, n])) | st.integers(0, 3).map(
    lambda n: bytes.fromhex("20010db8") + bytes(11) + bytes([n])
)
keys = st.tuples(addresses, st.sampled_from([32, 24]), st.sampled_from([5, 1024])).map(
    lambda key: (key[0], key[1] if len(key[0]) == 4 else key[1] * 4, key[2])
)
hops = st.sampled_from([(1, 1), (2, 1), (3, 1), (0, 6), (0, ODD), (2, ODD)])
devices = st.sampled_from(["lo", "a", "b", "off", "gone", None])
wanted_lists = st.lists(st.tuples(keys, devices), max_size=12)
kernels = st.builds(
    lambda ours, foreign: SimulatedKernel(dict.fromkeys(ours), foreign),
    st.lists(st.tuples(keys, hops), max_size=12),
    st.sets(keys, max_size=4),
)


def wanted_of(entries):
    wanted = Wanted()
    for key, device in entries:
        wanted.add(key, device)
    return wanted


def planned(kernel, wanted, purge=True):
    return plan_routes(wanted, kernel.table(), kernel.foreign(), LINKS, purge)


@given(kernels, wanted_lists)
def test_the_plan_gives_what_is_wanted_and_a_second_plan_nothing(kernel, entries):
    wanted = wanted_of(entries)
    plan = planned(kernel, wanted)
    before = kernel.table()
    kernel.write(operations(plan))
    after = kernel.table()
    indexes = {link.name: link.index for link in LINKS.values()}
    failed = {problem.key for problem in plan.problems}
    for key, device in wanted.routes.items():
        if key in failed:
            assert after.hops.get(key) == before.hops.get(key)
        else:
            assert after.hops[key] == ((0, 6) if device is None else (indexes[device], 1))
    assert after.hops.keys() <= wanted.routes.keys() | wanted.contradictory.keys()
    again = planned(kernel, wanted)
    assert (again.changed, operations(again)) == (False, [])
    assert [problem.key for problem in again.problems] == [problem.key for problem in plan.problems]


@given(kernels, wanted_lists, st.booleans())
def test_foreign_routes_are_never_touched(kernel, entries, purge):
    foreign = [route for route in kernel.routes if route[1] != OURS]
    kernel.write(operations(planned(kernel, wanted_of(entries), purge)))
    assert [route for route in kernel.routes if route[1] != OURS] == foreign


@given(kernels, wanted_lists)
def test_no_wanted_route_is_gone_in_between(kernel, entries):
    wanted = wanted_of(entries)
    kernel.write(operations(planned(kernel, wanted)))
    assert not set(kernel.lost) & wanted.routes.keys()


@given(kernels, wanted_lists)
def test_without_purge_nothing_unwanted_is_removed(kernel, entries):
    wanted = wanted_of(entries)
    before = kernel.table().hops.keys() - wanted.routes.keys()
    kernel.write(operations(planned(kernel, wanted, purge=False)))
    assert before <= kernel.table().hops.keys()


def texts(plan):
    return [(action.value, plan.text(key, hop)) for action, key, hop in operations(plan)]


def test_aggregates_are_the_first_to_come_and_the_last_to_go():
    routes = [
        "198.51.100.5/32 dev a",
        "198.51.100.0/26 dev a",
        "blackhole 198.51.100.0/25",
        "2001:db8::5/128 dev a",
    ]
    plan = plan_routes(parse_routes(routes), RouteTable(), {}, LINKS)
    assert [text for _action, text in texts(plan)] == [routes[2], routes[1], routes[0], routes[3]]
    current = RouteTable(dict(plan.install))
    gone = plan_routes(Wanted(), current, {}, LINKS)
    assert [text for _action, text in texts(gone)][:2] == [routes[0], routes[3]]


def is_aggregate(key, hop):
    return hop[1] == 6 or key[1] < 8 * len(key[0])


@given(kernels, wanted_lists)
def test_no_host_route_comes_before_an_aggregate_or_goes_after_one(kernel, entries):
    plan = planned(kernel, wanted_of(entries))
    changes = operations(plan)
    added = [is_aggregate(key, hop) for action, key, hop in changes if action is Action.ADD]
    assert added == sorted(added, reverse=True)
    gone = [key for action, key, _hop in changes if action is Action.REMOVE and key in plan.remove]
    removed = [is_aggregate(key, plan.remove[key]) for key in gone]
    assert removed == sorted(removed)
    lengths = [key[1] for action, key, hop in changes if action is Action.ADD and is_aggregate(key, hop)]
    assert lengths == sorted(lengths), "the wider one first"


def test_the_new_comes_before_the_old_goes():
    current = route_table([_kernel_route("10.64.1.53/32", oif=2), _kernel_route("10.64.1.54/32", oif=2)])
    plan = plan_routes(parse_routes(["10.64.1.53/32 dev b", "10.64.1.54/32 dev a metric 7"]), current, {}, LINKS)
    assert texts(plan) == [
        ("add", "10.64.1.54/32 dev a metric 7"),
        ("replace", "10.64.1.53/32 dev b"),
        ("remove", "10.64.1.54/32 dev a"),
    ]


def _kernel_route(prefix, oif=2, metric=0, kind=1, **more):
    return KernelRoute(ip_network(prefix), metric, oif, kind, OURS, 142, **more)


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        ("10.64.1.53/32 dev gone", "link gone does not exist"),
        ("10.64.1.53/32 dev off", "link off is down"),
        ("10.64.1.54/32 dev a", "protocol 4 has a route of the same prefix and metric 0"),
    ],
)
def test_a_problem_is_reported_by_prefix_and_the_rest_is_planned(route, reason):
    foreign = {(bytes([10, 64, 1, 54]), 32, 0): 4}
    plan = plan_routes(parse_routes([route, "10.64.1.55/32 dev b"]), RouteTable(), foreign, LINKS)
    assert [(problem.prefix, problem.reason) for problem in plan.problems] == [(route.split()[0], reason)]
    assert texts(plan) == [("add", "10.64.1.55/32 dev b")]


def test_a_route_of_ours_in_another_form_is_rewritten():
    current = route_table([_kernel_route("10.64.1.53/32", plain=False)])
    plan = plan_routes(parse_routes(["10.64.1.53/32 dev a"]), current, {}, LINKS)
    assert texts(plan) == [("replace", "10.64.1.53/32 dev a")]


def test_contradictions_are_reported_and_what_stands_there_stays():
    current = route_table([_kernel_route("10.64.1.53/32")])
    plan = plan_routes(parse_routes(["10.64.1.53/32 dev a", "10.64.1.53/32 dev b"]), current, {}, LINKS)
    assert (plan.changed, [problem.prefix for problem in plan.problems]) == (False, ["10.64.1.53/32"])


def test_a_dump_that_names_a_route_twice_is_no_duplicate():
    current = route_table([_kernel_route("10.64.1.53/32")] * 2)
    assert (len(current.hops), current.extra) == (1, [])


@given(kernels, wanted_lists, st.randoms(use_true_random=False))
def test_the_order_of_the_list_does_not_matter(kernel, entries, random):
    shuffled = list(entries)
    random.shuffle(shuffled)
    first, second = planned(kernel, wanted_of(entries)), planned(kernel, wanted_of(shuffled))
    assert (first.install, first.change, first.remove) == (second.install, second.change, second.remove)
    assert sorted(problem.key for problem in first.problems) == sorted(problem.key for problem in second.problems)


WANTED = ["10.64.0.1/32 dev a", "2001:db8::1/128 dev a", "10.64.1.0/24 dev a"]
JUST_ARRIVED = ["10.64.0.1/32 dev a metric 142", "2001:db8::1/128 dev a metric 142", "10.64.1.0/24 dev a metric 142"]


def plan_against(lines, wanted):
    current = RouteTable(dict.fromkeys(parse_routes(lines).routes, (2, 1)))
    return plan_routes(wanted, current, {}, LINKS)


def test_the_route_of_an_address_that_has_just_arrived_is_as_good_as_the_wanted_one():
    plan = plan_against(JUST_ARRIVED[:2], parse_routes(WANTED[:2]))
    assert not plan.changed
    assert plan.unchanged == 2


def test_a_shorter_prefix_of_that_metric_is_no_arrival():
    plan = plan_against(JUST_ARRIVED[2:], parse_routes(WANTED[2:]))
    assert (len(plan.install), len(plan.remove)) == (1, 1)


def test_an_arrival_that_is_wanted_no_more_is_removed():
    assert len(plan_against(JUST_ARRIVED[:2], parse_routes([])).remove) == 2


def test_who_settles_arrivals_gets_the_ordinary_route_first():
    wanted = parse_routes(WANTED[:2])
    wanted.settles = True
    changes = operations(plan_against(JUST_ARRIVED[:2], wanted))
    assert [action for action, _key, _hop in changes] == [Action.ADD, Action.ADD, Action.REMOVE, Action.REMOVE]
