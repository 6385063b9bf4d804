"""Each role says the same in its defaults and in its argument spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.repo.tree import ROOT

ROLES = sorted(path.parent.parent for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))


def options(role: Path) -> dict[str, dict[str, Any]]:
    entry_points = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    return {name: spec for entry in entry_points.values() for name, spec in (entry.get("options") or {}).items()}


def defaults(role: Path) -> dict[str, Any]:
    path = role / "defaults/main.yml"
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def test_every_role_has_an_argument_spec():
    assert [role.name for role in ROLES] == sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_and_argument_spec_agree(role: Path):
    assert {name: spec["default"] for name, spec in options(role).items() if "default" in spec} == defaults(role)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_default_is_explained(role: Path):
    """A comment stands above each public variable (or above the group that it belongs to)."""
    path = role / "defaults/main.yml"
    paragraphs = path.read_text().removeprefix("---\n").split("\n\n") if path.exists() else []
    unexplained = [text for text in paragraphs if text.strip() and "#" not in text]
    assert unexplained == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_public_variables_carry_the_prefix_of_role_or_collection(role: Path):
    assert [name for name in options(role) if not name.startswith((f"{role.name}_", "roth_"))] == []
