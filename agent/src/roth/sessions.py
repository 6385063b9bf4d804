"""What is known of each BGP session and of the routes its peer sent. Pure: the time is an argument.

Missing information is not "down": a session that this ExaBGP has not yet been seen to establish is unknown for a grace
period, since ExaBGP may just have been started.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from .config import Config
from .exabgp_api import EndOfRib, Neighbors, RibRoute, Session, Update, why_down
from .kernel.model import Address, Prefix

GRACE = 30.0  # seconds an unseen session stays unknown; also how long a missing End-of-RIB is waited for

OWN_SHUTDOWN = "shutting down"  # in the reason ExaBGP gives for each session when it is stopped (reactor/peer.py)


class SessionState(Enum):
    """As `roth status` prints it."""

    ESTABLISHED = "established"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass
class PeerState:
    """One session. `since` is wall-clock seconds of the last change of state, `deadline` monotonic seconds; `reason` is
    why it ended last (attempts since then don't count)."""

    state: SessionState = SessionState.UNKNOWN
    since: float | None = None
    deadline: float = 0.0
    end_of_rib: bool = False
    reason: str = ""
    received: set[Prefix] = field(default_factory=set)
    rejected: dict[Prefix, str] = field(default_factory=dict)


class Sessions:
    """Sessions by their peer's address, as the configuration lists them."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.peers = {address: PeerState() for address in config.peers()}
        self.unlisted: set[Address] = set()  # configured here, but not in ExaBGP

    def reconfigure(self, config: Config, now: float) -> None:
        """Keep what is known of sessions that stay; new ones get their grace period."""
        self.config = config
        self.peers = {address: self.peers.get(address) or PeerState(deadline=now + GRACE) for address in config.peers()}
        self.unlisted &= set(self.peers)

    def connected(self, now: float) -> None:
        """ExaBGP can be asked from now on: the grace period of what isn't known starts."""
        for peer in self.peers.values():
            if peer.state is SessionState.UNKNOWN:
                peer.deadline = now + GRACE

    def _become(self, peer: PeerState, state: SessionState, now: float, wall: float) -> None:
        if peer.state is not state:
            peer.state, peer.since = state, wall
        peer.deadline = now + GRACE

    def disconnected(self, now: float, wall: float) -> None:
        """ExaBGP can't be asked: nothing is known, and nothing is forgotten."""
        for peer in self.peers.values():
            self._become(peer, SessionState.UNKNOWN, now, wall)

    def listed(self, answer: Neighbors, routes: Iterable[RibRoute], now: float, wall: float) -> None:
        """ExaBGP's neighbors and what it received (`show adj-rib in`), asked together."""
        established = dict(answer.established)
        self.unlisted = set(self.peers) - set(established)
        received = list(routes)
        for address, peer in self.peers.items():
            if not established.get(address):
                if peer.state is SessionState.ESTABLISHED:
                    self._down(peer, now, wall)
                continue
            if peer.state is not SessionState.ESTABLISHED:
                peer.end_of_rib = False  # it may be a new session, whose peer has yet to speak
                self._become(peer, SessionState.ESTABLISHED, now, wall)
            peer.received.clear()
            peer.rejected.clear()
            for route in received:
                if route.peer == address:
                    hops = (route.next_hop,) if route.next_hop else ()
                    self._import(address, peer, route.prefix, hops, route.as_path)

    def _down(self, peer: PeerState, now: float, wall: float) -> None:
        self._become(peer, SessionState.DOWN, now, wall)
        peer.received.clear()
        peer.rejected.clear()
        peer.end_of_rib = False

    def session(self, event: Session, now: float, wall: float) -> bool:
        """A session came up or went down; True when that is news. Attempts that fail are no news."""
        peer = self.peers.get(event.peer)
        if peer is None:
            return False
        if event.up:
            peer.received.clear()  # ExaBGP forgets what it had, too
            peer.rejected.clear()
            peer.end_of_rib = False
            peer.state = SessionState.UNKNOWN
            self._become(peer, SessionState.ESTABLISHED, now, wall)
            return True
        if peer.state is not SessionState.ESTABLISHED:
            return False
        peer.reason = why_down(event.reason)
        if OWN_SHUTDOWN in event.reason:
            self._become(peer, SessionState.UNKNOWN, now, wall)  # ExaBGP stops: that says nothing about the path
        else:
            self._down(peer, now, wall)
        return True

    def update(self, event: Update) -> bool:
        """Routes of a peer; True when an import changed."""
        peer = self.peers.get(event.peer)
        if peer is None:
            return False
        before = set(peer.received)
        for prefix in event.withdrawn:
            peer.received.discard(prefix)
            peer.rejected.pop(prefix, None)
        for prefix, hops in event.announced:
            self._import(event.peer, peer, prefix, hops, event.as_path)
        return before != peer.received

    def end_of_rib(self, event: EndOfRib) -> None:
        """The peer has no more to say: an absent default is absent."""
        if event.peer in self.peers:
            self.peers[event.peer].end_of_rib = True

    def _import(
        self, address: Address, peer: PeerState, prefix: Prefix, hops: tuple[Address, ...], as_path: tuple[int, ...]
    ) -> None:
        if prefix not in self.config.imports:
            return
        reason = None
        if self.config.asn in as_path:
            reason = f"our own AS {self.config.asn} is in the path {' '.join(map(str, as_path))}"
        elif not any(hop == address or hop.is_link_local for hop in hops):
            reason = f"next hop {', '.join(map(str, hops)) or 'none'} is not the session's peer"
        if reason:
            peer.rejected[prefix] = reason
            peer.received.discard(prefix)
        else:
            peer.rejected.pop(prefix, None)
            peer.received.add(prefix)

    def expire(self, now: float, wall: float) -> bool:
        """The grace period of sessions that never came up ends; True when one did. Call only while connected."""
        changed = False
        for peer in self.peers.values():
            if now < peer.deadline:
                continue
            if peer.state is SessionState.UNKNOWN:
                self._down(peer, now, wall)
                changed = True
            elif peer.state is SessionState.ESTABLISHED and not peer.end_of_rib:
                peer.end_of_rib = changed = True  # a peer without End-of-RIB has said all by now
        return changed

    def alarms(self) -> list[str]:
        """What an operator must know."""
        alarms = [f"{peer} is not configured in ExaBGP" for peer in sorted(self.unlisted, key=str)]
        for address, peer in self.peers.items():
            alarms += [f"{prefix} from {address} refused: {reason}" for prefix, reason in peer.rejected.items()]
        return alarms
