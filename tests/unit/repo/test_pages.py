"""What the pages promise exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.unit.repo.tree import ROOT, console_commands, make_targets, pages, tracked

EXTERNAL = re.compile(r"^(https?:|mailto:)")


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=str)
def test_links_lead_somewhere(page: Path):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text()):
        if EXTERNAL.match(target):
            continue
        name, _, anchor = target.partition("#")
        aim = (ROOT / page).parent / name if name else ROOT / page
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", pages(), ids=str)
def test_make_targets_exist(page: Path):
    named = set(re.findall(r"(?:`|^\$ )make ([a-z][a-z-]*)", (ROOT / page).read_text(), re.MULTILINE))
    assert named <= make_targets()


def missing(command: str) -> list[str]:
    """What a command refers to and the checkout lacks: inventories, playbooks."""
    words = shlex.split(command, comments=True)
    if not words or words[0] not in ("ansible-playbook", "ansible", "ansible-inventory"):
        return []
    files = [word for word in words[1:] if word.startswith(("playbooks/", "inventories/")) or word.endswith(".yml")]
    named = [word.removeprefix("roth.fabric.") for word in words[1:] if word.startswith("roth.fabric.")]
    files += [f"playbooks/{name}.yml" for name in named if words[0] == "ansible-playbook"]
    return [name for name in files if not (ROOT / name).exists()]


@pytest.mark.parametrize("page", pages(), ids=str)
def test_commands_name_playbooks_and_inventories_that_exist(page: Path):
    assert [(command, missing(command)) for command in console_commands(page) if missing(command)] == []


def test_every_page_is_reachable_from_the_readme():
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        targets = (target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()))
        waiting += [(page.parent / target).resolve() for target in targets if target and not EXTERNAL.match(target)]
    lost = [path for path in tracked("docs/*.md") if (ROOT / path).resolve() not in seen]
    assert lost == []
