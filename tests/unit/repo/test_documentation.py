"""The documentation inside the plugins, and the reference made of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generate.reference import read, write
from tests.unit.repo.tree import ROOT

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module", autouse=True)
def tools_of_this_environment():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("ANSIBLE_CONFIG", str(ROOT / "ansible.cfg"))
        yield


@pytest.fixture(scope="module")
def documented() -> dict[str, dict[str, Any]]:
    return read()


def test_every_module_and_filter_file_is_documented_with_examples_and_return_values(documented):
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__"}
    assert modules == set(documented["module"])
    assert {path.parent.name for path in (ROOT / "roles").glob("*/tasks")} == set(documented["role"])
    lacking = [
        (kind, name, part)
        for kind in ("module", "filter")
        for name, found in documented[kind].items()
        for part in ("examples", "return")
        if not found.get(part)
    ]
    assert lacking == []


def unknown_keys(arguments: Any, options: dict[str, Any], path: str) -> list[str]:
    """Keys in an example that the documented options lack, suboptions included."""
    if not isinstance(arguments, dict):
        return []
    names = {alias: spec for name, spec in options.items() for alias in (name, *spec.get("aliases", []))}
    found = [f"{path}.{key}" for key in arguments if key not in names]
    for key, value in arguments.items():
        below = names.get(key, {}).get("suboptions")
        for item in (value if isinstance(value, list) else [value]) if below else []:
            found += unknown_keys(item, below, f"{path}.{key}")
    return found


def tasks_of(examples: Any) -> list[dict[str, Any]]:
    """The tasks of an EXAMPLES document, which may hold plays."""
    plays = [entry for entry in examples or [] if isinstance(entry, dict)]
    return [task for entry in plays for task in entry.get("tasks", [entry])]


def test_examples_use_documented_options_only(documented):
    unknown = []
    for name, found in documented["module"].items():
        calls = [task[f"roth.fabric.{name}"] for task in tasks_of(yaml.safe_load(found["examples"]))
                 if f"roth.fabric.{name}" in task]  # fmt: skip
        assert calls, f"no example calls roth.fabric.{name}"
        for arguments in calls:
            unknown += unknown_keys(arguments, found["doc"].get("options", {}), name)
    assert unknown == []


def test_the_committed_reference_is_the_generated_one(documented, tmp_path: Path):
    write(tmp_path, documented)
    generated = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.md")}
    folder = ROOT / "docs/reference"
    committed = {path.relative_to(folder): path.read_text() for path in folder.rglob("*.md")}
    assert committed == generated, "run `make docs`"
