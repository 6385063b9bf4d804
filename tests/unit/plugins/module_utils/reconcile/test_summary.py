"""What an operator and a script read of a reconciliation."""

from __future__ import annotations

import json
from dataclasses import replace

from ansible_collections.roth.fabric.plugins.module_utils.reconcile.findings import disagreements
from ansible_collections.roth.fabric.plugins.module_utils.reconcile.model import World
from ansible_collections.roth.fabric.plugins.module_utils.reconcile.summary import document, tables
from truths import change, kernel, routes, world

MINE = "10.64.0.11/32"


def table(found: World, shown: int = 5) -> str:
    return tables(found, disagreements(found), shown)


def test_agreement_is_a_line_a_host_and_a_sentence() -> None:
    lines = table(world()).splitlines()
    assert [line.split()[:3] for line in lines[2:5]] == [["hv1", "3", "3"], ["hv2", "3", "3"], ["hv3", "2", "2"]]
    assert lines[-1] == "All that was looked at agrees."


def test_a_finding_is_a_line_with_port_places_and_repair() -> None:
    text = table(kernel(world(), "hv1", drop=[MINE]))
    line = next(line for line in text.splitlines() if MINE in line)
    for part in (
        "hv1",
        "missing",
        f"vm-{MINE}",
        " -  ",
        "everywhere",
        "no route of ours",
        "install dev br-mobile",
    ):
        assert part in line
    assert text.endswith("Not all agree: 1 missing")


def test_places_are_listed_unless_they_are_all_there_are() -> None:
    moved = kernel(kernel(world(), "hv1", drop=[MINE]), "hv3", add=routes([MINE]))
    text = table(moved)
    assert "everywhere on hv1" in next(line for line in text.splitlines() if "wrong host " in line and MINE in line)
    before = world()
    at = tuple(path for path in before.switches["tor1"] if (path.prefix, path.peer) != (MINE, "10.1.1.1"))
    line = table(replace(before, switches={**before.switches, "tor1": at})).splitlines()[8]
    assert "kernel, adj-rib-out tor1, adj-rib-out tor2, tor2" in line


def test_of_many_findings_of_a_kind_some_are_listed_and_the_rest_is_counted() -> None:
    strays = [f"10.64.77.{last}/32" for last in range(1, 13)]
    text = table(kernel(world(), "hv2", add=routes(strays)), shown=3)
    assert sum("10.64.77." in line for line in text.splitlines()) == 3
    assert "… and 9 more" in text
    assert text.endswith("Not all agree: 12 orphan")


def test_what_was_not_looked_at_is_named() -> None:
    part = change(replace(world(), switches={"tor1": world().switches["tor1"]}), "hv3", looked_at=False)
    text = table(part)
    assert "Not looked at: hosts hv3" in text
    assert "Not looked at: switches tor2" in text
    assert "hv3" not in text.splitlines()[4]
    found = document(part, disagreements(part))
    assert found["looked_at"] == {"hosts": ["hv1", "hv2"], "switches": ["tor1"]}
    assert found["not_looked_at"] == {"hosts": ["hv3"], "switches": ["tor2"]}


def test_where_not_all_could_be_read_no_number_of_agreements_is_given() -> None:
    blind = change(world(), "hv1", kernel=None, announced=None, unread={"host": "no answer"})
    assert table(blind).splitlines()[2].split()[:3] == ["hv1", "3", "?"]
    dark = replace(world(), switches={"tor1": "no such node", "tor2": world().switches["tor2"]})
    found = document(dark, disagreements(dark))
    assert [host["agree"] for host in found["hosts"].values()] == [None, None, None]  # type: ignore[attr-defined]
    assert found["agree"] is False


def test_a_long_reason_is_cut_in_the_table_and_whole_in_the_document() -> None:
    why = "could not be reached: " + "x" * 200
    blind = change(world(), "hv1", kernel=None, announced=None, unread={"host": why})
    assert why not in table(blind)
    assert f"{why[:99]}…" in table(blind)
    assert document(blind, disagreements(blind))["findings"][0]["reason"] == why  # type: ignore[index]


def test_the_document_is_json_with_each_finding_and_what_a_repair_does() -> None:
    bad = kernel(kernel(world(), "hv1", drop=[MINE]), "hv3", add=routes([MINE, "10.64.77.7/32"]))
    found = json.loads(json.dumps(document(bad, disagreements(bad))))
    assert found["agree"] is False
    assert {kind: count for kind, count in found["counts"].items() if count} == {
        "missing": 1,
        "wrong host": 1,
        "orphan": 1,
    }
    assert found["hosts"]["hv1"]["wanted"] == 3
    assert found["hosts"]["hv1"]["agree"] == 2
    assert found["findings"][0]["port"] == {"id": f"id-{MINE}-hv1", "name": f"vm-{MINE}", "host": "hv1"}
    assert found["repair"] == {
        "hv1": {"install": [f"{MINE} dev br-mobile"], "remove": [], "waits": []},
        "hv3": {"install": [], "remove": ["10.64.77.7/32 dev br-mobile"], "waits": [MINE]},
    }
