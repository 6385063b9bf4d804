"""What the pages on Neutron show is what an operator gets: each command runs, in the page's order, and prints that."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from lab import instances
from lab.api import Api

from tests.lab.disagreements import STRAY, clear, planted, stray
from tests.lab.fabric import ROOT, Fabric, eventually
from tests.lab.pages import Shown, commands, section
from tests.lab.playbooks import as_shown, environment

from .ailing import stopped, without_networks
from .cloud import is_full
from .plugged import HOSTS, read_now, recovered

TOOLS = Path(sys.executable).parent


@pytest.fixture(autouse=True)
def as_on_the_pages(fabric: Fabric) -> None:
    if is_full(fabric):
        pytest.skip("the pages show the lab of NEUTRON=1")


def shown(page: str, heading: str = "") -> list[Shown]:
    """The commands of a page, or of a section, but for `export`, which names the lab of `make lab`."""
    text = (ROOT / "docs" / f"{page}.md").read_text()
    found = commands(section(text, heading) if heading else text)
    assert found, f"docs/{page}.md shows no command"
    assert all(it.words[1].startswith("OS_CLIENT_CONFIG_FILE=") for it in found if it.words[0] == "export")
    return [it for it in found if it.words[0] != "export"]


def run(fabric: Fabric, command: Shown, fails: bool = False) -> None:
    """Run a command as it is shown, with this environment's tools; it must print what is shown below it."""
    if command.node:
        node, line = command.node
        eventually(
            lambda: command.missing(fabric.run(node, "bash", "-c", f"! {{ {line}; }}" if fails else line)),
            lambda missing: missing == [],
            f"the lines below {command.text}",
            120,
        )
        return
    if command.words[0].endswith("ansible-playbook"):
        play = as_shown(command.words)
        printed = play.stdout + (play.stderr if fails else "")
        assert (play.code != 0) == fails, f"{command.text}: {play.output}"
    else:
        line = command.text.replace(".venv/bin/", f"{TOOLS}/")
        done = subprocess.run(["bash", "-c", line], cwd=ROOT, env=environment(), capture_output=True, text=True)
        printed = done.stdout
        assert (done.returncode != 0) == fails, f"{command.text}: {done.stdout}{done.stderr}"
    assert command.missing(printed) == [], f"{command.text} printed: {printed}"


def run_all(fabric: Fabric, page: Sequence[Shown], expected: int) -> None:
    for command in page:
        run(fabric, command)
    assert len(page) == expected


def test_the_second_walk_prints_what_it_shows(fabric: Fabric) -> None:
    if fabric.topology.agents:
        pytest.skip("the page's lab is that of NEUTRON=1")
    run_all(fabric, shown("deployment-guide-neutron"), 5)


def test_the_page_on_the_port_watcher_prints_what_it_shows(fabric: Fabric) -> None:
    for host in HOSTS:
        read_now(fabric, host)
    run_all(fabric, shown("port-watcher"), 3)


def test_networks_that_are_not_there_are_shown_as_the_page_on_neutron_has_it(api: Api, fabric: Fabric) -> None:
    command, _without = shown("neutron")
    with without_networks(api, fabric):
        run(fabric, command)
    recovered(fabric)


def test_a_run_without_neutron_is_refused_as_the_page_on_neutron_has_it(api: Api, fabric: Fabric) -> None:
    _networks, command = shown("neutron")
    with stopped(api, fabric):
        run(fabric, command, fails=True)
    recovered(fabric)


def test_the_lab_s_page_makes_a_port_that_is_reached(api: Api, fabric: Fabric) -> None:
    try:
        run_all(fabric, shown("lab", "## With a real Neutron"), 4)
    finally:
        for port in api.rows("ports", [("name", "new")]):
            api.delete("port", port["id"])
            if port["id"] in fabric.instances:
                instances.unplug(fabric.settings, [port["id"]])


@pytest.mark.slow
def test_the_page_on_reconcile_prints_what_it_shows(fabric: Fabric) -> None:
    whole, ten, repair, alone = shown("reconcile")
    run(fabric, whole)
    with planted(fabric):
        run(fabric, ten, fails=True)
        run(fabric, repair, fails=True)
        clear(fabric)
    assert STRAY in " ".join(alone.lines)
    with stray(fabric, "hv1"):
        run(fabric, alone, fails=True)
