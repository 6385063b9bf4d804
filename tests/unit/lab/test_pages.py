"""Reading the commands of a page and comparing what they print with what it shows."""

from __future__ import annotations

import pytest

from tests.lab.pages import Shown, commands, section

PAGE = """\
Text with `$ no command`.

```console
$ make sh NODE=hv1 CMD="ip route show table 142 | head -1"   # a comment
10.64.1.53 dev br-mobile proto 142
…
$ make lab
```

```text
$ not a console
```
"""


def test_commands_are_those_of_console_blocks_with_the_lines_below_each() -> None:
    assert [(found.text.split()[1], found.lines) for found in commands(PAGE)] == [
        ("sh", ("10.64.1.53 dev br-mobile proto 142", "…")),
        ("lab", ()),
    ]


def test_a_section_ends_with_the_next_one() -> None:
    page = f"# Title\n\n## One\n\n{PAGE}\n### Within\n\n## Another\n\n```console\n$ make other\n```\n"
    assert [found.text.split()[1] for found in commands(section(page, "## One"))] == ["sh", "lab"]
    assert [found.text for found in commands(section(page, "## Another"))] == ["make other"]
    with pytest.raises(AssertionError, match="no section ## Third"):
        section(page, "## Third")


def test_a_command_in_a_node_is_told_from_others() -> None:
    assert [found.node for found in commands(PAGE)] == [("hv1", "ip route show table 142 | head -1"), None]


@pytest.mark.parametrize(
    "printed",
    [
        "10.64.1.53 dev br-mobile proto 142",
        "10.64.3.7   dev br-mobile   proto 142",
        "something else\n10.64.0.1 dev br-mobile proto 142",
    ],
)
def test_numbers_and_widths_may_differ(printed: str) -> None:
    assert Shown("x", ("10.64.1.53 dev br-mobile proto 142", "…")).missing(printed) == []


@pytest.mark.parametrize(
    "printed", ["", "10.64.1.53 dev br-pinned proto 142", "10.64.1.53 dev br-mobile proto 142 metric 5"]
)
def test_a_line_that_is_not_printed_is_named(printed: str) -> None:
    assert Shown("x", ("10.64.1.53 dev br-mobile proto 142",)).missing(printed) == [
        "10.64.1.53 dev br-mobile proto 142"
    ]


def test_times_and_identifiers_may_differ() -> None:
    shown = Shown("x", ("unit ef5d66e3 up 00:01:54", "------  --"))
    assert shown.missing("unit 0a1b2c3d up 1:02:03\n---  ------") == []
