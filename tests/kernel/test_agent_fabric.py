"""The agent against real ToRs: what it promises about restarts is watched at the other end of the sessions."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest
from roth.health import problems

from tests.kernel.agent_rig import DEADLINE, MISSING, Rig, eventually

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs frr and bird2: {', '.join(MISSING)}")

BOTH = {142104, 142114}
BASE = {"10.64.0.1/32", "2001:db8:64::1/128"}


@pytest.fixture(scope="module")
def built() -> Iterator[Rig]:
    rig = Rig()
    try:
        rig.build()
        rig.start_tors()
        rig.start_bfdd()
        rig.start_exabgp()
        rig.start_agent()
        rig.routes("add", sorted(BASE))
        yield rig
    finally:
        rig.destroy()


@pytest.fixture
def rig(built: Rig) -> Rig:
    """Everything up, the base routes at both ToRs."""
    eventually(lambda: ailments(built), [], 2 * DEADLINE)
    eventually(built.at_both, [BASE, BASE])
    return built


def ailments(rig: Rig) -> list[str]:
    """What is wrong with the host, as its agent says."""
    status = rig.status()
    return problems(status) if status else ["no agent"]


class Watch:
    """Samples both ToRs until the block ends; `missing` is what was ever absent."""

    def __init__(self, rig: Rig, expected: set[str]) -> None:
        self.rig, self.expected, self.missing, self.samples = rig, expected, set[str](), 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.sample)

    def sample(self) -> None:
        while not self.done.is_set():
            for held in self.rig.at_both():
                self.missing |= self.expected - held
            self.samples += 1

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.done.set()
        self.thread.join()


def test_a_route_in_the_kernel_arrives_at_both_tors_and_leaves_with_it(rig: Rig) -> None:
    rig.routes("add", ["10.64.77.7/32"])
    eventually(rig.at_both, [{*BASE, "10.64.77.7/32"}] * 2)
    rig.routes("del", ["10.64.77.7/32"])
    eventually(rig.at_both, [BASE] * 2)


def test_a_prefix_outside_the_allowed_ones_never_leaves_and_is_reported(rig: Rig) -> None:
    rig.routes("add", ["10.99.0.1/32", "10.64.0.2/32"])
    eventually(rig.at_both, [{*BASE, "10.64.0.2/32"}] * 2)
    assert rig.status()["withheld"] == [{"prefix": "10.99.0.1/32", "reason": "outside the allowed prefixes"}]
    rig.routes("del", ["10.99.0.1/32", "10.64.0.2/32"])
    eventually(rig.at_both, [BASE] * 2)


def test_the_learned_default_is_a_group_over_both_uplinks(rig: Rig) -> None:
    assert (rig.group(142004), rig.group(142006)) == (BOTH, {142106, 142116})
    assert "default nhid 142004 proto 142 src 192.0.2.11 metric 20" in rig.ip("hv1", "route", "show", "table", "143")
    assert "default nhid 142006" in rig.ip("hv1", "-6", "route", "show", "table", "143")


def test_a_thousand_routes_arrive_and_go(rig: Rig) -> None:
    prefixes = [f"10.64.{100 + index // 250}.{index % 250}/32" for index in range(1000)]
    rig.routes("add", prefixes)
    eventually(rig.at_both, [{*BASE, *prefixes}] * 2)
    rig.routes("del", prefixes)
    eventually(rig.at_both, [BASE] * 2)


def test_a_route_that_flaps_within_one_batch_ends_up_where_it_should(rig: Rig) -> None:
    """ExaBGP reorders a withdraw and an announcement with different attributes: the route would be lost at the ToR."""
    others = [f"10.64.9.{index}/32" for index in range(40)]
    for _round in range(5):
        rig.routes("add", others)
        rig.routes("del", ["10.64.0.1/32"])
        rig.routes("add", ["10.64.0.1/32"])
        rig.routes("del", others)
    eventually(rig.at_both, [BASE] * 2)


def test_killing_the_agent_loses_nothing_and_its_successor_takes_over(rig: Rig) -> None:
    with Watch(rig, BASE) as watch:
        rig.stop("agent")
        assert rig.group(142004) == BOTH
        rig.start_agent()
        eventually(lambda: ailments(rig), [])
        assert rig.group(142004) == BOTH
        eventually(lambda: watch.samples > 3, True)
    assert watch.missing == set()


def test_a_change_made_while_the_agent_was_away_is_made_good(rig: Rig) -> None:
    rig.stop("agent", signal.SIGTERM)
    rig.routes("del", ["10.64.0.1/32"])
    rig.routes("add", ["10.64.0.9/32"])
    rig.start_agent()
    eventually(rig.at_both, [{"10.64.0.9/32", "2001:db8:64::1/128"}] * 2)
    rig.routes("add", ["10.64.0.1/32"])
    rig.routes("del", ["10.64.0.9/32"])
    eventually(rig.at_both, [BASE] * 2)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_restarting_exabgp_loses_no_route_at_a_tor_and_keeps_the_group(rig: Rig, number: int) -> None:
    prefixes = [f"10.64.{100 + index // 250}.{index % 250}/32" for index in range(300)]
    rig.routes("add", prefixes)
    eventually(rig.at_both, [{*BASE, *prefixes}] * 2)
    with Watch(rig, {*BASE, *prefixes}) as watch:
        rig.stop("exabgp", number)
        eventually(lambda: rig.status().get("exabgp"), {"connected": False})
        assert rig.group(142004) == BOTH
        rig.start_exabgp()
        eventually(lambda: ailments(rig), [])
        assert rig.group(142004) == BOTH
        eventually(lambda: watch.samples > 3, True)
    assert watch.missing == set()
    rig.routes("del", prefixes)
    eventually(rig.at_both, [BASE] * 2)


def test_a_session_that_goes_down_leaves_the_group_and_comes_back(rig: Rig) -> None:
    rig.shell("birdc", "-s", f"{rig.run}/bird.ctl", "disable", "hv4")
    eventually(lambda: rig.group(142004), {142104})
    assert rig.group(142006) == {142106, 142116}
    rig.shell("birdc", "-s", f"{rig.run}/bird.ctl", "enable", "hv4")
    eventually(lambda: rig.group(142004), BOTH)


def test_bfd_takes_a_silent_path_out_while_its_session_stays_established(rig: Rig) -> None:
    """The ToR's bgpd goes on: no hold timer could have told of it."""
    rig.processes["tor1-bfdd"].send_signal(signal.SIGSTOP)
    try:
        eventually(lambda: rig.group(142004), {142114})
        assert {session["state"] for session in rig.status()["sessions"]} == {"established"}
    finally:
        rig.processes["tor1-bfdd"].send_signal(signal.SIGCONT)
    eventually(lambda: rig.group(142004), BOTH)


