"""What the pages show is what an operator gets: each command of a page runs, in the page's order, and prints that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .fabric import ROOT, Fabric, eventually
from .pages import Shown, commands
from .playbooks import environment

IN_NODES = ("architecture", "deployment-guide", "lab", "operations", "security")
"""Pages whose commands hold in a lab that is as `make lab` left it."""


def shown(page: str) -> list[Shown]:
    return commands((ROOT / "docs" / f"{page}.md").read_text())


@pytest.mark.parametrize("page", IN_NODES)
def test_what_a_page_runs_in_a_node_prints_what_it_shows(whole: Fabric, page: str) -> None:
    entered = [(command, command.node) for command in shown(page) if command.node]
    assert entered, f"docs/{page}.md enters no node"
    for command, place in entered:
        assert place is not None
        node, line = place
        eventually(
            lambda node=node, line=line, command=command: command.missing(whole.run(node, "bash", "-c", line)),
            lambda missing: not missing,
            f"docs/{page}.md: {command.text}: these lines",
            30,
        )


@pytest.mark.slow
def test_the_playbooks_of_the_guide_print_what_it_shows(whole: Fabric) -> None:
    tools = Path(sys.executable).parent
    for command in shown("deployment-guide"):
        if not command.words[0].endswith("ansible-playbook"):
            continue
        words = [str(tools / "ansible-playbook"), *command.words[1:]]
        path = f"{tools}:{os.environ['PATH']}"
        done = subprocess.run(
            words, cwd=ROOT, env=environment(PATH=path), capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"{command.text}: {done.stdout}{done.stderr}"
        assert not command.missing(done.stdout), f"{command.text} printed: {done.stdout}"
