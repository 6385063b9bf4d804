"""A lab of the benchmarks' own, and playbooks in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECAP = re.compile(r"^(hv\d+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=0\s+failed=0", re.MULTILINE)
"""A hypervisor on which nothing failed, its tasks and how many of them changed something."""


@contextmanager
def lab(inventory: Path, prefix: str, **more: str) -> Iterator[dict[str, str]]:
    """The lab of an inventory is up; gives the environment to run playbooks in, to which `more` belongs."""
    environment = {
        **os.environ, "ROTH_LAB_PREFIX": prefix, "PYTHONPATH": str(ROOT / "molecule"),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_INVENTORY": str(inventory),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **more,
    }  # fmt: skip
    command = [sys.executable, "-m", "lab", "--inventory", str(inventory)]
    try:
        subprocess.run([*command, "up"], cwd=ROOT, env=environment, check=True)
        yield environment
    finally:
        subprocess.run([*command, "down"], cwd=ROOT, env=environment, check=True)


def play(environment: Mapping[str, str], name: str, *words: str) -> str:
    """What a playbook of the collection's wrote. Raises RuntimeError when it failed."""
    line = [str(Path(sys.executable).with_name("ansible-playbook")), str(ROOT / "playbooks" / f"{name}.yml"), *words]
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}.yml failed: {(done.stdout + done.stderr)[-3000:]}")
    return done.stdout
