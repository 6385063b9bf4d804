"""Others write to the host's kernel: a hundred thousand routes, more events than a socket holds, other daemons."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import pytest

from tests.lab.fabric import Fabric, eventually

from .case import NOTHING, Case
from .costs import Batch, batch, billing
from .processes import AGENT, Process

HOST = "hv1"
FOREIGN = 99
"""A routing protocol of nobody's."""
OWN = ("10.64.250.1/32", "2001:db8:64::fa01/128")
"""Addresses that no instance has, inside what the host may announce."""
SOURCES = {4: int(ip_address("100.64.0.0")), 6: int(ip_address("2001:db8:f000::"))}
COUNT = 100_000
"""Foreign routes, of either family."""
EVENTS = 100_000
"""More than the agent's socket holds while the agent does not read: some 40,000 of these."""
ELSEWHERE = "9998"
"""A table that nobody looks things up in."""
ZEBRA = Process("roth-test-zebra.service")


def lines(verb: str, count: int, table: str, version: int, protocol: int) -> list[str]:
    """For `ip -batch`: blackholes, which need no link."""
    first, length = SOURCES[version], 32 if version == 4 else 128
    return [
        f"route {verb} blackhole {ip_address(first + at)}/{length} proto {protocol} table {table}"
        for at in range(count)
    ]


def own(fabric: Fabric, verb: str) -> None:
    for prefix in OWN:
        fabric.ip(HOST, "route", verb, prefix, "dev", "br-mobile", "proto", "142", "table", "142")


@contextmanager
def swept(fabric: Fabric) -> Iterator[None]:
    """Whatever fails in the block, none of its routes outlives it."""
    try:
        yield
    finally:
        for family in ("-4", "-6"):
            for words in (["table", "all", "proto", str(FOREIGN)], ["table", ELSEWHERE]):
                line = ["ip", "-n", fabric.netns(HOST), family, "route", "flush", *words]
                subprocess.run(line, capture_output=True, check=False)
        for prefix in OWN:
            words = ["route", "del", prefix, "proto", "142", "table", "142"]
            subprocess.run(["ip", "-n", fabric.netns(HOST), *words], capture_output=True, check=False)


def announced(fabric: Fabric) -> dict[str, set[str]]:
    """The switches that have each of our own prefixes."""
    at = {name: fabric.prefixes_at(name) for name in fabric.switches}
    return {prefix: {name for name, prefixes in at.items() if prefix in prefixes} for prefix in OWN}


def everywhere(fabric: Fabric) -> dict[str, set[str]]:
    return {prefix: set(fabric.switches) for prefix in OWN}


@contextmanager
def foreign(fabric: Fabric, verb: str, table: str, version: int) -> Iterator[Batch]:
    """The block runs in the midst: half of the lines are written, and the rest after it."""
    written = lines(verb, COUNT, table, version, FOREIGN)
    half = len(written) // 2
    with batch(fabric, HOST) as running:
        running.write(written[:half])
        yield running
        running.write(written[half:])


