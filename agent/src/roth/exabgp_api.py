"""ExaBGP 5.0's API, both ways: command lines out, answers and JSON events in. Pure.

Source: exabgp 5.0.15, reactor/api/command/*.py and reactor/api/response/json.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address, ip_network
from typing import Any, Union

from .attributes import mark_of
from .kernel.model import Address, Family, Prefix

NEIGHBORS = "show neighbor json"
RIB_IN = "show adj-rib in extensive"
RIB_OUT = "show adj-rib out extensive"

FAMILY_NAMES = {Family.IPV4: "ipv4", Family.IPV6: "ipv6"}
_FAMILIES = {"ipv4 unicast": Family.IPV4, "ipv6 unicast": Family.IPV6}


class Action(Enum):
    """What a line does to its prefixes."""

    ANNOUNCE = "announce"
    WITHDRAW = "withdraw"


@dataclass(frozen=True)
class Answer:
    """`done` or `error`: the end of the answer to the oldest command. It names neither the command nor a reason."""

    ok: bool


@dataclass(frozen=True)
class Session:
    """A session went up or down. `connected` (TCP only) is not reported."""

    peer: Address
    up: bool
    reason: str = ""


@dataclass(frozen=True)
class Update:
    """Routes a peer announced (prefix and the next hops given for it) or withdrew."""

    peer: Address
    as_path: tuple[int, ...]
    announced: tuple[tuple[Prefix, tuple[Address, ...]], ...]
    withdrawn: tuple[Prefix, ...]


@dataclass(frozen=True)
class EndOfRib:
    """The peer has sent all it had for the family."""

    peer: Address
    family: Family


@dataclass(frozen=True)
class Neighbors:
    """Answer to `show neighbor json`: each configured peer and whether its session is established."""

    established: tuple[tuple[Address, bool], ...]


@dataclass(frozen=True)
class RibRoute:
    """One line of `show adj-rib …`. `as_path` is known from the extensive form only.

    `mark` names the attribute set it was announced with, None for one that isn't ours; it means nothing in adj-rib in.
    """

    peer: Address
    prefix: Prefix
    next_hop: Address | None
    as_path: tuple[int, ...] = ()
    mark: int | None = None


@dataclass(frozen=True)
class Shutdown:
    """ExaBGP is about to stop."""


@dataclass(frozen=True)
class Unknown:
    """A line we make no use of."""

    text: str


Message = Union[Answer, Session, Update, EndOfRib, Neighbors, RibRoute, Shutdown, Unknown]


def route_line(action: Action, peers: Sequence[Address], attributes: str, prefixes: Iterable[Prefix]) -> str:
    """One command for prefixes of one family with the same attributes.

    Raises ValueError for an empty or a mixed list: ExaBGP would refuse the line, or announce an IPv6 route with an IPv4
    next hop."""
    listed = list(prefixes)
    versions = {prefix.version for prefix in listed} | {peer.version for peer in peers}
    if not listed or not peers or len(versions) != 1:
        raise ValueError(f"a line needs peers and prefixes of one family, not {peers!r} and {listed!r}")
    selector = " , ".join(f"neighbor {peer}" for peer in peers)
    return f"{selector} {action.value} attributes {attributes} nlri {' '.join(map(str, listed))}"


def end_of_rib_line(peer: Address) -> str:
    """End-of-RIB (RFC 4724, section 2) for the family of the peer's session."""
    return f"neighbor {peer} announce eor ipv{peer.version} unicast"


def is_foreign_update(line: str, imports: Sequence[str]) -> bool:
    """True for an update that names none of `imports` ("0.0.0.0/0", …) and isn't an End-of-RIB: not worth parsing.

    A ToR that sends a full table costs a substring search a line instead of a JSON parse."""
    if '"type": "update"' not in line or '"eor"' in line:
        return False
    return not any(f'"nlri": "{prefix}"' in line for prefix in imports)


_NOTIFICATIONS = {
    (4, 0): "hold timer expired",
    (6, 1): "maximum number of prefixes reached",
    (6, 2): "administrative shutdown",
    (6, 3): "peer de-configured",
    (6, 4): "administrative reset",
    (6, 5): "connection rejected",
    (6, 6): "other configuration change",
    (6, 7): "connection collision resolution",
    (6, 8): "out of resources",
    (6, 9): "hard reset",
    (6, 10): "BFD down",
}
"""What ends a session in everyday life, by code and subcode (RFC 4271, RFC 4486, RFC 8538, RFC 9384)."""


