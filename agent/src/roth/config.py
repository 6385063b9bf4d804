"""/etc/roth/agent.json as types. Every mistake is reported at once, each by its path in the document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, TypeVar

from .damping import DampingRules
from .kernel.model import Address, Family, Prefix
from .kernel.text import quoted
from .lists import Lists
from .wanted.prefixes import AllowedPrefix

DEFAULT_CONFIG = "/etc/roth/agent.json"
_FAMILY_NAMES = {"ipv4": Family.IPV4, "ipv6": Family.IPV6}


T = TypeVar("T")


class ConfigError(ValueError):
    """The document can't be used; the message lists each mistake by path, value and expectation."""


@dataclass(frozen=True)
class Peer:
    """One BGP session over an uplink, of the family of its addresses."""

    family: Family
    address: Address
    local_address: Address
    asn: int


@dataclass(frozen=True)
class Uplink:
    """An interface towards one ToR. `index` numbers its nexthop objects."""

    name: str
    tor: str
    index: int
    bfd: bool
    peers: tuple[Peer, ...]

    def peer(self, family: Family) -> Peer | None:
        """The session of a family, if the uplink has one."""
        return next((peer for peer in self.peers if peer.family is family), None)

    def nexthop_id(self, family: Family) -> int:
        """142104, 142106, 142114, …: the kernel's id of the nexthop through this uplink."""
        return 142100 + 10 * self.index + (4 if family is Family.IPV4 else 6)


GROUP_IDS = {Family.IPV4: 142004, Family.IPV6: 142006}


@dataclass(frozen=True)
class Config:
    """The whole document."""

    asn: int
    router_id: str
    protocol: int
    table: int
    default_table: int
    default_metric: int
    source: dict[Family, Address]
    allowed_prefixes: tuple[AllowedPrefix, ...]
    imports: tuple[Prefix, ...]
    uplinks: tuple[Uplink, ...]
    isolated_bridges: frozenset[str]
    damping: DampingRules
    routes_file: str
    taps_file: str
    watcher_routes_file: str
    watcher_taps_file: str
    bridge_socket: str
    status_socket: str
    bfdd_vty: str

    def peers(self) -> dict[Address, tuple[Uplink, Peer]]:
        """Every session by its peer's address."""
        return {peer.address: (uplink, peer) for uplink in self.uplinks for peer in uplink.peers}

    @property
    def lists(self) -> tuple[Lists, Lists]:
        """The playbook's lists and the port watcher's: whichever was written last counts."""
        return Lists(self.routes_file, self.taps_file), Lists(self.watcher_routes_file, self.watcher_taps_file)

    @property
    def waiting_file(self) -> str:
        """Where the agent notes which routes wait for their link: in its folder in /run."""
        return str(Path(self.status_socket).with_name("waiting"))

    def restart_only(self) -> tuple[object, ...]:
        """What a reload can't change."""
        return (
            self.asn, self.protocol, self.table, self.default_table, self.default_metric,
            self.lists, self.bridge_socket, self.status_socket, self.bfdd_vty,
        )  # fmt: skip


@dataclass
class _Reader:
    """Takes values out of the document and collects what is wrong with them."""

    errors: list[str] = field(default_factory=list)

    def wrong(self, path: str, value: object, expected: str) -> None:
        self.errors.append(f"{path}: {quoted(value)} is not {expected}")

    def take(self, source: dict[str, Any], path: str, key: str, expected: str, check: Callable[[Any], T]) -> T | None:
        """`check` returns the value as wanted, or raises ValueError, TypeError or KeyError."""
        if key not in source:
            self.errors.append(f"{path}{key}: missing, expected {expected}")
            return None
        try:
            return check(source[key])
        except (ValueError, TypeError, KeyError, AttributeError):
            self.wrong(f"{path}{key}", source[key], expected)
            return None

    def unknown(self, source: dict[str, Any], path: str, known: Iterable[str]) -> None:
        for key in sorted(source.keys() - set(known)):
            self.errors.append(f"{path}{key}: unknown key, expected one of {', '.join(known)}")


