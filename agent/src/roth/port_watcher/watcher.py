"""The watcher: link events and Neutron's answers become routes of this host.

Wiring only; `service` runs it. Each step reads the kernel, plans with the code of the module `host_routes`, has the
removals judged and writes. Nothing is concluded from silence: a read that fails changes nothing but the next's time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Protocol

from .. import __version__
from ..kernel.model import Event, Link, LinkEvent
from ..kernel.sync import RouteStore, apply_plan, read_plan
from ..log import log
from ..timers import Clock, Timers
from ..wanted.ports import TAP
from .answer import Answer, departed
from .arrivals import Answered, Arrivals, Failed, Migrations, Step
from .config import Config
from .farewell import Farewells, leavers
from .following import Heard
from .judging import Verdict, judge_event, judge_read
from .knowledge import Knowledge
from .lifesigns import Counters, Received, learned
from .neighbors import NeighborStore, apply_neighbors
from .schedule import Chance, Schedule
from .status import SILENT, Failure, State
from .status import write as write_status
from .switch import Switch

AUDIT = 30.0  # seconds between looks at the kernel without any event
RETRY = 1.0  # seconds after a read of the kernel that failed


class Store(RouteStore, NeighborStore, Counters, Protocol):
    """What the watcher needs of the kernel; netlink.Netlink is the real one."""


class Watcher:
    """All of the state. `ask` begins the read of a number, whose result is then `told`; `drop` gives up on one."""

    def __init__(self, config: Config, kernel: Store, clock: Clock, timers: Timers, chance: Chance) -> None:
        self.config, self.kernel, self.clock, self.timers = config, kernel, clock, timers
        self.schedule = Schedule(config.timing, chance, clock.monotonic())
        self.ask: Callable[[int], None] = lambda _number: None
        self.drop: Callable[[], None] = lambda: None
        self.knowledge = Knowledge(config)
        self.switch = Switch(config.ovsdb, clock)
        self.farewells = Farewells(None, timers, config.spanning_bridges)
        timing = config.timing
        self.arrivals = Arrivals(timing.arrival_settle, timing.arrival_unbound, timing.moving)
        self.received = Received(kernel)
        self.links: dict[int, Link] = {}
        self.number = 0  # of the last read; what an older one says is not heard any more
        self.state = State(__version__, config.host, clock.wall(), config.stale_after)
        self.state.switch = self.switch.state
        self.started = clock.monotonic()
        self._late = (False, False)  # what has become an alarm by the time that has passed: knowledge, switch
        self._written: State | None = None  # what the file says
        self._neighbors_not_had: list[str] = []  # by the last answer
        self._began = 0.0  # wall clock of the read under way
        self._since: dict[str, float] = {}  # when each tap was first seen
        self._theirs: object = None  # a playbook's lists when the read under way began
        # an answer that met a kernel which could not be read, and what a playbook's lists were when it was asked for
        self._unjudged: tuple[Answer, object] | None = None

    def start(self) -> None:
        """Do what was known before we were started, then read. The subscription to events must stand already.

        Of a kernel that can't be read nobody knows yet what was here before us: it is tried again.
        """
        if not self._look_for_arrivals():
            self.timers.later("start", RETRY, self.start)
            return
        self.audit()
        self._arm()

    # -- events -------------------------------------------------------------------------------------------------------

    def events(self, events: Sequence[Event]) -> None:
        """Links came, went or changed, or a bridge has learned who is behind one."""
        if any(isinstance(event, LinkEvent) and self._matters(event) for event in events):
            self.apply()
        self._alive(learned(events, self.links))

    def _matters(self, event: LinkEvent) -> bool:
        """Whether it tells more than was read of the kernel last, and of a link that has to do with routes."""
        known, link = self.links.get(event.link.index), event.link
        before = (known.name, known.up) if known else None
        if before == ((link.name, link.up) if event.present else None):
            return False
        names = {link.name, known.name if known else link.name}
        return any(name.startswith(TAP) for name in names) or not names.isdisjoint(
            chain(filter(None, self.knowledge.answer.routes.values()), self.switch.presence.devices)
        )

    def _see(self, links: dict[int, Link]) -> None:
        """Taps that came or went since the last look are a hint, however that was noticed."""
        before, after = (
            {(it.index, it.name) for it in each.values() if it.name.startswith(TAP)} for each in (self.links, links)
        )
        now = self.clock.monotonic()
        names = {name for _index, name in after} | self.switch.presence.sockets
        self._since = {name: self._since.get(name, now) for name in names}
        if self.links and before != after:
            self.schedule.hint(now)
            self._arm()
        self.links = links

    def _puzzled(self, now: float) -> bool:
        """Whether a tap came lately that no port explains; one that has long been here is of another network."""
        unexplained = self.knowledge.answer.unexplained(self._since)
        return any(now - self._since[tap] <= self.config.timing.look_for for tap in unexplained)

    def heard(self, heard: Heard) -> None:
        """What Open vSwitch says of its ports, or that it is silent."""
        news = self.switch.heard(heard)
        self.state.switch = self.switch.state
        if news:
            self.schedule.hint(self.clock.monotonic())
            self._arm()
            self.apply()
        self._write_status()

    def hinted(self) -> None:
        """The listener on the bus says that something changed for this host."""
        self.state.hints += 1
        self.deaf(None)
        self.schedule.hint(self.clock.monotonic())
        self._arm()

    def deaf(self, why: str | None) -> None:
        """No hints can be heard, and why; None: they can. Nothing depends on them."""
        if self.state.deaf != why:
            log("hints_not_heard" if why else "hints_heard", "warning" if why else "info", reason=why or "")
        self.state.deaf = why
        self._write_status()

    def overrun(self) -> None:
        """The kernel dropped events: anything may have happened, and a first frame may be among what was told."""
        log("events_lost", "warning", action="resync")
        self.apply()
        self._count(missed=True)

    def audit(self) -> None:
        """Events are hints: look at the kernel now and then without any."""
        self.timers.later("audit", AUDIT, self.audit)
        unjudged, self._unjudged = self._unjudged, None
        if unjudged is None or unjudged[1] != self.knowledge.theirs():
            self.apply()
        else:
            self._apply(unjudged[0], self._known(), unjudged[1])

    # -- reading Neutron ----------------------------------------------------------------------------------------------

    def hurry(self) -> None:
        """Somebody asks for a read now."""
        self.schedule.hurry(self.clock.monotonic())
        self._arm()

    def tick(self) -> None:
        """Once a second: say it once when the knowledge has become too old; what is an alarm by now is shown as one."""
        now = self.clock.monotonic()
        age = self.schedule.age(now)
        old = (now - self.started if age is None else age) > self.config.stale_after
        if old and not self._late[0]:
            why = self.state.failure.text if self.state.failure else ""
            log("knowledge_too_old", "error", bound=self.config.stale_after, reason=why)
        switch = self.switch.state
        silent = switch is not None and not switch.connected and self.clock.wall() - switch.since > SILENT
        if (old, silent) != self._late:
            self._late = (old, silent)
            self._write_status(anew=True)

    def _arm(self) -> None:
        when = self.schedule.due()
        when = self.schedule.expires() if when is None else when
        if when is not None:
            self.timers.later("read", max(0.0, when - self.clock.monotonic()), self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        now, due, expires = self.clock.monotonic(), self.schedule.due(), self.schedule.expires()
        if due is not None and due <= now:
            self.number += 1
            self.schedule.begin(now)
            self._began, self._theirs = self.clock.wall(), self.knowledge.theirs()
            self.state.reads += 1
            self.ask(self.number)
        elif expires is not None and expires <= now:
            self.drop()
            patience = self.config.timing.patience
            self.told(self.number, Failed("unreachable", f"no whole answer within {patience:g} s"))
            return
        self._arm()

    def told(self, number: int, result: Answered | Failed) -> None:
        """What became of a read."""
        if number != self.number or self.schedule.began is None:
            return  # given up already
        self.state.tried = self._began
        if isinstance(result, Failed):
            self._failed(result)
        else:
            self._answered(result)
        self._arm()
        self._write_status()

    def _failed(self, result: Failed) -> None:
        self.schedule.failed(self.clock.monotonic())
        self.state.failed_reads += 1
        before = self.state.failure
        if before is None or (before.kind, before.text) != (result.kind, result.text):
            log("neutron_not_read", "error", kind=result.kind, reason=result.text)
        since, count = (before.since, before.count) if before else (self.clock.wall(), 0)
        self.state.failure = Failure(result.kind, result.text, since, count + 1)

    def _answered(self, result: Answered) -> None:
        if self.state.failure is not None:
            log("neutron_read_again", failed=self.state.failure.count)
        state, now = self.state, self.clock.monotonic()
        state.failure, state.read_seconds, state.left_out = None, round(result.seconds, 4), result.left_out
        if self.knowledge.theirs() != self._theirs:
            self.schedule.hint(now)  # a playbook has written what it read meanwhile: read again, after that
            self.apply()
        else:
            state.good = self._began
            steps = self._moved(now, result.answer, result.migrations)
            self._unjudged = None
            self._apply(self.arrivals.placed(result.answer), self._known(), self._theirs)
            self._tell(step for step in steps if step.what != "settled" or step.tap not in self.arrivals.arrived)
            self._count()
        self.schedule.answered(now, self._puzzled(now) or self.arrivals.puzzling(), self.arrivals.within(now))

    # -- live migration -----------------------------------------------------------------------------------------------

    def _look_for_arrivals(self) -> bool:
        """At the start: what has arrived before. Whether the kernel could be read."""
        try:
            taps = {link.name for link in self.kernel.links().values() if link.name.startswith(TAP)}
            routes = self.kernel.route_table(self.config.table, self.config.protocol).hops
        except OSError as error:
            self._kernel_failed(error)
            return False
        self.arrivals.begin(self.clock.monotonic(), taps, routes, self.knowledge.newest())
        return True

    def _moved(self, now: float, answer: Answer, told: Migrations) -> list[Step]:
        """What a read tells of ports that come and go."""
        began = now if self.schedule.began is None else self.schedule.began
        return self.arrivals.told(now, began, answer, told, self._since.keys())

    def _alive(self, signs: Iterable[tuple[str, str | None]]) -> None:
        """Frames came from behind these taps."""
        now = self.clock.monotonic()
        steps = [step for tap, mac in signs if (step := self.arrivals.alive(now, tap, mac)) is not None]
        if steps:
            self.apply()
            self._tell(steps)
            self.schedule.hint(now)  # Neutron binds the port here about now, or has done so
            self._arm()

    def _count(self, missed: bool = False) -> None:
        """Look at the counters of taps whose instance is expected, for as long as one is."""
        now = self.clock.monotonic()
        self._alive([(tap, None) for tap in self.received.look(now, self.arrivals.expected, self.links, missed)])
        pause = self.received.pause(now)
        if pause is not None:
            self.timers.later("count", pause, self._count)

    def _tell(self, steps: Iterable[Step]) -> None:
        for step in steps:
            level = "warning" if step.what == "taken back" else "info"
            log("migration", level, step=step.what, tap=step.tap, why=step.why)

    def _known(self) -> Answer:
        """By the lists, what has arrived as arrived."""
        return self.arrivals.placed(self.knowledge.newest())

    # -- the kernel ---------------------------------------------------------------------------------------------------

    def apply(self) -> None:
        """Bring the kernel in line with what is known, as far as that needs no fresh answer."""
        answer = self._known()
        self._apply(answer, answer)

    def _apply(self, answer: Answer, before: Answer, theirs: object = None) -> None:
        """By a fresh answer, where `theirs` tells what a playbook's lists were when it was asked for."""
        config, fresh = self.config, theirs is not None
        try:
            self._see(self.kernel.links())
            needed = chain(answer.taps.values(), before.taps.values())
            names = self.switch.presence.here({link.name for link in self.links.values()}, needed)
            wanted, unplaced = answer.wanted(names), self.arrivals.unplaced(answer)
            wanted.routes.update(unplaced.wanted(names).routes)
            plan = read_plan(self.kernel, config.table, config.protocol, wanted)
            gone = departed(plan.remove, names, answer, before, unplaced)
            self.arrivals.forget(names)
            if fresh:
                verdict = judge_read(plan, gone | self.arrivals.elsewhere(plan.remove, before), config.limit)
                self._refused(verdict)
                self.arrivals.disregard(before.tap(key) for key in verdict.kept)
                self.knowledge.keep(answer.with_kept(verdict.kept, before) if verdict.refused else answer)
            else:
                verdict = judge_event(plan, gone)
            problems, left = apply_plan(self.kernel, config.table, config.protocol, wanted, verdict.plan)
            verdict.plan.leave_out(problems)
            self.farewells.follow(verdict.plan, leavers(left, answer, before, names), self.links)
            texts = [f"{problem.prefix} can't be routed: {problem.reason}" for problem in problems]
            if fresh and verdict.refused is None and config.static_neighbors and answer.neighbors is not None:
                self._neighbors_not_had = apply_neighbors(self.kernel, answer.neighbors, self.links, config.protocol)
            texts += self._neighbors_not_had
        except OSError as error:
            self._unjudged = (answer, theirs) if fresh else self._unjudged
            self.timers.later("audit", RETRY, self.audit)
            self._kernel_failed(error)
            return
        self._report(verdict, texts, names)

    def _kernel_failed(self, error: OSError) -> None:
        log("kernel_failed", "error", error=error)
        self.state.problems = [f"the kernel's routes can't be read or written: {error}"]
        self._write_status()

    def _refused(self, verdict: Verdict) -> None:
        text = str(verdict.refused) if verdict.refused else None
        if text != self.state.refused:
            log("answer_refused" if text else "answer_accepted", "error" if text else "info", reason=text or "")
        self.state.refused = text

    def _report(self, verdict: Verdict, problems: Sequence[str], names: set[str]) -> None:
        plan, answer = verdict.plan, self.knowledge.answer
        installed, removed = len(plan.install) + len(plan.change), len(plan.remove)
        if installed or removed:
            log("routes", installed=installed, removed=removed)
        state = self.state
        for text in set(problems) - set(state.problems):
            log("route_not_had", "warning", reason=text)
        state.problems, state.waiting = list(problems), answer.waiting(names)
        state.routes = len(plan.before) + len(plan.install) - removed
        state.installed += installed
        state.removed += removed
        self._write_status()

    def _write_status(self, anew: bool = False) -> None:
        """Unless the file says so already; `anew` where only the time makes a difference."""
        state, moving = self.state, self.arrivals
        state.expected, state.arrived = sorted(moving.expected), sorted(moving.arrived)
        state.leaving = sorted(moving.leaving)
        if self._written is not None and not anew and replace(state, written=self._written.written) == self._written:
            return
        state.written = self.clock.wall()
        try:
            write_status(self.config.status_file, state)
            self._written = replace(state)
        except OSError as error:
            log("status_not_written", "warning", error=error)
