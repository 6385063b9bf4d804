"""The plan of nexthop objects and groups."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import Nexthop, NexthopGroup
from ansible_collections.roth.fabric.plugins.module_utils.kernel.nexthops import (
    Delete,
    Put,
    apply_nexthops,
    plan_nexthops,
)
from hypothesis import given
from hypothesis import strategies as st

ONE, TWO = Nexthop(1, 2, ip_address("10.1.1.0")), Nexthop(2, 3, ip_address("10.2.1.0"))
BOTH = NexthopGroup(9, ((1, 1), (2, 1)))


class SimulatedKernel:
    def __init__(self):
        self.nexthops, self.groups = {}, {}

    def replace_nexthop(self, nexthop, protocol):
        self.nexthops[nexthop.id] = nexthop

    def replace_group(self, group, protocol):
        assert all(member in self.nexthops for member, _weight in group.members), "EINVAL: no such member"
        self.groups[group.id] = group

    def delete_nexthop(self, id):
        self.groups.pop(id, None)
        self.nexthops.pop(id, None)
        for group in list(self.groups.values()):
            members = tuple(member for member in group.members if member[0] != id)
            assert members, f"the last member of group {group.id} was deleted, and its routes with it"
            self.groups[group.id] = NexthopGroup(group.id, members)


def test_members_come_before_their_group():
    assert plan_nexthops([TWO, ONE], [BOTH], {}, {}) == [Put(ONE), Put(TWO), Put(BOTH)]


def test_a_group_goes_before_its_members():
    assert plan_nexthops([], [], {1: ONE, 2: TWO}, {9: BOTH}) == [Delete(9), Delete(1), Delete(2)]


def test_a_member_leaves_the_group_before_it_is_deleted():
    less = NexthopGroup(9, ((1, 1),))
    assert plan_nexthops([ONE], [less], {1: ONE, 2: TWO}, {9: BOTH}) == [Put(less), Delete(2)]


@pytest.mark.parametrize(("weight", "taken"), [(0, False), (1, True), (256, True), (257, False)])
def test_a_weight_is_what_the_kernel_takes(weight, taken):
    group = NexthopGroup(9, ((1, weight),))
    if taken:
        assert plan_nexthops([ONE], [group], {}, {}) == [Put(ONE), Put(group)]
    else:
        with pytest.raises(ValueError, match=f"weight {weight} of 1; expected 1 to 256"):
            plan_nexthops([ONE], [group], {}, {})


def test_what_the_kernel_dropped_on_carrier_loss_is_restored():
    assert plan_nexthops([ONE, TWO], [BOTH], {1: ONE}, {9: NexthopGroup(9, ((1, 1),))}) == [Put(TWO), Put(BOTH)]


def test_without_purge_nothing_is_deleted():
    assert plan_nexthops([], [NexthopGroup(8, ((1, 1),))], {1: ONE}, {}, purge=False) == [
        Put(NexthopGroup(8, ((1, 1),)))
    ]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (NexthopGroup(9, ()), "expected at least one"),
        (NexthopGroup(9, ((1, 0),)), "expected 1 to 256"),
        (NexthopGroup(9, ((1, 257),)), "expected 1 to 256"),
        (NexthopGroup(9, ((3, 1),)), "does not exist"),
        (NexthopGroup(9, ((1, 1), (1, 2))), "expected each nexthop once"),
    ],
)
def test_a_group_that_cannot_be_is_refused(group, expected):
    with pytest.raises(ValueError, match=expected):
        plan_nexthops([ONE], [group], {}, {})


states = st.dictionaries(st.integers(1, 4), st.integers(2, 4)).flatmap(
    lambda hops: st.tuples(
        st.just([Nexthop(number, oif, ip_address("10.1.1.0")) for number, oif in hops.items()]),
        st.lists(
            st.builds(
                lambda number, members: NexthopGroup(number, tuple(sorted(members.items()))),
                st.integers(8, 10),
                st.dictionaries(st.sampled_from(sorted(hops)), st.integers(1, 3), min_size=1),
            ),
            unique_by=lambda group: group.id,
        )
        if hops
        else st.just([]),
    )
)


@given(states, states)
def test_the_plan_gives_what_is_wanted_and_a_second_plan_nothing(before, after):
    kernel = SimulatedKernel()
    for state in (before, after):
        apply_nexthops(kernel, 142, plan_nexthops(*state, kernel.nexthops, kernel.groups))
        assert kernel.nexthops == {item.id: item for item in state[0]}
        assert kernel.groups == {item.id: item for item in state[1]}
        assert plan_nexthops(*state, kernel.nexthops, kernel.groups) == []


@given(states, states, st.randoms(use_true_random=False))
def test_the_order_of_what_is_wanted_does_not_matter(before, after, random):
    current = {item.id: item for item in before[0]}, {item.id: item for item in before[1]}
    shuffled = [random.sample(items, len(items)) for items in after]
    assert plan_nexthops(*shuffled, *current) == plan_nexthops(*after, *current)
