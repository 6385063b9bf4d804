"""When Neutron is read, on a clock of our own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roth.port_watcher.schedule import Schedule, Timing

TIMING = Timing()


def schedule(now: float = 0.0, chance: float = 0.5) -> Schedule:
    """One whose first read has succeeded at `now`."""
    found = Schedule(TIMING, lambda: chance, now)
    found.begin(now)
    found.answered(now)
    return found


def test_hosts_that_start_together_spread_their_first_reads() -> None:
    assert [Schedule(TIMING, lambda c=chance: c, 10.0).due() for chance in (0.0, 1.0)] == [10.0, 10.5]


@pytest.mark.parametrize(("chance", "due"), [(0.0, 45.0), (0.5, 60.0), (1.0, 75.0)])
def test_without_hints_the_jittered_period_counts(chance: float, due: float) -> None:
    assert schedule(chance=chance).due() == due


def test_a_burst_of_a_hundred_hints_is_one_read() -> None:
    found = schedule()
    for number in range(100):
        found.hint(1 + number / 1000)
    assert found.due() == pytest.approx(1.099 + TIMING.settle)
    found.begin(1.12)
    found.answered(1.3)
    assert found.due() == pytest.approx(61.3)


def test_hints_without_end_do_not_put_the_read_off_without_end() -> None:
    found = schedule()
    for number in range(1000):
        found.hint(1 + number / 100)
    assert found.due() == 1 + TIMING.settle_longest


def test_one_read_at_a_time_and_hints_meanwhile_want_one_more() -> None:
    found = schedule()
    found.hint(1.0)
    found.begin(1.02)
    found.hint(1.05)
    found.hint(1.06)
    assert found.due() is None
    found.answered(1.2)
    assert found.due() == pytest.approx(1.2 + TIMING.settle)


def test_waits_after_failures_double_up_to_a_bound_and_are_jittered() -> None:
    waits = []
    for chance in (0.0, 1.0):
        found = schedule(chance=chance)
        for _failure in range(9):
            found.begin(100.0)
            found.failed(100.0)
            waits.append(found.due() - 100)
    assert waits[9:] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert waits[:9] == [each / 2 for each in waits[9:]]


def test_a_hint_does_not_shorten_the_wait_after_a_failure() -> None:
    found = schedule()
    found.begin(100.0)
    found.failed(100.0)
    before = found.due()
    found.hint(100.1)
    assert found.due() == before
    found.begin(before)
    found.answered(before + 0.1)
    assert found.due() == pytest.approx(before + 60.1)


def test_a_hint_during_a_read_that_fails_is_not_forgotten_by_the_next() -> None:
    found = schedule()
    found.begin(100.0)
    found.hint(100.1)
    found.failed(100.2)
    found.begin(found.due())
    found.hint(101.0)
    found.answered(101.5)
    assert found.due() == pytest.approx(101.5 + TIMING.settle)


def test_the_age_is_that_of_the_knowledge_and_failures_do_not_renew_it() -> None:
    found = Schedule(TIMING, lambda: 0.5, 0.0)
    assert found.age(5.0) is None
    found.begin(10.0)
    found.answered(13.0)
    found.begin(70.0)
    found.failed(75.0)
    assert found.age(80.0) == 70.0


def test_who_asks_for_a_read_gets_it_whatever_failed_before() -> None:
    found = schedule()
    found.begin(100.0)
    found.failed(100.0)
    found.hurry(100.1)
    assert found.due() == 100.1
    found.begin(100.1)
    found.hurry(100.2)
    found.answered(100.3)
    assert found.due() == pytest.approx(100.3 + TIMING.settle)


def test_who_asks_during_a_read_that_fails_gets_another_at_once_and_the_waits_go_on_after_that() -> None:
    found = schedule()
    found.begin(100.0)
    found.hurry(100.2)
    found.failed(100.3)
    assert found.due() == 100.3
    found.begin(100.3)
    found.failed(100.4)
    assert found.due() == pytest.approx(100.4 + 1.5)


def test_a_tap_that_nothing_explains_is_looked_up_ever_more_rarely_and_then_no_more() -> None:
    found, now, gaps = schedule(), 1.0, []
    found.hint(now)
    for _look in range(40):
        due = found.due()
        gaps.append(due - now)
        now = due
        found.begin(now)
        found.answered(now, unexplained=True)
    assert [round(gap, 3) for gap in gaps[:7]] == [0.02, 0.5, 1, 2, 4, 5, 5]
    first_period = next(place for place, gap in enumerate(gaps) if gap > TIMING.look_longest)
    assert sum(gaps[:first_period]) == pytest.approx(TIMING.look_for, abs=TIMING.look_longest)
    assert {round(gap, 6) for gap in gaps[first_period:]} == {TIMING.period}


def test_a_read_that_takes_too_long_expires() -> None:
    found = schedule()
    assert found.expires() is None
    found.begin(100.0)
    assert found.expires() == 100 + TIMING.patience


STEPS = st.lists(
    st.tuples(st.sampled_from(["hint", "due", "answered", "looking", "failed", "hurry"]), st.floats(0, 30)), max_size=60
)


@given(STEPS, st.floats(0, 1))
def test_through_any_history_the_next_read_is_never_further_away_than_the_period_and_its_jitter(steps, chance) -> None:
    found, now = Schedule(TIMING, lambda: chance, 0.0), 0.0
    for what, wait in steps:
        now += wait
        if what == "hint":
            found.hint(now)
        elif what == "hurry":
            found.hurry(now)
        elif found.began is None:
            found.begin(now)
        elif what == "failed":
            found.failed(now)
        else:
            found.answered(now, what == "looking")
        due = found.due()
        assert (due is None) == (found.began is not None)
        assert due is None or due <= now + TIMING.period * (1 + TIMING.jitter)
        assert found.age(now) is None or found.age(now) >= 0
