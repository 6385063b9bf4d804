"""Check mode of a deployed fabric goes through all roles, and finds nothing to do."""

from __future__ import annotations

import re

from .fabric import INVENTORY, Fabric
from .playbooks import AT_ONCE, play


def test_site_in_check_mode_finds_nothing_to_change(whole: Fabric) -> None:
    output = play("site.yml", INVENTORY, "--check", "--diff", *AT_ONCE)
    found = dict(re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+)", output, re.MULTILINE))
    assert found == dict.fromkeys(("hv1", "hv2", "hv3", "tor1", "tor2"), "0"), output
