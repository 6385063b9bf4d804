# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a host drains now and what is asked for to what it is to drain, and what that changes. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..inventory.uplinks import FAMILIES, Peer, Uplink

DEFAULTS = {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}
DRAINED = "GRACEFUL_SHUTDOWN, a worse MED and a longer path"


@dataclass(frozen=True)
class Request:
    """What an operator asks for. Without `tor`, `uplink` and `host` an undrain is for all that is drained."""

    tor: str | None = None
    uplink: str | None = None
    host: bool = False
    undrain: bool = False

    @property
    def named(self) -> str:
        """As the operator wrote it."""
        given = {"roth_drain_tor": self.tor, "roth_drain_uplink": self.uplink}
        words = [f"{name} = {value!r}" for name, value in given.items() if value]
        return ", ".join(words + (["roth_drain = 'host'"] if self.host else [])) or "roth_drain"


@dataclass(frozen=True)
class State:
    """The content of drain.json. `settle` is in seconds."""

    uplinks: tuple[str, ...] = ()
    host: bool = False
    withdrawn: tuple[str, ...] = ()
    settle: float = 5

    def text(self) -> str:
        """The file."""
        document = {
            "uplinks": list(self.uplinks),
            "host": self.host,
            "withdrawn": list(self.withdrawn),
            "settle": self.settle,
        }
        return json.dumps(document, indent=2) + "\n"


def read_state(text: str) -> State:
    """The file as it is on a host; nothing is drained without one. Raises ValueError."""
    if not text.strip():
        return State()
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("drain.json is not a mapping")
    uplinks, withdrawn = document.get("uplinks", []), document.get("withdrawn", [])
    return State(tuple(map(str, uplinks)), document.get("host") is True, tuple(map(str, withdrawn)))


@dataclass(frozen=True)
class Plan:
    """What a host is to drain. `problem` says why it can't; `stays` are prefixes with the reason why they stay."""

    state: State
    changes: tuple[str, ...] = ()
    announcements: tuple[str, ...] = ()
    stays: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None


def plan(
    host: str,
    request: Request,
    current: State,
    uplinks: Sequence[Uplink],
    prefixes: Sequence[str],
    holders: Mapping[str, Collection[str]],
    settle: float,
    own: Collection[str] = (),
) -> Plan:
    """`prefixes` are what the host announces, `own` those of them that are no instances'.

    `holders` says which other hosts go on announcing one of them.
    """
    known = [uplink.name for uplink in uplinks]
    chosen = [uplink.name for uplink in uplinks if _is_meant(request, uplink)]
    kept = set(current.uplinks) & set(known)  # an uplink that is gone from the inventory is nobody's any more
    drained = kept - set(chosen) if request.undrain else kept | set(chosen)
    away = (current.host and not _ends_host(request)) if request.undrain else (current.host or request.host)
    withdrawn = tuple(name for name in prefixes if holders.get(name)) if away else ()
    if away and not (request.host and not request.undrain):
        withdrawn = current.withdrawn  # who else has what was asked about when the host was drained
    wanted = State(tuple(name for name in known if name in drained), away, withdrawn, settle)
    problem = _problem(host, request, wanted, uplinks, known)
    if problem:
        return Plan(current, problem=problem)
    stays = {name: _reason(name, holders) for name in prefixes if name not in (*withdrawn, *own)} if away else {}
    changes, announcements = _changes(current, wanted, uplinks, prefixes)
    return Plan(wanted, tuple(changes), tuple(announcements), stays)


def _is_meant(request: Request, uplink: Uplink) -> bool:
    if request.undrain and not (request.tor or request.uplink or request.host):
        return True
    return uplink.name == request.uplink if request.uplink else bool(request.tor) and uplink.tor == request.tor


def _ends_host(request: Request) -> bool:
    return request.host or not (request.tor or request.uplink)


def _problem(host: str, request: Request, wanted: State, uplinks: Sequence[Uplink], known: Sequence[str]) -> str | None:
    if request.uplink and request.uplink not in known:
        return f"{host}: roth_drain_uplink = {request.uplink!r}: expected one of {', '.join(known)}"
    if request.uplink and request.tor and not any(_both(request, uplink) for uplink in uplinks):
        return f"{host}: {request.named}: expected an uplink to that switch"
    for family in FAMILIES:
        carriers = [uplink.name for uplink in uplinks if any(peer.family == family for peer in uplink.peers)]
        if carriers and not set(carriers) - set(wanted.uplinks):
            return (
                f"{host}: {request.named}: no uplink would be left for {family}, {', '.join(carriers)} would all be"
                " drained: expected at least one that is not"
            )
    return None


def _both(request: Request, uplink: Uplink) -> bool:
    return uplink.name == request.uplink and uplink.tor == request.tor


def _reason(name: str, holders: Mapping[str, Collection[str]]) -> str:
    return "its other holders are drained or not reachable" if name in holders else "on this host only"


def _changes(
    current: State, wanted: State, uplinks: Sequence[Uplink], prefixes: Sequence[str]
) -> tuple[list[str], list[str]]:
    """What changes in short, and announcement by announcement."""
    short: list[str] = []
    full: list[str] = []
    for uplink in uplinks:
        was, is_drained = uplink.name in current.uplinks, uplink.name in wanted.uplinks
        for peer in uplink.peers if was != is_drained else ():
            verb = "leaves" if is_drained else "joins"
            short.append(f"{uplink.name} ({uplink.tor}): next hop {peer.address} {verb} {DEFAULTS[peer.family]}")
        if was == is_drained and current.host == wanted.host:
            continue
        how = DRAINED if is_drained else "a longer path" if wanted.host else "the usual attributes"
        for peer in uplink.peers:
            told = [name for name in prefixes if _family(name) == peer.family and name not in wanted.withdrawn]
            short.append(f"{uplink.name} ({uplink.tor}): {len(told)} prefixes to {peer.address} with {how}")
            full += [f"{name} to {peer.address}: {how}" for name in told]
    full += _withdrawals(current, wanted, uplinks)
    gone, back = set(wanted.withdrawn) - set(current.withdrawn), set(current.withdrawn) - set(wanted.withdrawn)
    for names, what in ((gone, "withdrawn"), (back, "announced")):
        short += [f"{len(names)} shared prefixes {what}"] if names else []
    return short, full


def _withdrawals(current: State, wanted: State, uplinks: Sequence[Uplink]) -> Iterator[str]:
    for names, what in (
        (set(wanted.withdrawn) - set(current.withdrawn), "withdrawn"),
        (set(current.withdrawn) - set(wanted.withdrawn), "announced"),
    ):
        for name in sorted(names):
            peers: list[Peer] = [peer for uplink in uplinks for peer in uplink.peers if peer.family == _family(name)]
            yield from (f"{name} to {peer.address}: {what}" for peer in peers)


def _family(name: str) -> str:
    return "ipv6" if ":" in name else "ipv4"
