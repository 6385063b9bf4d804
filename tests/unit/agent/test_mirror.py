"""When the mirror looks at the kernel again, and what it tells: everything that nobody was told before."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from roth.kernel.model import KernelRoute, Link, LinkEvent, Overrun, RouteEvent
from roth.mirror import AUDIT, RETRY, SETTLE, VERIFY, Mirror

from tests.unit.agent.fakes import FakeClock, FakeEvents, FakeKernel, FakeTimers
from tests.unit.agent.test_any_history import Watched

ONE, OTHER = "10.64.0.1/32", "10.64.0.2/32"


@pytest.fixture
def watched() -> Watched:
    """A mirror that has read a kernel with one route, a minute ago but for a moment."""
    found = Watched()
    found.kernel.add(ONE)
    found.mirror.resync()
    found.told.clear()
    return found


def names(watched: Watched) -> set[str]:
    return {str(prefix) for prefix in watched.mirror.routes}


def test_a_burst_of_events_is_checked_by_a_dump_soon_after(watched: Watched) -> None:
    watched.do("add", OTHER, 0)
    watched.deliver()
    watched.kernel.remove(ONE)  # in silence, as IPv4 routes go with their link
    watched.timers.advance(VERIFY / 2)
    assert names(watched) == {ONE, OTHER}
    watched.timers.advance(VERIFY)
    assert names(watched) == {OTHER}
    assert watched.told[ip_network(ONE)] == {}


def test_without_any_event_the_kernel_is_looked_at_every_minute(watched: Watched) -> None:
    watched.kernel.remove(ONE)
    watched.timers.advance(AUDIT - 1)
    assert names(watched) == {ONE}
    watched.timers.advance(2)
    assert names(watched) == set()


@pytest.mark.parametrize(
    "event", [LinkEvent(True, Link(4, "br-mobile", True, True)), LinkEvent(False, Link(9, "tap9", False, False))]
)
def test_any_event_of_a_link_is_followed_by_a_dump_at_once(watched: Watched, event: LinkEvent) -> None:
    watched.kernel.remove(ONE)
    watched.pending.append(event)
    watched.deliver()
    watched.timers.advance(SETTLE * 2)
    assert names(watched) == set()


def test_lost_events_are_counted_and_made_good_at_once(watched: Watched) -> None:
    watched.kernel.add(OTHER)
    watched.events.waiting.append(Overrun())
    watched.mirror.readable()
    assert watched.mirror.resyncs == 1
    watched.timers.advance(SETTLE * 2)
    assert names(watched) == {ONE, OTHER}
    assert ip_network(OTHER) in watched.told


def test_a_subscription_that_fails_is_made_good_by_a_dump(watched: Watched) -> None:
    watched.kernel.add(OTHER)
    watched.events.waiting.append(OSError(9, "Bad file descriptor"))
    watched.mirror.readable()
    watched.timers.advance(RETRY + 0.1)
    assert names(watched) == {ONE, OTHER}
    assert watched.mirror.resyncs == 0


def test_a_dump_that_finds_another_state_of_a_link_tells_every_prefix_also_those_it_finds_new_or_gone(
    watched: Watched,
) -> None:
    watched.kernel.add(OTHER)
    watched.kernel.add("10.64.0.3/32")
    watched.mirror.resync()
    watched.kernel.remove(ONE)
    watched.kernel.add("10.64.0.4/32")
    watched.kernel.lose_carrier("tap0")
    watched.told.clear()
    watched.mirror.resync()
    assert {str(prefix) for prefix in watched.told} == {ONE, OTHER, "10.64.0.3/32", "10.64.0.4/32"}


def test_a_dump_that_finds_nothing_new_tells_nothing(watched: Watched) -> None:
    watched.mirror.resync()
    assert watched.told == {}


def test_a_failed_dump_is_tried_again_soon_and_said_once(watched: Watched, capsys: pytest.CaptureFixture[str]) -> None:
    watched.kernel.failing = OSError(105, "No buffer space available")
    watched.mirror.resync()
    watched.timers.advance(RETRY * 3)
    assert watched.mirror.failure
    assert capsys.readouterr().err.count("event=dump_failed") == 1
    watched.kernel.add(OTHER)
    watched.kernel.failing = None
    watched.timers.advance(RETRY + 0.1)
    assert (watched.mirror.failure, names(watched)) == (None, {ONE, OTHER})


def test_a_route_that_another_protocol_took_over_is_ours_no_more(watched: Watched) -> None:
    watched.pending.append(RouteEvent(True, KernelRoute(ip_network(ONE), 0, 4, 1, 4, 142)))
    watched.deliver()
    assert names(watched) == set()
    assert watched.told == {ip_network(ONE): {}}


def test_a_route_of_another_table_is_no_route_of_the_mirror_s(watched: Watched) -> None:
    watched.pending.append(RouteEvent(True, KernelRoute(ip_network(OTHER), 0, 4, 1, 142, 143)))
    watched.deliver()
    assert (names(watched), watched.told) == ({ONE}, {})


def test_nothing_is_told_before_the_first_whole_read() -> None:
    kernel, events, told = FakeKernel(), FakeEvents(), []
    mirror = Mirror(kernel, events, 142, 142, FakeTimers(FakeClock()), told.append)
    events.waiting.append([kernel.add(ONE)])
    mirror.readable()
    assert (told, mirror.complete) == ([], False)
    kernel.failing = OSError(105, "No buffer space available")
    mirror.resync()
    assert (told, mirror.complete) == ([], False)
    kernel.failing = None
    mirror.resync()
    assert mirror.complete
    assert [({str(prefix) for prefix in each.prefixes}, each.links) for each in told] == [({ONE}, True)]
