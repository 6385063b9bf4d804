"""BIRD on a switch, for a while with another configuration than its role's."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab import lab

from tests.lab.fabric import Fabric

FILE = "/etc/bird/bird.conf"
FOLDER = "/run/roth-test-bird"


def write(fabric: Fabric, node: str, path: str, text: str) -> None:
    """A file in a node."""
    line = lab.command_in(fabric.settings, fabric.topology, node, ["tee", path])
    subprocess.run(line, input=text, text=True, stdout=subprocess.DEVNULL, check=True)


def _configure(fabric: Fabric, switch: str, *words: str) -> None:
    answer = fabric.run(switch, "birdc", "configure", *words)
    assert re.search(r"^Reconfigur(ed|ation in progress)", answer, re.MULTILINE), answer


@contextmanager
def bird_with(fabric: Fabric, switch: str, edit: Callable[[str], str]) -> Iterator[None]:
    """BIRD runs with its configuration as `edit` changes it."""
    before = fabric.run(switch, "cat", FILE)
    after = edit(before)
    assert after != before, "BIRD's configuration does not look as expected"
    fabric.run(switch, "install", "-d", FOLDER)
    write(fabric, switch, f"{FOLDER}/bird.conf", after)
    fabric.run(switch, "chmod", "-R", "a+rX", FOLDER)
    try:
        _configure(fabric, switch, f'"{FOLDER}/bird.conf"')
        yield
    finally:
        _configure(fabric, switch, f'"{FILE}"')
        fabric.run(switch, "rm", "-r", FOLDER)
