"""A fresh answer may remove a share of the host; what isn't fresh removes only what was seen to go."""

from __future__ import annotations

from roth.kernel.model import Link, RouteTable, key_text
from roth.kernel.removals import RemovalLimit
from roth.kernel.routes import RoutePlan, plan_routes
from roth.kernel.text import parse_packed, parse_routes
from roth.port_watcher.judging import judge_event, judge_read

LIMIT = RemovalLimit(20, 4)
LINKS = {1: Link(1, "lo", True, True), 2: Link(2, "br0", True, True)}


def key(number: int):
    return parse_packed(f"10.64.0.{number}/32 dev br0")[0]


def plan(here: int, wanted: list[int]) -> RoutePlan:
    """Of a host with so many routes to instances."""
    table = RouteTable({key(number): (2, 1) for number in range(here)})
    table.hops[parse_packed("192.0.2.11/32 dev lo")[0]] = (1, 1)
    lines = [f"10.64.0.{number}/32 dev br0" for number in wanted] + ["192.0.2.11/32 dev lo"]
    return plan_routes(parse_routes(lines), table, {}, LINKS)


def numbers(keys) -> set[int]:
    return {int(key_text(key).split("/")[0].rpartition(".")[2]) for key in keys}


def test_a_share_may_go() -> None:
    verdict = judge_read(plan(30, list(range(24))), set(), LIMIT)
    assert (numbers(verdict.plan.remove), verdict.refused) == (set(range(24, 30)), None)


def test_more_than_the_share_is_refused_and_what_is_new_comes_all_the_same() -> None:
    verdict = judge_read(plan(30, [*range(23), 77]), set(), LIMIT)
    assert verdict.plan.remove == {}
    assert numbers(verdict.plan.install) == {77}
    assert numbers(verdict.kept) == set(range(23, 30))
    assert "7 of the 30 instance prefixes (23 %)" in str(verdict.refused)


def test_all_of_them_never_go_however_few_they_are() -> None:
    assert judge_read(plan(1, []), set(), LIMIT).refused is not None


def test_those_whose_taps_are_gone_do_not_count() -> None:
    gone = {key(number) for number in range(10, 30)}
    verdict = judge_read(plan(30, list(range(8))), gone, LIMIT)
    assert (numbers(verdict.plan.remove), verdict.refused) == (set(range(8, 30)), None)


def test_all_may_go_when_all_taps_are_gone() -> None:
    verdict = judge_read(plan(30, []), {key(number) for number in range(30)}, LIMIT)
    assert (numbers(verdict.plan.remove), verdict.refused) == (set(range(30)), None)


def test_those_whose_taps_are_gone_do_not_hide_that_the_rest_would_go() -> None:
    gone = {key(number) for number in range(28)}
    verdict = judge_read(plan(30, []), gone, LIMIT)
    assert numbers(verdict.plan.remove) == set(range(28))
    assert numbers(verdict.kept) == {28, 29}


def test_knowledge_that_is_not_fresh_removes_only_what_was_seen_to_go() -> None:
    verdict = judge_event(plan(30, [*range(20), 77]), {key(25)})
    assert numbers(verdict.plan.remove) == {25}
    assert numbers(verdict.plan.install) == {77}
    assert verdict.refused is None
