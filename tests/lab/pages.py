"""The commands of a page of docs/ and the output that is shown below each. Pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = "$ "
_LEFT_OUT = "…"


@dataclass(frozen=True)
class Shown:
    """A command as a page has it, and the lines shown below it; a line that says `…` stands for any."""

    text: str
    lines: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """The command as a shell would split it, without its comment."""
        return shlex.split(self.text, comments=True)

    @property
    def node(self) -> tuple[str, str] | None:
        """Node and command of a `make sh`, or None for another command."""
        words = self.words
        if words[:2] != ["make", "sh"]:
            return None
        given = dict(word.split("=", 1) for word in words[2:])
        return given["NODE"], given["CMD"].replace("\\$", "$")  # which a shell does and shlex does not

    def missing(self, output: str) -> list[str]:
        """Shown lines that the output does not have."""
        printed = {_shape(line) for line in output.splitlines()}
        return [line for line in self.lines if line.strip() != _LEFT_OUT and _shape(line) not in printed]


def commands(page: str) -> list[Shown]:
    """All commands of a page's console blocks, in the page's order."""
    found: list[Shown] = []
    for block in _BLOCK.findall(page):
        for line in block.splitlines():
            if line.startswith(_PROMPT):
                found.append(Shown(line.removeprefix(_PROMPT), ()))
            elif line.strip() and found:
                found[-1] = Shown(found[-1].text, (*found[-1].lines, line))
    return found


def section(page: str, heading: str) -> str:
    """What stands below a heading such as `## With a real Neutron`, up to the next of its kind."""
    _before, found, rest = page.partition(f"\n{heading}\n")
    assert found, f"no section {heading}"
    return rest.partition("\n## ")[0]


def _shape(line: str) -> str:
    """A line without what differs between two runs: numbers, times, and the width of a column."""
    line = re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{6,}\b", "0", line)
    line = re.sub(r"\d+", "0", line)
    line = re.sub(r"0([.:]0)+", "0", line)
    return re.sub(r"\s+", " ", re.sub(r"-{2,}", "--", line)).strip()
