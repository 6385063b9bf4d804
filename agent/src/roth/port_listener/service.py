"""The listener as a process: for ever from the bus to the hosts."""

from __future__ import annotations

import argparse
import random
import secrets
import socket
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

from .. import __version__, hints
from ..config import ConfigError
from ..log import log
from ..notify import notify, watchdog_interval
from ..pauses import Pauses
from ..timers import Clock, SystemClock
from . import bus
from .config import DEFAULT_PATH, Broker, Config, Tls, load, parse_url
from .messages import Places, parse
from .pacing import Pacing

Send = Callable[[bytes, str], None]


class Listener:
    """From messages to datagrams. `send` takes a datagram and an address."""

    def __init__(self, config: Config, key: bytes, send: Send, clock: Clock) -> None:
        self.config, self.key, self.send, self.clock = config, key, send, clock
        self.places, self.pacing = Places(), Pacing(config.hosts)
        self.listening = False
        self._failing: set[str] = set()
        self._surprised = False
        self._petted = 0.0

    def told(self, body: bytes) -> None:
        """A message of the bus."""
        now = self.clock.monotonic()
        try:
            events = parse(body)
        except ValueError as error:
            if not self._surprised:
                log("message_not_understood", "warning", reason=error)
            self._surprised = True
            self.pacing.concern(None, now)
            return
        for event in events:
            self.pacing.concern(self.places.concerned(event), now)

    def turn(self) -> float | None:
        """Send what is due. Seconds until there is more."""
        now = self.clock.monotonic()
        if not self.listening:
            self.listening = True
            log("listening", exchanges=len(self.config.exchanges), hosts=len(self.config.hosts))
            self.pacing.concern(None, now)  # what happened until now nobody has heard
        for host in self.pacing.due(now):
            self._hint(host)
        self._pet(now)
        when = self.pacing.next()
        return None if when is None else max(0.0, when - now)

    def _hint(self, host: str) -> None:
        datagram = hints.sign(self.key, host, self.clock.wall(), secrets.token_hex(16))
        try:
            self.send(datagram, self.config.hosts[host])
            self._failing.discard(host)
        except OSError as error:
            if host not in self._failing:
                log("host_not_told", "warning", host=host, error=error)
            self._failing.add(host)

    def _pet(self, now: float) -> None:
        watchdog = watchdog_interval()
        if watchdog is not None and now - self._petted >= watchdog / 2:
            notify("WATCHDOG=1")
            self._petted = now

    def run(self, brokers: Sequence[Broker], chance: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """For ever, one broker after another."""
        pauses = Pauses(chance)
        for broker in cycle(brokers):
            began = self.clock.monotonic()
            try:
                bus.consume(broker, self.config.exchanges, self.told, self.turn, self.config.tls)
            except bus.BusError as error:
                log("bus_lost", "warning", broker=broker, reason=error)
            self.listening = False
            now = self.clock.monotonic()
            self._pet(now)
            sleep(pauses.after(now - began))


def sender(port: int) -> Send:
    """Datagrams to a port, by a socket a family that is made when it is needed: a host may have no IPv6."""
    sockets: dict[int, socket.socket] = {}

    def send(datagram: bytes, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if family not in sockets:
            sockets[family] = socket.socket(family, socket.SOCK_DGRAM)
        sockets[family].sendto(datagram, (address, port))

    return send


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point `roth-port-listener --config PATH`. Exit code 2: the configuration can't be used."""
    parser = argparse.ArgumentParser(prog="roth-port-listener", description="Routing on the host: hints from Neutron.")
    parser.add_argument("--config", default=DEFAULT_PATH, help="listener.json (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="only check the configuration")
    parser.add_argument("--version", action="version", version=f"roth-port-listener {__version__}")
    options = parser.parse_args(arguments)
    try:
        config = load(options.config)
        if options.check:
            return 0
        key = hints.read_key(Path(config.key_file).read_text(encoding="utf-8"))
        brokers = parse_url(Path(config.url_file).read_text(encoding="utf-8"), config.tls is not None)
        bus.check(config.tls or Tls())
    except (ConfigError, OSError, ValueError) as error:
        print(f"roth-port-listener: {error}", file=sys.stderr)
        return 2
    log("started", version=__version__)
    notify("READY=1")
    Listener(config, key, sender(config.port), SystemClock()).run(brokers, random.random, time.sleep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
