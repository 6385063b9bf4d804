"""Runs that are cut off, that meet another, or that cannot reach a host."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .fabric import INVENTORY, Fabric, eventually
from .lone import HOST, Lone, differences, lone_lab
from .playbooks import AT_ONCE, attempt, command, environment, play

LOCK = "/run/roth.lock"
CUTS = (
    ("tor :", "tor1"),
    ("tor : Enable the daemons", "tor1"),
    ("tor : Install the FRR configuration", "tor1"),
    ("tor : Install the BIRD configuration", "tor2"),
    ("host_software :", HOST),
    ("host_network :", HOST),
    ("ecmp :", HOST),
    ("provider_network :", HOST),
    ("firewall :", HOST),
    ("bfd :", HOST),
    ("exabgp :", HOST),
    ("route_agent :", HOST),
    ("instance_routes :", HOST),
)
"""Each role of site.yml that changes something, with a node where it does; of a switch also what a handler follows."""


@contextmanager
def running(line: list[str], **more: str) -> Iterator[subprocess.Popen[str]]:
    """A playbook in a process group of its own, which is killed when the block ends."""
    with subprocess.Popen(
        line,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


def read_until(process: subprocess.Popen[str], reached: Callable[[str, str], bool], what: str = "that") -> None:
    """Read the output until a line, with the task that it is of, is the one."""
    assert process.stdout is not None
    task, lines = "", []
    for line in process.stdout:
        lines.append(line)
        task = line if line.startswith(("TASK [", "RUNNING HANDLER [")) else task
        if reached(task, line):
            return
    pytest.fail(f"the run ended before {what}: " + "".join(lines[-60:]))


def locked(fabric: Fabric, host: str) -> bool:
    return bool(fabric.run(host, "sh", "-c", f"cat {LOCK} 2>/dev/null || true"))


def changing(part: str, host: str = "hv1") -> Callable[[str, str], bool]:
    """Whether a task with this in its name has changed something on the host."""
    return lambda task, line: part in task and line.startswith(f"changed: [{host}]")


@pytest.mark.slow
def test_a_second_run_is_refused_by_name_and_may_go_on_when_the_first_was_killed(whole: Fabric) -> None:
    with running(command("site.yml", INVENTORY, "--limit", "hv1,hv2")) as first:
        read_until(first, lambda _task, line: "Configure the hypervisors" in line)
        second = attempt("sync_ports.yml", INVENTORY)
        assert first.poll() is None, "the first run was still under way"
    assert second.code != 0, second.output
    said = " ".join(second.output.split())
    for host in ("hv1", "hv2"):
        assert f"{host}: another run changes this host: root on" in said, second.output
    assert f"(site.yml, process {first.pid}) since 20" in said, second.output
    assert "hv3: another run" not in said
    assert set(second.changed.values()) == {0}, second.output

    assert locked(whole, "hv1"), "the killed run has left its lock"
    assert not locked(whole, "hv3"), "the refused run has given back the lock that it had"
    play("site.yml", INVENTORY, "--limit", "hv1,hv2", "--tags", "ecmp", *AT_ONCE)
    for host in ("hv1", "hv2"):
        assert not locked(whole, host), "a run that has ended holds no lock"


@pytest.mark.slow
def test_a_changed_configuration_is_applied_by_the_run_after_one_that_was_cut_off(whole: Fabric) -> None:
    def loaded() -> str:
        """When ExaBGP was last told to read its file; a reload is a change of the unit's state."""
        show = ("systemctl", "show", "--property=StateChangeTimestampMonotonic", "--value", "roth-exabgp.service")
        return whole.run("hv1", *show).strip()

    before, options = loaded(), ("--limit", "hv1", "--tags", "exabgp")
    changed = ("-e", '{"roth_hold_time": 12}')
    with running(command("site.yml", INVENTORY, *options, *changed)) as cut:
        read_until(cut, changing("exabgp : Write the configuration"))
    assert loaded() == before, "cut off before the handler"
    play("site.yml", INVENTORY, *options, *changed)
    assert loaded() != before
    after = loaded()
    assert attempt("site.yml", INVENTORY, *options, *changed).changed["hv1"] == 0
    assert loaded() == after
    play("site.yml", INVENTORY, *options)


