"""Broken arguments of nexthop_group and bfd_peers."""

from __future__ import annotations

from .arguments import HUGE, LONG, Case, group, member, peer, peers

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
