"""What docs/lab.md says of the lab with Neutron's own agents runs there as it stands, and prints what it shows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from lab.api import Api

from tests.lab.fabric import ROOT, Fabric
from tests.lab.pages import commands, section

SECTION = "## With Neutron's own agents"


@pytest.fixture(autouse=True)
def rules_as_before(api: Api, fabric: Fabric) -> Iterator[None]:
    if not fabric.topology.agents:
        pytest.skip("this lab's hosts run no layer-2 agents")
    before = {rule["id"] for rule in api.rows("security-group-rules")}
    yield
    for rule in api.rows("security-group-rules"):
        if rule["id"] not in before:
            api.delete("security-group-rule", rule["id"])


def test_the_section_prints_what_it_shows(api: Api, fabric: Fabric) -> None:
    page = (ROOT / "docs" / "lab.md").read_text()
    before = len(api.rows("security-group-rules"))
    ran = 0
    for command in commands(section(page, SECTION)):
        if command.words[0] == "export":  # names the lab that `make lab` builds; this may be another
            continue
        if command.node:
            node, line = command.node
            printed = fabric.run(node, "bash", "-c", line)
        else:
            environment = {"OS_CLIENT_CONFIG_FILE": str(fabric.settings.clouds_file), "PATH": "/usr/bin:/bin"}
            done = subprocess.run(command.words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{command.text}: {done.stderr}"
            printed = done.stdout
        assert command.missing(printed) == [], f"{command.text} printed: {printed}"
        ran += 1
    assert ran == 4
    assert len(api.rows("security-group-rules")) == before + 1
