# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of single values. Each returns what was expected, or None when the value is good."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface, ip_network

Check = Callable[[object], "str | None"]

# RFC 7607 (0), RFC 6793 (23456), RFC 7300 (last of each range); RFC 5398 and 6996 numbers are fine.
_RESERVED_ASNS = frozenset({0, 23456, 65535, 4294967295})
# facts of linux/rtnetlink.h and /etc/iproute2/rt_protos: kernel and daemons; 80 Calico, 84 OVN, 186-198 FRR.
_TAKEN_PROTOCOLS = frozenset({*range(5), *range(8, 19), 42, 80, 84, 99, *range(186, 199)})
_TAKEN_TABLES = frozenset({0, 253, 254, 255})  # unspec, default, main, local
_INTERFACE = re.compile(r"[A-Za-z0-9_.-]{1,15}")  # IFNAMSIZ is 16 with the final zero
_RESERVED_INTERFACES = frozenset({"lo", "all", "default", ".", ".."})  # all and default are folders of sysctls
_MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_KEY = re.compile(r"[!-~]{1,80}")  # TCP_MD5SIG_MAXKEYLEN
_KEY_REFUSED = frozenset("\"'\\;{}#!")  # they end or comment out a string in ExaBGP's, FRR's or BIRD's configuration


def integer(low: int, high: int, unit: str = "") -> Check:
    """A whole number in `low`..`high`."""
    expected = f"a whole number from {low} to {high}{' ' + unit if unit else ''}"
    return lambda value: None if is_int(value) and low <= value <= high else expected  # type: ignore[operator]


def is_int(value: object) -> bool:
    """Whether `value` is a number and not true or false, which Python takes for 1 and 0."""
    return isinstance(value, int) and not isinstance(value, bool)


def boolean(value: object) -> str | None:
    """True or false, not a string that looks like it."""
    return None if isinstance(value, bool) else "true or false"


def choice(*values: str) -> Check:
    """One of `values`."""
    return lambda value: None if value in values else f"one of {', '.join(values)}"


def text(value: object) -> str | None:
    """A string with something in it."""
    return None if isinstance(value, str) and value.strip() else "a string that is not empty"


def cloud(value: object) -> str | None:
    """The name of an entry of clouds.yaml, or nothing."""
    good = isinstance(value, str) and (not value or (value.isprintable() and value == value.strip()))
    return None if good else "the name of an entry of clouds.yaml, or an empty string for the port document in a file"


def path(value: object) -> str | None:
    """An absolute path."""
    return None if isinstance(value, str) and value.startswith("/") else "an absolute path"


def name(value: object) -> str | None:
    """A name that switches and sysctls take as it is."""
    good = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", value)
    return None if good else "a name of at most 40 letters, digits, dots, dashes and underscores"


def asn(value: object) -> str | None:
    """An AS number that may be used (RFC 6793), as a number."""
    if not is_int(value):
        return "an AS number from 1 to 4294967294, without quotes"
    good = 0 < value < 4294967295 and value not in _RESERVED_ASNS  # type: ignore[operator]
    return None if good else "an AS number that is not reserved, such as 64512-65534 or 4200000000-4294967294"


def protocol(value: object) -> str | None:
    """A route protocol number that no other software uses."""
    if is_int(value) and 0 < value < 256 and value not in _TAKEN_PROTOCOLS:  # type: ignore[operator]
        return None
    return "a route protocol number from 1 to 255 that is free, such as 142 (100-185 are)"


def table(value: object) -> str | None:
    """A routing table that is not the system's own."""
    if is_int(value) and 0 < value < 4294967295 and value not in _TAKEN_TABLES:  # type: ignore[operator]
        return None
    return "a routing table from 1 to 4294967294 that is not the system's (253-255)"


def hold_time(value: object) -> str | None:
    """BGP hold time in seconds (RFC 4271, 4.2)."""
    good = is_int(value) and (value == 0 or 3 <= value <= 65535)  # type: ignore[operator]
    return None if good else "0 or a whole number from 3 to 65535 seconds"


def batches(value: object) -> str | None:
    """What a play's `serial` takes: how many hosts at a time, or a list of such steps."""
    steps = value if isinstance(value, list) and value else [value]
    good = all(re.fullmatch(r"[1-9]\d*%?", str(step)) and not isinstance(step, bool) for step in steps)
    return None if good else "a number of hosts, a share such as 20%, or a list of them"