@pytest.mark.parametrize("version", [4, 6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("table", ["142", "main"])
def test_foreign_routes_added_and_removed(case: Case, table: str, version: int) -> None:
    """Routes of ours that come and go in the midst are followed, and the agent works less than who writes them."""
    fabric = case.fabric
    with case.costing(NOTHING), swept(fabric), billing(fabric, HOST) as bill:
        with foreign(fabric, "add", table, version) as adding:
            own(fabric, "add")
            eventually(lambda: announced(fabric), lambda found: found == everywhere(fabric), "announced in the midst")
        with foreign(fabric, "del", table, version) as removing:
            own(fabric, "del")
            eventually(lambda: announced(fabric), lambda found: not any(found.values()), "withdrawn in the midst")
    print(f"ip -batch {adding.cpu:.2f} + {removing.cpu:.2f} s CPU; {bill}")
    assert bill.cpu["agent"] <= adding.cpu + removing.cpu, bill
    assert fabric.ip(HOST, "-o", f"-{version}", "route", "show", "table", table, "proto", str(FOREIGN)) == ""


def resyncs(fabric: Fabric) -> int:
    """How often the agent has told that it lost events."""
    log = fabric.run(HOST, "journalctl", "--unit", AGENT.unit, "--output=cat", "--no-pager")
    return len(re.findall(r"^.*event=events_lost.*action=resync", log, re.MULTILINE))


def test_more_events_than_the_socket_holds(case: Case) -> None:
    """The agent hangs while routes come and go: what it was not told it reads, and says so in its log."""
    fabric, before = case.fabric, resyncs(case.fabric)
    with case.costing(NOTHING), swept(fabric):
        pid = str(AGENT.pid(fabric, HOST))
        fabric.run(HOST, "kill", "-STOP", pid)
        try:
            with batch(fabric, HOST) as running:  # of our protocol, so that no filter keeps them from the agent
                running.write(lines("add", EVENTS, ELSEWHERE, 4, 142))
            own(fabric, "add")  # this event finds the buffer full
        finally:
            fabric.run(HOST, "kill", "-CONT", pid)
        eventually(lambda: announced(fabric), lambda found: found == everywhere(fabric), "the unheard route announced")
        eventually(lambda: resyncs(fabric), lambda count: count > before, "a resync in the agent's log")
        with batch(fabric, HOST) as running:
            running.write(lines("del", EVENTS, ELSEWHERE, 4, 142))
        own(fabric, "del")
        eventually(lambda: announced(fabric), lambda found: not any(found.values()), "our routes withdrawn")


def ours(fabric: Fabric) -> dict[str, list[str]]:
    """All that is ours in the host's kernel, sorted (the order in which rules of one priority stand may change)."""
    asked = {
        "routes": "-4 route show table all proto 142",
        "routes ipv6": "-6 route show table all proto 142",
        "floor": "-4 route show table 143 proto static",
        "floor ipv6": "-6 route show table 143 proto static",
        "nexthops": "nexthop show proto 142",
        "rules": "-4 rule",
        "rules ipv6": "-6 rule",
        "addresses": "-brief address show scope global",
    }
    return {what: sorted(fabric.ip(HOST, *words.split()).splitlines()) for what, words in asked.items()}


def unsettled(fabric: Fabric) -> list[str]:
    """Links that networkd has yet to configure, or that it does not tell of: it has just been started."""
    listed = json.loads(fabric.run(HOST, "sh", "-c", "networkctl --json=short list || echo '{}'")).get("Interfaces")
    if listed is None:
        return ["all of them"]
    return [link["Name"] for link in listed if link["AdministrativeState"] not in ("configured", "unmanaged")]


@pytest.mark.quick
def test_networkd_restarted(case: Case) -> None:
    before = ours(case.fabric)
    with case.costing(NOTHING):
        case.fabric.run(HOST, "systemctl", "restart", "systemd-networkd.service")
        eventually(lambda: unsettled(case.fabric), lambda links: not links, "every link configured")
        assert ours(case.fabric) == before


@contextmanager
def zebra(fabric: Fabric) -> Iterator[None]:
    """FRR's zebra beside ours, as an operator might start it for something else: in directories of its own."""
    folder = "/run/roth-test-zebra"
    fabric.run(HOST, "install", "-d", "-o", "frr", "-g", "frr", folder)
    fabric.run(HOST, "install", "-o", "frr", "-g", "frr", "/dev/null", f"{folder}/zebra.conf")
    fabric.run(
        HOST, "systemd-run", "--quiet", f"--unit={ZEBRA.unit}", "/usr/lib/frr/zebra", "--config_file",
        f"{folder}/zebra.conf", "--vty_socket", folder, "--pid_file", f"{folder}/zebra.pid", "--socket",
        f"{folder}/zserv.api",
    )  # fmt: skip
    try:
        eventually(
            lambda: fabric._run(HOST, "vtysh", "--vty_socket", folder, "-c", "show ip route table 142").stdout,
            lambda text: "10.64." in text,
            "zebra has read our table",
        )
        yield
    finally:
        fabric.run(HOST, "systemctl", "stop", ZEBRA.unit)
        fabric.run(HOST, "rm", "-r", folder)


def test_zebra_started_and_stopped(case: Case) -> None:
    """It neither takes over nor cleans away what is ours, neither at its start nor at its end."""
    before = ours(case.fabric)
    with case.costing(NOTHING) as traffic:
        with zebra(case.fabric):
            traffic.go_on(5)
            assert ours(case.fabric) == before
        traffic.go_on(2)
        assert ours(case.fabric) == before
        assert case.fabric._run(HOST, "pgrep", "-x", "zebra").stdout == ""
