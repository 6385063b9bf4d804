"""The watcher as a process: its event loop, signals, watchdog and command line. What it does is in `watcher`."""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from .. import __version__
from ..config import ConfigError
from ..kernel.model import Events, Overrun
from ..log import log
from ..notify import notify, watchdog_interval
from ..timers import LoopTimers, SystemClock
from . import following, hinted, status
from .asking import ReaderProcess, command
from .config import DEFAULT_PATH, Config, load
from .farewell import PacketWire, Wire
from .watcher import Store, Watcher

UNIT = "roth-ports.service"
TICK = 1.0  # seconds
POLL = 0.05  # seconds between looks at the status file


async def serve(path: str, config: Config, kernel: Store, events: Events, wire: Wire | None = None) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reads Neutron now. Stopping withdraws nothing."""
    loop = asyncio.get_running_loop()
    watcher = Watcher(config, kernel, SystemClock(), LoopTimers(loop), random.random)
    watcher.farewells.wire = wire
    reader = ReaderProcess(command(path), watcher.told)
    watcher.ask, watcher.drop = reader.ask, reader.drop
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, watcher.hurry)

    def readable() -> None:
        try:
            watcher.events(events.read())
        except Overrun:
            watcher.overrun()

    loop.add_reader(events.fileno(), readable)  # subscribed before the first look
    watcher.start()
    log("started", version=__version__, host=config.host, networks=len(config.networks))
    notify("READY=1")
    tasks = [asyncio.create_task(_tick(watcher)), asyncio.create_task(stop.wait())]
    if config.ovsdb:
        tasks.append(asyncio.create_task(following.follow(following.command(config.ovsdb), watcher.heard)))
    if config.hints is not None:
        tasks.append(asyncio.create_task(hinted.follow(config.hints, watcher)))
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    notify("STOPPING=1")
    await reader.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()  # a task that ended otherwise than by our stopping raises here: systemd starts us again
    log("stopped")


async def _tick(watcher: Watcher) -> None:
    watchdog = watchdog_interval()
    petted = 0.0
    while True:
        watcher.tick()
        now = watcher.clock.monotonic()
        if watchdog is not None and now - petted >= watchdog - TICK:
            notify(f"WATCHDOG=1\nSTATUS={status.summary(asdict(watcher.state), watcher.clock.wall())}")
            petted = now
        await asyncio.sleep(TICK)


def _reload() -> None:
    subprocess.run(["systemctl", "reload", UNIT], check=True, capture_output=True, text=True)


def sync(
    path: str,
    patience: float,
    reload: Callable[[], None] = _reload,
    wall: Callable[[], float] = time.time,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[int, Mapping[str, object] | str]:
    """Have the watcher read Neutron now, and wait for what becomes of it for at most `patience` seconds.

    0 and the status document: done; 1 and the document: read, but not all of it is followed; 2 and why: nobody reads.
    """
    asked = wall()
    before = status.read(path) or {}
    try:
        reload()
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
        return 2, f"{UNIT} can't be asked: {said}"
    while wall() - asked < patience:
        found = status.read(path)
        tried = found.get("tried") if found else None
        if found and isinstance(tried, (int, float)) and tried >= asked:
            if found.get("good") == tried:
                changes = {key: _count(found, key) - _count(before, key) for key in ("installed", "removed")}
                return (1 if found.get("refused") or found.get("problems") else 0), {**found, "changes": changes}
            if isinstance(failure := found.get("failure"), dict):
                return 2, str(failure.get("text"))
        pause(POLL)
    return 2, f"no read has ended within {patience:g} s"


def _count(document: Mapping[str, object], key: str) -> int:
    found = document.get(key)
    return found if isinstance(found, int) else 0


def _say(code: int, found: Mapping[str, object] | str) -> int:
    if isinstance(found, str):
        print(f"roth-ports: {found}", file=sys.stderr)
        return code
    changes = found["changes"]
    assert isinstance(changes, dict)  # noqa: S101
    print(f"installed={changes['installed']} removed={changes['removed']} routes={found.get('routes')}")
    for line in status.problems(found, time.time()):
        print(f"roth-ports: {line}", file=sys.stderr)
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point `roth-ports --config PATH`. Exit code 2: the configuration can't be used."""
    parser = argparse.ArgumentParser(prog="roth-ports", description="Routing on the host: the port watcher.")
    parser.add_argument("--config", default=DEFAULT_PATH, help="ports.json (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="only check the configuration")
    parser.add_argument(
        "--sync", type=float, metavar="SECONDS", help="have the running watcher read Neutron now, and wait for so long"
    )
    parser.add_argument("--packet-socket", type=int, metavar="FD", help="to tell neighbours who left (see opening.py)")
    parser.add_argument("--version", action="version", version=f"roth-ports {__version__}")
    options = parser.parse_args(arguments)
    try:
        config = load(options.config)
    except ConfigError as error:
        print(f"roth-ports: {error}", file=sys.stderr)
        return 2
    if options.check:
        return 0
    if options.sync is not None:
        return _say(*sync(config.status_file, options.sync))
    from ..kernel.events import RouteEvents
    from ..kernel.netlink import Netlink

    events, kernel = RouteEvents(config.protocol, [config.table], learned=True), Netlink()
    wire = None
    if options.packet_socket is not None:
        raw = socket.socket(fileno=options.packet_socket)
        raw.set_inheritable(False)
        wire = PacketWire(raw, kernel.addresses)
    elif config.spanning_bridges:
        log("neighbors_never_told", "warning", reason="there is no packet socket")
    asyncio.run(serve(options.config, config, kernel, events, wire))
    return 0


if __name__ == "__main__":
    sys.exit(main())
