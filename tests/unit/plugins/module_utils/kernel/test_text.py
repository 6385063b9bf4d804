"""Routes as text."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import HostRoute, RouteKind, route_key
from ansible_collections.roth.fabric.plugins.module_utils.kernel.routes import format_route, parse_route, parse_routes
from hypothesis import given
from hypothesis import strategies as st

BLACKHOLE = RouteKind.BLACKHOLE


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("10.64.1.53/32 dev br-mobile", HostRoute(ip_network("10.64.1.53/32"), "br-mobile", 0)),
        ("2001:db8:64::135/128 dev br-mobile", HostRoute(ip_network("2001:db8:64::135/128"), "br-mobile", 1024)),
        ("192.0.2.11/32 dev lo metric 20", HostRoute(ip_network("192.0.2.11/32"), "lo", 20)),
        (
            "blackhole 198.51.100.0/26 metric 4294967295",
            HostRoute(ip_network("198.51.100.0/26"), None, 4294967295, BLACKHOLE),
        ),
        ("blackhole 2001:db8::/64", HostRoute(ip_network("2001:db8::/64"), None, 1024, BLACKHOLE)),
        ("  10.64.1.53/32   dev  lo ", HostRoute(ip_network("10.64.1.53/32"), "lo", 0)),
        ("0.0.0.0/0 dev lo", HostRoute(ip_network("0.0.0.0/0"), "lo", 0)),
        ("10.64.1.53/32 dev dev", HostRoute(ip_network("10.64.1.53/32"), "dev", 0)),
        ("10.64.1.53/32 dev tap12345678-9ab", HostRoute(ip_network("10.64.1.53/32"), "tap12345678-9ab", 0)),
    ],
)
def test_a_route_is_read(text, route):
    assert parse_route(text) == route


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected PREFIX dev NAME"),
        ("10.64.1.53/32", "expected PREFIX dev NAME"),
        ("10.64.1.53/32 via 10.1.1.0", "expected PREFIX dev NAME"),
        ("10.64.1.53 dev lo", "expected e.g. 10.64.1.53/32"),
        ("10.64.1.53/24 dev lo", "host bits set; expected 10.64.1.0/24"),
        ("2001:db8::1/64 dev lo", "host bits set; expected 2001:db8::/64"),
        ("10.64.1.53/33 dev lo", "expected 0 to 32 for IPv4"),
        ("10.64.1.53/128 dev lo", "expected 0 to 32 for IPv4"),
        ("2001:db8::1/129 dev lo", "expected 0 to 128 for IPv6"),
        ("10.64.1.53/032 dev lo", "expected 0 to 32"),
        ("10.64.1.53/+32 dev lo", "expected 0 to 32"),
        ("10.64.1.53/ dev lo", "expected 0 to 32"),
        ("010.64.1.53/32 dev lo", "not an IPv4 or IPv6 address"),
        ("10.64.1/32 dev lo", "not an IPv4 or IPv6 address"),
        ("fe80::1%lo/128 dev lo", "not an IPv4 or IPv6 address"),
        ("default dev lo", "not an IPv4 or IPv6 address"),
        ("10.64.1.53/32 dev sixteen-letters-", "not a device name; expected 1 to 15"),
        ("10.64.1.53/32 dev a/b", "not a device name"),
        ("10.64.1.53/32 dev a:b", "not a device name"),
        ("10.64.1.53/32 dev ..", "not a device name"),
        ("10.64.1.53/32 dev lo\n", "control or non-ASCII characters"),
        ("10.64.1.53/32\tdev lo", "control or non-ASCII characters"),
        ("10.64.1.53/32 dev l\x00o", "control or non-ASCII characters"),
        ("10.64.1.53/32 dev l\u00f6", "control or non-ASCII characters"),
        ("\u0661\u0660.0.0.1/32 dev lo", "control or non-ASCII characters"),
        ("10.64.1.53/32 dev lo onlink", "'onlink' in"),
        ("10.64.1.53/32 dev lo metric", "expected metric N or nothing"),
        ("10.64.1.53/32 dev lo metric 5 metric 6", "expected PREFIX dev NAME"),
        ("10.64.1.53/32 dev lo proto 142", "expected metric N or nothing"),
        ("10.64.1.53/32 dev lo metric -1", "expected a number from 0 to 4294967295"),
        ("10.64.1.53/32 dev lo metric 4294967296", "expected a number from 0 to 4294967295"),
        ("10.64.1.53/32 dev lo metric 1_0", "expected a number from 0"),
        ("2001:db8::1/128 dev lo metric 0", "expected a number from 1 to 4294967295"),
        ("blackhole 10.64.0.0/16 dev lo", "expected metric N or nothing"),
        ("unreachable 10.64.0.0/16", "expected PREFIX dev NAME"),
    ],
)
def test_what_is_no_route_is_refused_with_what_was_expected(text, expected):
    with pytest.raises(ValueError) as refused:
        parse_route(text)
    assert expected in str(refused.value)


devices = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._@", min_size=1, max_size=15).filter(
    lambda name: name not in (".", "..")
)
prefixes = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(lambda pair: IPv4Network(pair, strict=False)),
    st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 128)).map(lambda pair: IPv6Network(pair, strict=False)),
)


@given(prefixes, devices | st.none(), st.integers(1, 2**32 - 1))
def test_what_is_written_is_read_again(prefix, device, metric):
    route = HostRoute(prefix, device, metric, BLACKHOLE if device is None else RouteKind.UNICAST)
    assert parse_route(format_route(route)) == route


@given(st.text())
def test_no_text_raises_anything_but_valueerror(text):
    try:
        route = parse_route(text)
    except ValueError:
        return
    assert parse_route(format_route(route)) == route


def test_a_default_metric_is_not_written():
    assert format_route(parse_route("10.64.1.53/32 dev lo metric 0")) == "10.64.1.53/32 dev lo"
    assert format_route(parse_route("2001:db8::1/128 dev lo metric 1024")) == "2001:db8::1/128 dev lo"


def test_each_bad_route_of_a_list_is_named_by_its_number():
    with pytest.raises(ValueError, match=r"^route 2: 'nonsense'.*; route 4: .*host bits"):
        parse_routes(["10.64.1.53/32 dev lo", "nonsense", "10.64.1.54/32 dev lo", "10.64.1.53/24 dev lo"])


def test_of_many_bad_routes_ten_are_named():
    with pytest.raises(ValueError, match=r"route 10: .*; and 90 more$"):
        parse_routes(["nonsense"] * 100)


def test_a_route_listed_twice_is_wanted_once():
    wanted = parse_routes(["10.64.1.53/32 dev lo"] * 2)
    key = route_key(ip_network("10.64.1.53/32"), 0)
    assert (wanted.routes, wanted.repeated, wanted.contradictory) == ({key: "lo"}, {key}, {})


def test_a_route_listed_with_several_devices_is_not_wanted_at_all():
    texts = ["10.64.1.53/32 dev a", "10.64.1.53/32 dev b", "10.64.1.54/32 dev a", "10.64.1.53/32 dev a"]
    wanted = parse_routes(texts)
    assert list(wanted.routes.values()) == ["a"]
    assert list(wanted.contradictory.values()) == [
        ["10.64.1.53/32 dev a", "10.64.1.53/32 dev b", "10.64.1.53/32 dev a"]
    ]


def test_two_metrics_are_two_routes():
    wanted = parse_routes(["198.51.100.0/26 dev br-pinned", "blackhole 198.51.100.0/26 metric 4294967295"])
    assert list(wanted.routes.values()) == ["br-pinned", None]