def interface_name(value: object) -> str | None:
    """A name that the kernel takes for an interface."""
    if not isinstance(value, str) or not _INTERFACE.fullmatch(value):
        return "an interface name: at most 15 letters, digits, dots, dashes and underscores"
    return (
        f"an interface name that is not one of {', '.join(sorted(_RESERVED_INTERFACES))}"
        if (value in _RESERVED_INTERFACES)
        else None
    )


def bridge_name(value: object) -> str | None:
    """A name for a bridge of Open vSwitch: ovs-vsctl takes a word with a dash first for an option."""
    if isinstance(value, str) and value.startswith("-") and interface_name(value) is None:
        return "an interface name that does not begin with a dash"
    return interface_name(value)


def key(value: object) -> str | None:
    """A TCP MD5 key that each configuration language takes."""
    if isinstance(value, str) and _KEY.fullmatch(value) and not _KEY_REFUSED & set(value):
        return None
    return "a key of 1 to 80 printable ASCII characters, without blanks, quotes and \\ ; { } # !"


def mac(value: object) -> str | None:
    """A unicast MAC address."""
    if not isinstance(value, str) or not _MAC.fullmatch(value):
        return "a MAC address in quotes, such as '02:8e:00:00:00:01'"
    return "a unicast MAC address (the first byte is even)" if int(value[:2], 16) & 1 else None


def address(version: int) -> Check:
    """A unicast address of `version` that a host may have."""
    expected = f"an IPv{version} address of a host, without a length"

    def check(value: object) -> str | None:
        try:
            parsed = ip_address(value) if isinstance(value, str) else None
        except ValueError:
            return expected
        if parsed is None or parsed.version != version or "%" in str(parsed):
            return expected
        bad = parsed.is_loopback or parsed.is_multicast or parsed.is_unspecified or parsed.is_link_local
        if bad:
            return f"{expected}, not {_kind(parsed)}"
        # the roles compare with what the kernel prints
        return None if value == str(parsed) else f"{expected}, in its usual form {parsed}"

    return check


def _kind(parsed: object) -> str:
    for kind in ("loopback", "multicast", "unspecified", "link_local"):
        if getattr(parsed, f"is_{kind}"):
            return f"a {kind.replace('_', '-')} one" if kind != "unspecified" else "an unspecified one"
    return "this one"


def interface_address(version: int) -> Check:
    """An own address with its length, on a link that has room for a peer."""
    sample = "10.1.1.1/31" if version == 4 else "2001:db8:1:1::b/127"
    expected = f"an IPv{version} address with its length, such as {sample}"

    def check(value: object) -> str | None:
        if not isinstance(value, str) or "/" not in value:
            return expected
        try:
            parsed = ip_interface(value)
        except ValueError:
            return expected
        wrong = address(version)(str(parsed.ip))
        if parsed.version != version:
            return expected
        if wrong is not None:
            return wrong.replace("without a length", f"with its length, such as {sample}")
        return _room(parsed)

    return check


def _room(parsed: IPv4Interface | IPv6Interface) -> str | None:
    size = parsed.network.num_addresses
    if size == 1:
        return f"a length of at most {parsed.max_prefixlen - 1}: the peer has to be in it too"
    if size > 2 and parsed.version == 4 and parsed.ip in (parsed.network[0], parsed.network[-1]):
        return f"an address of a host: this is the first or last of {parsed.network}"
    return None


def prefix(value: object) -> str | None:
    """A unicast prefix without host bits."""
    expected = "a prefix without host bits, such as 10.64.0.0/16"
    if not isinstance(value, str) or "/" not in value:
        return expected
    try:
        parsed = ip_network(value)
    except ValueError:
        return expected
    if parsed.prefixlen == 0:
        return "a prefix that is not the default route"
    wrong = parsed.is_multicast or parsed.is_loopback or parsed.is_link_local
    return "a prefix of unicast addresses that can be routed" if wrong else None


def one_of(names: Collection[str], what: str) -> Check:
    """One of the inventory's own names."""
    return lambda value: None if value in names else f"{what} ({', '.join(sorted(names)) or 'there is none'})"
