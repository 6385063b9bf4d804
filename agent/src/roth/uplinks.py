"""Which uplinks carry the default: a vote of session, received default, BFD and carrier. Pure. Fails static."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_network

from .config import Config, Uplink
from .kernel.model import Address, Family, Prefix
from .sessions import GRACE, PeerState, SessionState

DEFAULT: dict[Family, Prefix] = {Family.IPV4: ip_network("0.0.0.0/0"), Family.IPV6: ip_network("::/0")}


class BfdState(Enum):
    """A BFD session as bfdd reports it (RFC 5880); UNKNOWN when bfdd can't be asked or has no such peer."""

    UP = "up"
    DOWN = "down"
    INIT = "init"
    ADMIN_DOWN = "admin-down"
    UNKNOWN = "unknown"


class Vote(Enum):
    """KEEP: no knowledge that would justify a change."""

    IN = "in"
    OUT = "out"
    KEEP = "keep"


@dataclass
class BfdMemory:
    """BFD states by peer. A peer has a say only after *this* bfdd has reported it up once (its restart starts down).

    `absent` holds, for peers that bfdd doesn't know or while it can't be asked, monotonic seconds since when.
    """

    states: dict[Address, BfdState] = field(default_factory=dict)
    seen_up: set[Address] = field(default_factory=set)
    connected: bool = False
    absent: dict[Address, float] = field(default_factory=dict)

    def expect(self, peers: Iterable[Address], now: float) -> None:
        """The peers we want to know about."""
        self.absent = {peer: self.absent.get(peer, now) for peer in peers if peer not in self.states}

    def report(self, states: Mapping[Address, BfdState], now: float) -> None:
        """All of bfdd's peers, as of now."""
        expected = {*self.absent, *self.states}
        self.connected = True
        self.states = dict(states)
        self.seen_up &= states.keys()  # a peer that was removed and added again starts down
        self.seen_up |= {peer for peer, state in states.items() if state is BfdState.UP}
        self.expect(expected, now)

    def lost(self, now: float) -> None:
        """bfdd is gone, or was restarted: no opinion on anything."""
        expected = {*self.absent, *self.states}
        self.connected = False
        self.states.clear()
        self.seen_up.clear()
        self.expect(expected, now)

    def state(self, peer: Address) -> BfdState:
        """What is known."""
        return self.states.get(peer, BfdState.UNKNOWN)

    def vote(self, peer: Address, now: float) -> Vote:
        """IN when up; OUT when it was up and isn't; KEEP while bfdd has yet to see it up.

        AdminDown says nothing about the path (RFC 5882, section 3.2). A bfdd that can't be asked, or doesn't know the
        peer, changes nothing for a grace period; after that a missing BFD doesn't keep an uplink out any more.
        """
        state = self.state(peer)
        if state in (BfdState.UP, BfdState.ADMIN_DOWN):
            return Vote.IN
        if state is BfdState.UNKNOWN:
            return Vote.IN if now - self.absent.get(peer, now) > GRACE else Vote.KEEP
        return Vote.OUT if peer in self.seen_up else Vote.KEEP


def session_vote(peer: PeerState, default: Prefix) -> Vote:
    """OUT when the session is down, or is up and its peer has said all without a default."""
    if peer.state is SessionState.UNKNOWN:
        return Vote.KEEP
    if peer.state is SessionState.DOWN:
        return Vote.OUT
    if default in peer.received:
        return Vote.IN
    return Vote.OUT if peer.end_of_rib else Vote.KEEP


@dataclass(frozen=True)
class Decision:
    """The uplinks (by name, in the configuration's order) of one family's group."""

    members: tuple[str, ...]
    fail_static: bool = False
    alarm: str | None = None


def decide(
    config: Config,
    family: Family,
    current: tuple[str, ...],
    peers: Mapping[Address, PeerState],
    bfd: BfdMemory,
    carrier: Mapping[str, bool],
    now: float,
    damped: Collection[str] = (),
    drained: Collection[str] = (),
) -> Decision:
    """The group's members. `carrier` has the uplinks that exist; `current` is what is in the kernel, or should be;
    `damped` uplinks come and go, and are used only where nothing else is left.

    A drained uplink is no member as long as another one can be: its ToR may be up or not.

    When all would leave and it isn't because every ToR has withdrawn its default, the last group stays: both paths dead
    at once is more often a starved host than the truth, and an empty group forwards nothing either way.
    """
    wanted: list[str] = []
    spare: list[str] = []
    withdrawn = True
    static = False
    for uplink in config.uplinks:
        peer = uplink.peer(family)
        if peer is None:
            continue
        votes = _votes(uplink, peer.address, family, peers, bfd, carrier, now)
        was = uplink.name in current
        if Vote.OUT not in votes and (was or Vote.KEEP not in votes):
            (spare if uplink.name in drained else wanted).append(uplink.name)
            static = static or Vote.KEEP in votes
        told = peers[peer.address]
        withdrawn = withdrawn and told.state is SessionState.ESTABLISHED and votes[0] is Vote.OUT
    wanted = [name for name in wanted if name not in damped] or wanted or spare
    if wanted or withdrawn:
        return Decision(tuple(wanted), static)
    kept = tuple(
        uplink.name
        for uplink in config.uplinks
        if uplink.peer(family) and uplink.name in current and carrier.get(uplink.name)
    )
    if not kept:
        return Decision((), False)
    return Decision(kept, True, f"no uplink is usable for {DEFAULT[family]}: keeping {', '.join(kept)}")


def usable(
    uplink: Uplink,
    peers: Mapping[Address, PeerState],
    bfd: BfdMemory,
    carrier: Mapping[str, bool],
    now: float,
) -> bool:
    """Whether nothing speaks against the uplink, in neither of its families."""
    return not any(
        Vote.OUT in _votes(uplink, peer.address, peer.family, peers, bfd, carrier, now) for peer in uplink.peers
    )


def _votes(
    uplink: Uplink,
    address: Address,
    family: Family,
    peers: Mapping[Address, PeerState],
    bfd: BfdMemory,
    carrier: Mapping[str, bool],
    now: float,
) -> tuple[Vote, Vote, Vote]:
    told = peers[address]
    session = session_vote(told, DEFAULT[family])
    liveness = bfd.vote(address, now) if uplink.bfd else Vote.IN
    link = Vote.IN if carrier.get(uplink.name) else Vote.OUT
    return session, liveness, link
