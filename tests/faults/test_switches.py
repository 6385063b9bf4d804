"""Switches that restart, that end all sessions, or whose limit is reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from lab import lab

from tests.lab.fabric import INVENTORY, Fabric, eventually
from tests.lab.playbooks import attempt

from .case import NOTHING, Bound, Case, packets
from .costs import batch
from .imports import session, strangers

RESTART = Bound(packets(3, 1 / 2), packets(3, 1 / 2), True, "until the others know")
"""Half of all flows lead over a switch; each way they find the other one as soon as its sessions or BFD end."""
LIMIT = Bound(packets(3, 1 / 6), packets(3, 1 / 6), True, "FRR closes one session")

# Restarts


@pytest.mark.parametrize("how", ["soft", "hard"])
@pytest.mark.parametrize("switch", ["tor1", "tor2"])
def test_switch_rebooted(case: Case, switch: str, how: str) -> None:
    fabric = case.fabric
    with case.costing(RESTART):
        lab.reboot(fabric.settings, fabric.topology, [switch], hard=how == "hard")


GENTLE = {
    "tor1": ["vtysh", "-c", "clear bgp * soft"],
    "tor2": ["birdc", "reload", "all"],
}


@pytest.mark.parametrize("switch", GENTLE)
def test_sessions_refreshed(case: Case, switch: str) -> None:
    """Both ways, without ending a session (RFC 2918)."""
    with case.costing(NOTHING) as traffic:
        case.fabric.run(switch, *GENTLE[switch])
        traffic.go_on(3)


CLEAR = {
    "tor1": [["vtysh", "-c", "clear bgp *"]],
    "tor2": [["birdc", "restart", f'"*_{family}"'] for family in ("up?_ipv4", "up?_ipv6")],
}


@pytest.mark.parametrize("switch", CLEAR)
def test_sessions_cleared(case: Case, switch: str) -> None:
    """All of them at once, the hosts' and on FRR the spine's."""
    with case.costing(RESTART):
        for command in CLEAR[switch]:
            case.fabric.run(switch, *command)


# A host that sends too much

MORE = [f"10.64.{250 + at // 250}.{at % 250 + 1}/32" for at in range(300)]
"""More than the 256 of a host's prefix limit."""


def several(fabric: Fabric, verb: str) -> None:
    with batch(fabric, "hv1") as running:
        running.write([f"route {verb} {prefix} dev br-mobile proto 142 table 142" for prefix in MORE])


@contextmanager
def back_after_a_minute(fabric: Fabric) -> Iterator[None]:
    """FRR's restart timer of hv1's session is the shortest that there is. The session itself does not notice."""
    before = re.search(r"^ +(neighbor 10\.1\.1\.1 maximum-prefix .*) restart \d+$", running(fabric), re.MULTILINE)
    assert before, "no limit with a timer"
    _configure(fabric, f"{before[1]} restart 1")
    try:
        yield
    finally:
        _configure(fabric, before[0].strip())


def running(fabric: Fabric) -> str:
    return fabric.run("tor1", "vtysh", "-c", "show running-config")


def _configure(fabric: Fabric, line: str) -> None:
    words = ["configure terminal", "router bgp 65101", "address-family ipv4 unicast", line]
    fabric.run("tor1", "vtysh", *(part for word in words for part in ("-c", word)))


@contextmanager
def too_many(fabric: Fabric) -> Iterator[None]:
    several(fabric, "add")
    try:
        yield
    finally:
        several(fabric, "del")


@contextmanager
def one_more(fabric: Fabric) -> Iterator[None]:
    words = (MORE[0], "dev", "br-mobile", "proto", "142", "table", "142")
    fabric.ip("hv1", "route", "add", *words)
    try:
        yield
    finally:
        fabric.ip("hv1", "route", "del", *words)


def test_prefix_limit_reached(case: Case) -> None:
    """FRR ends the session and takes it back after its timer, BIRD keeps what it has and takes no more."""
    fabric = case.fabric
    with case.costing(LIMIT) as traffic, back_after_a_minute(fabric):
        with too_many(fabric):
            eventually(lambda: session(fabric, "hv1", "10.1.1.0")["state"], lambda now: now == "down", "FRR has closed")
            eventually(lambda: len(holders_at(fabric, "tor2")), lambda count: 200 < count <= 256, "BIRD full")
            traffic.steady()
            known = fabric.run("hv1", "sh", "-c", "roth status || true")
            report = attempt("verify.yml", INVENTORY, "-e", "verify_timeout=5")
            assert "session to tor1 ipv4 (10.1.1.0 on up0) is down: the switch ended it, 6/1 maximum number of" in known
            assert report.code != 0
            assert "hv1 at tor2: prefix limit reached: 10.2.1.1: no prefix beyond 256 is taken" in report.output
            assert "up0 10.1.1.0 is down (the switch ended it, 6/1 maximum number of prefixes reached)" in report.output
            assert "hv1 at tor1: BGP session down: 10.1.1.1 is idle (pfxct); expected established" in report.output
            assert strangers(fabric, "hv1") == []
        eventually(lambda: len(holders_at(fabric, "tor2")), lambda count: count < 200, "BIRD has room again")
        with one_more(fabric):
            fabric.run("tor2", "birdc", "reload", "in", "hv1_up1_ipv4")  # BIRD 2.0 takes nothing new before
            eventually(lambda: holders_at(fabric, "tor2"), lambda found: MORE[0] in found, "taken again")
        eventually(lambda: session(fabric, "hv1", "10.1.1.0")["state"], lambda now: now == "established", "back", 150)


def holders_at(fabric: Fabric, switch: str) -> list[str]:
    """hv1's IPv4 prefixes at a switch."""
    return [path.prefix for path in fabric.switch(switch).paths if path.peer == "10.2.1.1"]
