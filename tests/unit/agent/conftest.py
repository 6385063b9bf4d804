"""A host with everything up."""

from __future__ import annotations

import pytest

from tests.unit.agent.host import Host, bring_up


@pytest.fixture
def host() -> Host:
    return bring_up()
