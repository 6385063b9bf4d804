"""A TCP MD5 key is where it is needed and nowhere else, also while it is deployed and when it is taken away again."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab import nodes

from .fabric import INVENTORY, ROOT, Fabric, eventually
from .playbooks import play
from .traces import Sightings, Trace, traces, watching

pytestmark = pytest.mark.slow

KEY = "lab-hv1-tor1"
PEERS = ("10.1.1.0", "2001:db8:1:1::a")
TALKATIVE = ("-vvv", "--diff", "--limit", "hv1,tor1", "-e", '{"roth_serial": "100%"}')
TEMPORARY = ("tmp", "var/tmp", "run/frr", "run/roth", "run/roth-exabgp", "root/.ansible")
MINE = {
    "hv1": {("/etc/roth/exabgp.conf", "r--------")},
    "tor1": {("/etc/frr/frr.conf", "rw-r-----")},
}
"""Where the key has to be, and who may read it there: the file's user, and on the switch the group of FRR's daemons."""


@pytest.fixture(scope="module")
def canary() -> str:
    return f"canary-{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def roots(fabric: Fabric) -> dict[str, Path]:
    """Root directories of hosts and switches as this machine sees them."""
    names = (*fabric.hosts, *fabric.switches)
    return {name: Path(f"/proc/{nodes.init_pid(fabric.settings, name)}/root") for name in names}


@pytest.fixture(scope="module")
def changed(canary: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the inventory with the canary as key of hv1 and tor1."""
    copy = tmp_path_factory.mktemp("keys") / "lab"
    shutil.copytree(INVENTORY, copy)
    file = copy / "host_vars" / "hv1.yml"
    text = file.read_text()
    assert KEY in text
    file.write_text(text.replace(KEY, canary))
    return copy


def established_since(fabric: Fabric) -> dict[str, float]:
    """When hv1's sessions with tor1 came up, as far as they are up."""
    found = fabric.status("hv1").get("sessions", ())
    return {it["peer"]: it["since"] for it in found if it["peer"] in PEERS and it["state"] == "established"}


def come_back(fabric: Fabric, before: dict[str, float]) -> None:
    """Wait until both sessions were made anew; they can only be if both ends have the same key."""
    eventually(
        lambda: established_since(fabric),
        lambda now: all(now.get(peer, 0) > before[peer] for peer in PEERS),
        "new sessions between hv1 and tor1",
        90,
    )


@dataclass(frozen=True)
class Deployed:
    """What was printed and seen while the key came and went, and what held it in between."""

    printed: dict[str, str]
    seen: Sightings
    files: dict[str, set[Trace]]
    answers: str


@pytest.fixture(scope="module")
def vtysh(fabric: Fabric) -> Iterator[Path]:
    """A file on tor1 with the arguments of each call of vtysh: such a process is too short to be seen for certain."""
    real, log = "/usr/bin/vtysh.real", "/run/vtysh.log"
    script = f'#!/bin/sh\nprintf "%s\\n" "$*" >>{log}\nexec {real} "$@"\n'
    fabric.run("tor1", f"mv /usr/bin/vtysh {real}; printf '%s' '{script}' >/usr/bin/vtysh; chmod 755 /usr/bin/vtysh")
    yield Path(log)
    fabric.run("tor1", f"mv {real} /usr/bin/vtysh; rm -f {log}")


@pytest.fixture(scope="module")
def deployed(fabric: Fabric, canary: str, roots: dict[str, Path], changed: Path, vtysh: Path) -> Iterator[Deployed]:
    """The canary is deployed and the old key again, once for all tests here."""
    printed, needle, begun = {}, canary.encode(), time.time()
    with watching(needle, {name: roots[name] for name in MINE}, TEMPORARY) as seen:
        printed["check"] = play("site.yml", changed, *TALKATIVE, "--check")
        before = established_since(fabric)
        try:
            printed["change"] = play("site.yml", changed, *TALKATIVE)
            come_back(fabric, before)
            before = established_since(fabric)
            files = {name: set(traces(root, needle, begun)) for name, root in roots.items()}
            files["controller"] = set(traces(ROOT, needle, begun, "build"))
            answers = "".join(fabric.run("hv1", "roth", *words, "--json") for words in (["status"], ["routes"]))
        finally:
            printed["restore"] = play("site.yml", INVENTORY, *TALKATIVE)
        come_back(fabric, before)
    yield Deployed(printed, seen, files, answers)
    for trace in traces(roots["tor1"], needle, begun, "etc/frr"):
        (roots["tor1"] / trace.path[1:]).unlink()  # what the role keeps of former configurations


def test_no_run_prints_the_key(deployed: Deployed, canary: str) -> None:
    for run, output in deployed.printed.items():
        lines = output.splitlines()
        task = ""
        found = []
        for line in lines:
            task = line if line.startswith(("TASK", "RUNNING HANDLER")) else task
            if canary in line:
                found.append((task, line.strip()[:200]))
        assert found == [], run


def test_no_process_has_the_key_in_its_command_line(
    deployed: Deployed, fabric: Fabric, vtysh: Path, canary: str
) -> None:
    assert deployed.seen.looks > 20
    assert deployed.seen.command_lines == set()
    calls = fabric.run("tor1", "cat", str(vtysh)).splitlines()
    assert any("--dryrun" in call for call in calls)
    assert [call for call in calls if canary in call] == []


def test_no_temporary_file_shows_the_key_to_everybody(deployed: Deployed) -> None:
    assert deployed.seen.files == set()


def test_the_key_is_in_the_daemons_configuration_and_in_no_other_file(deployed: Deployed) -> None:
    found = {name: {(it.path, it.mode) for it in files} for name, files in deployed.files.items() if files}
    controller = {("/build/tor/tor1/frr.conf", "rw-------")}
    assert found == {**MINE, "controller": controller}
    assert not [trace for files in deployed.files.values() for trace in files if trace.public]


def test_no_journal_and_no_log_has_the_key(
    deployed: Deployed, fabric: Fabric, canary: str, roots: dict[str, Path]
) -> None:
    for name, root in roots.items():
        # not read here: a journal may hold any bytes
        assert (
            fabric.run(name, f"journalctl --no-pager --all --output=export | grep -a -c {canary} || true") == "0\n"
        ), name
        assert set(traces(root, canary.encode(), 0, "var/log")) == set()


def test_the_agent_tells_nobody_the_key(deployed: Deployed, canary: str) -> None:
    assert '"sessions"' in deployed.answers
    assert '"next_hop"' in deployed.answers
    assert canary not in deployed.answers


def test_the_folders_of_rendered_configurations_are_closed(deployed: Deployed) -> None:
    for folder in (ROOT / "build" / "tor").iterdir():
        assert folder.stat().st_mode & 0o777 == 0o700, folder
