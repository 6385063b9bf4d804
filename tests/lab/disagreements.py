"""Ten disagreements between ports, kernels, ExaBGP and switches, made by hand; what reconcile must find and mend."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
REPAIR = ("--tags", "repair", "-e", '{"reconcile_timeout": 0, "reconcile_repair_timeout": 12}')
IS_WATCHED = "systemctl is-active roth-ports || true"
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


@contextmanager
def planted(fabric: Fabric) -> Iterator[dict[str, list[str]]]:
    """Ten disagreements; gives the tables from before, which are there again afterwards.

    Port watchers, where there are any, are stopped meanwhile: they would mend what is theirs before it is looked at.
    """
    before = tables(fabric)
    with unwatched(fabric):
        plant(fabric)
        try:
            yield before
        finally:
            clear(fabric)
            attempt("sync_ports.yml", INVENTORY, "-e", "instance_routes_accept_removal=yes")
    eventually(lambda: tables(fabric), lambda found: found == before, "the tables from before")


@contextmanager
def unwatched(fabric: Fabric) -> Iterator[None]:
    """The hosts follow no Neutron by themselves for as long as the block runs."""
    watched = [host for host in fabric.hosts if fabric.run(host, "sh", "-c", IS_WATCHED) == "active\n"]
    for host in watched:
        fabric.run(host, "systemctl", "stop", "roth-ports")
    try:
        yield
    finally:
        for host in watched:
            fabric.run(host, "systemctl", "start", "roth-ports")


@contextmanager
def stray(fabric: Fabric, host: str) -> Iterator[None]:
    """A route without a port on a host, for as long as the block runs."""
    with unwatched(fabric):
        add(fabric, host, STRAY, *OURS)
        try:
            yield
        finally:
            remove(fabric, host, STRAY)


def reconcile(path: Path, *options: str) -> tuple[Play, dict[str, Any]]:
    """A run, and its report."""
    run = attempt("reconcile.yml", INVENTORY, "-e", f"reconcile_report={path}", *options)
    assert path.exists(), run.output
    report: dict[str, Any] = json.loads(path.read_text())
    path.unlink()
    return run, report


def named(report: dict[str, Any]) -> Found:
    return {(each["kind"], each["host"], each["prefix"]) for each in report["findings"]}


def prove_ten(fabric: Fabric, before: dict[str, list[str]], report_file: Path) -> None:
    """Each of the planted disagreements is named rightly, and a repair mends exactly what is ours."""
    broken = tables(fabric)
    run, report = reconcile(report_file, "-e", "reconcile_timeout=5")
    assert named(report) == NAMED, run.output
    assert run.code != 0
    assert tables(fabric) == broken, "without the tag nothing is changed"
    assert not any(run.changed.values()), run.output
    ports = {each["prefix"]: each["port"]["name"] for each in report["findings"] if each["port"]}
    assert ports.items() >= {prefix: name for name, owned in PREFIXES.items() for prefix in owned}.items()

    with fabric.monitoring("hv3") as right, fabric.monitoring("hv1") as wrong:
        run, report = reconcile(report_file, *REPAIR)
    assert named(report) == NOT_OURS, run.output
    assert run.code != 0
    mended = tables(fabric)
    assert {host: mended[host] for host in ("hv1", "hv3")} == {host: before[host] for host in ("hv1", "hv3")}
    assert [line for line in mended["hv2"] if "static" in line] == [
        "10.64.1.22 dev br-mobile proto static scope link",
        f"{THEIRS.removesuffix('/32')} dev br-mobile proto static scope link",
    ]
    came = next(each.when for each in right.changes if each.prefix == "10.64.0.193/32" and not each.deleted)
    went = next(each.when for each in wrong.changes if each.prefix == "10.64.0.193/32" and each.deleted)
    assert came < went, "the right host has it before the wrong one lets go"

    clear(fabric)
    run, report = reconcile(report_file, *REPAIR)
    assert (run.code, named(report)) == (0, set()), run.output
    assert tables(fabric) == before
    run, report = reconcile(report_file, *REPAIR)
    assert (run.code, report["agree"], any(run.changed.values())) == (0, True, False), run.output
    assert report["looked_at"] == {"hosts": list(fabric.hosts), "switches": ["tor1", "tor2"]}
