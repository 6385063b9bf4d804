"""The whole agent in surroundings of our own."""

from __future__ import annotations

import asyncio

from roth.agent import Agent
from roth.kernel.model import (
    Family,
)
from roth.uplinks import BfdState

from tests.unit.agent.fakes import V4, V6, FakeClock, FakeEvents, FakeExabgp, FakeKernel, FakeTimers, config

ALL = (*V4, *V6)


class Host:
    """An agent in its surroundings."""

    def __init__(
        self, kernel: FakeKernel | None = None, drain: str = "/nonexistent/drain.json", **settings: object
    ) -> None:
        self.clock = FakeClock()
        self.timers = FakeTimers(self.clock)
        self.kernel = kernel or FakeKernel()
        self.events = FakeEvents()
        self.exabgp = FakeExabgp(config())
        self.agent = Agent(config(**settings), self.kernel, self.events, self.clock, self.timers, drain)
        self.agent.send = self.exabgp.send

    def settle(self) -> None:
        while self.exabgp.answers or self.exabgp.queue:
            while self.exabgp.answers:
                self.agent.speaker.line(self.exabgp.answers.popleft())
            if self.exabgp.queue:
                self.exabgp.step()

    def connect(self) -> None:
        self.agent.speaker.connect()
        self.settle()

    def event(self, *events: object) -> None:
        self.events.waiting.append(list(events))
        self.agent.mirror.readable()
        self.settle()

    def advance(self, seconds: float) -> None:
        self.timers.advance(seconds)
        self.agent.tick()
        self.settle()

    def bfd(self, state: BfdState = BfdState.UP, **others: BfdState) -> None:
        states = dict.fromkeys(ALL, state)
        for uplink, each in others.items():
            index = int(uplink[-1])
            states[V4[index]] = states[V6[index]] = each
        self.agent.bfd_report(states)

    def tors_up(self) -> None:
        for peer in map(str, ALL):
            asn = 65101 + (peer in (str(V4[1]), str(V6[1])))
            for line in (
                self.exabgp.event(peer, "up"),
                self.exabgp.default(peer, (asn,)),
                self.exabgp.end_of_rib(peer),
            ):
                self.agent.speaker.line(line)
        self.settle()

    def members(self, family: Family = Family.IPV4) -> tuple[int, ...]:
        group = self.kernel.group_table.get(142004 if family is Family.IPV4 else 142006)
        return tuple(member for member, _weight in group.members) if group else ()

    def status(self) -> dict:
        return asyncio.run(self.agent.answer("status"))


def bring_up(kernel: FakeKernel | None = None, drain: str = "/nonexistent/drain.json", **settings: object) -> Host:
    """A host with everything up; `settings` are keys of agent.json."""
    host = Host(kernel, drain, **settings)
    host.agent.start()
    host.connect()
    host.bfd()
    host.tors_up()
    return host
