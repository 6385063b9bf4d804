"""Check mode of a deployed fabric goes through all roles, and finds nothing to do."""

from __future__ import annotations

import re

from .fabric import INVENTORY, Fabric
from .playbooks import AT_ONCE, play


def test_site_in_check_mode_finds_nothing_to_change(whole: Fabric) -> None:
    nodes = ("hv1", "tor1", "tor2")  # the other hosts have the same tasks, and time grows with hosts
    output = play("site.yml", INVENTORY, "--check", "--diff", *AT_ONCE, "--limit", ",".join(nodes))
    found = dict(re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+)", output, re.MULTILINE))
    assert found == dict.fromkeys(nodes, "0"), output