def test_restarting_bfdd_takes_nothing_out(rig: Rig) -> None:
    rig.stop("hv1-bfdd")
    rig.start_bfdd()

    def observed() -> list[str]:
        assert rig.group(142004) == BOTH
        return ailments(rig)

    eventually(observed, [])  # BFD is up again
    assert rig.group(142004) == BOTH


def test_an_uplink_that_loses_its_carrier_leaves_and_comes_back_with_its_nexthop(rig: Rig) -> None:
    rig.ip("tor1", "link", "set", "hv1", "down")
    eventually(lambda: (rig.group(142004), rig.group(142006)), ({142114}, {142116}))
    rig.ip("tor1", "link", "set", "hv1", "up")
    rig.uplink_addresses(0)  # the ToR loses its IPv6 address with the link
    eventually(lambda: (rig.group(142004), rig.group(142006)), (BOTH, {142106, 142116}), 2 * DEADLINE)


def test_routes_whose_link_goes_down_are_withdrawn_though_ipv4_tells_nobody(rig: Rig) -> None:
    rig.ip("hv1", "link", "set", "tap0", "down")
    eventually(rig.at_both, [set(), set()])
    rig.ip("hv1", "link", "set", "tap0", "up")
    for prefix in BASE:
        rig.ip("hv1", "route", "replace", prefix, "dev", "tap0", "proto", "142", "table", "142")
    eventually(rig.at_both, [BASE] * 2)
