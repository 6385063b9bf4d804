"""Desired announcements against what ExaBGP holds, as command lines. Pure: no clock, no socket.

What ExaBGP holds is kept for each peer, because peers differ: a neighbor that was removed and added again comes back
with nothing. A line names all the peers that need it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from .exabgp_api import Action, RibRoute, end_of_rib_line, route_line
from .kernel.model import Address, Family, Prefix

LINE = 50  # prefixes a line: beyond that ExaBGP's loop stalls
FAMILIES = (Family.IPV4, Family.IPV6)


def family_of(value: Address | Prefix) -> Family:
    """The address family of an address or prefix."""
    return Family.IPV4 if value.version == 4 else Family.IPV6


@dataclass(frozen=True)
class Batch:
    """One line's worth: the same action for the same peers."""

    action: Action
    peers: tuple[Address, ...]
    prefixes: tuple[Prefix, ...]

    def line(self) -> str:
        """The command."""
        return route_line(self.action, self.peers, self.prefixes)


class Announcer:
    """Wants prefixes, knows what each peer holds, and says what to send next."""

    def __init__(self, peers: dict[Address, Address]) -> None:
        self.local = dict(peers)  # session's peer address -> our own address there
        self.desired: set[Prefix] = set()
        self.refused: set[tuple[Address, Prefix]] = set()  # what ExaBGP won't announce to a peer
        self.held: dict[Address, set[Prefix]] = {}  # peers ExaBGP knows; absent = not to be addressed
        self.dirty: dict[Prefix, None] = {}  # insertion-ordered set: prefixes to compare
        self.busy: set[Prefix] = set()  # in a line that has no answer yet
        self.retries: deque[Batch] = deque()
        self.end_of_rib_due: set[Address] = set()
        self.ended: set[Address] = set()  # sessions that have had theirs

    # -- what is wanted -------------------------------------------------------------------------------------------

    def change(self, prefix: Prefix, wanted: bool) -> None:
        """One prefix is, or is no longer, to be announced."""
        if wanted == (prefix in self.desired):
            return
        if wanted:
            self.desired.add(prefix)
        else:
            self.desired.discard(prefix)
            self.refused -= {(peer, prefix) for peer in self.local}
        self.dirty[prefix] = None

    def set_peers(self, peers: dict[Address, Address]) -> None:
        """The configuration's sessions (peer -> local address) changed; what is held where stays known."""
        self.local = dict(peers)
        self.held = {peer: held for peer, held in self.held.items() if peer in self.local}
        self.end_of_rib_due &= set(self.local)
        self.ended &= set(self.local)

    # -- what ExaBGP holds ----------------------------------------------------------------------------------------

    def disconnected(self) -> None:
        """Nothing is known of ExaBGP any more."""
        self.held.clear()
        self.busy.clear()
        self.retries.clear()
        self.refused.clear()
        self.end_of_rib_due.clear()
        self.ended.clear()
        self.dirty = dict.fromkeys(self.desired)

    def holds(self, known: Iterable[Address], routes: Iterable[RibRoute]) -> None:
        """ExaBGP's answer to `show adj-rib out`; `known` are the neighbors it has.

        A route with a next hop that isn't ours counts as not held, so it is announced again."""
        now: dict[Address, set[Prefix]] = {peer: set() for peer in known if peer in self.local}
        foreign: list[tuple[Address, Prefix]] = []
        for route in routes:
            if route.peer in now and route.next_hop == self.local[route.peer]:
                now[route.peer].add(route.prefix)
            elif route.peer in now and route.prefix not in self.desired:
                foreign.append((route.peer, route.prefix))
        for peer, prefix in foreign:
            now[peer].add(prefix)  # not wanted at all: must be withdrawn, whatever its next hop
        for peer, prefixes in now.items():
            for prefix in prefixes ^ {wanted for wanted in self.desired if family_of(wanted) is family_of(peer)}:
                self.dirty[prefix] = None
        self.held = now

    def established(self, peer: Address) -> None:
        """A session is up: unless it has had its End-of-RIB, it gets it once it holds all it should."""
        if peer in self.local and peer not in self.ended:
            self.end_of_rib_due.add(peer)

    def lost(self, peer: Address) -> None:
        """A session went down, or its End-of-RIB did not reach it."""
        self.end_of_rib_due.discard(peer)
        self.ended.discard(peer)

    # -- what to send ---------------------------------------------------------------------------------------------

    def next_batches(self, room: int) -> list[Batch]:
        """At most `room` lines; they count as sent."""
        batches: list[Batch] = []
        while self.retries and len(batches) < room:
            batches.append(self.retries.popleft())
        if len(batches) < room and self.dirty:
            batches += self._fill(room - len(batches))
        for batch in batches:
            self.busy.update(batch.prefixes)
        return batches

    def _fill(self, room: int) -> list[Batch]:
        full: list[Batch] = []
        open_lines: dict[tuple[Action, tuple[Address, ...]], list[Prefix]] = {}
        for prefix in list(self.dirty):
            if prefix in self.busy:
                continue
            del self.dirty[prefix]
            action, peers = self._needed(prefix)
            if not peers:
                continue
            line = open_lines.setdefault((action, peers), [])
            line.append(prefix)
            if len(line) == LINE:
                full.append(Batch(action, peers, tuple(line)))
                del open_lines[action, peers]
                if len(full) == room:
                    break
        for (action, peers), line in open_lines.items():
            if len(full) < room:
                full.append(Batch(action, peers, tuple(line)))
            else:
                self.dirty.update(dict.fromkeys(line))
        return full

    def _needed(self, prefix: Prefix) -> tuple[Action, tuple[Address, ...]]:
        wanted = prefix in self.desired
        peers = tuple(
            peer
            for peer, held in self.held.items()
            if peer.version == prefix.version and (prefix in held) != wanted and (peer, prefix) not in self.refused
        )
        return (Action.ANNOUNCE if wanted else Action.WITHDRAW), peers

    def answered(self, batch: Batch, ok: bool) -> None:
        """ExaBGP took a line, or refused it: then find the culprit by halves."""
        self.busy.difference_update(batch.prefixes)
        if ok:
            for peer in batch.peers:
                held = self.held.get(peer)
                if held is not None and batch.action is Action.ANNOUNCE:
                    held.update(batch.prefixes)
                elif held is not None:
                    held.difference_update(batch.prefixes)
            self.dirty.update(dict.fromkeys(batch.prefixes))  # wanted may have changed meanwhile
        elif len(batch.prefixes) > 1:
            middle = len(batch.prefixes) // 2
            for part in (batch.prefixes[:middle], batch.prefixes[middle:]):
                self.retries.append(Batch(batch.action, batch.peers, part))
                self.busy.update(part)
        elif len(batch.peers) > 1:
            self.retries.extend(Batch(batch.action, (peer,), batch.prefixes) for peer in batch.peers)
            self.busy.update(batch.prefixes)
        else:
            self._refuse(batch)

    def _refuse(self, batch: Batch) -> None:
        prefix, peer = batch.prefixes[0], batch.peers[0]
        if batch.action is Action.ANNOUNCE:
            self.refused.add((peer, prefix))
        else:
            self.held.get(peer, set()).discard(prefix)

    # -- End-of-RIB -----------------------------------------------------------------------------------------------

    def settled(self, family: Family) -> bool:
        """Everything of the family was acknowledged."""
        queues = (self.dirty, self.busy, *(batch.prefixes for batch in self.retries))
        return not any(family_of(prefix) is family for queue in queues for prefix in queue)

    def next_end_of_rib(self) -> tuple[Address, str] | None:
        """The session that gets its End-of-RIB now, and the line. ExaBGP sends it after all routes it has queued."""
        for peer in sorted(self.end_of_rib_due, key=str):
            if peer in self.held and self.settled(family_of(peer)):
                self.end_of_rib_due.discard(peer)
                self.ended.add(peer)
                return peer, end_of_rib_line(peer)
        return None

    def held_by(self, peer: Address) -> frozenset[Prefix]:
        """What ExaBGP is known to hold for a session."""
        return frozenset(self.held.get(peer, ()))

    def announced(self) -> list[Prefix]:
        """What at least one session's peer is known to be told."""
        return sorted(
            {prefix for held in self.held.values() for prefix in held},
            key=lambda prefix: (prefix.version, prefix.network_address.packed, prefix.prefixlen),
        )
