"""What is wanted of an answer now depends on the taps that are here."""

from __future__ import annotations

import pytest
from roth.kernel.model import key_text
from roth.port_watcher.answer import Answer, departed, parse_answer

ROUTES = [
    "10.64.0.1/32 dev br0",
    "2001:db8:64::1/128 dev br0",
    "10.64.0.2/32 dev br0",
    "10.64.0.9/32 dev br0",
    "198.51.100.0/26 dev br1",
    "blackhole 198.51.100.0/26 metric 4294967295",
    "192.0.2.11/32 dev lo",
]
TAPS = ["10.64.0.1/32 tap1", "2001:db8:64::1/128 tap1", "10.64.0.2/32 tap2"]


def prefixes(keys) -> set[str]:
    return set(map(key_text, keys))


def test_routes_of_absent_taps_are_not_wanted_and_those_without_a_tap_always_are() -> None:
    answer = parse_answer(ROUTES, TAPS)
    assert prefixes(answer.wanted({"lo", "br0", "tap1"}).routes) == {
        "10.64.0.1/32", "2001:db8:64::1/128", "10.64.0.9/32", "198.51.100.0/26", "192.0.2.11/32",
    }  # fmt: skip
    assert answer.waiting({"lo", "tap1"}) == ["10.64.0.2/32"]


def test_the_lines_of_an_answer_are_that_answer_again() -> None:
    answer = parse_answer(ROUTES, TAPS)
    assert parse_answer(answer.route_lines(), answer.tap_lines()) == answer


def test_a_tap_that_no_port_has_is_unexplained() -> None:
    assert parse_answer(ROUTES, TAPS).unexplained(["lo", "br0", "tap1", "tap7"]) == {"tap7"}


def test_what_must_not_go_is_kept_with_its_tap_until_a_later_answer() -> None:
    before, now = parse_answer(ROUTES, TAPS), parse_answer(["10.64.0.1/32 dev br1"], ["10.64.0.1/32 tap5"])
    kept = now.with_kept([key for key in before.routes if key not in now.routes], before)
    assert prefixes(kept.wanted({"tap2", "tap5"}).routes) == prefixes(before.routes) - {"2001:db8:64::1/128"}
    assert set(now.route_lines()) <= set(kept.route_lines())
    assert "10.64.0.1/32 tap5" in kept.tap_lines()


def test_what_is_not_to_be_routed_is_known_of_an_answer_that_keeps_others() -> None:
    now = parse_answer([], [], [], ["10.64.0.7"])
    assert now.with_kept([], parse_answer(ROUTES, TAPS)).unrouted == now.unrouted


def test_a_route_has_departed_with_its_tap_by_the_latest_answer_that_knows_it() -> None:
    before, now = parse_answer(ROUTES, TAPS), parse_answer(["10.64.0.1/32 dev br0"], ["10.64.0.1/32 tap5"])
    assert prefixes(departed(before.routes, {"tap1", "tap2"}, now, before)) == {"10.64.0.1/32"}
    assert prefixes(departed(before.routes, {"tap5"}, now, before)) == {"10.64.0.2/32", "2001:db8:64::1/128"}
    assert departed(before.routes, set(), Answer()) == set()


def test_a_prefix_listed_with_two_devices_is_neither_wanted_nor_removed() -> None:
    answer = parse_answer(["10.64.0.1/32 dev br0", "10.64.0.1/32 dev br1"], [])
    assert answer.wanted(()).routes == {}
    assert prefixes(answer.wanted(()).contradictory) == {"10.64.0.1/32"}


@pytest.mark.parametrize(("routes", "taps"), [(["10.64.0.1 dev br0"], []), ([], ["10.64.0.1/32 a/b"]), ([], ["x tap"])])
def test_what_is_not_understood_is_refused(routes: list[str], taps: list[str]) -> None:
    with pytest.raises(ValueError, match=r"expected|appear"):
        parse_answer(routes, taps)
