"""The waits between two connections."""

from __future__ import annotations

from itertools import pairwise

import pytest
from roth.pauses import FIRST, LONGEST, Pauses


def test_they_double_up_to_a_bound() -> None:
    pauses = Pauses(lambda: 1.0)
    found = [pauses.after(0.1) for _time in range(7)]
    assert found[0] == FIRST
    assert all(later == min(2 * earlier, LONGEST) for earlier, later in pairwise(found))
    assert found[-1] == LONGEST


def test_a_connection_that_lasted_starts_them_again_and_one_that_was_only_made_does_not() -> None:
    pauses = Pauses(lambda: 1.0)
    for _time in range(7):
        pauses.after(LONGEST - 0.1)
    assert pauses.after(LONGEST - 0.1) == LONGEST
    assert (pauses.after(LONGEST), pauses.after(0.0)) == (FIRST, 2 * FIRST)


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_each_is_shortened_by_chance_by_up_to_half(chance: float, share: float) -> None:
    assert Pauses(lambda: chance).after(0.0) == FIRST * share
