"""ExaBGP's timers do not notice when somebody sets the host's clock."""

from __future__ import annotations

import time

import pytest
from roth import steady_exabgp

exabgp_timer = pytest.importorskip("exabgp.bgp.timer")


class Clocks:
    """A wall clock that can be set, and a monotonic one that can't."""

    def __init__(self) -> None:
        self.now, self.set_by = 1000.0, 0.0

    def wall(self) -> float:
        return 1_790_000_000.0 + self.now + self.set_by

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    found = Clocks()
    monkeypatch.setattr(time, "time", steady_exabgp.steady(found.wall, found.monotonic))
    monkeypatch.setattr(exabgp_timer.log, "debug", lambda *_arguments, **_options: None)
    return found


def test_it_starts_with_the_wall_clock_s_time(clocks: Clocks):
    assert time.time() == clocks.wall()


@pytest.mark.parametrize("hour", [3600.0, -3600.0])
def test_a_step_ends_no_session_and_holds_back_no_keepalive(clocks: Clocks, hour: float):
    from exabgp.bgp.message import Notify
    from exabgp.bgp.message.open.holdtime import HoldTime

    hold = exabgp_timer.ReceiveTimer(lambda: "session", 9, 4, 0)
    keepalive = exabgp_timer.SendTimer(lambda: "session", HoldTime(9))
    clocks.set_by = hour
    clocks.now += 3
    assert hold.check_ka_timer()
    assert keepalive.need_ka()
    clocks.now += 7
    with pytest.raises(Notify):  # the timer itself still works
        hold.check_ka_timer()


def test_exabgp_is_started_with_the_steady_clock_and_its_own_arguments(monkeypatch: pytest.MonkeyPatch):
    import exabgp.application.main

    monkeypatch.setattr(time, "time", time.time)  # put back when the test is over
    machine, seen = time.time, []
    monkeypatch.setattr(exabgp.application.main, "main", lambda: seen.append(time.time) or 3)
    with pytest.raises(SystemExit, match="3"):
        steady_exabgp.main()
    assert seen != [machine]
    assert abs(seen[0]() - machine()) < 5
