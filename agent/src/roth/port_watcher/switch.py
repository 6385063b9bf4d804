"""Open vSwitch on this host, as the watcher knows it: which ports it has, and since when it says so or says nothing."""

from __future__ import annotations

from dataclasses import replace

from ..log import log
from ..timers import Clock
from .following import Heard, Lost
from .presence import Presence
from .status import SwitchState


class Switch:
    """`state` is None where no database is followed."""

    def __init__(self, target: str, clock: Clock) -> None:
        self.clock = clock
        self.presence = Presence()
        self.state = SwitchState(target, False, clock.wall(), "not heard of yet") if target else None

    def heard(self, heard: Heard) -> bool:
        """What the database says of its ports, or that it is silent, which changes nothing. Whether it was news."""
        state = self.state
        if state is None:
            return False
        if isinstance(heard, Lost):
            if state.connected or state.text != heard.text:
                log("switch_lost", "warning", target=state.target, reason=heard.text)
            since = self.clock.wall() if state.connected else state.since
            self.state = replace(state, connected=False, since=since, text=heard.text)
            return False
        if not state.connected:
            log("switch_followed", target=state.target, ports=len(heard))
            state = replace(state, connected=True, since=self.clock.wall(), text="")
        self.state = replace(state, ports=len(heard))
        before, self.presence.ports = self.presence.ports, heard
        return heard != before
