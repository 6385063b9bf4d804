"""Neutron, kernels, ExaBGP and switches are made to disagree: each is named rightly, and repaired if it is ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .disagreements import (
    OURS,
    REPAIR,
    STRAY,
    add,
    named,
    planted,
    prove_ten,
    reconcile,
    remove,
    stray,
    tables,
)
from .fabric import Fabric, eventually


@pytest.mark.slow  # with Neutron as the source it is not: tests/neutron
def test_ten_disagreements_are_named_and_a_repair_mends_exactly_what_is_ours(whole: Fabric, tmp_path: Path) -> None:
    with planted(whole) as before:
        prove_ten(whole, before, tmp_path / "report.json")


def test_with_a_limit_what_was_not_looked_at_is_said(whole: Fabric, tmp_path: Path) -> None:
    with stray(whole, "hv2"):
        run, report = reconcile(tmp_path / "report.json", "--limit", "hv1")
        assert (run.code, report["agree"]) == (0, True), run.output
        assert report["looked_at"]["hosts"] == ["hv1"]
        assert report["not_looked_at"]["hosts"] == ["hv2", "hv3"]
        assert "Not looked at: hosts hv2, hv3" in run.output


def own(fabric: Fabric, *options: str) -> tuple[int, str]:
    """What `roth reconcile` says on hv3."""
    words = " ".join(("roth reconcile", *options))
    output, _, code = fabric.run("hv3", "sh", "-c", f"{words}; echo $?").rstrip().rpartition("\n")
    return int(code), output


def test_a_host_says_whether_it_agrees_with_itself(whole: Fabric) -> None:
    code, output = own(whole)
    assert (code, json.loads(output)["agree"]) == (0, True), output
    with stray(whole, "hv3"):
        code, output = own(whole)
        assert (code, named(json.loads(output))) == (1, {("orphan", "hv3", STRAY)})
        assert "remove dev br-mobile" in own(whole, "--table")[1]


@pytest.mark.slow
@pytest.mark.usefixtures("ports_in_a_file")
def test_a_repair_after_a_port_document_that_lost_its_ports_removes_nothing(whole: Fabric, tmp_path: Path) -> None:
    before = tables(whole)
    half = tmp_path / "half.json"
    half.write_text(json.dumps({**whole.document, "ports": whole.document["ports"][::2]}))
    run, report = reconcile(tmp_path / "report.json", *REPAIR, "-e", f"roth_ports_file={half}")
    assert run.code != 0
    assert {each["kind"] for each in report["findings"]} == {"orphan"}, run.output
    assert "would be removed" in run.output
    assert tables(whole) == before
    assert not any(run.changed.values()), run.output


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_what_a_switch_keeps_of_a_silent_exabgp_is_stale_and_what_is_not_read_is_no_agreement(
    whole: Fabric, tmp_path: Path
) -> None:
    add(whole, "hv3", STRAY, *OURS)
    eventually(lambda: [STRAY in whole.prefixes_at(name) for name in whole.switches], all, f"{STRAY} at both switches")
    try:
        whole.run("hv3", "systemctl", "stop", "roth-exabgp")
        remove(whole, "hv3", STRAY)
        run, report = reconcile(tmp_path / "report.json", "-e", "reconcile_timeout=0")
        assert run.code != 0
        assert {("stale", "hv3", STRAY), ("unreadable", "hv3", None)} <= named(report), run.output
        assert report["hosts"]["hv3"]["agree"] is None
        assert own(whole)[0] == 2
    finally:
        whole.run("hv3", "systemctl", "start", "roth-exabgp")
    run, report = reconcile(tmp_path / "report.json", "-e", "reconcile_timeout=90")
    assert (run.code, named(report)) == (0, set()), run.output
