"""Runs the collection's playbooks against the lab, as an operator would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .fabric import ROOT


def play(playbook: str, inventory: Path, *options: str, fails: bool = False) -> str:
    """The output of one of the collection's playbooks, which must succeed, or must fail."""
    line = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), *options]
    # molecule's own settings (ANSIBLE_FORCE_COLOR for one) are not this playbook's
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    # nor is its working directory, which tor_render_dir reads
    environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "PWD": str(ROOT)}
    done = subprocess.run(
        [*line, str(ROOT / "playbooks" / playbook)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout
