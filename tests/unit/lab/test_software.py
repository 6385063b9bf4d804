"""When Neutron's software is built anew, and what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lab import software


@pytest.mark.parametrize(
    ("base", "requirements", "same"),
    [
        ("bookworm-1", "neutron==29.0.0\n", True),
        ("bookworm-2", "neutron==29.0.0\n", False),
        ("bookworm-1", "neutron==29.0.1\n", False),
    ],
)
def test_a_layer_is_used_again_for_the_same_base_and_requirements_only(base, requirements, same):
    key = software.layer_key(Path("/somewhere/bookworm-1"), "neutron==29.0.0\n")
    assert (software.layer_key(Path("/elsewhere") / base, requirements) == key) is same


def test_requirements_are_pinned_and_name_what_builds_the_others():
    lines = [line for line in software.REQUIREMENTS.read_text().splitlines() if line and line[0] != "#"]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    assert {"neutron", "pyuwsgi", software.BUILDER} <= {line.partition("==")[0] for line in lines}
