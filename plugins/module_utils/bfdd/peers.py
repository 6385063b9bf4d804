# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wanted BFD peers against those of a running bfdd, as vty commands. Pure.

Everything is changed live: a restart of bfdd would drop BGP on both ToRs (Cease 6/10).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

PROFILE = "roth"
"""The profile that our peers have, unless somebody says otherwise."""


@dataclass(frozen=True, order=True)
class PeerKey:
    """What makes a single-hop BFD session one session; addresses in canonical text."""

    address: str
    local_address: str
    interface: str | None = None

    def words(self) -> str:
        """As the configuration writes it: `peer A local-address B [interface I]`."""
        interface = f" interface {self.interface}" if self.interface else ""
        return f"peer {self.address} local-address {self.local_address}{interface}"


@dataclass(frozen=True)
class Timers:
    """Intervals in milliseconds (RFC 5880, section 6.8.1: Required Min RX, Desired Min TX) and the detect multiplier.

    The bounds are bfdd's own (FRR, bfdd/bfdd_cli.c).
    """

    detect_multiplier: int
    receive_interval: int
    transmit_interval: int

    def __post_init__(self) -> None:
        if not 1 <= self.detect_multiplier <= 255:
            raise ValueError(f"detect_multiplier {self.detect_multiplier} is not from 1 to 255")
        for name in ("receive_interval", "transmit_interval"):
            if not 10 <= getattr(self, name) <= 4294967:
                raise ValueError(f"{name} {getattr(self, name)} is not from 10 to 4294967 ms")

    def words(self) -> list[str]:
        """The lines of a profile or peer."""
        return [
            f"detect-multiplier {self.detect_multiplier}",
            f"receive-interval {self.receive_interval}",
            f"transmit-interval {self.transmit_interval}",
        ]


@dataclass(frozen=True)
class CurrentPeer:
    """A session of the running bfdd; `timers` None when bfdd has values that we would refuse."""

    key: PeerKey
    timers: Timers | None
    status: str


@dataclass(frozen=True)
class Plan:
    """What will change: keys by kind, and the configuration lines that do it (empty: nothing to do)."""

    added: tuple[PeerKey, ...]
    changed: tuple[PeerKey, ...]
    removed: tuple[PeerKey, ...]
    lines: tuple[str, ...]


def peer_key(address: str, local_address: str, interface: str | None = None) -> PeerKey:
    """Normalise. Raises ValueError for what is no address, for mixed families, a link-local peer without interface,
    or an interface name that can't be one."""
    peer, local = ip_address(address), ip_address(local_address)
    if peer.version != local.version:
        raise ValueError(f"peer {peer} and local address {local} are of different families")
    if peer == local:
        raise ValueError(f"peer {peer} is the local address")
    if peer.is_link_local and peer.version == 6 and not interface:
        raise ValueError(f"link-local peer {peer} needs an interface")
    if interface is not None and (not 1 <= len(interface) <= 15 or any(c.isspace() or c == "/" for c in interface)):
        raise ValueError(f"{interface!r} is no interface name")
    return PeerKey(str(peer), str(local), interface)


def read_peers(text: str) -> list[CurrentPeer]:
    """Peers of `show bfd peers json`; multihop ones (never ours) are left out. Raises ValueError when it isn't that."""
    try:
        listed = json.loads(text or "[]")
        return [
            CurrentPeer(
                PeerKey(str(ip_address(each["peer"])), str(ip_address(each.get("local", "::"))), each.get("interface")),
                _timers(each),
                each["status"],
            )
            for each in listed
            if not each.get("multihop")
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a list of BFD peers: {error!r}") from error


def _timers(peer: dict[str, int]) -> Timers | None:
    values = peer["detect-multiplier"], peer["receive-interval"], peer["transmit-interval"]
    try:
        return Timers(*values)
    except ValueError:
        return None


def plan(desired: Iterable[PeerKey], profile: str, timers: Timers, current: Sequence[CurrentPeer], purge: bool) -> Plan:
    """The profile is written when a wanted peer doesn't have its timers yet; a new peer gets the profile."""
    wanted = sorted(set(desired))
    known = {peer.key: peer for peer in current}
    added = tuple(key for key in wanted if key not in known)
    changed = tuple(key for key in wanted if key in known and known[key].timers != timers)
    removed = tuple(sorted(key for key in known if key not in set(wanted))) if purge else ()
    lines: list[str] = []
    if added or changed:
        lines += [f"profile {profile}", *timers.words(), "exit"]
    # Additions before removals: a peer that moves to another local address is never without a session for long.
    for key in (*added, *changed):
        lines += [key.words(), f"profile {profile}", "exit"]
    lines += [f"no {key.words()}" for key in removed]
    return Plan(added, changed, removed, ("bfd", *lines) if lines else ())


def renewal(keys: Iterable[PeerKey], profile: str) -> tuple[str, ...]:
    """The lines that make sessions start afresh, with sockets of their own: nothing less makes bfdd open one again."""
    return ("bfd", *(line for key in keys for line in (f"no {key.words()}", key.words(), f"profile {profile}", "exit")))


def describe(timers: dict[PeerKey, Timers | None]) -> str:
    """Peers as text for a diff, one a line."""
    return "".join(
        f"{key.words()} {' '.join(found.words()) if found else '?'}\n"
        for key, found in sorted(timers.items(), key=lambda item: item[0])
    )


def diff(planned: Plan, timers: Timers, current: Sequence[CurrentPeer]) -> dict[str, str]:
    """Before and after of what changes, for Ansible's diff mode."""
    known = {peer.key: peer.timers for peer in current}
    before = {key: known[key] for key in (*planned.changed, *planned.removed)}
    after: dict[PeerKey, Timers | None] = dict.fromkeys((*planned.added, *planned.changed), timers)
    return {"before": describe(before), "after": describe(after)}
