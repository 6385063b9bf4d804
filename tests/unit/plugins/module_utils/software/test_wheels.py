"""Names of releases."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.software.wheels import (
    DIGEST_LENGTH,
    inputs_digest,
    not_portable,
    source_files,
    wheelhouse_digest,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source tree with a linked folder, as the agent's."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "model.py").write_text("shared = 1\n")
    (tmp_path / "agent" / "src").mkdir(parents=True)
    (tmp_path / "agent" / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "agent" / "src" / "kernel").symlink_to(tmp_path / "shared")
    (tmp_path / "host.txt").write_text("exabgp==5.0.15\n")
    return tmp_path / "agent"


def digest(source: Path) -> str:
    return inputs_digest(source.parent / "host.txt", source)


def test_linked_folders_belong_to_the_source(source: Path):
    assert [str(path) for path in source_files(source)] == ["pyproject.toml", "src/kernel/model.py"]


def test_the_digest_is_a_short_hexadecimal_name(source: Path):
    assert len(digest(source)) == DIGEST_LENGTH
    int(digest(source), 16)


def test_the_digest_changes_with_linked_source_and_with_requirements(source: Path):
    first = digest(source)
    (source.parent / "shared" / "model.py").write_text("shared = 2\n")
    second = digest(source)
    (source.parent / "host.txt").write_text("exabgp==5.0.16\n")
    assert len({first, second, digest(source)}) == 3


def test_the_digest_changes_when_a_file_is_renamed(source: Path):
    first = digest(source)
    (source / "pyproject.toml").rename(source / "setup.toml")
    assert digest(source) != first


@pytest.mark.parametrize("leftover", ["__pycache__/a.pyc", "build/lib/a.py", "roth_agent.egg-info/PKG-INFO", "a.pyc"])
def test_by_products_do_not_change_the_digest(source: Path, leftover: str):
    first = digest(source)
    path = source / "src" / leftover
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    assert digest(source) == first


def test_the_digest_of_wheels_does_not_depend_on_their_folder_or_order(tmp_path: Path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for name in ("x-1-py3-none-any.whl", "y-1-py3-none-any.whl"):
            (tmp_path / folder / name).write_text(name)
    first, second = (sorted((tmp_path / folder).iterdir()) for folder in ("a", "b"))
    assert wheelhouse_digest(first) == wheelhouse_digest(reversed(second))


def test_compiled_wheels_are_named():
    wheels = [Path("a-1-py3-none-any.whl"), Path("b-1-cp311-cp311-linux_x86_64.whl")]
    assert not_portable(wheels) == ["b-1-cp311-cp311-linux_x86_64.whl"]
