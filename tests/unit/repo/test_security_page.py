"""docs/security.md shows what was recorded of each unit, and the record speaks of the roles' units."""

from __future__ import annotations

import re

import pytest
import yaml

from docs.generate.exposure import RECORD, page_with_table
from tests.unit.repo.tree import ROOT, tracked

UNITS = {path.name.removesuffix(".j2"): ROOT / path for path in tracked("roles/*/templates/roth-*.service.j2")}
RECORDED = yaml.safe_load(RECORD.read_text())


def test_the_page_shows_the_record():
    page = (ROOT / "docs/security.md").read_text()
    assert page == page_with_table(page, RECORDED), "run `make docs`"


def test_every_unit_is_recorded_and_at_most_2():
    assert RECORDED["units"].keys() == UNITS.keys()
    assert {unit: it["exposure"] for unit, it in RECORDED["units"].items() if it["exposure"] > 2.0} == {}


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_not_root_and_bounds_its_capabilities(unit: str):
    folder = UNITS[unit].parent
    text = re.sub(r"{% include '(.*)' %}", lambda it: (folder / it[1]).read_text(), UNITS[unit].read_text())
    settings = re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)
    assert {"User", "DynamicUser"} & {name for name, _value in settings}
    values = dict(settings)
    assert values["CapabilityBoundingSet"] == values["AmbientCapabilities"]
    assert values["NoNewPrivileges"] == "yes"
    assert values["UMask"] == "0077"
