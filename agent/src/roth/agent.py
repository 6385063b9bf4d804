"""The agent: kernel routes become announcements, the learned default becomes a nexthop group.

Wiring only; `service` runs it.

Events (netlink, ExaBGP, bfdd, time) end in one of three steps: judge prefixes, decide uplinks, isolate ports.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .announcements import is_preferred, reason_withheld
from .attributes import is_preferred as says_preferred
from .bfdd.peers import PeerKey, peer_key
from .config import Config, ConfigError, load
from .conversation import Command
from .damping import Damping
from .drain import DEFAULT_PATH as DEFAULT_DRAIN
from .draining import Draining
from .exabgp_api import RIB_OUT, Message, RibRoute
from .fib import Fib
from .kernel.model import Address, Events, Family, Kernel, Prefix
from .log import log
from .mirror import Changes, Mirror
from .ports import isolate_ports
from .restore import Restoration
from .revival import Revival
from .speaker import Speaker
from .status import document
from .timers import Clock, Timers
from .uplinks import BfdMemory, BfdState, decide, usable

VERIFY = 0.2  # seconds after an event that may have cost us a nexthop silently
AUDIT = 10.0  # seconds between checks of the default without any event
TICK = 1.0  # seconds


class Agent:
    """All of the state, and the steps between its parts."""

    def __init__(
        self,
        config: Config,
        kernel: Kernel,
        events: Events,
        clock: Clock,
        timers: Timers,
        drain: str = DEFAULT_DRAIN,
    ) -> None:
        self.config, self.kernel, self.clock, self.timers = config, kernel, clock, timers
        self.started = clock.monotonic()
        self.send: Callable[[list[str]], None] = lambda _lines: None
        self.renew_bfd: Callable[[list[PeerKey]], None] = lambda _peers: None
        self.speaker = Speaker(config, clock, timers, lambda lines: self.send(lines), self.decide)
        self.draining = Draining(drain, config, self.speaker.announcer, clock)
        self.mirror = Mirror(kernel, events, config.table, config.protocol, timers, self.kernel_changed)
        self.bfd = BfdMemory()
        self.bfd.expect(self._bfd_peers(), self.started)
        self.revival = Revival()
        self.fib = Fib(kernel, config)
        self.damping = Damping(config.damping)
        self.restoration = Restoration(config.lists, config.waiting_file)
        self.adopted = False
        self.withheld: dict[Prefix, str] = {}
        self.port_failures: list[str] = []
        self.bfd_failure: str | None = None
        self.static_alarms: dict[Family, str] = {}
        self.last_error: tuple[float, str] | None = None

    def start(self) -> None:
        """Read the kernel; what fails is tried again later."""
        self.timers.later("audit", AUDIT, self.audit)
        self.mirror.resync()
        self.decide()

    def _bfd_peers(self) -> list[Address]:
        return [address for address, (uplink, _peer) in self.config.peers().items() if uplink.bfd]

    # -- the kernel changed ---------------------------------------------------------------------------------------

    def kernel_changed(self, changes: Changes) -> None:
        """Called by the mirror."""
        if not self.speaker.ready:
            self.restoration.begin(self.mirror.routes, self.mirror.links)
        self.restoration.lost(changes.lost, self.mirror.routes)
        self.judge(changes.prefixes)
        self.speaker.ready = self.mirror.complete
        self.speaker.pump()
        if changes.links:
            self._isolate_ports()
            self.decide()
        self._restore()
        if changes.links or changes.nexthops:
            self.timers.later("verify", VERIFY, self.decide)

    def judge(self, prefixes: Iterable[Prefix]) -> None:
        """Announce, or withhold, each of these prefixes."""
        announcer, routes = self.speaker.announcer, self.mirror.routes
        for prefix in prefixes:
            ours = routes.get(prefix)
            if ours is None:
                self.withheld.pop(prefix, None)
                announcer.change(prefix, False)
                continue
            reason = reason_withheld(prefix, ours.values(), self.mirror.links, self.config.allowed_prefixes)
            reason = reason or self.draining.reason_withheld(prefix)
            if reason is None:
                self.withheld.pop(prefix, None)
            elif self.withheld.get(prefix) != reason:
                self.withheld[prefix] = reason
                log("withheld", prefix=prefix, reason=reason)
            announcer.change(prefix, reason is None, is_preferred(prefix, ours, self.mirror.links))

    def _restore(self) -> None:
        """Put back what went with its link, now that the link is here again; its event has it announced."""
        operations = self.restoration.due(self.mirror.routes, self.mirror.links)
        if not operations:
            return
        try:
            failures = self.kernel.apply(self.config.table, self.config.protocol, operations)
        except OSError as error:
            self._error(f"{len(operations)} routes can't be put back: {error}")
            return
        self.restoration.put_back(operations, failures)
        if len(failures) < len(operations):
            log("routes_restored", count=len(operations) - len(failures))
        for failure in failures:
            if failure.errno != errno.EEXIST:  # somebody else was faster
                self._error(f"{failure.operation.prefix} can't be put back: {failure.text}")

    # -- the default ----------------------------------------------------------------------------------------------

    def decide(self) -> None:
        """Bring each family's group in line with what is known, and check the kernel's."""
        if not self.mirror.complete or not self._adopt():
            return
        carrier = {link.name: link.up and link.carrier for link in self.mirror.links.values()}
        now, peers = self.clock.monotonic(), self.speaker.sessions.peers
        damped = self._damp(carrier, now)
        for family, default in self.fib.defaults.items():
            drained = self.draining.drain.uplinks
            decision = decide(
                self.config, family, default.members, peers, self.bfd, carrier, now, damped=damped, drained=drained
            )
            default.fail_static = decision.fail_static
            self._static_alarm(family, decision.alarm)
            self.fib.apply(family, decision.members, self.mirror.links)
            if default.failure:
                self._error(default.failure)

    def _damp(self, carrier: Mapping[str, bool], now: float) -> frozenset[str]:
        """The uplinks that are kept out because they come and go; looked at again when the first may come back."""
        for uplink in self.config.uplinks:
            fine = usable(uplink, self.speaker.sessions.peers, self.bfd, carrier, now)
            self.damping.observe(uplink.name, carrier.get(uplink.name, False), fine, now)
        release = self.damping.release()
        if release is not None:
            self.timers.later("damping", release + 0.001, self.decide)
        return self.damping.out()

    def _adopt(self) -> bool:
        if self.adopted:
            return True
        try:
            self.fib.adopt()
        except OSError as error:
            self._error(f"the kernel's nexthops can't be read: {error}")
            self.timers.later("verify", TICK, self.decide)
            return False
        self.adopted = True
        return True

    def _static_alarm(self, family: Family, alarm: str | None) -> None:
        if alarm is None:
            self.static_alarms.pop(family, None)
        elif self.static_alarms.get(family) != alarm:
            self.static_alarms[family] = alarm
            log("fail_static", "error", reason=alarm)
            self._error(alarm)

    def audit(self) -> None:
        """Events are hints: look at the kernel now and then without any."""
        self.timers.later("audit", AUDIT, self.audit)
        self._isolate_ports()
        self.decide()

    def _isolate_ports(self) -> None:
        self.port_failures = isolate_ports(self.kernel, self.mirror.links, self.config.isolated_bridges)

    # -- BFD ------------------------------------------------------------------------------------------------------

    def bfd_report(self, states: Mapping[Address, BfdState]) -> None:
        """bfdd's states, one of which has changed."""
        for address in self._bfd_peers():
            before, after = self.bfd.state(address), states.get(address, BfdState.UNKNOWN)
            if before is not after:
                log("bfd", peer=address, was=before.value, state=after.value)
        self.bfd.report(states, self.clock.monotonic())
        self.bfd_failure = None
        self.decide()

    def bfd_lost(self, reason: str) -> None:
        """bfdd can't be asked."""
        self.bfd.lost(self.clock.monotonic())
        self.bfd_failure = reason
        self.decide()

    def _revive_bfd(self) -> None:
        """Sessions that bfdd has never had up may lack their socket: have them start afresh."""
        peers = self.config.peers()
        stuck = [
            peer_key(str(address), str(peers[address][1].local_address))
            for address in self.revival.due(self.bfd, self.clock.monotonic())
            if address in peers and peers[address][0].bfd
        ]
        if stuck:
            log("bfd_renewed", peers=",".join(key.address for key in stuck))
            self.renew_bfd(stuck)

    # -- time, configuration, questions ---------------------------------------------------------------------------

    def tick(self) -> None:
        """Once a second."""
        self.speaker.tick()
        self.judge(self.draining.step())
        self.speaker.pump()
        self._revive_bfd()
        if self.speaker.last_refusal and (not self.last_error or self.speaker.last_refusal[0] > self.last_error[0]):
            self.last_error = self.speaker.last_refusal

    def reload(self, path: str) -> None:
        """Take over a changed configuration and drain state; a bad one is refused and the old one stays."""
        try:
            config = load(path)
            if config.restart_only() != self.config.restart_only():
                raise ConfigError("AS number, protocol, tables, metric and sockets change with a restart only")
        except ConfigError as error:
            self._error(f"configuration refused: {error}")
            log("reload_refused", "error", reason=error)
            return
        self.config = self.fib.config = config
        self.damping.keep({uplink.name: uplink for uplink in config.uplinks}, config.damping)
        self.speaker.reconfigure(config)
        self.bfd.expect(self._bfd_peers(), self.clock.monotonic())
        self.draining.reload(config)
        if self.mirror.complete:
            self.kernel_changed(Changes(set(self.mirror.routes), links=True))
            with contextlib.suppress(OSError):  # leftovers do no harm, the next reload tries again
                self.fib.remove_leftovers()
        log("reloaded", uplinks=len(config.uplinks), allowed=len(config.allowed_prefixes))

    def _error(self, text: str) -> None:
        if self.last_error is None or self.last_error[1] != text:
            self.last_error = (self.clock.wall(), text)

    def alarms(self) -> list[str]:
        """What is wrong beyond what the other parts of the document show."""
        alarms = [*self.static_alarms.values(), *self.speaker.sessions.alarms(), *self.port_failures]
        alarms += [default.failure for default in self.fib.defaults.values() if default.failure]
        alarms += [default.sourceless for default in self.fib.defaults.values() if default.sourceless]
        if self.restoration.failure:
            alarms.append(f"the list of wanted routes can't be read: {self.restoration.failure}")
        if self.draining.refusal:
            alarms.append(self.draining.refusal)
        if self.mirror.failure:
            alarms.append(f"the kernel's routes can't be read: {self.mirror.failure}")
        if self.bfd_failure and self._bfd_peers():
            alarms.append(f"bfdd can't be asked: {self.bfd_failure}")
        alarms += [
            f"ExaBGP refuses {prefix} for {peer}" for peer, prefix in sorted(self.speaker.announcer.refused, key=str)
        ]
        return alarms

    async def answer(self, command: str) -> dict[str, Any]:
        """One question from the status socket."""
        if command == "status":
            return document(
                self.config,
                self.speaker,
                self.bfd,
                self.fib,
                self.damping.report(self.clock.monotonic()),
                self.draining,
                self.withheld,
                self.alarms(),
                self.last_error,
                self.started,
            )
        if command == "adj-rib-out":
            return await self._adj_rib_out()
        return {"error": f"unknown command {command!r}, expected status or adj-rib-out"}

    async def _adj_rib_out(self) -> dict[str, Any]:
        if not self.speaker.connected:
            return {"error": "no connection to ExaBGP"}
        answered: asyncio.Future[list[Message]] = asyncio.get_running_loop().create_future()

        def finish(_ok: bool, replies: list[Message]) -> None:
            if not answered.done():
                answered.set_result(replies)

        self.speaker.conversation.ask(Command(RIB_OUT, finish))
        self.speaker.pump()
        try:
            replies = await asyncio.wait_for(answered, 4.0)
        except TimeoutError:
            return {"error": "ExaBGP did not answer within 4 s"}
        routes = [reply for reply in replies if isinstance(reply, RibRoute)]
        return {
            "routes": [
                {
                    "peer": str(route.peer),
                    "prefix": str(route.prefix),
                    "next_hop": str(route.next_hop),
                    "preferred": route.mark is not None and says_preferred(route.mark),
                }
                for route in routes
            ]
        }
