"""Neutron, kernels, ExaBGP and switches are made to disagree: each is named rightly, and repaired if it is ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .fabric import INVENTORY, Fabric, eventually
from .playbooks import Play, attempt

TABLE = ("table", "142")
OURS = ("proto", "142", *TABLE)
FOREIGN = ("proto", "static", *TABLE)
PREFIXES = {
    "hv1-vm0": ("10.64.1.53/32", "2001:db8:64::bd/128"),
    "hv1-vm5": ("10.64.1.191/32",),  # administratively down
    "hv2-vm0": ("10.64.3.191/32",),
    "hv2-vm1": ("10.64.1.22/32",),
    "hv3-vm0": ("10.64.0.193/32",),
}
SHARED, STRAY, OUTSIDE, LEAKED = "10.64.250.1/32", "10.64.77.7/32", "10.99.0.1/32", "10.64.88.8/32"
THEIRS = "10.64.77.9/32"  # another program's route in our table, which is nobody's business
# What is not ours stays, however long is waited for it.
REPAIR = ("--tags", "repair", "-e", '{"reconcile_timeout": 0, "reconcile_repair_timeout": 30}')
Found = set[tuple[str, "str | None", "str | None"]]

NAMED: Found = {
    ("missing", "hv1", "10.64.1.53/32"),
    ("missing", "hv1", "2001:db8:64::bd/128"),
    ("orphan", "hv2", STRAY),
    ("orphan", "hv1", "10.64.1.191/32"),
    ("orphan", "hv3", OUTSIDE),
    ("duplicate", "hv3", "10.64.3.191/32"),
    ("duplicate", "hv1", SHARED),
    ("duplicate", "hv2", SHARED),
    ("wrong host", "hv1", "10.64.0.193/32"),
    ("missing", "hv3", "10.64.0.193/32"),
    ("missing", "hv2", "10.64.1.22/32"),
    ("leaked prefix", None, LEAKED),
}
NOT_OURS: Found = {("missing", "hv2", "10.64.1.22/32"), ("leaked prefix", None, LEAKED)}


def add(fabric: Fabric, host: str, prefix: str, *words: str, device: str = "br-mobile") -> None:
    fabric.ip(host, "route", "replace", prefix, "dev", device, *words)


def remove(fabric: Fabric, host: str, prefix: str) -> None:
    fabric.ip(host, "route", "del", prefix, *OURS)


def at_spine(fabric: Fabric, no: str = "") -> None:
    """The spine originates a prefix of our subnets, or stops it."""
    lines = [f"{no} ip route {LEAKED} blackhole", "router bgp 65000", "address-family ipv4 unicast"]
    lines.append(f"{no} network {LEAKED}")
    fabric.run("spine", "vtysh", *(word for line in ("configure terminal", *lines) for word in ("-c", line.strip())))


def clear(fabric: Fabric) -> None:
    """Take away what is not ours, if it is still there."""
    for prefix in ("10.64.1.22/32", THEIRS):
        if fabric.ip("hv2", "route", "show", prefix, *FOREIGN):
            fabric.ip("hv2", "route", "del", prefix, *FOREIGN)
    if LEAKED in fabric.run("spine", "vtysh", "-c", "show running-config"):
        at_spine(fabric, "no")


def plant(fabric: Fabric) -> None:
    """The ten disagreements, and a route of somebody else's that is none."""
    remove(fabric, "hv1", "10.64.1.53/32")  # 1: a port without its route
    add(fabric, "hv1", "2001:db8:64::bd/128", "metric", "1024", *OURS, device="br-pinned")  # 2: … which leads elsewhere
    add(fabric, "hv2", STRAY, *OURS)  # 3: a route without a port
    add(fabric, "hv1", "10.64.1.191/32", *OURS)  # 4: … whose port is down
    add(fabric, "hv3", OUTSIDE, *OURS)  # 5: … outside all our subnets
    add(fabric, "hv3", "10.64.3.191/32", *OURS)  # 6: a port of hv2 on hv3 as well
    for host in ("hv1", "hv2"):
        add(fabric, host, SHARED, *OURS)  # 7: what three ports hold, on two hosts
    remove(fabric, "hv3", "10.64.0.193/32")
    add(fabric, "hv1", "10.64.0.193/32", *OURS)  # 8: a port of hv3 on hv1 instead
    remove(fabric, "hv2", "10.64.1.22/32")
    add(fabric, "hv2", "10.64.1.22/32", *FOREIGN)  # 9: somebody else's route in the place of a port's
    at_spine(fabric)  # 10: a prefix of our subnets from outside
    add(fabric, "hv2", THEIRS, *FOREIGN)


def tables(fabric: Fabric) -> dict[str, list[str]]:
    """Our table of each host, of every protocol."""
    return {
        host: [
            line.strip()
            for family in ("-4", "-6")
            for line in fabric.ip(host, family, "route", "show", *TABLE).splitlines()
        ]
        for host in fabric.hosts
    }


@pytest.fixture
def planted(whole: Fabric) -> Iterator[dict[str, list[str]]]:
    """Ten disagreements; gives the tables from before, which are there again afterwards."""
    before = tables(whole)
    plant(whole)
    yield before
    clear(whole)
    attempt("sync_ports.yml", INVENTORY, "-e", "instance_routes_accept_removal=yes")
    eventually(lambda: tables(whole), lambda found: found == before, "the tables from before", 5)


