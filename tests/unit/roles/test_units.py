"""Units that die again and again: each fails for all to see, and is started again when systemd allows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROLES = Path(__file__).resolve().parents[3] / "roles"
SERVICES = [path for path in sorted(ROLES.glob("*/templates/*.service.j2")) if "Restart=always" in path.read_text()]
TIMER = ROLES / "host_software" / "templates" / "roth-again@.timer.j2"


def number(path: Path, key: str) -> int:
    (found,) = re.findall(rf"^{key}=(\d+)$", path.read_text(), re.MULTILINE)
    return int(found)


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_unit_that_dies_again_and_again_is_no_silent_loop(service: Path):
    assert number(service, "StartLimitBurst") > 0
    assert "OnFailure=roth-again@%N.timer" in service.read_text().splitlines()
    assert "PropagatesStopTo=roth-again@%N.timer" in service.read_text().splitlines()


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_failed_unit_is_started_again_only_when_its_start_is_not_refused(service: Path):
    """A refused start leaves the unit failed, and no OnFailure comes any more."""
    assert number(TIMER, "OnActiveSec") > number(service, "StartLimitIntervalSec")


def test_every_service_that_restarts_is_checked():
    assert len(SERVICES) >= 4
