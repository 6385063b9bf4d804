"""The agent's side of ExaBGP: what is asked, said and understood on one connection. No I/O: lines go to `send`.

A survey (neighbors, what they sent, what they are told) is the base of everything: after connecting, whenever a session
comes up, after a refused line, and now and then. Only a session that a survey has seen established, and that holds all
it should, gets its End-of-RIB.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .announcer import Announcer, Batch
from .config import Config
from .conversation import Command, Conversation
from .exabgp_api import (
    NEIGHBORS,
    RIB_IN,
    RIB_OUT,
    EndOfRib,
    Message,
    Neighbors,
    RibRoute,
    Session,
    Shutdown,
    Update,
    decode,
    is_foreign_update,
)
from .kernel.model import Address
from .log import log
from .sessions import Sessions
from .timers import Clock, Timers

AUDIT = 300.0  # seconds between surveys without any cause
UNLISTED = 10.0  # seconds between surveys while ExaBGP lacks one of our sessions: its configuration may follow ours
RESURVEY = 1.0  # seconds after a refused line
ANSWER = 30.0  # seconds until an unanswered command means that the connection is broken


class Speaker:
    """Keeps ExaBGP's announcements equal to `announcer.desired`, and `sessions` up to date.

    `ready` must become true (the kernel has been read) before anything is announced or ended. `changed` is called when
    sessions or imports changed; `send` takes complete lines.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        timers: Timers,
        send: Callable[[list[str]], None],
        changed: Callable[[], None],
    ) -> None:
        self.asn = config.asn
        self.clock, self.timers, self.send, self.changed = clock, timers, send, changed
        self.sessions = Sessions(config)
        self.announcer = Announcer(_local_addresses(config))
        self.conversation = Conversation()
        self.imports = [str(prefix) for prefix in config.imports]
        self.connected = False
        self.ready = False
        self.last_refusal: tuple[float, str] | None = None
        self._surveying = False
        self._survey_due = False
        self._touched = False  # an event came in while the survey's answers did: they may be older than it

    def reconfigure(self, config: Config) -> None:
        """Sessions or imports changed."""
        self.sessions.reconfigure(config, self.clock.monotonic())
        self.announcer.set_peers(_local_addresses(config))
        self.imports = [str(prefix) for prefix in config.imports]
        self.survey()

    # -- the connection -------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """A connection to the bridge stands."""
        self.connected = True
        self.conversation.reset()
        self.announcer.disconnected()
        self._surveying = False
        self.sessions.connected(self.clock.monotonic())
        self.survey()

    def disconnect(self) -> None:
        """It broke: nothing is known of ExaBGP, and nothing is concluded from that."""
        if not self.connected:
            return
        self.connected = self._surveying = False
        self.conversation.reset()
        self.announcer.disconnected()
        self.sessions.disconnected(self.clock.monotonic(), self.clock.wall())
        self.changed()

    def broken(self) -> str | None:
        """Why the connection must be made anew: ExaBGP hasn't answered for too long, or answers something else."""
        if not self.connected:
            return None
        if self.conversation.out_of_step:
            return "an answer to another question from ExaBGP"
        return "no answer from ExaBGP" if self.conversation.overdue(self.clock.monotonic(), ANSWER) else None

    def tick(self) -> None:
        """About once a second: grace periods end."""
        if self.connected and self.sessions.expire(self.clock.monotonic(), self.clock.wall()):
            self.changed()

    # -- surveys --------------------------------------------------------------------------------------------------

    def survey(self) -> None:
        """Ask ExaBGP for its whole state; a survey that is under way is followed by another."""
        self._survey_due = True
        self.pump()

    def _start_survey(self) -> None:
        self._survey_due, self._surveying, self._touched = False, True, False
        self.conversation.ask(Command(NEIGHBORS, self._neighbors))

    def _neighbors(self, ok: bool, replies: list[Message]) -> None:
        found = next((reply for reply in replies if isinstance(reply, Neighbors)), None)
        if not ok or found is None:
            self._survey_failed(NEIGHBORS)
            return
        self.conversation.ask(Command(RIB_IN, partial(self._rib_in, found)))

    def _rib_in(self, neighbors: Neighbors, ok: bool, replies: list[Message]) -> None:
        if not ok:
            self._survey_failed(RIB_IN)
            return
        if self._touched:
            self._start_survey()
            return
        routes = [reply for reply in replies if isinstance(reply, RibRoute)]
        self.sessions.listed(neighbors, routes, self.clock.monotonic(), self.clock.wall())
        self.changed()
        self.conversation.ask(Command(RIB_OUT, partial(self._rib_out, neighbors)))

    def _rib_out(self, neighbors: Neighbors, ok: bool, replies: list[Message]) -> None:
        self._surveying = False
        if not ok:
            self._survey_failed(RIB_OUT)
            return
        routes = [reply for reply in replies if isinstance(reply, RibRoute)]
        self.announcer.holds([peer for peer, _established in neighbors.established], routes)
        if self._touched:
            self._survey_due = True
        else:
            for peer, established in neighbors.established:
                if established:
                    self.announcer.established(peer)
        self.timers.later("survey", UNLISTED if self.sessions.unlisted else AUDIT, self.survey)

    def _survey_failed(self, line: str) -> None:
        self._surveying = False
        log("survey_failed", "warning", command=line)
        self.timers.later("survey", RESURVEY, self.survey)

    # -- what ExaBGP says -----------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """One line from ExaBGP. Never raises for its content."""
        if is_foreign_update(text, self.imports):
            return
        if not text.startswith("{"):  # events are no answers
            self.conversation.heard(self.clock.monotonic())
        if self._is_foreign_import(text):
            return
        message = decode(text)
        if isinstance(message, Session):
            self._session(message)
        elif isinstance(message, Update):
            self._touched = True
            if self.sessions.update(message):
                self.changed()
        elif isinstance(message, EndOfRib):
            self.sessions.end_of_rib(message)
            self.changed()
        elif isinstance(message, Shutdown):
            log("exabgp_stops", "warning")
        else:
            self.conversation.receive(message, self.clock.monotonic())
            self.pump()

    def _is_foreign_import(self, text: str) -> bool:
        """A line of `show adj-rib in` about a prefix we don't import: a full table must cost next to nothing."""
        asked = text.startswith("neighbor ") and self.conversation.asked() == RIB_IN
        return asked and not any(f" {prefix} " in text for prefix in self.imports)

    def _session(self, event: Session) -> None:
        if not self.sessions.session(event, self.clock.monotonic(), self.clock.wall()):
            return
        self._touched = True
        log("session", peer=event.peer, state="established" if event.up else "down", reason=event.reason or "-")
        self.announcer.lost(event.peer)
        if event.up:
            self.survey()
        self.changed()

    # -- what we say ----------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Send what may be sent now."""
        if not self.connected:
            return
        if self._survey_due and not self._surveying:
            self._start_survey()
        now = self.clock.monotonic()
        lines = self.conversation.take_waiting(now)
        room = self.conversation.room()
        if room and self.ready:
            for batch in self.announcer.next_batches(room):
                lines.append(self.conversation.sent(Command(batch.line(self.asn), partial(self._answered, batch)), now))
            lines += self._end_of_rib(now)
        if lines:
            self.send(lines)

    def _end_of_rib(self, now: float) -> list[str]:
        if self.conversation.flight or self._surveying:
            return []
        due = self.announcer.next_end_of_rib()
        if due is None:
            return []
        peer, line = due
        return [self.conversation.sent(Command(line, partial(self._ended, peer), alone=True), now)]

    def _ended(self, peer: Address, ok: bool, _replies: list[Message]) -> None:
        if not ok:  # the session has just gone down: the survey after it is up makes it due again
            self.announcer.lost(peer)
        log("end_of_rib", peer=peer, accepted=ok, prefixes=len(self.announcer.held_by(peer)))

    def _answered(self, batch: Batch, ok: bool, _replies: list[Message]) -> None:
        self.announcer.answered(batch, ok)
        if ok:
            return
        if len(batch.prefixes) == 1:
            text = f"ExaBGP refused to {batch.action.value} {batch.prefixes[0]} to {', '.join(map(str, batch.peers))}"
            self.last_refusal = (self.clock.wall(), text)
            log("line_refused", "warning", action=batch.action.value, prefix=batch.prefixes[0])
        self.timers.later("survey", RESURVEY, self.survey)


def _local_addresses(config: Config) -> dict[Address, Address]:
    return {address: peer.local_address for address, (_uplink, peer) in config.peers().items()}