def why_down(reason: str) -> str:
    """The reason that ExaBGP gives for the end of a session, in words: it tells a notification by its numbers only."""
    found = re.fullmatch(r"notification (sent|received) \((\d+),(\d+)\)", reason)
    if not found:
        return reason
    code, subcode = int(found[2]), int(found[3])
    said = _NOTIFICATIONS.get((code, subcode), "see RFC 4271")
    return f"{'the switch' if found[1] == 'received' else 'ExaBGP'} ended it, {code}/{subcode} {said}"


def decode(line: str) -> Message:
    """Understand one line. Never raises: what is malformed is `Unknown`."""
    text = line.strip()
    if text in ("done", "error"):
        return Answer(text == "done")
    try:
        if text.startswith("{"):
            return _event(json.loads(text))
        if text.startswith("["):
            return _neighbors(json.loads(text))
        return _rib_route(text) or Unknown(text)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return Unknown(text)


def _event(event: dict[str, Any]) -> Message:
    kind = event.get("type")
    if kind == "notification" and event.get("notification") == "shutdown":
        return Shutdown()
    neighbor = event.get("neighbor", {})
    if kind == "state" and neighbor["state"] in ("up", "down"):
        return Session(ip_address(neighbor["address"]["peer"]), neighbor["state"] == "up", neighbor.get("reason", ""))
    if kind == "update" and neighbor.get("direction") == "receive":
        return _update(ip_address(neighbor["address"]["peer"]), neighbor["message"])
    return Unknown(str(kind))


def _update(peer: Address, message: dict[str, Any]) -> Message:
    if "eor" in message:
        return EndOfRib(peer, _FAMILIES[f"{message['eor']['afi']} {message['eor']['safi']}"])
    update = message["update"]
    attributes = update.get("attribute", {})
    # Two next hops (global and link-local, RFC 2545) list the prefix once for each.
    hops: dict[Prefix, list[Address]] = {}
    for family, by_hop in update.get("announce", {}).items():
        if family in _FAMILIES:
            for hop, routes in by_hop.items():
                for route in routes:
                    hops.setdefault(ip_network(route["nlri"]), []).extend([] if hop == _NO_HOP else [ip_address(hop)])
    withdrawn = [
        ip_network(route["nlri"])
        for family, routes in update.get("withdraw", {}).items()
        if family in _FAMILIES
        for route in routes
    ]
    malformed = {prefix for prefix, found in hops.items() if _malformed(attributes) or not found}
    announced = tuple((prefix, tuple(found)) for prefix, found in hops.items() if prefix not in malformed)
    return Update(peer, _as_path(attributes), announced, (*withdrawn, *malformed))


_NO_HOP = "no-nexthop"  # what ExaBGP writes where NEXT_HOP is missing
_NO_ORIGIN = "invalid"


def _malformed(attributes: dict[str, Any]) -> bool:
    """Whether routes with these are to be taken for withdrawn (RFC 7606, section 7): ExaBGP 5.0 leaves the session up,
    and a part of the judgement to us. Section 7.3, a missing NEXT_HOP, is seen at each prefix."""
    return "error" in attributes or attributes.get("origin") == _NO_ORIGIN


def _as_path(attribute: dict[str, Any]) -> tuple[int, ...]:
    """All ASNs of all segments (sets and confederations too): enough to see our own."""
    segments = attribute.get("as-path", {})
    return tuple(int(asn) for segment in segments.values() for asn in segment["value"])


def _neighbors(listed: list[dict[str, Any]]) -> Neighbors:
    # "fsm", not "state": that one says "down" in the first second of a session (bgp/neighbor.py tests a duration of 0).
    return Neighbors(tuple((ip_address(each["peer"]["address"]), each["fsm"] == "ESTABLISHED") for each in listed))


_PLAIN = re.compile(r"^(?:neighbor )?(\S+) (?:.* )?ipv[46] unicast (\S+/\d+)(?: next-hop (\S+))?(.*)$")
_AS_PATH = re.compile(r"as-path ((?:[\[({]+ [\d ]*[\])}]+ ?)+)")  # segments in ( ), [ ], {( )} or {[ ]}


def _rib_route(text: str) -> RibRoute | None:
    found = _PLAIN.match(text)
    if not found:
        return None
    if found[3] == _NO_HOP or f"origin {_NO_ORIGIN}" in text:
        return None  # it counts as withdrawn
    path = _AS_PATH.search(found[4])
    asns = tuple(int(asn) for asn in re.findall(r"\d+", path[1])) if path else ()
    hop = ip_address(found[3]) if found[3] else None
    return RibRoute(ip_address(found[1]), ip_network(found[2]), hop, asns, mark_of(found[4], asns))
