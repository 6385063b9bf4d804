"""Faults in a lab that is up and deployed: each is a test of its own, and all their losses make one table."""

from __future__ import annotations

import pytest

from tests.lab.conftest import fabric, whole
from tests.lab.fabric import Fabric

from .case import Case, Outcome, table

__all__ = ["case", "fabric", "whole"]

OUTCOMES = pytest.StashKey[list[Outcome]]()


@pytest.fixture
def case(whole: Fabric, request: pytest.FixtureRequest) -> Case:
    """The fault of this test, in a fabric that is whole before it and after it."""
    return Case(request.node.name.removeprefix("test_"), whole, request.config.stash.setdefault(OUTCOMES, []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    outcomes = config.stash.get(OUTCOMES, [])
    if outcomes:
        terminalreporter.section("what each fault cost, packets lost by 72 flows and their longest outage")
        terminalreporter.write_line(table(outcomes))
