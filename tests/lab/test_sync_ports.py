"""Must show 2: a port moves in Neutron's data, and exactly its prefixes move in the fabric."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import instances

from .fabric import INVENTORY, Fabric, eventually
from .playbooks import play

MOVED = "hv1-vm0"
FROM, TO = "hv1", "hv3"
HOPS = {
    host: {"tor1": {f"10.1.{n}.1", f"2001:db8:1:{n}::b"}, "tor2": {f"10.2.{n}.1", f"2001:db8:2:{n}::b"}}
    for n, host in enumerate(("hv1", "hv2", "hv3"), start=1)
}


@pytest.fixture
def moved(whole: Fabric, ports_in_a_file: None, tmp_path: Path) -> Iterator[Path]:
    """A copy of the inventory in which the port is on another host; the lab is as it was when the test is over."""
    copy = tmp_path / "lab"
    shutil.copytree(INVENTORY, copy)
    document = json.loads((copy / "neutron.json").read_text())
    next(port for port in document["ports"] if port["name"] == MOVED)["binding:host_id"] = TO
    (copy / "neutron.json").write_text(json.dumps(document))
    yield copy
    instances.plug(whole.settings, whole.topology, INVENTORY)
    play("sync_ports.yml", INVENTORY)


def changed(output: str) -> dict[str, tuple[set[str], set[str]]]:
    """Prefixes of the diff's lines with `+` and with `-`, by host; hosts without any are left out."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    lines: list[str] = []
    for line in output.splitlines():
        if match := re.match(r"(?:changed|ok): \[(\w+)\]", line):
            plus = {words[0] for text in lines if text.startswith("+") and (words := text[1:].split())}
            minus = {words[0] for text in lines if text.startswith("-") and (words := text[1:].split())}
            found[match[1]] = tuple(  # type: ignore[assignment]
                found.get(match[1], (set(), set()))[n] | {word for word in (plus, minus)[n] if "/" in word}
                for n in (0, 1)
            )
            lines = []
        elif line.startswith(("+", "-")) and not line.startswith(("+++", "---")):
            lines.append(line)
    return {host: both for host, both in found.items() if any(both)}


def prefixes(fabric: Fabric) -> set[str]:
    """The moved port's own."""
    addresses = [fixed["ip_address"] for fixed in fabric.port(MOVED)["fixed_ips"]]
    return {f"{address}/{128 if ':' in address else 32}" for address in addresses}


def others(fabric: Fabric) -> dict[str, dict[str, set[str]]]:
    """Next hops of all prefixes but the moved ones, by switch."""
    mine = prefixes(fabric)
    return {
        name: {prefix: hops for prefix, hops in fabric.prefixes_at(name).items() if prefix not in mine}
        for name in fabric.switches
    }


def at(fabric: Fabric) -> dict[str, set[str]]:
    """Next hops of the moved prefixes, by switch."""
    return {
        name: set().union(*(fabric.prefixes_at(name).get(prefix, {"missing"}) for prefix in prefixes(fabric)))
        for name in fabric.switches
    }


@pytest.mark.slow  # with Neutron as the source a port moves in tests/neutron/test_reconcile.py
def test_exactly_the_prefixes_of_a_moved_port_move(whole: Fabric, moved: Path) -> None:
    before, mine = others(whole), prefixes(whole)
    assert at(whole) == HOPS[FROM]
    plan = changed(play("sync_ports.yml", moved, "--check", "--diff"))
    assert plan == {FROM: (set(), mine), TO: (mine, set())}
    assert at(whole) == HOPS[FROM], "a check must not change anything"

    instances.plug(whole.settings, whole.topology, INVENTORY, data=moved / "neutron.json")
    assert changed(play("sync_ports.yml", moved, "--diff")) == plan, "plan and real run must agree"
    eventually(lambda: at(whole), lambda found: found == HOPS[TO], f"{mine} at {TO}")
    assert others(whole) == before
    answers = whole.reach("client", [prefix.partition("/")[0] for prefix in mine], 60)
    assert None not in answers.values(), answers

    instances.plug(whole.settings, whole.topology, INVENTORY)
    assert changed(play("sync_ports.yml", INVENTORY, "--diff")) == {FROM: (mine, set()), TO: (set(), mine)}
    eventually(lambda: at(whole), lambda found: found == HOPS[FROM], f"{mine} at {FROM} again")
    assert others(whole) == before
