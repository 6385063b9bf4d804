"""A host with everything up, and a place for sockets that other users come to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.unit.agent.host import Host, bring_up


@pytest.fixture
def host() -> Host:
    return bring_up()


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that any user may enter: those of pytest are this user's alone, and other runs of it see to that."""
    with TemporaryDirectory(prefix="roth-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
