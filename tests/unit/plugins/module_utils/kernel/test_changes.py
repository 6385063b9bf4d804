"""Route plans as people read them."""

from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.changes import describe, parse_announced
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import Link, RouteTable
from ansible_collections.roth.fabric.plugins.module_utils.kernel.routes import operations, plan_routes
from ansible_collections.roth.fabric.plugins.module_utils.kernel.text import parse_routes

LINKS = {2: Link(2, "a", up=True, carrier=True), 3: Link(3, "b", up=True, carrier=True)}


def table_of(routes):
    plan = plan_routes(parse_routes(routes), RouteTable(), {}, LINKS)
    return RouteTable({key: hop for _action, key, hop in operations(plan)})


def changes(before, after, *announced):
    plan = plan_routes(parse_routes(after), table_of(before), {}, LINKS)
    return describe(plan, parse_announced(announced))


def test_the_diff_has_one_sorted_line_for_each_route_that_changes():
    found = changes(
        ["10.64.1.9/32 dev a", "10.64.1.10/32 dev a", "10.64.1.11/32 dev a"],
        ["10.64.1.10/32 dev b", "2001:db8::1/128 dev a", "10.64.2.1/32 dev a", "10.64.1.11/32 dev a"],
    )
    assert found.before == "10.64.1.9/32 dev a  # removed\n10.64.1.10/32 dev a  # changed\n"
    assert found.after == (
        "10.64.1.10/32 dev b  # changed\n10.64.2.1/32 dev a  # installed\n2001:db8::1/128 dev a  # installed\n"
    )
    assert (found.installed, found.changed, found.removed) == (
        ["10.64.2.1/32 dev a", "2001:db8::1/128 dev a"],
        ["10.64.1.10/32 dev b"],
        ["10.64.1.9/32 dev a"],
    )


def test_routes_of_ours_that_stand_beside_the_wanted_one_are_counted():
    ((key, _device),) = parse_routes(["10.64.1.9/32 dev a"]).routes.items()
    current = RouteTable({key: (2, 1)}, [(key, (3, 1)), (key, (0, 6))])
    plan = plan_routes(parse_routes(["10.64.1.9/32 dev a"]), current, {}, LINKS)
    assert describe(plan).before == "10.64.1.9/32 dev a and 2 more of its metric  # changed\n"
    assert describe(plan).after == "10.64.1.9/32 dev a  # changed\n"


def test_only_allowed_prefixes_are_called_announced():
    found = changes(
        [],
        ["10.64.1.9/32 dev a", "10.64.1.16/28 dev a", "10.65.0.1/32 dev a", "2001:db8::1/128 dev a"],
        {"prefix": "10.64.0.0/16", "ge": 32, "le": 32},
    )
    assert found.announced == ["10.64.1.9/32"]
    assert "10.64.1.9/32 dev a  # installed, announced\n" in found.after
    assert "10.64.1.16/28 dev a  # installed\n" in found.after


def test_a_prefix_is_withdrawn_only_with_its_last_route():
    both = ["198.51.100.0/26 dev a", "blackhole 198.51.100.0/26 metric 4294967295"]
    rule = {"prefix": "198.51.100.0/26"}
    assert changes(both, both[:1], rule).withdrawn == []
    assert changes(both[:1], both, rule).announced == []
    assert changes(both, ["10.64.1.9/32 dev a"], rule).withdrawn == ["198.51.100.0/26"]


def test_a_route_that_moves_to_another_metric_stays_announced():
    found = changes(["10.64.1.9/32 dev a"], ["10.64.1.9/32 dev a metric 5"], {"prefix": "10.64.0.0/16", "ge": 32})
    assert (found.announced, found.withdrawn) == ([], [])


@pytest.mark.parametrize(("ge", "le"), [(8, 32), (33, 33), (32, 24)])
def test_lengths_outside_the_prefix_are_refused(ge, le):
    with pytest.raises(ValueError, match="expected 16 <= ge <= le <= 32"):
        parse_announced([{"prefix": "10.64.0.0/16", "ge": ge, "le": le}])


def test_without_lengths_the_prefix_itself_is_announced():
    (rule,) = parse_announced([{"prefix": "10.64.0.0/16", "ge": None, "le": None}])
    assert (rule.ge, rule.le) == (16, 16)
