"""The rules of the house that a machine can check."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.repo.tree import ROOT, imported, tracked

LONGEST = 400
HEADER = "# SPDX-License-Identifier: GPL-3.0-or-later"


@pytest.mark.parametrize("path", tracked("*.py"), ids=str)
def test_no_python_file_is_longer_than_400_lines(path: Path):
    assert len((ROOT / path).read_text().splitlines()) <= LONGEST


def test_pyroute2_is_imported_in_one_place_only():
    importers = {
        path
        for path in tracked("plugins/*.py", "agent/*.py", "molecule/*.py")
        if any(module.split(".")[0] == "pyroute2" for module, _ in imported(path))
    }
    assert {path.parent for path in importers} <= {Path("plugins/module_utils/kernel")}


def carried() -> dict[Path, Path]:
    """Where the agent has each file of the collection that it carries (relative to its package), and that file."""
    package = ROOT / "agent/src/roth"
    links = [path for path in package.rglob("*") if path.is_symlink()]
    files = [each for link in links for each in (link.glob("*.py") if link.is_dir() else [link])]
    return {path.relative_to(package): path.resolve().relative_to(ROOT) for path in files}


@pytest.mark.parametrize("place", carried(), ids=str)
def test_what_a_carried_file_imports_of_other_packages_is_carried_as_well(place: Path):
    needed = {module for module, level in imported(carried()[place]) if level == 2}
    assert {f"{module.replace('.', '/')}.py" for module in needed} <= {str(path) for path in carried()}
    assert not any(level > 2 or name.split(".")[0].startswith("ansible") for name, level in imported(carried()[place]))


@pytest.mark.parametrize("package", ["kernel", "bfdd"])
def test_what_the_agent_carries_reaches_for_nothing_outside_its_own_package(package: str):
    outside = [
        (str(path), module)
        for path in tracked(f"plugins/module_utils/{package}/*.py")
        for module, level in imported(path)
        if level > 1 or module.split(".")[0] in ("ansible", "ansible_collections")
    ]
    assert outside == []


@pytest.mark.parametrize("path", tracked("plugins/*.py"), ids=str)
def test_every_plugin_file_carries_the_licence(path: Path):
    text = (ROOT / path).read_text()
    assert not text.strip() or HEADER in text[:500]


def test_no_file_names_a_machine_or_a_package_registry():
    """Nor the folder that holds this checkout, unless that is a folder that every system has."""
    patterns = [r"https?://[^\s\"'|]+/(simple|debian|ubuntu)(/|\s|\"|$)", r"(?<![\w./{}-])/(home|Users)/\w+/"]
    if ROOT.parent not in (
        Path("/"),
        Path("/tmp"),
        Path("/root"),
        Path("/opt"),
        Path("/srv"),
        Path("/home"),
        Path("/var"),
    ):
        patterns.append(re.escape(f"{ROOT.parent}/"))
    named = [
        f"{path}:{number}: {line.strip()}"
        for path in tracked()
        if path != Path(__file__).relative_to(ROOT)
        for number, line in enumerate((ROOT / path).read_text(errors="replace").splitlines(), 1)
        if any(re.search(pattern, line) for pattern in patterns)
    ]
    assert named == []


def test_changelog_fragments_are_valid():
    tool = Path(sys.executable).with_name("antsibull-changelog")
    result = subprocess.run([tool, "lint"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_ci_runs_make_test():
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    assert re.search(r"^(exec )?make test\b", script.read_text(), re.MULTILINE)
