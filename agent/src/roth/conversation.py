"""Which answer belongs to which command: ExaBGP answers bare `done`/`error`, in order, without an id. Pure.

Two kinds of commands. Most are queued inside ExaBGP and answered in order. A few (`announce eor` above all) are
looked at at once and their `error` overtakes what is queued (reactor/api/command/announce.py): those are sent alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .exabgp_api import NEIGHBORS, RIB_IN, RIB_OUT, Answer, Message, Neighbors, RibRoute

_QUESTIONS: dict[type, tuple[str, ...]] = {Neighbors: (NEIGHBORS,), RibRoute: (RIB_IN, RIB_OUT)}
"""What must have been asked for such a message to be its answer."""

WINDOW = 8  # unanswered commands; more than that and ExaBGP's pipes fill


@dataclass(eq=False)
class Command:
    """A line for ExaBGP; `finish(ok, replies)` is called with its answer."""

    line: str
    finish: Callable[[bool, list[Message]], None]
    alone: bool = False
    replies: list[Message] = field(default_factory=list)


class Conversation:
    """Commands in flight. `synchronised` is false until ExaBGP has answered our first question.

    An API process that replaces a dead one gets the answers to its predecessor's commands. So the first command on a
    connection is `show neighbor json`, whose answer alone starts with `[`; every `done` before that is someone else's.
    """

    def __init__(self) -> None:
        self.flight: deque[Command] = deque()
        self.waiting: deque[Command] = deque()
        self.synchronised = False
        self.out_of_step = False  # an answer came that the oldest command can't have: nothing can be told apart now
        self.since = 0.0  # monotonic time of the last sign of life about the oldest command

    def reset(self) -> None:
        """A new connection: nothing is in flight."""
        self.flight.clear()
        self.waiting.clear()
        self.synchronised = self.out_of_step = False

    def ask(self, command: Command) -> None:
        """Queue a command before any route command."""
        self.waiting.append(command)

    def room(self) -> int:
        """How many more commands may be sent now."""
        if self.waiting or self.out_of_step or not self.synchronised or any(command.alone for command in self.flight):
            return 0
        return WINDOW - len(self.flight)

    def sent(self, command: Command, now: float) -> str:
        """Count a command as sent; returns its line."""
        if not self.flight:
            self.since = now
        self.flight.append(command)
        return command.line

    def take_waiting(self, now: float) -> list[str]:
        """Lines of queued commands that may go out now."""
        lines = []
        while self.waiting and len(self.flight) < WINDOW and not self.out_of_step:
            if self.flight and (self.waiting[0].alone or self.flight[-1].alone or not self.synchronised):
                break
            lines.append(self.sent(self.waiting.popleft(), now))
        return lines

    def receive(self, message: Message, now: float) -> None:
        """Give an answer, or a part of one, to the oldest command."""
        if isinstance(message, Neighbors) and self.asked() == NEIGHBORS:
            self.synchronised = True
        if not self.synchronised or self.out_of_step:
            return
        if type(message) in _QUESTIONS and self.asked() not in _QUESTIONS[type(message)]:
            self.out_of_step = True
            return
        if not self.flight:
            return
        oldest = self.flight[0]
        if isinstance(message, Answer):
            self.flight.popleft()
            self.since = now
            oldest.finish(message.ok, oldest.replies)
        elif isinstance(message, (Neighbors, RibRoute)):
            oldest.replies.append(message)

    def heard(self, now: float) -> None:
        """A part of an answer, whatever it says: ExaBGP is at work on the oldest command."""
        self.since = now

    def asked(self) -> str | None:
        """The command whose answer is coming in."""
        return self.flight[0].line if self.flight else None

    def overdue(self, now: float, seconds: float) -> bool:
        """True when nothing of the oldest command's answer has come for longer than `seconds`."""
        return bool(self.flight) and now - self.since > seconds
