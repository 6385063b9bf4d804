"""Errors that the command line prints without a traceback."""

from __future__ import annotations


class LabError(Exception):
    """Something the user can act on: the message says what failed, where, and what was expected."""


class TopologyError(LabError):
    """The topology file is wrong; the message lists every problem found, one a line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