def hold_time(fabric: Fabric, switch: str) -> set[int]:
    """Seconds, of the switch's sessions with hv1, as its daemon has them configured."""
    if fabric.switches[switch] == "frr":
        text = fabric.run(switch, "vtysh", "-c", "show running-config")
        return {int(found) for found in re.findall(r"^ neighbor 10\.1\.1\.1 timers \d+ (\d+)$", text, re.MULTILINE)}
    text = fabric.run(switch, "birdc", "show", "protocols", "all", "hv1_up1_ipv4")
    return {int(found) for found in re.findall(r"Hold timer: +[\d.]+/(\d+)", text)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("switch", "task"), [("tor1", "Install the FRR configuration"), ("tor2", "Install the BIRD configuration")]
)
def test_a_switch_whose_run_was_cut_off_before_its_reload_is_reloaded_by_the_next(
    whole: Fabric, switch: str, task: str
) -> None:
    options, changed = ("--limit", switch, "--tags", "tor"), ("-e", '{"roth_hold_time": 6}')
    try:
        with running(command("site.yml", INVENTORY, *options, *changed)) as cut:
            read_until(cut, changing(f"tor : {task}", switch))
        assert hold_time(whole, switch) == {9}, "cut off before the handler"
        play("site.yml", INVENTORY, *options, *changed)
        eventually(lambda: hold_time(whole, switch), lambda found: found == {6}, "the new hold time")
        assert attempt("site.yml", INVENTORY, *options, *changed).changed[switch] == 0
    finally:
        play("site.yml", INVENTORY, *options)


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_a_host_that_cannot_be_reached_stops_the_run_at_its_batch_and_the_next_run_repairs(
    whole: Fabric, tmp_path: Path
) -> None:
    port = "10.64.77.7/32"
    for host in whole.hosts:
        whole.run(host, "ip", "route", "replace", *port.split(), "dev", "br-mobile", "proto", "142", "table", "142")

    def drifted() -> set[str]:
        return {host for host in whole.hosts if whole.ip(host, "route", "show", port, "table", "142")}

    assert drifted() == {"hv1", "hv2", "hv3"}
    lost = tmp_path / "lost.yml"
    lost.write_text("all:\n  hosts:\n    hv2:\n      ansible_host: nowhere\n")
    routes = ("--tags", "instance_routes", "-e", '{"roth_serial": 1}')
    run = attempt("site.yml", INVENTORY, "-i", str(lost), *routes)
    assert run.code != 0
    assert "UNREACHABLE" in run.output
    assert drifted() == {"hv2", "hv3"}, "hosts before it are done, it and those after it are untouched"
    play("site.yml", INVENTORY, "--limit", "hv2", *routes)
    assert drifted() == {"hv3"}, "only the host of --limit"
    play("site.yml", INVENTORY, *routes)
    assert drifted() == set()


BY_CHANCE = re.compile(
    r"files (/etc/machine-id"
    r"|/opt/roth/releases/.*(\.pyc|\.dist-info/(RECORD|direct_url\.json))"
    r"|/run/.*\.pid|/root/\.history_frr"
    r"|/etc/(frr/frr|bird/bird)\.conf\.[0-9]+\..*~)"
)
"""What no two have alike: Python notes when, and from where, it installed and compiled; pids; dated copies."""
OF_A_SWITCH = ("files", "units", "users", "groups", "packages")
"""What is compared there: its cables have other addresses in each lab."""


@contextmanager
def bare_lab(folder: Path) -> Iterator[Lone]:
    """One that differs in nothing from the next of its kind; its uplinks have the same addresses as well."""
    with lone_lab(folder, "x") as lone:
        for number, uplink in enumerate(("up0", "up1")):
            lone.fabric().run(HOST, "ip", "link", "set", uplink, "address", f"02:00:5e:00:53:0{number}")
        yield lone


def deployed(lone: Lone) -> dict[str, dict[str, dict[str, str]]]:
    """What host and switches are like when a run has come to its end, and that it has deployed them."""
    run = lone.play("site.yml", *AT_ONCE)
    assert run.code == 0, run.output
    eventually(lambda: lone.fabric().status(HOST).get("announced"), bool, "announced prefixes")
    found = {node: lone.listing(node) for node in (HOST, "tor1", "tor2")}
    lone.plug()
    verified = lone.play("verify.yml")
    assert verified.code == 0, verified.output
    lone.unplug()
    return found


@pytest.mark.slow
def test_a_run_cut_off_in_each_role_ends_as_one_that_never_was(tmp_path: Path) -> None:
    """Cut off at the first thing that each role changes; each next run goes on from what that left."""
    with bare_lab(tmp_path / "whole") as lone:
        never_cut = deployed(lone)
    with bare_lab(tmp_path / "cut") as lone:
        line, prefix = command("site.yml", lone.inventory, *AT_ONCE), lone.settings.prefix
        for part, node in CUTS:
            with running(line, ROTH_LAB_PREFIX=prefix) as cut:
                read_until(cut, changing(f"fabric.{part}", node), f"{part!r} changed {node}")
        found = deployed(lone)
        for node, listing in never_cut.items():
            parts = listing if node == HOST else OF_A_SWITCH
            left = differences({part: listing[part] for part in parts}, found[node])
            assert {key: both for key, both in left.items() if not BY_CHANCE.fullmatch(key)} == {}, node
        again = lone.play("site.yml", *AT_ONCE)
        assert (again.code, set(again.changed.values())) == (0, {0}), again.output
