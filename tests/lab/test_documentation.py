"""What the pages show is what an operator gets: each command of a page runs, in the page's order, and prints that."""

from __future__ import annotations

import pytest

from .fabric import ROOT, Fabric, eventually
from .pages import Shown, commands, section
from .playbooks import as_shown

IN_NODES = ("architecture", "deployment-guide", "lab", "operations", "security", "troubleshooting")
"""Pages whose commands hold in a lab that is as `make lab` left it."""

ELSEWHERE = {"lab": ("## With a real Neutron", "## With Neutron's own agents")}
"""Sections of a page whose commands hold in another lab: those of `tests/neutron`."""


def shown(page: str) -> list[Shown]:
    text = (ROOT / "docs" / f"{page}.md").read_text()
    for heading in ELSEWHERE.get(page, ()):
        text = text.replace(section(text, heading), "")
    return commands(text)


@pytest.mark.parametrize("page", IN_NODES)
def test_what_a_page_runs_in_a_node_prints_what_it_shows(whole: Fabric, page: str) -> None:
    entered = [command for command in shown(page) if command.node]
    assert entered, f"docs/{page}.md enters no node"
    # all of them, even after one that does not print that: what a page breaks it mends further down
    wrong = {command.text: missing for command in entered if (missing := still_missing(whole, command))}
    assert not wrong, f"docs/{page}.md shows lines that its commands do not print"


def still_missing(fabric: Fabric, command: Shown, seconds: float = 120) -> list[str]:
    """Shown lines that a command in a node does not print within some time: BFD and BGP need some of it."""
    assert command.node is not None
    node, line = command.node
    try:
        eventually(
            lambda: command.missing(fabric.run(node, "bash", "-c", line)),
            lambda missing: not missing,
            f"the lines below {command.text}",
            seconds,
        )
    except pytest.fail.Exception as failure:
        return [str(failure)]
    return []


@pytest.mark.slow
def test_the_playbooks_of_the_guide_print_what_it_shows(whole: Fabric) -> None:
    for command in shown("deployment-guide"):
        if not command.words[0].endswith("ansible-playbook"):
            continue
        run = as_shown(command.words)
        assert run.code == 0, f"{command.text}: {run.output}"
        assert not command.missing(run.stdout), f"{command.text} printed: {run.stdout}"
