"""What the lab puts into a controller, and when its software is built anew."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from lab import controller
from lab.topology import MODES, Neutron

MAPPINGS = {"hv1": {"rpn-hv1": "br-mobile"}}


@pytest.fixture(scope="module", params=MODES)
def files(request) -> dict[str, str]:
    return {file.path: file.link or file.text for file in controller.files(Neutron(MAPPINGS, request.param))}


def test_the_agents_are_the_topologys(files):
    assert json.loads(files["etc/neutron/agents.json"]) == MAPPINGS


def test_the_api_starts_with_the_node(files):
    folder = "etc/systemd/system/multi-user.target.wants/"
    wanted = {path.removeprefix(folder): text for path, text in files.items() if path.startswith(folder)}
    assert "neutron-api.service" in wanted
    assert {target.removeprefix("/") for target in wanted.values()} <= set(files)


def test_what_units_and_configuration_refer_to_is_there(files):
    """Files of ours; what lies in /opt/neutron is the software's."""
    named = {
        name
        for text in files.values()
        for name in re.findall(r"(?<![\w/])/(?:etc/neutron|usr/local)/[\w./-]+\w", text)
        if Path(name).suffix
    }
    assert len(named) >= 4
    assert {name.removeprefix("/") for name in named} <= set(files)


@pytest.mark.parametrize(
    ("base", "requirements", "same"),
    [
        ("bookworm-1", "neutron==29.0.0\n", True),
        ("bookworm-2", "neutron==29.0.0\n", False),
        ("bookworm-1", "neutron==29.0.1\n", False),
    ],
)
def test_a_layer_is_used_again_for_the_same_base_and_requirements_only(base, requirements, same):
    key = controller.layer_key(Path("/somewhere/bookworm-1"), "neutron==29.0.0\n")
    assert (controller.layer_key(Path("/elsewhere") / base, requirements) == key) is same


def test_requirements_are_pinned_and_name_what_builds_the_others():
    lines = [line for line in controller.REQUIREMENTS.read_text().splitlines() if line and line[0] != "#"]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    assert {"neutron", "pyuwsgi", controller.BUILDER} <= {line.partition("==")[0] for line in lines}