def integer(low: int, high: int) -> Callable[[Any], int]:
    """A check: a whole number from `low` to `high`, or ValueError."""

    def check(value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError
        return value

    return check


def printable(value: object) -> str:
    """A text that is not empty and can be printed. Raises ValueError."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError
    return value


def _device(value: object) -> str:
    name = printable(value)
    if len(name) > 15 or "/" in name or " " in name:
        raise ValueError
    return name


def flag(value: object) -> bool:
    """A JSON true or false. Raises ValueError."""
    if type(value) is not bool:
        raise ValueError
    return value


def _address(value: object) -> Address:
    return ip_address(printable(value))


def _prefix(value: object) -> Prefix:
    return ip_network(printable(value))


def listed(value: object) -> list[Any]:
    """A list of anything. Raises ValueError."""
    if not isinstance(value, list):
        raise ValueError
    return value


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError
    return value


def number(low: float, high: float) -> Callable[[Any], float]:
    """A check: a number from `low` to `high`, or ValueError."""

    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise ValueError
        return float(value)

    return check


_RULES: dict[str, tuple[Callable[[Any], float], str]] = {
    "half_life": (number(1, 3600), "seconds, 1 to 3600"),
    "suppress": (number(1, 1_000_000), "a penalty, 1 to 1000000 (a loss is 1000)"),
    "reuse": (number(1, 1_000_000), "a penalty, 1 to 1000000 (a loss is 1000)"),
    "longest": (number(0, 3600), "seconds, 0 to 3600"),
}


def _damping(reader: _Reader, entry: dict[str, Any]) -> DampingRules | None:
    reader.unknown(entry, "damping.", sorted(_RULES))
    read = {key: reader.take(entry, "damping.", key, text, check) for key, (check, text) in _RULES.items()}
    values = {key: value for key, value in read.items() if value is not None}
    if len(values) < len(_RULES):
        return None
    if values["reuse"] >= values["suppress"]:
        reader.wrong("damping.reuse", values["reuse"], f"below damping.suppress, {values['suppress']:g}")
    if values["longest"] > 20 * values["half_life"]:
        reader.wrong("damping.longest", values["longest"], "at most 20 times damping.half_life")
    return DampingRules(**values)


_ASN = (integer(1, 4294967295), "an AS number, 1 to 4294967295")
# What a configuration of an older release lacks: a new agent may meet one while the host is upgraded.
_DEFAULTS: dict[str, Any] = {
    "damping": {"half_life": 10, "suppress": 2500, "reuse": 1000, "longest": 60},
    "routes_file": "/etc/roth/instance-routes",
    "taps_file": "/etc/roth/instance-taps",
    "watcher_routes_file": "/var/lib/roth-ports/instance-routes",
    "watcher_taps_file": "/var/lib/roth-ports/instance-taps",
}
_KEYS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "asn": _ASN,
    "router_id": (lambda value: str(ip_address(printable(value))), "an IPv4 address"),
    "protocol": (integer(1, 255), "a route protocol number, 1 to 255"),
    "table": (integer(1, 4294967295), "a routing table number"),
    "default_table": (integer(1, 4294967295), "a routing table number"),
    "default_metric": (integer(1, 4294967294), "a metric"),
    "source": (
        lambda value: {_FAMILY_NAMES[key]: _address(each) for key, each in _mapping(value).items() if each is not None},
        "a mapping of ipv4 and ipv6 to addresses",
    ),
    "imports": (lambda value: tuple(_prefix(each) for each in listed(value)), "a list of prefixes"),
    "isolated_bridges": (lambda value: frozenset(_device(each) for each in listed(value)), "a list of interfaces"),
    "damping": (_mapping, "a mapping of half_life, suppress, reuse and longest"),
    "routes_file": (printable, "a path"),
    "taps_file": (printable, "a path"),
    "watcher_routes_file": (printable, "a path"),
    "watcher_taps_file": (printable, "a path"),
    "bridge_socket": (printable, "a path"),
    "status_socket": (printable, "a path"),
    "bfdd_vty": (printable, "a path"),
    "allowed_prefixes": (listed, "a list of {prefix, ge, le}"),
    "uplinks": (listed, "a list of uplinks"),
}


def _allowed(reader: _Reader, entry: object, path: str) -> AllowedPrefix | None:
    if not isinstance(entry, dict):
        reader.wrong(path, entry, "a mapping of prefix, ge and le")
        return None
    path += "."
    reader.unknown(entry, path, ("ge", "le", "prefix"))
    prefix = reader.take(entry, path, "prefix", "a prefix", _prefix)
    if prefix is None:
        return None
    longest = prefix.max_prefixlen
    bounds = f"a prefix length, {prefix.prefixlen} to {longest}"
    low = reader.take(entry, path, "ge", bounds, integer(max(prefix.prefixlen, 1), longest))
    high = reader.take(entry, path, "le", bounds, integer(max(prefix.prefixlen, 1), longest))
    return AllowedPrefix(prefix, low, high) if low is not None and high is not None else None


def _peer(reader: _Reader, entry: object, path: str) -> Peer | None:
    if not isinstance(entry, dict):
        reader.wrong(path, entry, "a mapping of family, address, local_address and asn")
        return None
    path += "."
    reader.unknown(entry, path, ("address", "asn", "family", "local_address"))
    family = reader.take(entry, path, "family", "ipv4 or ipv6", lambda value: _FAMILY_NAMES[value])
    address = reader.take(entry, path, "address", "an address", _address)
    local = reader.take(entry, path, "local_address", "an address", _address)
    asn = reader.take(entry, path, "asn", _ASN[1], _ASN[0])
    if family is None or address is None or local is None or asn is None:
        return None
    version = 4 if family is Family.IPV4 else 6
    for key, value in (("address", address), ("local_address", local)):
        if value.version != version:
            reader.wrong(f"{path}{key}", str(value), f"an IPv{version} address, as the session's family is")
            return None
    return Peer(family, address, local, asn)


def _uplink(reader: _Reader, entry: object, path: str) -> Uplink | None:
    if not isinstance(entry, dict):
        reader.wrong(path, entry, "a mapping of name, tor, index, bfd and peers")
        return None
    path += "."
    reader.unknown(entry, path, ("bfd", "index", "name", "peers", "tor"))
    name = reader.take(entry, path, "name", "an interface name", _device)
    tor = reader.take(entry, path, "tor", "a name", printable)
    index = reader.take(entry, path, "index", "a number, 0 to 89", integer(0, 89))
    bfd = reader.take(entry, path, "bfd", "true or false", flag)
    sessions = reader.take(entry, path, "peers", "a list of sessions", listed)
    peers = [_peer(reader, each, f"{path}peers[{at}]") for at, each in enumerate(sessions or [])]
    if name is None or tor is None or index is None or bfd is None or sessions is None:
        return None
    return Uplink(name, tor, index, bfd, tuple(peer for peer in peers if peer is not None))


def _duplicates(reader: _Reader, uplinks: tuple[Uplink, ...]) -> None:
    checked: dict[str, list[object]] = {
        "name": [uplink.name for uplink in uplinks],
        "index": [uplink.index for uplink in uplinks],
        "peers.address": [str(peer.address) for uplink in uplinks for peer in uplink.peers],
        "peers.family": [(uplink.name, peer.family.name) for uplink in uplinks for peer in uplink.peers],
    }
    for what, values in checked.items():
        for value in dict.fromkeys(value for value in values if values.count(value) > 1):
            reader.wrong(f"uplinks.{what}", value, "unique")


def read_mapping(text: str) -> dict[str, Any]:
    """A JSON document that is a mapping. Raises ConfigError."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"not JSON: {error}") from None
    except RecursionError:
        raise ConfigError("not JSON of a few levels: it is nested too deeply") from None
    if not isinstance(document, dict):
        raise ConfigError("the document is not a mapping")
    return document


def read_keys(
    text: str, keys: Mapping[str, tuple[Callable[[Any], Any], str]], defaults: Mapping[str, object]
) -> tuple[dict[str, Any], list[str]]:
    """A document that has these keys: the values that passed their checks, and each mistake in words.

    Of a key the check and what it expects are given; without a default it must be there. Raises ConfigError when the
    text is no mapping at all.
    """
    document, reader = {**defaults, **read_mapping(text)}, _Reader()
    reader.unknown(document, "", keys)
    values: dict[str, Any] = {}
    for key, (check, expected) in keys.items():
        before = len(reader.errors)
        value = reader.take(document, "", key, expected, check)
        if len(reader.errors) == before:
            values[key] = value
    return values, reader.errors


def load_as(path: str, parse: Callable[[str], T]) -> T:
    """Read a file. Raises ConfigError, also when it can't be read."""
    try:
        return parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None


def parse(text: str) -> Config:
    """Read the document. Raises ConfigError."""
    values, errors = read_keys(text, _KEYS, _DEFAULTS)
    reader = _Reader(errors)
    allowed = [
        _allowed(reader, each, f"allowed_prefixes[{at}]") for at, each in enumerate(values.get("allowed_prefixes", []))
    ]
    uplinks = [_uplink(reader, each, f"uplinks[{at}]") for at, each in enumerate(values.get("uplinks", []))]
    values["allowed_prefixes"] = tuple(each for each in allowed if each is not None)
    values["uplinks"] = tuple(each for each in uplinks if each is not None)
    values["damping"] = _damping(reader, values["damping"]) if "damping" in values else None
    _duplicates(reader, values["uplinks"])
    if reader.errors:
        raise ConfigError("; ".join(reader.errors))
    return Config(**values)


def load(path: str) -> Config:
    """Read the file. Raises ConfigError, also when it can't be read."""
    return load_as(path, parse)
