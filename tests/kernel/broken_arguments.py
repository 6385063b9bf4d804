"""Broken arguments of every module and the exact words that refuse them: title, module, arguments, message.

`{tmp}` stands for the test's own folder, in which there are `folder/` and `file`. Add a case by adding an entry.
"""

from __future__ import annotations

from typing import Any

Case = tuple[str, str, dict[str, Any], str]

ROUTE = "10.64.1.53/32 dev v0"
LONG = "x" * 1_000_000
HUGE = 10**40
HUNDRED_THOUSAND = [f"10.{100 + (n >> 16)}.{n >> 8 & 255}.{n & 255}/32 dev v0" for n in range(100_000)]
HUNDRED_THOUSAND[66_666] = "10.64.1.256/32 dev v0"


def nested(levels: int) -> object:
    value: object = ROUTE
    for _level in range(levels):
        value = [value]
    return value


def host_routes(**arguments: object) -> dict[str, Any]:
    return {"routes": [ROUTE], **arguments}


def member(**changes: object) -> dict[str, Any]:
    return {"id": 142104, "gateway": "10.1.1.0", "device": "v0", **changes}


def group(*members: dict[str, Any], **arguments: object) -> dict[str, Any]:
    return {"id": 142004, "members": list(members), **arguments}


def peers(*listed: dict[str, Any], **arguments: object) -> dict[str, Any]:
    return {"vty": "{tmp}/none.vty", "timeout": 0, "peers": list(listed), **arguments}


def peer(**changes: object) -> dict[str, Any]:
    return {"address": "10.1.1.0", "local_address": "10.1.1.1", **changes}


def files(*listed: dict[str, Any], **arguments: object) -> dict[str, Any]:
    return {"files": [{"path": "{tmp}/new", "content": "x\n"}, *listed], **arguments}


def file(**changes: object) -> dict[str, Any]:
    return {"path": "{tmp}/other", "content": "x\n", **changes}


