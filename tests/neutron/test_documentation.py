"""The second walk of the guide runs as it stands, in the page's order, and prints what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lab.settings import Settings

from tests.lab.fabric import ROOT, Fabric
from tests.lab.pages import commands
from tests.lab.playbooks import environment


def test_the_second_walk_prints_what_it_shows(fabric: Fabric) -> None:
    tools = Path(sys.executable).parent
    settings = environment(
        PATH=f"{tools}:{os.environ['PATH']}", OS_CLIENT_CONFIG_FILE=str(Settings.from_environment().clouds_file)
    )
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
            assert words[0] == ".venv/bin/ansible-playbook", command.text
            line_of_words = [str(tools / "ansible-playbook"), *words[1:]]
            done = subprocess.run(
                line_of_words, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=600, check=False
            )
            printed = done.stdout
            assert done.returncode == 0, f"{command.text}: {printed}{done.stderr}"
        assert command.missing(printed) == [], f"{command.text} printed: {printed}"
        ran += 1
    assert ran == 5
