# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of releases: a digest of everything that goes into one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

FORMAT = "1"
DIGEST_LENGTH = 16
LEFTOVERS = ("__pycache__", "build", "dist", ".mypy_cache", ".ruff_cache", ".pytest_cache")
LEFTOVER_SUFFIXES = (".pyc", ".egg-info")


def is_leftover(name: str) -> bool:
    """Whether a file or folder of that name is a by-product that no build reads."""
    return name in LEFTOVERS or name.endswith(LEFTOVER_SUFFIXES)


def source_files(source: Path) -> Iterator[Path]:
    """Every file of a source tree, symbolic links followed, by-products left out; relative paths in a stable order."""
    for folder, folders, names in os.walk(source, followlinks=True):
        folders[:] = sorted(name for name in folders if not is_leftover(name))
        for name in sorted(names):
            if not is_leftover(name):
                yield (Path(folder) / name).relative_to(source)


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    whole = hashlib.sha256()
    for name, content in parts:
        whole.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()[:DIGEST_LENGTH]


def inputs_digest(requirements: Path, source: Path) -> str:
    """The release made of the pinned `requirements` and the `source` tree. Raises OSError when one cannot be read."""
    parts = [("format", FORMAT.encode()), ("requirements", requirements.read_bytes())]
    parts += [(f"source/{path}", (source / path).read_bytes()) for path in source_files(source)]
    return _digest(parts)


def wheelhouse_digest(wheels: Iterable[Path]) -> str:
    """The release made of these ready wheels."""
    return _digest((wheel.name, wheel.read_bytes()) for wheel in sorted(wheels))


def not_portable(wheels: Iterable[Path]) -> list[str]:
    """Wheels that hold compiled code, and so may not fit the hosts (PEP 427 tags)."""
    return sorted(wheel.name for wheel in wheels if not wheel.name.endswith("-none-any.whl"))