def reconcile(path: Path, *options: str) -> tuple[Play, dict[str, Any]]:
    """A run, and its report."""
    run = attempt("reconcile.yml", INVENTORY, "-e", f"reconcile_report={path}", *options)
    assert path.exists(), run.output
    report: dict[str, Any] = json.loads(path.read_text())
    path.unlink()
    return run, report


def named(report: dict[str, Any]) -> Found:
    return {(each["kind"], each["host"], each["prefix"]) for each in report["findings"]}


def test_ten_disagreements_are_named_and_a_repair_mends_exactly_what_is_ours(
    planted: dict[str, list[str]], whole: Fabric, tmp_path: Path
) -> None:
    broken = tables(whole)
    run, report = reconcile(tmp_path / "report.json", "-e", "reconcile_timeout=5")
    assert named(report) == NAMED, run.output
    assert run.code != 0
    assert tables(whole) == broken, "without the tag nothing is changed"
    assert not any(run.changed.values()), run.output
    ports = {each["prefix"]: each["port"]["name"] for each in report["findings"] if each["port"]}
    assert ports.items() >= {prefix: name for name, owned in PREFIXES.items() for prefix in owned}.items()

    with whole.monitoring("hv3") as right, whole.monitoring("hv1") as wrong:
        run, report = reconcile(tmp_path / "report.json", *REPAIR)
    assert named(report) == NOT_OURS, run.output
    assert run.code != 0
    mended = tables(whole)
    assert {host: mended[host] for host in ("hv1", "hv3")} == {host: planted[host] for host in ("hv1", "hv3")}
    assert [line for line in mended["hv2"] if "static" in line] == [
        "10.64.1.22 dev br-mobile proto static scope link",
        f"{THEIRS.removesuffix('/32')} dev br-mobile proto static scope link",
    ]
    came = next(each.when for each in right.changes if each.prefix == "10.64.0.193/32" and not each.deleted)
    went = next(each.when for each in wrong.changes if each.prefix == "10.64.0.193/32" and each.deleted)
    assert came < went, "the right host has it before the wrong one lets go"

    clear(whole)
    run, report = reconcile(tmp_path / "report.json", *REPAIR)
    assert (run.code, named(report)) == (0, set()), run.output
    assert tables(whole) == planted
    run, report = reconcile(tmp_path / "report.json", *REPAIR)
    assert (run.code, report["agree"], any(run.changed.values())) == (0, True, False), run.output
    assert report["looked_at"] == {"hosts": list(whole.hosts), "switches": ["tor1", "tor2"]}


def test_with_a_limit_what_was_not_looked_at_is_said(whole: Fabric, tmp_path: Path) -> None:
    add(whole, "hv2", STRAY, *OURS)
    try:
        run, report = reconcile(tmp_path / "report.json", "--limit", "hv1")
        assert (run.code, report["agree"]) == (0, True), run.output
        assert report["looked_at"]["hosts"] == ["hv1"]
        assert report["not_looked_at"]["hosts"] == ["hv2", "hv3"]
        assert "Not looked at: hosts hv2, hv3" in run.output
    finally:
        remove(whole, "hv2", STRAY)


def own(fabric: Fabric, *options: str) -> tuple[int, str]:
    """What `roth reconcile` says on hv3."""
    words = " ".join(("roth reconcile", *options))
    output, _, code = fabric.run("hv3", "sh", "-c", f"{words}; echo $?").rstrip().rpartition("\n")
    return int(code), output


def test_a_host_says_whether_it_agrees_with_itself(whole: Fabric) -> None:
    code, output = own(whole)
    assert (code, json.loads(output)["agree"]) == (0, True), output
    add(whole, "hv3", STRAY, *OURS)
    try:
        code, output = own(whole)
        assert (code, named(json.loads(output))) == (1, {("orphan", "hv3", STRAY)})
        assert "remove dev br-mobile" in own(whole, "--table")[1]
    finally:
        remove(whole, "hv3", STRAY)


@pytest.mark.slow
def test_a_repair_after_a_port_document_that_lost_its_ports_removes_nothing(whole: Fabric, tmp_path: Path) -> None:
    before = tables(whole)
    half = tmp_path / "half.json"
    half.write_text(json.dumps({**whole.document, "ports": whole.document["ports"][::2]}))
    run, report = reconcile(tmp_path / "report.json", *REPAIR, "-e", f"roth_ports_file={half}")
    assert run.code != 0
    assert {each["kind"] for each in report["findings"]} == {"orphan"}, run.output
    assert "would be removed" in run.output
    assert tables(whole) == before
    assert not any(run.changed.values()), run.output


@pytest.mark.slow
def test_what_a_switch_keeps_of_a_silent_exabgp_is_stale_and_what_is_not_read_is_no_agreement(
    whole: Fabric, tmp_path: Path
) -> None:
    add(whole, "hv3", STRAY, *OURS)
    eventually(lambda: [STRAY in whole.prefixes_at(name) for name in whole.switches], all, f"{STRAY} at both switches")
    try:
        whole.run("hv3", "systemctl", "stop", "roth-exabgp")
        remove(whole, "hv3", STRAY)
        run, report = reconcile(tmp_path / "report.json", "-e", "reconcile_timeout=0")
        assert run.code != 0
        assert {("stale", "hv3", STRAY), ("unreadable", "hv3", None)} <= named(report), run.output
        assert report["hosts"]["hv3"]["agree"] is None
        assert own(whole)[0] == 2
    finally:
        whole.run("hv3", "systemctl", "start", "roth-exabgp")
    run, report = reconcile(tmp_path / "report.json", "-e", "reconcile_timeout=90")
    assert (run.code, named(report)) == (0, set()), run.output
