"""Broken arguments of host_routes and neighbors."""

from __future__ import annotations

from .arguments import HUGE, HUNDRED_THOUSAND, LONG, ROUTE, Case, host_routes, nested

ROUTES_CASES: list[Case] = [
    (
        "routes as a mapping",
        "host_routes",
        {"routes": {"10.64.1.53/32": "v0"}},
        "argument 'routes' is of type dict and we were unable to convert to list: <class 'dict'> cannot be "
        "converted to a list",
    ),
    (
        "a list in the list",
        "host_routes",
        {"routes": [ROUTE, nested(200)]},
        "routes: route 2: \"v0']]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\u2026 is"
        " not a device name; expected 1 to 15 printable characters without space, / and :",
    ),
    ("neither routes nor src", "host_routes", {}, "one of the following is required: routes, src"),
    (
        "both routes and src",
        "host_routes",
        host_routes(src="/etc/routes"),
        "parameters are mutually exclusive: routes|src",
    ),
    (
        "a misspelt option",
        "host_routes",
        host_routes(purg=False),
        "Unsupported parameters for (roth.fabric.host_routes) module: purg. Supported parameters include: "
        "allow_mass_removal, announced, ignore_problems, max_removed_floor, max_removed_percent, protocol, "
        "purge, routes, src, table (allow_empty). Did you mean purge?",
    ),
    (
        "a misspelt option of an option",
        "host_routes",
        host_routes(announced=[{"prefix": "::/0", "gee": 128}]),
        "Unsupported parameters for (roth.fabric.host_routes) module: announced.gee. Supported parameters "
        "include: ge, le, prefix. Did you mean ge?",
    ),
    (
        "an empty route",
        "host_routes",
        {"routes": [ROUTE, ""]},
        "routes: route 2: '' is not a route; expected PREFIX dev NAME [metric N] or blackhole PREFIX [metric N]",
    ),
    (
        "a line break in a route",
        "host_routes",
        {"routes": ["10.64.1.54/32 dev v0\n10.64.1.55/32 dev v0"]},
        "routes: route 1: '10.64.1.54/32 dev v0\\n10.64.1.55/32 dev v0' has control or non-ASCII characters; "
        "expected PREFIX dev NAME [metric N] or blackhole PREFIX [metric N]",
    ),
    (
        "a null in a route",
        "host_routes",
        {"routes": ["10.64.1.54/32 dev v0\0"]},
        "routes: route 1: '10.64.1.54/32 dev v0\\x00' has control or non-ASCII characters; expected PREFIX dev"
        " NAME [metric N] or blackhole PREFIX [metric N]",
    ),
    (
        "an escape sequence in a device",
        "host_routes",
        {"routes": ["10.64.1.54/32 dev \x1b[31mv0"]},
        "routes: route 1: '10.64.1.54/32 dev \\x1b[31mv0' has control or non-ASCII characters; expected PREFIX"
        " dev NAME [metric N] or blackhole PREFIX [metric N]",
    ),
    (
        "a letter that looks like another",
        "host_routes",
        {"routes": ["10.64.1.54/32 dev v\u043e"]},
        "routes: route 1: '10.64.1.54/32 dev v\u043e' has control or non-ASCII characters; expected PREFIX dev "
        "NAME [metric N] or blackhole PREFIX [metric N]",
    ),
    (
        "a route of a million characters",
        "host_routes",
        {"routes": [LONG]},
        "routes: route 1: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u2026 is"
        " not a route; expected PREFIX dev NAME [metric N] or blackhole PREFIX [metric N]",
    ),
    (
        "a device of a million characters",
        "host_routes",
        {"routes": [f"10.64.1.54/32 dev {LONG}"]},
        "routes: route 1: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u2026 is"
        " not a device name; expected 1 to 15 printable characters without space, / and :",
    ),
    (
        "one broken route in a hundred thousand",
        "host_routes",
        {"routes": HUNDRED_THOUSAND},
        "routes: route 66667: '10.64.1.256' is not an IPv4 or IPv6 address",
    ),
    (
        "an address without length",
        "host_routes",
        {"routes": ["10.64.1.54 dev v0"]},
        "routes: route 1: '10.64.1.54' has no prefix length; expected e.g. 10.64.1.54/32",
    ),
    (
        "a length that the family has not",
        "host_routes",
        {"routes": ["10.64.1.0/64 dev v0"]},
        "routes: route 1: '10.64.1.0/64' has a bad prefix length; expected 0 to 32 for IPv4",
    ),
    (
        "host bits",
        "host_routes",
        {"routes": ["2001:db8:64::135/64 dev v0"]},
        "routes: route 1: '2001:db8:64::135/64' has host bits set; expected 2001:db8:64::/64",
    ),
    (
        "an address with a zone",
        "host_routes",
        {"routes": ["fe80::1%v0/128 dev v0"]},
        "routes: route 1: 'fe80::1%v0' is not an IPv4 or IPv6 address",
    ),
    (
        "a metric that is no number",
        "host_routes",
        {"routes": [f"{ROUTE} metric low"]},
        "routes: route 1: metric 'low' is not valid; expected a number from 0 to 4294967295",
    ),
    (
        "a huge metric",
        "host_routes",
        {"routes": [f"{ROUTE} metric {HUGE}"]},
        "routes: route 1: metric '10000000000000000000000000000000000000000' is not valid; expected a number "
        "from 0 to 4294967295",
    ),
    (
        "a gateway",
        "host_routes",
        {"routes": ["10.64.1.54/32 via 10.1.1.0 dev v0"]},
        "routes: route 1: '10.64.1.54/32 via 10.1.1.0 dev v0' is not a route; expected PREFIX dev NAME "
        "[metric N] or blackhole PREFIX [metric N]",
    ),
    (
        "twelve broken routes",
        "host_routes",
        {"routes": [f"10.64.1.{300 + n}/32 dev v0" for n in range(12)]},
        "routes: route 1: '10.64.1.300' is not an IPv4 or IPv6 address; route 2: '10.64.1.301' is not an IPv4"
        " or IPv6 address; route 3: '10.64.1.302' is not an IPv4 or IPv6 address; route 4: '10.64.1.303' is "
        "not an IPv4 or IPv6 address; route 5: '10.64.1.304' is not an IPv4 or IPv6 address; route 6: "
        "'10.64.1.305' is not an IPv4 or IPv6 address; route 7: '10.64.1.306' is not an IPv4 or IPv6 address;"
        " route 8: '10.64.1.307' is not an IPv4 or IPv6 address; route 9: '10.64.1.308' is not an IPv4 or "
        "IPv6 address; route 10: '10.64.1.309' is not an IPv4 or IPv6 address; and 2 more",
    ),
    (
        "an empty list",
        "host_routes",
        {"routes": []},
        "routes is empty, which would remove every route of protocol 142 in table 142; expected at least one "
        "route, or allow_mass_removal: true",
    ),
    ("a file that is not there", "host_routes", {"src": "{tmp}/none"}, "src = '{tmp}/none': No such file or directory"),
    ("a folder for a file", "host_routes", {"src": "{tmp}/folder"}, "src = '{tmp}/folder': Is a directory"),
    (
        "an announced prefix with host bits",
        "host_routes",
        host_routes(announced=[{"prefix": "10.64.0.1/16"}]),
        "announced[0].prefix = '10.64.0.1/16': expected a prefix without host bits, such as 10.64.0.0/16",
    ),
    (
        "announced lengths of the other family",
        "host_routes",
        host_routes(announced=[{"prefix": "10.64.0.0/16", "ge": 64, "le": 128}]),
        "announced[0] = 10.64.0.0/16 ge 64 le 128: expected 16 <= ge <= le <= 32",
    ),
    (
        "a huge announced length",
        "host_routes",
        host_routes(announced=[{"prefix": "::/0", "ge": HUGE}]),
        "announced[0] = ::/0 ge 10000000000000000000000000000000000000000 le "
        "10000000000000000000000000000000000000000: expected 0 <= ge <= le <= 128",
    ),
    (
        "a share of 200 %",
        "host_routes",
        host_routes(max_removed_percent=200),
        "max_removed_percent: 200 is not valid; expected 0 to 100",
    ),
    (
        "a floor below zero",
        "host_routes",
        host_routes(max_removed_floor=-1),
        "max_removed_floor: -1 is not valid; expected 0 or more prefixes",
    ),
    (
        "the kernel's own protocol",
        "host_routes",
        host_routes(protocol=2),
        "protocol 2 belongs to the kernel or another routing program; expected 100 to 185",
    ),
    (
        "a huge protocol",
        "host_routes",
        host_routes(protocol=HUGE),
        "protocol 10000000000000000000000000000000000000000 belongs to the kernel or another routing program;"
        " expected 100 to 185",
    ),
    (
        "a table that is no number",
        "host_routes",
        host_routes(table="main"),
        "argument 'table' is of type str and we were unable to convert to int: \"'main'\" cannot be converted "
        "to an int",
    ),
    (
        "a huge table",
        "host_routes",
        host_routes(table=HUGE),
        "table 10000000000000000000000000000000000000000 does not exist; expected 1 to 4294967295",
    ),
    (
        "a huge table to read",
        "host_routes_info",
        {"table": HUGE},
        "table 10000000000000000000000000000000000000000 does not exist; expected 1 to 4294967295",
    ),
    (
        "a misspelt option of a reader",
        "host_routes_info",
        {"tabel": 142},
        "Unsupported parameters for (roth.fabric.host_routes_info) module: tabel. Supported parameters "
        "include: protocol, table. Did you mean table?",
    ),
]
NEIGHBOR_CASES: list[Case] = [
    (
        "neighbours as a number",
        "neighbors",
        {"neighbors": 7},
        "neighbour 1: '7' is not a neighbour; expected ADDRESS lladdr MAC dev NAME",
    ),
    ("no neighbours", "neighbors", {}, "missing required arguments: neighbors"),
    (
        "a neighbour without its link",
        "neighbors",
        {"neighbors": ["10.64.1.53 lladdr fa:16:3e:00:00:01"]},
        "neighbour 1: '10.64.1.53 lladdr fa:16:3e:00:00:01' is not a neighbour; expected ADDRESS lladdr MAC dev NAME",
    ),
    (
        "a multicast MAC",
        "neighbors",
        {"neighbors": ["10.64.1.53 lladdr 01:00:5e:00:00:01 dev v0"]},
        "neighbour 1: '01:00:5e:00:00:01' is not a host's MAC address; expected six hexadecimal bytes, e.g. "
        "fa:16:3e:00:00:01",
    ),
    (
        "a MAC in another form",
        "neighbors",
        {"neighbors": ["10.64.1.53 lladdr fa16.3e00.0001 dev v0"]},
        "neighbour 1: 'fa16.3e00.0001' is not a host's MAC address; expected six hexadecimal bytes, e.g. "
        "fa:16:3e:00:00:01",
    ),
    (
        "a prefix for an address",
        "neighbors",
        {"neighbors": ["10.64.1.0/24 lladdr fa:16:3e:00:00:01 dev v0"]},
        "neighbour 1: '10.64.1.0/24' is not an address; expected IPv4 or IPv6",
    ),
    (
        "a multicast address",
        "neighbors",
        {"neighbors": ["ff02::1 lladdr fa:16:3e:00:00:01 dev v0"]},
        "neighbour 1: 'ff02::1' is not the address of one host; expected a unicast address without zone",
    ),
    (
        "one address with two MACs",
        "neighbors",
        {"neighbors": [f"10.64.1.53 lladdr fa:16:3e:00:00:0{n} dev v0" for n in (1, 2)]},
        "neighbour 2: 10.64.1.53 lladdr fa:16:3e:00:00:02 dev v0 contradicts 10.64.1.53 lladdr "
        "fa:16:3e:00:00:01 dev v0; expected one MAC an address and device",
    ),
    (
        "a line break in a neighbour",
        "neighbors",
        {"neighbors": ["10.64.1.53 lladdr fa:16:3e:00:00:01 dev v0\n"]},
        "neighbour 1: '10.64.1.53 lladdr fa:16:3e:00:00:01 dev v0\\n' is not a neighbour; expected ADDRESS "
        "lladdr MAC dev NAME",
    ),
    (
        "a neighbour of a million characters",
        "neighbors",
        {"neighbors": [LONG]},
        "neighbour 1: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u2026 is not"
        " a neighbour; expected ADDRESS lladdr MAC dev NAME",
    ),
]
