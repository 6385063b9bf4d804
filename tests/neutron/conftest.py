"""The proofs run against a lab with a real Neutron: `make lab NEUTRON=1`, or molecule's scenario `neutron`."""

from __future__ import annotations

import pytest
from lab.api import Api

from tests.lab.fabric import Fabric

from .cloud import running_api


@pytest.fixture(scope="session")
def api() -> Api:
    return running_api()


@pytest.fixture
def fabric(api: Api) -> Fabric:
    """The fabric, with what Neutron has at the beginning of the test as its document."""
    return Fabric.running()
