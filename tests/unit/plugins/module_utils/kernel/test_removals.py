"""How much a plan takes away, and when that is too much to go without a yes."""

from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import Link, RouteTable
from ansible_collections.roth.fabric.plugins.module_utils.kernel.removals import RemovalLimit, mass_removal
from ansible_collections.roth.fabric.plugins.module_utils.kernel.routes import operations, plan_routes
from ansible_collections.roth.fabric.plugins.module_utils.kernel.text import Wanted, parse_routes
from hypothesis import given
from hypothesis import strategies as st

LINKS = {
    1: Link(1, "lo", up=True, carrier=True),
    2: Link(2, "br-mobile", up=True, carrier=True),
    3: Link(3, "br-pinned", up=True, carrier=True),
}
STAYING = [
    "192.0.2.11/32 dev lo",
    "2001:db8:ffff::11/128 dev lo",
    "198.51.100.0/26 dev br-pinned",
    "blackhole 198.51.100.0/26 metric 4294967295",
]
LIMIT = RemovalLimit(20, 4)


def instances(count, first=1):
    return [f"10.64.{n >> 8}.{n & 255}/32 dev br-mobile" for n in range(first, first + count)]


def plan(before, after, purge=True):
    have = plan_routes(parse_routes(before), RouteTable(), {}, LINKS)
    table = RouteTable({key: hop for _action, key, hop in operations(have)})
    wanted = parse_routes(after) if after else Wanted()
    return plan_routes(wanted, table, {}, LINKS, purge)


def refused(before, after, limit=LIMIT, **more):
    found = mass_removal(plan(before, after, **more), limit)
    return None if found is None else (len(found.prefixes), found.of)


@pytest.mark.parametrize(
    ("have", "stay", "expected"),
    [
        (100, 80, None),  # a fifth
        (100, 79, (21, 100)),
        (22, 11, (11, 22)),  # half of the ports are missing
        (22, 18, None),  # no more than the floor …
        (8, 4, None),  # … which may be half of a small host
        (3, 2, None),  # one instance of three was deleted
        (8, 3, (5, 8)),
        (3, 0, (3, 3)),  # all, however few
        (1, 0, (1, 1)),
        (0, 0, None),
    ],
)
def test_a_share_beyond_the_limit_and_all_of_them_are_refused(have, stay, expected):
    assert refused(STAYING + instances(have), STAYING + instances(stay)) == expected


def test_loopbacks_and_aggregates_hide_nothing_and_may_go_themselves():
    assert refused(STAYING + instances(2), STAYING) == (2, 2)
    assert refused(STAYING + instances(2), instances(2)) is None
    assert refused(STAYING, []) is None


def test_other_instances_instead_of_all_that_were_there_are_refused_too():
    assert refused(instances(10), instances(10, first=1000)) == (10, 10)


def test_a_prefix_that_keeps_a_route_is_not_removed():
    moved = [route.replace("br-mobile", "br-pinned") for route in instances(10)]
    ranked = [f"{route} metric 7" for route in instances(10)]
    assert refused(instances(10), moved) is None
    assert refused(instances(10), ranked) is None
    assert refused(instances(10) + ranked, ranked) is None


def test_without_purge_nothing_is_removed():
    assert refused(instances(10), instances(1), purge=False) is None


def test_what_cannot_be_installed_now_is_not_removed_either():
    assert refused(instances(10), [route.replace("br-mobile", "br-gone") for route in instances(10)]) is None


def test_a_pair_of_an_instance_that_is_a_prefix_counts():
    assert refused(["10.64.9.0/28 dev br-mobile"], []) == (1, 1)


def test_the_text_says_how_many_of_how_many_and_which():
    found = mass_removal(plan(STAYING + instances(9), STAYING + instances(2)), LIMIT)
    assert str(found) == (
        "7 of the 9 instance prefixes (77 %) would be removed: 10.64.0.3/32, 10.64.0.4/32, 10.64.0.5/32, 10.64.0.6/32, "
        "10.64.0.7/32 and 2 more; expected at most 20 % or 4 of them, and never all"
    )


@pytest.mark.parametrize(
    ("percent", "floor", "text"),
    [
        (101, 4, "max_removed_percent: 101 is not valid; expected 0 to 100"),
        (-1, 4, "max_removed_percent: -1 is not valid; expected 0 to 100"),
        (20, -1, "max_removed_floor: -1 is not valid; expected 0 or more prefixes"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(percent, floor, text):
    with pytest.raises(ValueError) as caught:
        RemovalLimit(percent, floor)
    assert str(caught.value) == text


@given(st.sets(st.integers(1, 400)), st.sets(st.integers(1, 400)), st.integers(0, 100), st.integers(0, 20))
def test_what_is_accepted_is_within_the_limit_and_never_all(have, want, percent, floor):
    routes = [[route for n in sorted(numbers) for route in instances(1, first=n)] for numbers in (have, want)]
    gone = len(have - want)
    within = gone < len(have) and (gone <= floor or gone / len(have) <= percent / 100 + 1e-9)
    found = refused(STAYING + routes[0], STAYING + routes[1], RemovalLimit(percent, floor))
    assert (found is None) is (not gone or within)
    assert found in (None, (gone, len(have)))
