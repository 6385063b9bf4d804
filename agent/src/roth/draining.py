"""From the wanted state of drain.json to announcements, step by step, so that no router loses a packet on the way."""

from __future__ import annotations

from typing import Any

from .announcer import Announcer
from .config import Config, ConfigError, Uplink
from .drain import SHARED, Drain, fitting, load
from .kernel.model import Address, Prefix
from .log import log
from .timers import Clock


class Draining:
    """What is drained, and how far it has come. `given_up`: what a drained host's state lists is not announced.

    After each step the fabric's other routers get `settle` seconds to follow it. A new agent takes the last step for
    taken just now, and what is given up for given up: it announces nothing that its predecessor had withdrawn.
    """

    def __init__(self, path: str, config: Config, announcer: Announcer, clock: Clock) -> None:
        self.path, self.config, self.announcer, self.clock = path, config, announcer, clock
        self.drain = Drain()
        self.refusal: str | None = None
        self.taken: dict[Address, float] = {}  # monotonic seconds of each session's last step
        self._load()
        self.given_up = self.drain.host

    def _load(self) -> None:
        try:
            self.drain, self.refusal = load(self.path, self.config), None
        except ConfigError as error:
            self.drain, self.refusal = fitting(self.drain, self.config), f"drain refused: {error}"
            log("drain_refused", "error", reason=error)
        self.announcer.aim(self.drain.aims(self.config))

    def reload(self, config: Config) -> set[Prefix]:
        """Read the file again. Returns the prefixes that are to be judged again."""
        before, self.config = self.drain, config
        self._load()
        if before.host and not self.drain.host:
            # What the host takes back is announced first, and becomes attractive later.
            self.taken = dict.fromkeys(self.taken, self.clock.monotonic())
        self.given_up = self.given_up and self.drain.host
        if before != self.drain:
            log("drain", uplinks=",".join(sorted(self.drain.uplinks)) or "none", host=self.drain.host)
        return {*before.withdrawn, *self.drain.withdrawn, *self.step()}

    def step(self) -> frozenset[Prefix]:
        """Take the steps that are due. Returns the prefixes that are to be judged again."""
        now, announcer = self.clock.monotonic(), self.announcer
        waiting = False
        for peer in announcer.marks:
            due = now - self.taken.setdefault(peer, now) >= self.drain.settle
            if due and announcer.advance(peer):
                self.taken[peer] = now
                due = False
                log("drain_step", peer=peer, **vars(announcer.treatment(peer)))
            waiting = waiting or not due or not announcer.arrived(peer)
        if self.given_up or not self.drain.host or waiting or not announcer.marks:
            return frozenset()
        self.given_up = True
        return self.drain.withdrawn

    def reason_withheld(self, prefix: Prefix) -> str | None:
        """Why a prefix is not announced although it might be."""
        return SHARED if self.given_up and prefix in self.drain.withdrawn else None

    def state(self, uplink: Uplink) -> str | None:
        """`draining`, `drained`, `returning`, or None when there is nothing to say of an uplink.

        A session that ExaBGP can't be asked about is on its way."""
        arrived = all(self.announcer.arrived(peer.address) for peer in uplink.peers)
        if uplink.name in self.drain.uplinks:
            return "drained" if arrived else "draining"
        stepping = any(
            treatment is not None and treatment != self.announcer.aim_of(peer.address)
            for peer in uplink.peers
            for treatment in (self.announcer.treatment(peer.address),)
        )
        return "returning" if stepping and not self.drain.host else None

    def document(self) -> dict[str, Any]:
        """Its part of the status document."""
        states = [(uplink, self.state(uplink)) for uplink in self.config.uplinks]
        host = "given up" if self.given_up else "giving up"
        return {
            "uplinks": [
                {"uplink": uplink.name, "tor": uplink.tor, "state": state} for uplink, state in states if state
            ],
            "host": host if self.drain.host else None,
            "withdrawn": [
                str(prefix) for prefix in sorted(self.drain.withdrawn, key=lambda each: (each.version, each))
            ],
        }
