"""agent.json: what is right is read, what is wrong is refused by path, value and expectation."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network

import pytest
from roth.config import ConfigError, load, parse
from roth.kernel.model import Family
from roth.wanted.prefixes import AllowedPrefix

from tests.unit.agent.fakes import V4, document


def test_a_good_document_is_read_whole() -> None:
    config = parse(json.dumps(document()))
    assert (config.asn, config.table, config.default_table) == (65011, 142, 143)
    assert config.source[Family.IPV6] == ip_address("2001:db8:ffff::11")
    assert config.imports == (ip_network("0.0.0.0/0"), ip_network("::/0"))
    assert [uplink.nexthop_id(family) for uplink in config.uplinks for family in Family] == [
        142104, 142106, 142114, 142116,
    ]  # fmt: skip
    assert config.peers()[V4[1]][0].tor == "tor2"


def broken(path: str, value: object) -> str:
    whole = document()
    target: object = whole
    *parents, last = path.split("/")
    for step in parents:
        target = target[int(step) if step.isdigit() else step]
    if value is KeyError:
        del target[last]
    else:
        target[int(last) if last.isdigit() else last] = value
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("asn", 0, "asn: 0 is not an AS number, 1 to 4294967295"),
        ("asn", True, "asn: True is not an AS number, 1 to 4294967295"),
        ("asn", KeyError, "asn: missing, expected an AS number, 1 to 4294967295"),
        ("protocol", 256, "protocol: 256 is not a route protocol number, 1 to 255"),
        ("table", "142", "table: '142' is not a routing table number"),
        ("router_id", "x", "router_id: 'x' is not an IPv4 address"),
        ("source", {"ipv5": "::1"}, "source: {'ipv5': '::1'} is not a mapping of ipv4 and ipv6 to addresses"),
        ("imports", ["0.0.0.0/33"], "imports: ['0.0.0.0/33'] is not a list of prefixes"),
        ("isolated_bridges", ["a/b"], "isolated_bridges: ['a/b'] is not a list of interfaces"),
        ("bridge_socket", "", "bridge_socket: '' is not a path"),
        ("extra", 1, "extra: unknown key, expected one of "),
        ("uplinks", {}, "uplinks: {} is not a list of uplinks"),
        ("uplinks/0", "up0", "uplinks[0]: 'up0' is not a mapping of name, tor, index, bfd and peers"),
        ("uplinks/0/name", "an-interface-name", "uplinks[0].name: 'an-interface-name' is not an interface name"),
        ("uplinks/0/bfd", 1, "uplinks[0].bfd: 1 is not true or false"),
        ("uplinks/0/index", 90, "uplinks[0].index: 90 is not a number, 0 to 89"),
        ("uplinks/1/index", 0, "uplinks.index: 0 is not unique"),
        ("uplinks/1/name", "up0", "uplinks.name: 'up0' is not unique"),
        ("uplinks/1/peers/0/address", "10.1.1.0", "uplinks.peers.address: '10.1.1.0' is not unique"),
        ("uplinks/0/peers/0/family", "ip", "uplinks[0].peers[0].family: 'ip' is not ipv4 or ipv6"),
        ("uplinks/0/peers/0/address", "fe80::1",
         "uplinks[0].peers[0].address: 'fe80::1' is not an IPv4 address, as the session's family is"),
        ("uplinks/0/peers/0/local_address", 7, "uplinks[0].peers[0].local_address: 7 is not an address"),
        ("allowed_prefixes/0/prefix", "10.64.0.1/16", "allowed_prefixes[0].prefix: '10.64.0.1/16' is not a prefix"),
        ("allowed_prefixes/0/ge", 8, "allowed_prefixes[0].ge: 8 is not a prefix length, 16 to 32"),
        ("allowed_prefixes/0/le", 33, "allowed_prefixes[0].le: 33 is not a prefix length, 16 to 32"),
        ("allowed_prefixes/0/x", 1, "allowed_prefixes[0].x: unknown key, expected one of ge, le, prefix"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(path: str, value: object, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(broken(path, value))
    assert text in str(caught.value)


def test_all_mistakes_are_named_at_once() -> None:
    whole = document(asn="x", table=None)
    with pytest.raises(ConfigError, match=r"asn: 'x' .*; table: None "):
        parse(json.dumps(whole))


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "null"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"/nowhere/agent\.json"):
        load("/nowhere/agent.json")


@pytest.mark.parametrize(
    ("prefix", "covered"),
    [
        ("10.64.1.53/32", True), ("10.64.0.0/16", False), ("10.64.1.0/24", False), ("10.65.0.1/32", False),
        ("0.0.0.0/0", False), ("2001:db8:64::1/128", False),
    ],
)  # fmt: skip
def test_allowed_prefixes_cover_by_length_and_place(prefix: str, covered: bool) -> None:
    assert AllowedPrefix(ip_network("10.64.0.0/16"), 32, 32).covers(ip_network(prefix)) is covered
