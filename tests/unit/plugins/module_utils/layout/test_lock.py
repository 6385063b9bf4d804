"""Whose lock counts, and whose was left behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.layout.lock import Holder, from_json, is_left_behind, to_json

ME = Holder("alice", "control1", "pid:[1]", 10, "500", "site.yml", 1000.0)
OTHER = replace(ME, pid=20, start="400", since=900.0)
ELSEWHERE = replace(OTHER, controller="control2")


def test_a_lock_file_tells_who_where_what_and_since_when():
    assert from_json(to_json(ME)) == ME
    assert str(ME) == "alice on control1 (site.yml, process 10) since 1970-01-01 00:16:40 UTC"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"user": "alice"}', "null"])
def test_what_is_no_lock_file_holds_nobody_back(text: str):
    assert from_json(text) is None


def test_a_run_is_its_process_whenever_it_took_the_lock():
    assert ME.same_run(replace(ME, since=5.0))
    assert not ME.same_run(replace(ME, start="501"))


@pytest.mark.parametrize(
    ("start_now", "left"),
    [("400", False), (None, True), ("999", True)],
    ids=["its process runs", "no such process", "another process has its PID"],
)
def test_on_the_same_controller_the_process_tells(start_now: str | None, left: bool):
    assert is_left_behind(OTHER, ME, start_now, 7200) is left


@pytest.mark.parametrize("holder", [ELSEWHERE, replace(OTHER, namespace="pid:[2]")], ids=["controller", "container"])
def test_a_lock_of_elsewhere_counts_until_it_expires(holder: Holder):
    assert not is_left_behind(holder, ME, None, 100)
    assert is_left_behind(holder, ME, None, 99)
