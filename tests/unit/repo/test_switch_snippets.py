"""What pages show for switches that the role tor does not configure is taken by the programs it is for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from roth.attributes import ARRIVED

from tests.unit.repo.tree import ROOT, pages

CHECKS = {"frr": ["vtysh", "--dryrun", "--inputfile"], "bird": ["bird", "-p", "-c"]}
PREAMBLE = {"frr": "", "bird": "router id 192.0.2.1;\nprotocol device { }\n"}


def snippets(language: str) -> list[str]:
    """The blocks of all pages that are marked as of this language."""
    found: list[str] = []
    for page in pages():
        found += re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    return found


@pytest.mark.parametrize("language", CHECKS)
def test_switches_take_what_the_pages_show(language: str, tmp_path: Path) -> None:
    if shutil.which(CHECKS[language][0]) is None:
        pytest.skip(f"{CHECKS[language][0]} is not installed")
    shown = snippets(language)
    assert shown
    for text in shown:
        file = tmp_path / "switch.conf"
        file.write_text(PREAMBLE[language] + text)
        ran = subprocess.run([*CHECKS[language], file], capture_output=True, text=True)
        assert ran.returncode == 0, f"{text}\n{ran.stdout}{ran.stderr}"


def test_the_pages_name_the_community_that_hosts_send() -> None:
    forms = {ARRIVED, f"({ARRIVED.replace(':', ', ')})"}
    for text in snippets("frr") + snippets("bird"):
        assert any(form in text for form in forms), text
