"""The second walk of the guide runs as it stands, in the page's order, and prints what it shows."""

from __future__ import annotations

from lab.settings import Settings

from tests.lab.fabric import ROOT, Fabric
from tests.lab.pages import commands
from tests.lab.playbooks import as_shown


def test_the_second_walk_prints_what_it_shows(fabric: Fabric) -> None:
    clouds = str(Settings.from_environment().clouds_file)
    ran = 0
    for command in commands((ROOT / "docs" / "deployment-guide-neutron.md").read_text()):
        words = command.words
        if words[0] == "export":  # names the lab that `make lab` builds; this may be another
            assert words[1].startswith("OS_CLIENT_CONFIG_FILE=")
            continue
        if command.node:
            node, line = command.node
            printed = fabric.run(node, "bash", "-c", line)
        else:
            run = as_shown(words, OS_CLIENT_CONFIG_FILE=clouds)
            printed = run.stdout
            assert run.code == 0, f"{command.text}: {run.output}"
        assert command.missing(printed) == [], f"{command.text} printed: {printed}"
        ran += 1
    assert ran == 5
