from __future__ import annotations

import pytest
from roth.config import ConfigError
from roth.damping import Damping, DampingRules
from roth.kernel.model import Family
from roth.uplinks import BfdState

from tests.unit.agent.fakes import config
from tests.unit.agent.host import Host, bring_up

RULES = DampingRules(half_life=10, suppress=2500, reuse=1000, longest=60)


def losses(times: list[float], rules: DampingRules = RULES) -> Damping:
    """An uplink that was lost at these times and came back each time at once."""
    damping = Damping(rules)
    damping.observe("up0", True, True, 0)
    for now in times:
        damping.observe("up0", False, False, now)
        damping.observe("up0", True, True, now)
    return damping


@pytest.mark.parametrize("times", [[1.0], [1.0, 2.0], [1.0, 12.0, 23.0, 34.0]])
def test_an_uplink_that_is_lost_now_and_then_is_not_damped(times: list[float]) -> None:
    assert losses(times).out() == frozenset()


def test_the_third_loss_in_a_row_damps() -> None:
    assert losses([1.0, 2.0, 3.0]).out() == {"up0"}


def test_one_outage_counts_once_whatever_notices_it_first() -> None:
    damping = Damping(RULES)
    for now, carrier, usable in [(0, True, True), (1, False, False), (2, True, False), (3, True, True)]:
        damping.observe("up0", carrier, usable, now)
    assert [each.penalty for each in damping.report(3)] == [round(1000 * 0.5**0.2)]


def test_a_link_that_flaps_while_its_sessions_are_down_is_still_counted() -> None:
    damping = Damping(RULES)
    damping.observe("up0", True, True, 0)
    for now in range(1, 4):
        damping.observe("up0", False, False, now)
        damping.observe("up0", True, False, now + 0.5)
    assert damping.out() == {"up0"}


def test_a_damped_uplink_is_back_once_it_has_been_steady_for_as_long_as_was_said() -> None:
    damping = losses([1.0, 2.0, 3.0])
    (told,) = damping.report(3.0)
    assert damping.release() == pytest.approx(told.seconds, abs=0.1)
    damping.observe("up0", True, True, 3.0 + told.seconds - 0.5)
    assert damping.out() == {"up0"}
    damping.observe("up0", True, True, 3.0 + told.seconds + 0.5)
    assert damping.out() == frozenset()
    assert damping.release() is None


def test_it_stays_out_as_long_as_it_flaps_and_never_longer_than_the_longest_time_after() -> None:
    damping = losses([0.5 * n for n in range(1, 400)])
    assert damping.out() == {"up0"}
    release = damping.release()
    assert release is not None
    assert 30 < release <= 60


def test_a_longest_time_of_zero_switches_damping_off() -> None:
    assert losses([1, 1, 1, 1, 1], DampingRules(10, 2500, 1000, 0)).out() == frozenset()


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"reuse": 3000}, "damping.reuse: 3000.0 is not below damping.suppress, 2500"),
        ({"half_life": 0}, "damping.half_life: 0 is not seconds, 1 to 3600"),
        ({"longest": 201}, "damping.longest: 201.0 is not at most 20 times damping.half_life"),
        ({"flaps": 3}, "damping.flaps: unknown key"),
        ({"suppress": True}, "damping.suppress: True is not a penalty"),
    ],
)
def test_bad_rules_are_refused_by_name(rules: dict[str, object], message: str) -> None:
    good = {"half_life": 10, "suppress": 2500, "reuse": 1000, "longest": 60}
    with pytest.raises(ConfigError) as error:
        config(damping=good | rules)
    assert message in str(error.value)


def flap(host: Host, name: str, times: int) -> None:
    for _time in range(times):
        host.event(host.kernel.lose_carrier(name))
        host.event(host.kernel.regain_carrier(name))
        host.advance(0.5)


def test_a_flapping_uplink_leaves_both_groups_and_comes_back_by_itself() -> None:
    host = bring_up()
    flap(host, "up0", 3)
    assert [host.members(family) for family in Family] == [(142114,), (142116,)]
    (damped,) = host.status()["damping"]
    assert (damped["uplink"], damped["out"]) == ("up0", True)
    host.advance(damped["seconds"] - 1)
    assert host.members() == (142114,)
    host.advance(2)
    assert [host.members(family) for family in Family] == [(142104, 142114), (142106, 142116)]


def test_the_last_usable_uplink_is_never_damped_away() -> None:
    host = bring_up()
    flap(host, "up0", 3)
    assert host.members() == (142114,)
    host.bfd(up1=BfdState.DOWN)
    assert host.members() == (142104,)
    host.bfd()
    assert host.members() == (142114,)


def test_with_both_uplinks_damped_both_stay_in() -> None:
    host = bring_up()
    for _time in range(3):
        flap(host, "up0", 1)
        flap(host, "up1", 1)
    assert host.members() == (142104, 142114)


def test_a_bfdd_that_restarts_is_no_loss_of_an_uplink() -> None:
    host = bring_up()
    for _time in range(5):
        host.agent.bfd_lost("gone")
        host.bfd(BfdState.DOWN)
        host.bfd()
    assert host.status()["damping"] == []


def test_an_uplink_that_is_in_may_be_used_at_once_whatever_its_penalty() -> None:
    assert [(each.penalty, each.out, each.seconds) for each in losses([1.0]).report(1.0)] == [(1000, False, 0.0)]
    assert [(each.out, each.seconds) for each in losses([1.0, 1.0]).report(1.0)] == [(False, 0.0)]


def test_a_penalty_reaches_the_threshold_at_the_threshold_and_leaves_below_reuse() -> None:
    rules = DampingRules(half_life=10, suppress=2000, reuse=1000, longest=60)
    damping = losses([1.0, 1.0], rules)
    assert damping.out() == {"up0"}
    damping.observe("up0", True, True, 11.0)
    assert damping.out() == {"up0"}, "as high as reuse is not below it"
    damping.observe("up0", True, True, 11.1)
    assert damping.out() == frozenset()


def test_a_clock_that_goes_back_makes_no_penalty_grow() -> None:
    damping = losses([1.0])
    damping.observe("up0", True, True, -30.0)
    assert [each.penalty for each in damping.report(-30.0)] == [1000]


def test_a_penalty_that_has_decayed_is_not_shown_any_more() -> None:
    damping = losses([1.0])
    assert [each.penalty for each in damping.report(1.0 + 10 * 9)] == [2]
    assert damping.report(1.0 + 10 * 11) == []


def test_an_uplink_that_left_the_configuration_is_forgotten_and_one_that_stays_is_not() -> None:
    damping = losses([1.0, 1.0, 1.0])
    damping.observe("up1", True, True, 1.0)
    damping.keep({"up0": None}, RULES)
    assert damping.out() == {"up0"}
    damping.keep({"up1": None}, RULES)
    assert (damping.out(), damping.release()) == (frozenset(), None)
