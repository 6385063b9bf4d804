"""The module as a task of a playbook, beside a task that does nothing and a loop of `ip route replace`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .benchmark import OURS, Benchmark, Plot
from .host_routes_core import PROTOCOL, TABLE, route_lines
from .namespaces import throwaway
from .samples import Sample
from .targets import Target

ROOT = Path(__file__).resolve().parents[2]
EMPTY, LOOP = "empty task", "loop of command"
FULL, ROUNDS = (500, 10000), 3
LOOPED = 100
"""Routes that the loop installs, once; 10,000 would take most of an hour."""

METHOD = f"""\
Seconds of a whole `ansible-playbook` (no facts) on a host reached by a local connection. *{OURS}* is one task
`roth.fabric.host_routes` with the routes in a file on the host, as the role has it; *{EMPTY}* is
`ansible.builtin.ping` in its place: the difference is what the routes cost. *{LOOP}* is `command: ip route replace`
for each item, run once with {LOOPED} routes."""

Task = dict[str, Any]

TASKS: dict[str, Task] = {
    OURS: {"roth.fabric.host_routes": {"src": "{{ routes }}", "table": TABLE, "protocol": PROTOCOL}},
    EMPTY: {"ansible.builtin.ping": {}},
    LOOP: {
        "ansible.builtin.command": "ip route replace {{ item }} table " + str(TABLE + 1),
        "loop": "{{ lookup('file', routes).splitlines() }}",
    },
}
PURGE: Task = {"roth.fabric.host_routes": {"routes": [], "allow_empty": True, "table": TABLE, "protocol": PROTOCOL}}


def play(folder: Path, task: Task, routes: Path) -> tuple[float, bool]:
    """Seconds of a playbook with one task, and whether it changed something."""
    playbook = folder / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    line = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local"]
    line += ["-e", f"routes={routes}", "-e", f"ansible_python_interpreter={sys.executable}", str(playbook)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    began = time.monotonic()
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    took = time.monotonic() - began
    if done.returncode:
        raise RuntimeError(f"the playbook failed: {(done.stdout + done.stderr)[-2000:]}")
    return took, bool(re.search(r"changed=[1-9]", done.stdout))


def expect(found: bool, wanted: bool, what: str) -> None:
    """A task that did something else than it should is no measurement."""
    if found is not wanted:
        raise RuntimeError(f"{what}: changed is {found}, expected {wanted}")


def one_round(folder: Path, count: int) -> list[Sample]:
    """Empty, install, empty, no-op; then purged, which is not measured."""
    path = folder / f"{count}.routes"
    samples = []
    for step, changed in (("install", True), ("no-op", False)):
        for who, wanted in ((EMPTY, False), (OURS, changed)):
            seconds, found = play(folder, TASKS[who], path)
            expect(found, wanted, f"{who}, {step} of {count}")
            samples.append(Sample(case(count, step), who, "s", seconds))
    play(folder, PURGE, path)
    return samples


def measure(quick: bool) -> list[Sample]:
    """Rounds of all sizes; the loop once."""
    sizes: Sequence[int] = (50, 500) if quick else FULL
    looped = 10 if quick else LOOPED
    samples = []
    with throwaway(f"bench{os.getpid()}-task"), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in {*sizes, looped}:
            (folder / f"{count}.routes").write_text("".join(f"{line}\n" for line in route_lines(count, 4)))
        for _round in range(1 if quick else ROUNDS):
            for count in sizes:
                samples += one_round(folder, count)
        seconds, _changed = play(folder, TASKS[LOOP], folder / f"{looped}.routes")
        samples.append(Sample(case(looped, "install"), LOOP, "s", seconds))
    return samples


def case(count: int, step: str) -> str:
    """The name of a line of the table."""
    return f"{count} routes: {step}"


BENCHMARK = Benchmark(
    "task",
    "The whole Ansible task",
    METHOD,
    measure,
    targets=tuple(
        Target((case(10000, step), OURS), (case(10000, step), EMPTY), 1.0, above=True) for step in ("install", "no-op")
    ),
    plots=(Plot("task", "Seconds of a playbook", tuple(case(count, "install") for count in FULL), logarithmic=True),),
)
