"""The lists on disk as the watcher's memory over a restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from roth.port_watcher.config import Config, parse
from roth.port_watcher.knowledge import Knowledge


@pytest.fixture
def config(tmp_path: Path) -> Config:
    lists, playbook = (
        {"routes": str(tmp_path / f"{who}routes"), "taps": str(tmp_path / f"{who}taps")} for who in ("", "play-")
    )
    networks = [{"name": "mobile", "bridge": "br-mobile", "subnets": [{"cidr": "10.64.0.0/16"}]}]
    document = {"host": "hv1", "cloud": "lab", "networks": networks, "lists": lists, "playbook_lists": playbook}
    return parse(json.dumps(document))


def test_a_list_that_cannot_be_read_is_logged_once_until_it_can(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    knowledge = Knowledge(config)
    broken = Path(config.lists.routes)
    for _time in range(2):
        broken.write_text("nonsense\n")
        for _event in range(3):
            knowledge.newest()
        broken.write_text("10.64.0.1/32 dev br-mobile\n")
        assert len(knowledge.newest().routes) == 1
    said = capsys.readouterr().err
    assert said.count("event=list_not_read") == 2
    assert said.count("event=list_taken") == 2
