"""sysctl.d files against live values."""

from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.layout.sysctls import (
    FORWARDING,
    Setting,
    parse,
    plan,
    same,
    setting_path,
    to_record,
    to_restore,
)
from hypothesis import given
from hypothesis import strategies as st


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


def test_a_value_is_recorded_before_it_is_first_written_and_never_again():
    write = parse("net/a = 1\nnet/b = 1")
    assert to_record(write, {"net/a": "0", "net/b": "7"}, {"net/b": "3"}) == {"net/a": "0"}


def test_what_leaves_the_file_gets_back_what_was_found():
    dropped = parse("net/a = 1\nnet/b = 1")
    assert to_restore(dropped, {"net/a": "1", "net/b": "1"}, {"net/a": "0"}) == (Setting("net/a", "0", False),)


@pytest.mark.parametrize("live", ["2", None], ids=["changed by somebody else", "gone with its interface"])
def test_what_is_no_longer_as_we_set_it_stays(live: str | None):
    assert to_restore(parse("net/a = 1"), {"net/a": live}, {"net/a": "0"}) == ()


def test_forwarding_of_each_interface_is_recorded_and_given_back_with_that_of_all():
    up0, up1, new = (f"net/ipv6/conf/{name}/forwarding" for name in ("up0", "up1", "new"))
    found = {FORWARDING: "0", up0: "1", up1: "0"}
    recorded = to_record(parse(f"{FORWARDING} = 1"), found, {})
    assert recorded == found
    restored = to_restore(parse(f"{FORWARDING} = 1"), dict.fromkeys([*found, new], "1"), recorded)
    assert restored == (Setting(FORWARDING, "0", False), Setting(up0, "1", True))


@pytest.mark.parametrize("name", ["/etc/passwd", "net/../../etc/passwd", "../x", "net//ipv4", "net/ipv4/", "", "a b"])
def test_a_name_that_leads_out_of_the_settings_is_refused(name: str):
    with pytest.raises(ValueError, match="is no name of a kernel setting"):
        parse(f"{name} = 1")


@pytest.mark.parametrize("line", ["net/a = 1\x1b", "net/a = \u0661", "net/a = 1\x0bnet/b = 2", "net/a = 1\r"])
def test_control_and_other_characters_are_refused(line: str):
    with pytest.raises(ValueError, match=r"line 2: .* has control or non-ASCII characters"):
        parse(f"net/c = 1\n{line}")


def test_a_setting_may_be_there_twice_but_not_with_two_values():
    assert parse("net/a = 1\nnet.a = 1") == (Setting("net/a", "1", False),)
    with pytest.raises(ValueError, match="line 2: net/a is set to '1' before; expected one value"):
        parse("net/a = 1\nnet.a = 2")


NAMES = st.sampled_from([f"net/{letter}" for letter in "abcd"])
VALUES = st.sampled_from(["0", "1", "4096 87380", "4096\t87380"])


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES))
def test_after_the_plan_every_setting_that_exists_is_as_wanted_and_no_other_is_written(wanted, live):
    settings = parse("".join(f"{name} = {value}\n" for name, value in wanted.items()))
    found = plan(settings, live)
    after = {**live, **{setting.path: setting.value for setting in found.write}}
    assert all(same(after[name], value) for name, value in wanted.items() if name in live)
    assert {setting.path for setting in found.missing} == wanted.keys() - live.keys()
    assert all(after[name] == live[name] for name in live.keys() - wanted.keys())
    assert plan(settings, after).write == ()
