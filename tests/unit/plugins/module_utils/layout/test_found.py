"""From what a link is now, back to what was found."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.roth.fabric.plugins.module_utils.layout.found import (
    FoundLink,
    from_json,
    link_of,
    new_facts,
    steps_back,
    to_give_back,
    to_json,
)

RA = "net/ipv6/conf/up0/accept_ra"
FOUND = FoundLink(1500, False, ("192.0.2.5/24",), {RA: "1"})


def test_a_link_is_read_with_its_global_addresses_only():
    entry = {
        "mtu": 9000,
        "flags": ["BROADCAST", "UP"],
        "addr_info": [
            {"local": "fe80::1", "prefixlen": 64, "scope": "link"},
            {"local": "10.1.1.1", "prefixlen": 31, "scope": "global"},
        ],
    }
    assert link_of(entry, {RA: "0"}) == FoundLink(9000, True, ("10.1.1.1/31",), {RA: "0"})


def test_a_link_as_found_needs_no_step():
    assert steps_back("up0", FOUND, FOUND) == ()


def test_mtu_state_addresses_and_settings_go_back():
    now = FoundLink(9000, True, (), {RA: "0"})
    assert [str(step) for step in steps_back("up0", FOUND, now)] == [
        "ip link set dev up0 mtu 1500",
        "ip link set dev up0 down",
        "ip address add 192.0.2.5/24 dev up0",
        f"{RA} = 1",
    ]


def test_an_address_that_came_since_then_stays():
    now = replace(FOUND, addresses=("192.0.2.5/24", "203.0.113.1/24"))
    assert steps_back("up0", FOUND, now) == ()


def test_a_setting_that_this_kernel_has_no_more_is_left_out():
    assert steps_back("up0", FOUND, replace(FOUND, settings={})) == ()


def test_the_record_keeps_all_of_a_link():
    assert from_json(to_json(FOUND)) == FOUND


def test_the_first_fact_counts():
    assert new_facts({"networkd": "disabled"}, {"networkd": "enabled", "frr": 1}) == {"frr": 1}


def test_only_links_that_are_there_are_given_back():
    assert to_give_back(["lo", "up0", "up1"], ["lo", "up0"], None) == ["lo", "up0"]
    assert to_give_back(["lo", "up0", "up1"], ["lo", "up0"], ["up0", "up1"]) == ["up0"]
