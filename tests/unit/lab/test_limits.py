"""Limits of the machine that the lab raises."""

from __future__ import annotations

from lab.limits import raise_inotify_limit


def test_a_low_limit_is_raised_and_told(tmp_path):
    limit = tmp_path / "max_user_instances"
    limit.write_text("128\n")
    assert raise_inotify_limit(limit).startswith("Raised fs.inotify.max_user_instances from 128 to 2048")
    assert limit.read_text() == "2048\n"


def test_a_higher_limit_stays(tmp_path):
    limit = tmp_path / "max_user_instances"
    limit.write_text("8192\n")
    assert raise_inotify_limit(limit) == ""
    assert limit.read_text() == "8192\n"
