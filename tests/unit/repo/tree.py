"""What the repository holds: its tracked files, and the commands its pages show."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def tracked(*patterns: str) -> list[Path]:
    """Files known to git (links left out), relative to ROOT."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    paths = [Path(name) for name in listed.stdout.split("\0") if name]
    return [path for path in paths if (ROOT / path).is_file() and not (ROOT / path).is_symlink()]


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a Python file imports, with the level of a relative import (0: absolute)."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level


def make_targets() -> set[str]:
    """The names before a colon in the Makefile."""
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))


def pages() -> list[Path]:
    """The pages written by hand and the generated ones."""
    return [path for path in tracked("*.md") if path.name != "CHANGELOG.md"]


def console_commands(page: Path) -> list[str]:
    """The commands of ```console blocks: what stands after a "$ ", with continued lines joined."""
    blocks = re.findall(r"^```console\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    text = "\n".join(blocks).replace("\\\n", " ")
    return re.findall(r"^\$ (.+)$", text, re.MULTILINE)
