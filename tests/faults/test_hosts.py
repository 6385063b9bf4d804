"""A host as a whole: reboots, the order of a boot, full disks, a clock that is set, no time on the processor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lab import instances, lab

from tests.lab.conftest import ailments
from tests.lab.fabric import INVENTORY, Fabric, eventually
from tests.lab.playbooks import attempt

from .case import NOTHING, Bound, Case, packets
from .clocks import DROP_INS, WITHOUT_STEADY, off, step, stepping
from .processes import AGENT, BFDD, BRIDGE, EXABGP

HOST = "hv1"


def sessions(fabric: Fabric) -> list[tuple[Any, ...]]:
    """Every BGP session of the host, and since when it is as it is."""
    return [(entry["peer"], entry["state"], entry["since"]) for entry in fabric.status(HOST)["sessions"]]


def pids(fabric: Fabric) -> dict[str, int]:
    """Of all that runs of ours: one that died and came back has another."""
    return {str(process): process.pid(fabric, HOST) for process in (AGENT, BRIDGE, EXABGP, BFDD)}


# Boot


@contextmanager
def late_address(fabric: Fabric, peer: str, interface: str, address: str) -> Iterator[None]:
    """bfdd starts in the block without this address, as at a boot where networkd comes after it."""
    fabric.ip(HOST, "address", "del", address, "dev", interface)
    try:
        fabric.run(HOST, "systemctl", "restart", BFDD.unit)
        others = [entry["peer"] for entry in fabric.status(HOST)["bfd"] if entry["peer"] != peer]
        eventually(lambda: bfd(fabric), lambda now: all(now.get(each) == "up" for each in others), "the other sessions")
        assert bfd(fabric)[peer] != "up"
        yield
    finally:
        fabric.ip(HOST, "address", "replace", address, "dev", interface)


def bfd(fabric: Fabric) -> dict[str, str]:
    return {entry["peer"]: entry["state"] for entry in fabric.status(HOST).get("bfd", ())}


@pytest.mark.parametrize(
    ("peer", "address"),
    [("10.1.1.0", "10.1.1.1/31"), ("2001:db8:1:1::a", "2001:db8:1:1::b/127")],
    ids=["ipv4", "ipv6"],
)
def test_bfdd_started_before_its_address(case: Case, peer: str, address: str) -> None:
    """Its session comes up soon after the address has, without anybody's help."""
    bound = Bound(packets(15, 1 / 3), packets(3, 1 / 6), True, "bfdd restarts, an uplink has no address")
    with case.costing(bound):
        with late_address(case.fabric, peer, "up0", address):
            pass
        eventually(lambda: bfd(case.fabric).get(peer), lambda state: state == "up", f"BFD with {peer} up", 90)


@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
def test_host_rebooted(case: Case, hard: bool) -> None:
    """Shut down, or its plug pulled. Nobody else notices; its instances answer as soon as their taps are back, without
    an Ansible run."""
    fabric = case.fabric
    bound = Bound(0, 0, True, "only its own prefixes go, and come back")
    with case.costing(bound, lambda flow: flow.host != HOST):
        lab.reboot(fabric.settings, fabric.topology, [HOST], hard=hard)
        instances.plug(fabric.settings, fabric.topology, INVENTORY)
        answers = fabric.reach("client", fabric.addresses(HOST), 60)
        assert [address for address, took in answers.items() if took is None] == []


# Full disks


@contextmanager
def full(fabric: Fabric, folder: str, kibibytes: int) -> Iterator[None]:
    """A folder of the host's is a file system of its own, with what was in it, and full."""
    aside = "/run/roth-test-aside"
    fabric.run(HOST, "cp", "--archive", folder, aside)
    fabric.run(HOST, "mount", "-t", "tmpfs", "-o", f"size={kibibytes}k,mode=755", "roth-test", folder)
    try:
        fabric.run(HOST, "cp", "--archive", f"{aside}/.", folder)
        filled = fabric._run(HOST, "dd", "if=/dev/zero", f"of={folder}/.fill", "bs=1k")
        assert "No space left on device" in filled.stderr, filled.stderr
        yield
    finally:
        fabric.run(HOST, "umount", "--lazy", folder)
        fabric.run(HOST, "rm", "-r", aside)


