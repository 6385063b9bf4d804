"""sysctl.d files against live values."""

from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.layout.sysctls import (
    Setting,
    parse,
    plan,
    same,
    setting_path,
)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
        ("net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
    ],
)
def test_names_become_paths_as_in_sysctl_d(name: str, path: str):
    assert setting_path(name) == path


def test_comments_and_empty_lines_are_no_settings():
    assert parse("# a\n; b\n\nnet/a = 1\n") == (Setting("net/a", "1", False),)


def test_a_leading_minus_makes_a_setting_optional():
    assert parse("-net/a = 1") == (Setting("net/a", "1", True),)


def test_a_line_without_equals_is_quoted():
    with pytest.raises(ValueError, match="'net/a 1'"):
        parse("net/a 1")


def test_only_what_differs_is_written_in_the_order_of_the_file():
    settings = parse("net/c = 1\nnet/a = 1\nnet/b = 1\n")
    wanted = plan(settings, {"net/a": "1", "net/b": "0", "net/c": "0"})
    assert [setting.path for setting in wanted.write] == ["net/c", "net/b"]
    assert wanted.missing == ()


def test_what_the_kernel_does_not_have_is_missing_and_not_written():
    wanted = plan(parse("net/a = 1\n-net/b = 1"), {"net/a": None, "net/b": None})
    assert wanted.write == ()
    assert [setting.path for setting in wanted.missing] == ["net/a", "net/b"]


def test_tabs_and_spaces_are_the_same():
    assert same("4096 87380 6291456", "4096\t87380\t6291456")
    assert not same("1", "11")
