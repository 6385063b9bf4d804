"""What the death, a hang or a restart of each of a host's processes costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.fabric import Fabric, eventually

from .case import NOTHING, Bound, Case, packets
from .processes import AGENT, BFDD, BLOWS, BRIDGE, EXABGP, Process

HOST = "hv1"
SHARE = 1 / 3
"""Of the flows, one host's."""


@pytest.mark.quick
def test_no_fault_at_all(case: Case) -> None:
    """The control: what this one loses, the probe itself has lost."""
    with case.costing(NOTHING) as traffic:
        traffic.go_on(10)


KILL_QUICKLY = [pytest.param(blow, marks=pytest.mark.quick if blow == "kill-9" else ()) for blow in BLOWS]


@pytest.mark.parametrize("blow", KILL_QUICKLY)
@pytest.mark.parametrize("process", [AGENT, BRIDGE], ids=["agent", "bridge"])
def test_fault_of(case: Case, process: Process, blow: str) -> None:
    versions = case.table_versions()
    with case.costing(NOTHING) as traffic:
        BLOWS[blow](case.fabric, HOST, process, traffic)
    if blow != "restart" or process is AGENT:  # the bridge restarts with ExaBGP
        assert case.table_versions() == versions


@pytest.mark.parametrize("blow", [blow for blow in KILL_QUICKLY if blow.values[0] != "stopped-20s"])
def test_fault_of_exabgp(case: Case, blow: str) -> None:
    with case.costing(NOTHING) as traffic:
        BLOWS[blow](case.fabric, HOST, EXABGP, traffic)


def test_exabgp_stopped_past_the_hold_time(case: Case) -> None:
    """The switches can't tell it from a dead host: graceful restart does not help, what it announced is withdrawn."""
    with case.costing(
        Bound(packets(20, SHARE), 0, True, "20 s less 6 s of hold time, and 6 s for the sessions")
    ) as traffic:
        BLOWS["stopped-20s"](case.fabric, HOST, EXABGP, traffic)


@contextmanager
def stopped(fabric: Fabric, process: Process) -> Iterator[None]:
    """An operator has stopped the unit, so nothing starts it again before the block ends."""
    fabric.run(HOST, "systemctl", "stop", process.unit)
    try:
        yield
    finally:
        fabric.run(HOST, "systemctl", "start", process.unit)


def test_exabgp_away_for_longer_than_the_restart_time(case: Case) -> None:
    """Until the switches have given up its routes (120 s), nobody notices that it is away. Then its instances are not
    reachable from outside; what they send still leaves. When ExaBGP is back all is."""
    fabric = case.fabric
    own = {f"{address}/{128 if ':' in address else 32}" for address in fabric.addresses(HOST)}
    bound = Bound(packets(20, SHARE), 0, True, "from 120 s on until it is back")
    with case.costing(bound) as traffic, stopped(fabric, EXABGP):
        traffic.go_on(90)
        assert traffic.dead() == []
        assert [own & set(fabric.prefixes_at(name)) for name in fabric.switches] == [own, own]
        eventually(
            lambda: [own & set(fabric.prefixes_at(name)) for name in fabric.switches],
            lambda left: not any(left),
            "both switches have given the host's routes up",
            90,
        )
        eventually(traffic.dead, bool, "flows to the host's instances cut")


@pytest.mark.parametrize("blow", BLOWS)
def test_fault_of_bfdd(case: Case, blow: str) -> None:
    """The host fails static; the switches see a dead path on both uplinks, and drop BGP until it is up again."""
    with case.costing(Bound(packets(5, SHARE), 0, True, "BGP resets at both switches")) as traffic:
        BLOWS[blow](case.fabric, HOST, BFDD, traffic)
