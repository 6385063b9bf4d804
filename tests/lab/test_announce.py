"""Must show 3: the kernel is what is announced, at once, and nothing leaves that is not allowed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from lab import instances, lab

from .fabric import INVENTORY, Change, Fabric, eventually
from .playbooks import play

BY_HAND = "10.64.77.7/32"
OUTSIDE = "203.0.113.77/32"
TABLE = ("dev", "br-mobile", "proto", "142", "table", "142")


@pytest.fixture(autouse=True)
def nothing_stays(whole: Fabric, alone: None) -> Iterator[None]:
    yield
    for prefix in (BY_HAND, OUTSIDE):
        if whole.ip("hv1", "route", "show", prefix, "table", "142"):
            whole.ip("hv1", "route", "del", prefix, *TABLE)


def holders(fabric: Fabric, prefix: str) -> dict[str, set[str]]:
    """Next hops of a prefix by switch."""
    return {name: fabric.prefixes_at(name).get(prefix, set()) for name in fabric.switches}


def change_and_watch(fabric: Fabric, verb: str, prefix: str, expected: dict[str, set[str]]) -> dict[str, float]:
    """Change a route of hv1 by hand; milliseconds until each switch's kernel had followed."""
    deleted = verb == "del"
    with ExitStack() as stack:
        monitors = {name: stack.enter_context(fabric.monitoring(name)) for name in fabric.switches}
        began = time.time()
        fabric.ip("hv1", "route", verb, prefix, *TABLE)
        eventually(lambda: holders(fabric, prefix), lambda found: found == expected, f"{prefix} {verb}: {expected}")
        fabric.forwarding([prefix], set() if deleted else {"hv1"})

    def first(changes: list[Change]) -> float:
        return next((item.when - began) * 1000 for item in changes if (item.prefix, item.deleted) == (prefix, deleted))

    return {name: round(first(monitor.changes), 1) for name, monitor in monitors.items()}


def test_a_route_set_by_hand_is_at_both_switches_at_once_and_goes_as_it_came(
    whole: Fabric, capsys: pytest.CaptureFixture[str]
) -> None:
    here = {"tor1": {"10.1.1.1"}, "tor2": {"10.2.1.1"}}
    came = change_and_watch(whole, "add", BY_HAND, here)
    went = change_and_watch(whole, "del", BY_HAND, {"tor1": set(), "tor2": set()})
    with capsys.disabled():
        print(f"\n{BY_HAND} in the switches' kernels after ms: added {came}, removed {went}")


def test_a_prefix_outside_the_subnets_stays_at_home_and_is_reported(whole: Fabric) -> None:
    whole.ip("hv1", "route", "add", OUTSIDE, *TABLE)
    eventually(
        lambda: [item["prefix"] for item in whole.status("hv1").get("withheld", ())],
        lambda found: found == [OUTSIDE],
        f"{OUTSIDE} among the withheld",
    )
    assert OUTSIDE in whole.run("hv1", "roth", "status")
    # What was set later has arrived: were the other to be announced, it would be there by now.
    whole.ip("hv1", "route", "add", BY_HAND, *TABLE)
    eventually(lambda: holders(whole, BY_HAND), lambda found: all(found.values()), f"{BY_HAND} at both switches")
    assert holders(whole, OUTSIDE) == {"tor1": set(), "tor2": set()}
    whole.ip("hv1", "route", "del", OUTSIDE, *TABLE)
    eventually(lambda: whole.status("hv1").get("withheld"), lambda found: found == [], "nothing withheld any more")


def test_the_switches_forward_to_a_host_again_that_was_rebooted(whole: Fabric) -> None:
    """Asked of their kernels: FRR 10.3 can show a route as installed that its kernel has lost with the link."""
    loopback = "192.0.2.11"
    try:
        lab.reboot(whole.settings, whole.topology, ["hv1"])
        eventually(
            lambda: [name for name in whole.switches if not whole.ip(name, "route", "show", loopback)],
            lambda without: not without,
            f"a route to {loopback} in each switch's kernel",
        )
    finally:
        instances.plug(whole.settings, whole.topology, INVENTORY)
        play("sync_ports.yml", INVENTORY, "--limit", "hv1")