def sysctls(content: str, **arguments: object) -> dict[str, Any]:
    return {"path": "{tmp}/60-test.conf", "content": content, **arguments}


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
GROUP_CASES: list[Case] = [
    ("a group without id", "nexthop_group", {"members": [member()]}, "missing required arguments: id"),
    ("a group with id 0", "nexthop_group", group(member(), id=0), "id = 0: expected 1 to 4294967295"),
    (
        "a huge id",
        "nexthop_group",
        group(member(id=HUGE)),
        "members[0].id = 10000000000000000000000000000000000000000: expected 1 to 4294967295",
    ),
    (
        "a group without members",
        "nexthop_group",
        group(),
        "nexthop group 142004 has no members; expected at least one (an empty group drops routes)",
    ),
    (
        "a group that lacks its members",
        "nexthop_group",
        {"id": 142004},
        "state is present but all of the following are missing: members",
    ),
    (
        "a misspelt key of a member",
        "nexthop_group",
        group(member(wieght=2)),
        "Unsupported parameters for (roth.fabric.nexthop_group) module: members.wieght. Supported parameters "
        "include: device, gateway, id, weight. Did you mean weight?",
    ),
    (
        "a member twice",
        "nexthop_group",
        group(member(), member(device="br0")),
        "members[1].id = 142104: expected an id of its own: members[0] has it",
    ),
    (
        "a member with the group's id",
        "nexthop_group",
        group(member(id=142004)),
        "members[0].id = 142004: expected an id of its own: the group has it",
    ),
    ("a weight of 300", "nexthop_group", group(member(weight=300)), "members[0].weight = 300: expected 1 to 256"),
    (
        "a gateway that is no address",
        "nexthop_group",
        group(member(gateway="10.1.1.0/31")),
        "members[0].gateway = '10.1.1.0/31': expected an IPv4 or IPv6 address",
    ),
    (
        "a multicast gateway",
        "nexthop_group",
        group(member(gateway="224.0.0.1")),
        "members[0].gateway = '224.0.0.1': expected the unicast address of one host, without zone",
    ),
    (
        "families mixed",
        "nexthop_group",
        group(member(), member(id=7, gateway="2001:db8::a")),
        "members have IPv4 and IPv6 gateways: expected one family a group, as a route has one",
    ),
    (
        "a device with a line break",
        "nexthop_group",
        group(member(device="v0\n")),
        "members[0].device: 'v0\\n' is not a device name; expected 1 to 15 printable characters without space, / and :",
    ),
    (
        "a device that is not there",
        "nexthop_group",
        group(member(device="up7")),
        "members[0].device = 'up7': expected a link that exists",
    ),
    (
        "an unknown state",
        "nexthop_group",
        {"id": 142004, "state": "gone"},
        "value of state must be one of: present, absent, got: gone",
    ),
    (
        "an id of another protocol",
        "nexthop_group",
        group(member(), id=77),
        "nexthop id 77 belongs to protocol 4; expected an id that is free or ours",
    ),
]
BFD_CASES: list[Case] = [
    (
        "a peer without own address",
        "bfd_peers",
        peers({"address": "10.1.1.0"}),
        "missing required arguments: local_address found in peers",
    ),
    (
        "a peer that is no address",
        "bfd_peers",
        peers(peer(), peer(address="tor1")),
        "peers[1].address = 'tor1': expected an IPv4 or IPv6 address",
    ),
    (
        "a peer of the other family",
        "bfd_peers",
        peers(peer(local_address="2001:db8::1")),
        "peers[0]: peer 10.1.1.0 and local address 2001:db8::1 are of different families",
    ),
    (
        "a peer that is the host itself",
        "bfd_peers",
        peers(peer(address="10.1.1.1")),
        "peers[0]: peer 10.1.1.1 is the local address",
    ),
    (
        "a link-local peer without interface",
        "bfd_peers",
        peers({"address": "fe80::1", "local_address": "fe80::2"}),
        "peers[0]: link-local peer fe80::1 needs an interface",
    ),
    (
        "a command in an interface",
        "bfd_peers",
        peers(peer(interface="v0\nno bfd")),
        "peers[0]: 'v0\\nno bfd' is not a device name; expected 1 to 15 printable characters without space, / and :",
    ),
    (
        "a misspelt key of a peer",
        "bfd_peers",
        peers(peer(local_adress="10.1.1.1")),
        "Unsupported parameters for (roth.fabric.bfd_peers) module: peers.local_adress. Supported parameters "
        "include: address, interface, local_address. Did you mean local_address?",
    ),
    (
        "a command in a profile's name",
        "bfd_peers",
        peers(peer(), profile={"name": "roth\nno bfd"}),
        "profile.name = 'roth\\nno bfd': expected a word of at most 63 letters, digits, - _ and .",
    ),
    (
        "a multiplier of 0",
        "bfd_peers",
        peers(peer(), profile={"detect_multiplier": 0}),
        "profile.detect_multiplier = 0: expected 1 to 255",
    ),
    (
        "a huge interval",
        "bfd_peers",
        peers(peer(), profile={"receive_interval": HUGE}),
        "profile.receive_interval = 10000000000000000000000000000000000000000: expected 10 to 4294967 ms",
    ),
    ("a timeout below zero", "bfd_peers", peers(peer(), timeout=-1), "timeout = -1: expected 0 to 3600 seconds"),
    (
        "a huge timeout",
        "bfd_peers",
        peers(peer(), timeout=HUGE),
        "timeout = 10000000000000000000000000000000000000000: expected 0 to 3600 seconds",
    ),
    (
        "a relative vty",
        "bfd_peers",
        peers(peer(), vty="bfdd.vty"),
        "vty = 'bfdd.vty': expected an absolute path of printable characters",
    ),
    (
        "a peer of a million characters",
        "bfd_peers",
        peers(peer(address=LONG)),
        "peers[0].address = "
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u2026: expected an IPv4 "
        "or IPv6 address",
    ),
]
FILE_CASES: list[Case] = [
    (
        "a file without content",
        "config_files",
        files({"path": "{tmp}/other"}),
        "files[1].content is missing: expected the content of {tmp}/other as a string",
    ),
    (
        "a relative path",
        "config_files",
        files(file(path="etc/other")),
        "files[1].path = 'etc/other': expected an absolute path of printable characters",
    ),
    (
        "a line break in a path",
        "config_files",
        files(file(path="{tmp}/a\nb")),
        "files[1].path = '{tmp}/a\\nb': expected an absolute path of printable characters",
    ),
    (
        "a null in a path",
        "config_files",
        files(file(path="{tmp}/a\0b")),
        "files[1].path = '{tmp}/a\\x00b': expected an absolute path of printable characters",
    ),
    (
        "a path that is a folder",
        "config_files",
        files(file(path="{tmp}/folder")),
        "files[1].path = '{tmp}/folder': expected a file, this is a folder",
    ),
    (
        "a path below a file",
        "config_files",
        files(file(path="{tmp}/file/below")),
        "files[1].path = '{tmp}/file/below': expected a file below folders, {tmp}/file is none",
    ),
    (
        "a name of a thousand characters",
        "config_files",
        files(file(path="/" + "n" * 1000)),
        f"files[1].path = '/{'n' * 77}…: expected an absolute path of printable characters",
    ),
    (
        "a file listed twice",
        "config_files",
        files(file(path="{tmp}/new")),
        "files[1].path = '{tmp}/new': expected each file once, files[0].path has it",
    ),
    (
        "a file written and removed",
        "config_files",
        files(file(), absent=["{tmp}/other"]),
        "absent[0] = '{tmp}/other': expected each file once, files[1].path has it",
    ),
    (
        "a folder to remove",
        "config_files",
        files(absent=["{tmp}/folder"]),
        "absent[0] = '{tmp}/folder': expected a file, this is a folder",
    ),
    (
        "a mode in letters",
        "config_files",
        files(file(mode="u=rw")),
        "files[1].mode = 'u=rw': expected an octal number in quotes, such as '0644'",
    ),
    (
        "a mode beyond the permissions",
        "config_files",
        files(file(mode="0999")),
        "files[1].mode = '0999': expected an octal number in quotes, such as '0644'",
    ),
    (
        "a user that is not there",
        "config_files",
        files(file(owner="nobody-of-that-name")),
        "{tmp}/other: no such user: 'nobody-of-that-name'; none of the files was changed",
    ),
    (
        "a user with a line break",
        "config_files",
        files(file(owner="root\nroot")),
        "files[1].owner = 'root\\nroot': expected the name of a user or group",
    ),
    (
        "a checker without the file",
        "config_files",
        files(file(validate="true")),
        "files[1].validate = 'true': expected a command with %s for the file",
    ),
    (
        "a checker with an open quote",
        "config_files",
        files(file(validate="grep 'x %s")),
        'files[1].validate = "grep \'x %s": expected a command with %s for the file (No closing quotation)',
    ),
    (
        "a checker that refuses",
        "config_files",
        files(file(validate="grep -q y %s")),
        "{tmp}/other: refused by grep: exit status 1; none of the files was changed",
    ),
    (
        "a misspelt key of a file",
        "config_files",
        files(file(contents="x")),
        "Unsupported parameters for (roth.fabric.config_files) module: files.contents. Supported parameters "
        "include: content, group, mode, owner, path, silent_is_valid, validate. Did you mean content?",
    ),
    (
        "a secret for no file",
        "config_files",
        files(secrets={"{tmp}/key": "canary"}),
        "secrets['{tmp}/key']: expected the path of one of the files",
    ),
    (
        "a secret that is a list",
        "config_files",
        files({"path": "{tmp}/key"}, secrets={"{tmp}/key": ["canary"]}),
        "secrets['{tmp}/key'] is list: expected the content of {tmp}/key as a string",
    ),
    (
        "secrets as a string",
        "config_files",
        files(secrets="canary"),
        "argument 'secrets' is of type str and we were unable to convert to dict: dictionary requested, could"
        " not parse JSON or key=value",
    ),
    (
        "a checker that refuses a secret",
        "config_files",
        files({"path": "{tmp}/key", "validate": "grep canary-no %s"}, secrets={"{tmp}/key": "canary"}),
        "{tmp}/key: refused by grep: the file holds secrets, so what it said is not shown; none of the files "
        "was changed",
    ),
]
SYSCTL_CASES: list[Case] = [
    (
        "a line without a value",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1\nnet/ipv4/conf/all/rp_filter"),
        "content: line 2: 'net/ipv4/conf/all/rp_filter' is no 'name = value'",
    ),
    (
        "a file elsewhere by an absolute name",
        "sysctl_file",
        sysctls("/etc/passwd = x"),
        "content: line 1: '/etc/passwd' is no name of a kernel setting; expected one like net/ipv4/ip_forward",
    ),
    (
        "a file elsewhere by its parents",
        "sysctl_file",
        sysctls("net/../../../etc/passwd = x"),
        "content: line 1: 'net/../../../etc/passwd' is no name of a kernel setting; expected one like "
        "net/ipv4/ip_forward",
    ),
    (
        "a setting with two values",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1\nnet.ipv4.ip_forward = 0"),
        "content: line 2: net/ipv4/ip_forward is set to '1' before; expected one value",
    ),
    (
        "a control character in a value",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1\x1b"),
        "content: line 1: 'net/ipv4/ip_forward = 1\\x1b' has control or non-ASCII characters",
    ),
    (
        "a value that is no ASCII",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = \u0661"),
        "content: line 1: 'net/ipv4/ip_forward = \u0661' has control or non-ASCII characters",
    ),
    (
        "a setting that is a folder",
        "sysctl_file",
        sysctls("net/ipv4 = 1"),
        "content: net/ipv4 cannot be read: Is a directory",
    ),
    (
        "a setting that this kernel has not",
        "sysctl_file",
        sysctls("net/ipv4/ip_forwards = 1"),
        "{tmp}/60-test.conf: this kernel has no net/ipv4/ip_forwards; nothing was written",
    ),
    (
        "a value that the kernel refuses after a good one",
        "sysctl_file",
        sysctls("net/ipv4/conf/v0/rp_filter = 2\nnet/ipv4/conf/v0/arp_ignore = many"),
        "{tmp}/60-test.conf: net/ipv4/conf/v0/arp_ignore = 'many': Invalid argument; nothing was changed",
    ),
    (
        "a value of a million characters",
        "sysctl_file",
        sysctls(f"net/ipv4/ip_forward = {LONG}"),
        "{tmp}/60-test.conf: net/ipv4/ip_forward = "
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u2026: Invalid argument; "
        "nothing was changed",
    ),
    (
        "a sysctl file in no folder",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1", path="{tmp}/none/x.conf"),
        "path = '{tmp}/none/x.conf': expected a file in a folder that exists",
    ),
    (
        "a sysctl file that is a folder",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1", path="{tmp}/folder"),
        "path = '{tmp}/folder': expected a file, this is a folder",
    ),
    (
        "a misspelt option of a sysctl file",
        "sysctl_file",
        sysctls("net/ipv4/ip_forward = 1", contents="x"),
        "Unsupported parameters for (roth.fabric.sysctl_file) module: contents. Supported parameters include:"
        " content, path. Did you mean content?",
    ),
]
OTHER_CASES: list[Case] = [
    (
        "a huge table of defaults",
        "fabric_info",
        {"default_table": HUGE},
        "default_table = 10000000000000000000000000000000000000000: expected 1 to 4294967295",
    ),
    ("a protocol beyond a byte", "fabric_info", {"protocol": 256}, "protocol = 256: expected 1 to 255"),
    (
        "an option of systemctl for a unit",
        "fabric_info",
        {"units": ["--host=x\nroth"]},
        "units[0] = '--host=x\\nroth': expected a unit's name, such as roth-agent.service",
    ),
    (
        "a relative agent socket",
        "fabric_info",
        {"agent_socket": "agent.sock"},
        "agent_socket = 'agent.sock': expected an absolute path of printable characters",
    ),
    (
        "an unknown switch software",
        "switch_routes_info",
        {"software": "cumulus"},
        "value of software must be one of: frr, bird, got: cumulus",
    ),
    (
        "a vtysh that is not there",
        "switch_routes_info",
        {"software": "frr", "vtysh": "{tmp}/none"},
        "{tmp}/none: No such file or directory",
    ),
    (
        "neither wheels nor requirements",
        "wheelhouse",
        {"cache": "{tmp}/cache"},
        "one of the following is required: ready, requirements",
    ),
    (
        "wheels and requirements",
        "wheelhouse",
        {"ready": "{tmp}", "requirements": "{tmp}/file"},
        "parameters are mutually exclusive: ready|requirements",
    ),
    (
        "requirements that are not there",
        "wheelhouse",
        {"requirements": "{tmp}/none", "source": "{tmp}/folder"},
        "requirements = '{tmp}/none': expected a file on the controller",
    ),
    (
        "a source that is no package",
        "wheelhouse",
        {"requirements": "{tmp}/file", "source": "{tmp}/folder"},
        "source = '{tmp}/folder': expected a folder with a pyproject.toml on the controller",
    ),
    (
        "a folder without wheels",
        "wheelhouse",
        {"ready": "{tmp}/folder", "cache": "{tmp}/cache"},
        "ready = '{tmp}/folder': expected a folder of wheels on the controller",
    ),
    (
        "a date before zip",
        "wheelhouse",
        {"ready": "{tmp}/folder", "source_date_epoch": 0},
        "source_date_epoch = 0: expected 315532800 to 4354819199 seconds (zip)",
    ),
]
CASES = ROUTES_CASES + NEIGHBOR_CASES + GROUP_CASES + BFD_CASES + FILE_CASES + SYSCTL_CASES + OTHER_CASES
