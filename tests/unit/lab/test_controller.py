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


def test_the_agents_are_the_topologys_where_none_can_report_itself():
    by_mode = {mode: {file.path: file.text for file in controller.files(Neutron(MAPPINGS, mode))} for mode in MODES}
    assert json.loads(by_mode["min"]["etc/neutron/agents.json"]) == MAPPINGS
    assert not [path for path, text in by_mode["full"].items() if "agents.json" in path + text]


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
