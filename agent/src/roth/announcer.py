"""Desired announcements against what ExaBGP holds, as command lines. Pure: no clock, no socket.

What ExaBGP holds is kept for each peer, because peers differ: a neighbor that was removed and added again comes back
with nothing. A line names all the peers that need it with the same attributes.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from .attributes import (
    PLAIN,
    Treatment,
    attributes,
    is_preferred,
    kind_of,
    next_like,
    next_mark,
    next_other,
    next_treatment,
    treatment_of,
)
from .exabgp_api import Action, RibRoute, end_of_rib_line, route_line
from .kernel.model import Address, Family, Prefix

MOST_UNHEARD = 10_000  # prefixes a session; ExaBGP's queue goes with each failed attempt to connect, so older ones too
LINE = 49  # prefixes a line: with its answer the 50 steps that ExaBGP 5.0.15 does at once (ASYNC.LIMIT)
FAMILIES = (Family.IPV4, Family.IPV6)


def family_of(value: Address | Prefix) -> Family:
    """The address family of an address or prefix."""
    return Family.IPV4 if value.version == 4 else Family.IPV6


@dataclass(frozen=True)
class Batch:
    """One line's worth: the same action and attributes (by their `mark`) for the same peers."""

    action: Action
    peers: tuple[Address, ...]
    prefixes: tuple[Prefix, ...]
    mark: int = 0

    def line(self, asn: int) -> str:
        """The command."""
        return route_line(self.action, self.peers, attributes(asn, self.mark), self.prefixes)