@pytest.mark.parametrize(("folder", "kibibytes"), [("/var/log", 32768), ("/tmp", 64), ("/etc/roth", 256)])
def test_disk_full(case: Case, folder: str, kibibytes: int) -> None:
    """What runs runs on, and can be told of routes as before; a reload of the agent works, as it only reads."""
    fabric, own = case.fabric, "10.64.250.1/32"
    before = pids(fabric), sessions(fabric)
    with case.costing(NOTHING) as traffic, full(fabric, folder, kibibytes):
        fabric.run(HOST, "systemctl", "kill", "--signal=USR2", "systemd-journald.service")  # new files, which don't fit
        for verb, switches in (("add", 2), ("del", 0)):
            fabric.ip(HOST, "route", verb, own, "dev", "br-mobile", "proto", "142", "table", "142")
            eventually(
                lambda: sum(own in fabric.prefixes_at(name) for name in fabric.switches),
                switches.__eq__,
                f"{own} at {switches} switches",
            )
        fabric.run(HOST, "systemctl", "reload", AGENT.unit)
        traffic.go_on(3)
        assert (pids(fabric), sessions(fabric)) == before


def test_playbook_meets_a_full_disk(case: Case) -> None:
    """It says so, and the old configuration stays to the letter."""
    fabric = case.fabric
    before = fabric.run(HOST, "sh", "-c", "cat /etc/roth/exabgp.conf /etc/roth/agent.json /etc/roth/bfdd.conf")
    state = pids(fabric), sessions(fabric)
    with case.costing(NOTHING), full(fabric, "/etc/roth", 256):
        changed = ["-e", '{"roth_hold_time": 12}', "-e", '{"route_agent_imports": ["0.0.0.0/0"]}']
        options = ["--limit", HOST, "--tags", "exabgp,route_agent", *changed]
        run = attempt("site.yml", INVENTORY, *options)
        assert run.code != 0, run.output
        assert "No space left on device" in run.output, run.output
        files = fabric.run(HOST, "sh", "-c", "cat /etc/roth/exabgp.conf /etc/roth/agent.json /etc/roth/bfdd.conf")
        assert files == before
        assert (pids(fabric), sessions(fabric)) == state


# Time

HOUR = 3600
PAST_THE_HOLD_TIME = 12
"""Seconds: the hold time is 9."""


def test_clock_stepped_by_an_hour(case: Case, tmp_path: Path) -> None:
    """Forwards, back, and back by another one: sessions, BFD and routes do not notice."""
    fabric = case.fabric
    with stepping(fabric, HOST, tmp_path, DROP_INS):
        eventually(lambda: ailments(fabric), lambda found: not found, "all sessions up with the other clock", 120)
        before = pids(fabric), sessions(fabric)
        with case.costing(NOTHING) as traffic:
            for seconds in (HOUR, 0, -HOUR, 0):
                step(fabric, HOST, seconds)
                seen = off(fabric, HOST)
                assert all(abs(each - seconds) < HOUR / 2 for each in seen.values()), (seconds, seen)
                traffic.go_on(PAST_THE_HOLD_TIME)
                assert [state for state in bfd(fabric).values() if state != "up"] == []
            assert (pids(fabric), sessions(fabric)) == before


def test_clock_stepped_under_exabgp_as_it_comes(case: Case, tmp_path: Path) -> None:
    """The control of the one before: with the clock that ExaBGP takes by itself the same step ends its sessions."""
    fabric = case.fabric
    bound = Bound(packets(5, 1 / 3), 0, True, "every session of the host is reset")
    with stepping(fabric, HOST, tmp_path, {EXABGP.unit: WITHOUT_STEADY}):
        eventually(lambda: ailments(fabric), lambda found: not found, "all sessions up with the other clock", 120)
        before = [(peer, since) for peer, _state, since in sessions(fabric)]
        with case.costing(bound):
            step(fabric, HOST, HOUR)
            eventually(
                lambda: [(peer, since) for peer, _state, since in sessions(fabric)],
                lambda now: not set(now) & set(before),
                "all sessions reset",
            )


# The processor


HOGS = 6


@contextmanager
def hogs(fabric: Fabric) -> Iterator[None]:
    """Six processes in the host's own control group that want all of the processor."""
    units = [f"roth-test-hog{number}.service" for number in range(HOGS)]
    for unit in units:
        fabric.run(HOST, "systemd-run", "--quiet", f"--unit={unit}", "sh", "-c", "while :; do :; done")
    try:
        yield
    finally:
        fabric.run(HOST, "systemctl", "stop", *units)


def test_cpu_starved_for_a_minute(case: Case) -> None:
    fabric = case.fabric
    before = pids(fabric), sessions(fabric)
    with case.costing(NOTHING) as traffic:
        with hogs(fabric):
            traffic.go_on(60)
        assert (pids(fabric), sessions(fabric)) == before
        assert set(bfd(fabric).values()) == {"up"}