class Announcer:
    """Wants prefixes, knows what each peer holds, and says what to send next."""

    def __init__(self, peers: dict[Address, Address]) -> None:
        self.local = dict(peers)  # session's peer address -> our own address there
        self.desired: set[Prefix] = set()
        self.preferred: set[Prefix] = set()  # those of them that are preferred to other hosts' announcements
        self.refused: set[tuple[Address, Prefix]] = set()  # what ExaBGP won't announce to a peer
        self.held: dict[Address, dict[Prefix, int]] = {}  # by mark; peers ExaBGP knows; absent = not to be addressed
        self.marks: dict[Address, int] = {}  # of each of these peers: the highest number it was told, and its treatment
        self.aims: dict[Address, Treatment] = {}  # what the marks are to come to; absent = PLAIN
        self.dirty: dict[Prefix, None] = {}  # insertion-ordered set: prefixes to compare
        self.busy: Counter[Prefix] = Counter()  # lines with no good answer yet that name it
        self.retries: deque[Batch] = deque()
        self.end_of_rib_due: set[Address] = set()
        self.ended: set[Address] = set()  # sessions that have had theirs
        self.unheard: dict[Address, dict[Prefix, None]] = {}  # withdrawn while a session had not

    # -- what is wanted -------------------------------------------------------------------------------------------

    def change(self, prefix: Prefix, wanted: bool, preferred: bool = False) -> None:
        """One prefix is, or is no longer, to be announced, and `preferred` to what other hosts announce."""
        preferred = preferred and wanted
        if wanted == (prefix in self.desired) and preferred == (prefix in self.preferred):
            return
        (self.preferred.add if preferred else self.preferred.discard)(prefix)
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
        self.marks = {peer: mark for peer, mark in self.marks.items() if peer in self.local}
        self.end_of_rib_due &= set(self.local)
        self.ended &= set(self.local)
        self.unheard = {peer: unheard for peer, unheard in self.unheard.items() if peer in self.local}

    # -- how it is announced ----------------------------------------------------------------------------------------

    def aim(self, aims: Mapping[Address, Treatment]) -> None:
        """How each peer is to be treated in the end; peers with a session go there by `advance`."""
        self.aims = dict(aims)

    def aim_of(self, peer: Address) -> Treatment:
        """How a peer is to be treated."""
        return self.aims.get(peer, PLAIN)

    def treatment(self, peer: Address) -> Treatment | None:
        """How a peer is treated now; None while that isn't known."""
        return treatment_of(self.marks[peer]) if peer in self.marks else None

    def advance(self, peer: Address) -> bool:
        """One step of a peer towards its aim: all its prefixes are announced again. False when it is there already."""
        current = self.treatment(peer)
        if current is None or current == self.aim_of(peer):
            return False
        self.marks[peer] = next_mark(self.marks[peer], next_treatment(current, self.aim_of(peer)))
        self.dirty.update(dict.fromkeys(prefix for prefix in self.desired if prefix.version == peer.version))
        return True

    def arrived(self, peer: Address) -> bool:
        """Whether ExaBGP has all of a peer's prefixes as they are to be in the end."""
        aim, held = self.aim_of(peer), set(self.held.get(peer, {}).values())
        return self.treatment(peer) == aim and all(treatment_of(mark) == aim for mark in held)

    # -- what ExaBGP holds ----------------------------------------------------------------------------------------

    def disconnected(self) -> None:
        """Nothing is known of ExaBGP any more."""
        self.held.clear()
        self.marks.clear()
        self.busy.clear()
        self.retries.clear()
        self.refused.clear()
        self.end_of_rib_due.clear()
        self.ended.clear()
        self.unheard.clear()
        self.dirty = dict.fromkeys(self.desired)

    def holds(self, known: Iterable[Address], routes: Iterable[RibRoute]) -> None:
        """ExaBGP's answer to `show adj-rib out`; `known` are the neighbors it has.

        A route with a next hop or attributes that aren't ours counts as not held, so it is announced again."""
        now: dict[Address, dict[Prefix, int]] = {peer: {} for peer in known if peer in self.local}
        foreign: list[tuple[Address, Prefix]] = []
        for route in routes:
            if route.peer in now and route.next_hop == self.local[route.peer] and route.mark is not None:
                now[route.peer][route.prefix] = route.mark
            elif route.peer in now and route.prefix not in self.desired:
                foreign.append((route.peer, route.prefix))
        for peer, prefix in foreign:
            now[peer][prefix] = 0  # not wanted at all: must be withdrawn, whatever its next hop
        for peer, held in now.items():
            self._learn_mark(peer, held)
            kinds = {prefix: kind_of(mark) for prefix, mark in held.items()}
            plain, preferred = (kind_of(next_like(self.marks[peer], each)) for each in (False, True))
            wanted = {
                prefix: preferred if prefix in self.preferred else plain
                for prefix in self.desired
                if prefix.version == peer.version
            }
            self.dirty.update(dict.fromkeys(prefix for prefix, _kind in wanted.items() ^ kinds.items()))
        self.held = now
        for peer in self.ended & now.keys():
            self._withdraw_again(peer)

    def _learn_mark(self, peer: Address, held: Mapping[Prefix, int]) -> None:
        """Go on where ExaBGP stands, which another agent may have told it. One that holds nothing is told the aim at
        once: its session is new, and the switch forgets what it kept of the one before."""
        highest = max(held.values(), default=0)
        if peer in self.marks:
            self.marks[peer] = max(self.marks[peer], next_mark(highest, treatment_of(self.marks[peer])))
        else:
            self.marks[peer] = highest if held else next_mark(0, self.aim_of(peer))

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
        """At most `room` lines; they count as sent. While others are unanswered only full ones: a line costs ExaBGP as
        much as a dozen prefixes, and the answer comes in a few ms."""
        batches: list[Batch] = []
        while self.retries and len(batches) < room:
            batch = self.retries.popleft()
            marks = {
                next_like(self.marks[peer], is_preferred(batch.mark)) for peer in batch.peers if peer in self.marks
            }
            if {kind_of(mark) for mark in marks} == {kind_of(batch.mark)} and len(marks) == 1:
                batches.append(self._numbered(batch, marks.pop()))
            else:  # the peers are treated otherwise by now
                self._not_busy(batch)
                self.dirty.update(dict.fromkeys(batch.prefixes))
        if len(batches) < room and self.dirty:
            fresh = self._fill(room - len(batches), full_only=bool(self.busy))
            for batch in sorted(fresh, key=lambda batch: batch.mark):  # a lower number is never used after a higher one
                self.busy.update(batch.prefixes)
                batches.append(self._numbered(batch, batch.mark))
        return batches

    def _numbered(self, batch: Batch, mark: int) -> Batch:
        """A batch that is sent with this number."""
        self.marks.update(dict.fromkeys(batch.peers, mark))
        return replace(batch, mark=mark)

    def _not_busy(self, batch: Batch) -> None:
        self.busy.subtract(batch.prefixes)
        for prefix in batch.prefixes:
            if self.busy[prefix] <= 0:
                del self.busy[prefix]

    def _fill(self, room: int, full_only: bool) -> list[Batch]:
        full: list[Batch] = []
        open_lines: dict[tuple[Action, int, tuple[Address, ...]], list[Prefix]] = {}
        for prefix in list(self.dirty):
            if prefix in self.busy:
                continue
            del self.dirty[prefix]
            for action, mark, peers in self._needed(prefix):
                line = open_lines.setdefault((action, mark, peers), [])
                line.append(prefix)
                if len(line) == LINE:
                    full.append(Batch(action, peers, tuple(line), mark))
                    del open_lines[action, mark, peers]
            if len(full) >= room:
                break
        while len(full) > room:
            self.dirty.update(dict.fromkeys(full.pop().prefixes))
        for (action, mark, peers), line in open_lines.items():
            if len(full) < room and not full_only:
                full.append(Batch(action, peers, tuple(line), mark))
            else:
                self.dirty.update(dict.fromkeys(line))
        return full

    def _needed(self, prefix: Prefix) -> list[tuple[Action, int, tuple[Address, ...]]]:
        """The lines that bring all peers up to date about a prefix: one for those with the same attributes."""
        wanted, preferred = prefix in self.desired, prefix in self.preferred
        peers: dict[int, list[Address]] = {}
        for peer, held in self.held.items():
            if peer.version != prefix.version or (self.refused and (peer, prefix) in self.refused):
                continue
            mark, known = self.marks[peer], held.get(prefix)
            if wanted:
                mark = next_like(mark, preferred) if known is None else next_other(mark, preferred)
            if (known if known is None else kind_of(known)) != (kind_of(mark) if wanted else None):
                peers.setdefault(mark, []).append(peer)
        action = Action.ANNOUNCE if wanted else Action.WITHDRAW
        return [(action, mark, tuple(each)) for mark, each in peers.items()]

    def answered(self, batch: Batch, ok: bool) -> None:
        """ExaBGP took a line, or refused it: then find the culprit by halves."""
        self._not_busy(batch)
        if ok:
            for peer in batch.peers:
                held = self.held.get(peer)
                if held is not None and batch.action is Action.ANNOUNCE:
                    held.update(dict.fromkeys(batch.prefixes, batch.mark))
                elif held is not None:
                    self._withdrawn(peer, batch.prefixes)
            wanted = batch.action is Action.ANNOUNCE
            self.dirty.update(dict.fromkeys(it for it in batch.prefixes if (it in self.desired) is not wanted))
        elif len(batch.prefixes) > 1:
            middle = len(batch.prefixes) // 2
            for part in (batch.prefixes[:middle], batch.prefixes[middle:]):
                self.retries.append(replace(batch, prefixes=part))
                self.busy.update(part)
        elif len(batch.peers) > 1:
            self.retries.extend(replace(batch, peers=(peer,)) for peer in batch.peers)
            for _peer in batch.peers:
                self.busy.update(batch.prefixes)
        else:
            self._refuse(batch)

    def _withdrawn(self, peer: Address, prefixes: Iterable[Prefix]) -> None:
        unheard = self.unheard.setdefault(peer, {})
        for prefix in prefixes:
            self.held[peer].pop(prefix, None)
            if peer in self.ended:
                unheard.pop(prefix, None)
            else:
                unheard[prefix] = None
                if len(unheard) > MOST_UNHEARD:
                    del unheard[next(iter(unheard))]

    def _withdraw_again(self, peer: Address) -> None:
        """ExaBGP's first flush of a session has no withdrawals: the peer may have what was withdrawn before."""
        for prefix in self.unheard.get(peer, ()):
            if prefix not in self.desired and prefix not in self.held[peer]:
                self.held[peer][prefix] = self.marks[peer]
                self.dirty[prefix] = None

    def _refuse(self, batch: Batch) -> None:
        prefix, peer = batch.prefixes[0], batch.peers[0]
        if batch.action is Action.ANNOUNCE:
            self.refused.add((peer, prefix))
        else:
            self.held.get(peer, {}).pop(prefix, None)

    # -- End-of-RIB -----------------------------------------------------------------------------------------------

    def settled(self, family: Family) -> bool:
        """Everything of the family was acknowledged."""
        queues: tuple[Iterable[Prefix], ...] = (self.dirty, self.busy, *(batch.prefixes for batch in self.retries))
        return not any(family_of(prefix) is family for queue in queues for prefix in queue)

    def next_end_of_rib(self) -> tuple[Address, str] | None:
        """The session that gets its End-of-RIB now, and the line. ExaBGP sends it after all routes it has queued."""
        for peer in sorted(self.end_of_rib_due, key=str):
            if peer in self.held and self.settled(family_of(peer)):
                self.end_of_rib_due.discard(peer)
                self.ended.add(peer)
                self._withdraw_again(peer)
                return peer, end_of_rib_line(peer)
        return None

    def held_by(self, peer: Address) -> frozenset[Prefix]:
        """What ExaBGP is known to hold for a session."""
        return frozenset(self.held.get(peer, ()))

    def announced(self) -> list[Prefix]:
        """What at least one session's peer is known to be told."""
        return _in_order({prefix for held in self.held.values() for prefix in held})

    def told_preferred(self) -> list[Prefix]:
        """What at least one of them is known to be told to prefer."""
        told = {prefix for held in self.held.values() for prefix, mark in held.items() if is_preferred(mark)}
        return _in_order(told)


def _in_order(prefixes: set[Prefix]) -> list[Prefix]:
    return sorted(prefixes, key=lambda prefix: (prefix.version, prefix.network_address.packed, prefix.prefixlen))
