"""The agent as a process: its event loop, signals, watchdog and command line. What it does is in `agent`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from functools import partial

from . import __version__
from .agent import TICK, Agent
from .bfd import BfdBackend, FrrVty
from .bfdd.peers import PeerKey
from .bridge_client import BridgeClient
from .config import DEFAULT_CONFIG, Config, ConfigError, load
from .drain import DEFAULT_PATH as DEFAULT_DRAIN
from .drain import load as load_drain
from .kernel.model import Events, Kernel
from .log import log
from .notify import notify, watchdog_interval
from .status import StatusServer
from .timers import LoopTimers, SystemClock


async def serve(path: str, drain: str, config: Config, kernel: Kernel, events: Events, bfd: BfdBackend) -> None:
    """Run until SIGTERM or SIGINT. Stopping withdraws nothing and leaves the kernel as it is."""
    loop = asyncio.get_running_loop()
    agent = Agent(config, kernel, events, SystemClock(), LoopTimers(loop), drain)
    bridge = BridgeClient(config.bridge_socket, agent.speaker.connect, agent.speaker.line, agent.speaker.disconnect)
    agent.send = bridge.send
    renewals: set[asyncio.Task[None]] = set()  # a task that nobody holds may vanish

    def renew(peers: list[PeerKey]) -> None:
        task = loop.create_task(bfd.renew(peers))
        renewals.add(task)
        task.add_done_callback(renewals.discard)

    agent.renew_bfd = renew
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, partial(agent.reload, path))
    loop.add_reader(events.fileno(), agent.mirror.readable)  # subscribed before the first dump
    agent.start()
    server = await StatusServer(config.status_socket, agent.answer).start()
    tasks = [
        asyncio.create_task(bridge.run()),
        asyncio.create_task(bfd.run(agent.bfd_report, agent.bfd_lost)),
        asyncio.create_task(_tick(agent, bridge)),
        asyncio.create_task(stop.wait()),
    ]
    log("started", version=__version__, asn=config.asn, uplinks=len(config.uplinks))
    notify("READY=1")
    done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    notify("STOPPING=1")
    server.close()
    for task in tasks:
        task.cancel()
    for task in done:
        task.result()  # a task that ended otherwise than by our stopping raises here: systemd starts us again
    log("stopped")


async def _tick(agent: Agent, bridge: BridgeClient) -> None:
    watchdog = watchdog_interval()
    petted = 0.0
    while True:
        agent.tick()
        broken = agent.speaker.broken()
        if broken:
            bridge.drop(broken)
        now = agent.clock.monotonic()
        if watchdog is not None and now - petted >= watchdog - TICK:
            notify(f"WATCHDOG=1\nSTATUS={_summary(agent)}")
            petted = now
        await asyncio.sleep(TICK)


def _summary(agent: Agent) -> str:
    sessions = agent.speaker.sessions.peers.values()
    established = sum(peer.state.value == "established" for peer in sessions)
    return f"{established}/{len(sessions)} sessions, {len(agent.speaker.announcer.desired)} prefixes"


def _check_drain(path: str, config: Config) -> int:
    try:
        load_drain(path, config)
    except ConfigError as error:
        print(f"roth-agent: {error}", file=sys.stderr)
        return 2
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point `roth-agent --config PATH`. Exit code 2: the configuration can't be used."""
    parser = argparse.ArgumentParser(prog="roth-agent", description="Routing on the host: the agent.")
    parser.add_argument("--config", default=DEFAULT_CONFIG, help="agent.json (default: %(default)s)")
    parser.add_argument("--drain", default=DEFAULT_DRAIN, help="drain.json (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="only check configuration and drain state")
    parser.add_argument("--version", action="version", version=f"roth-agent {__version__}")
    options = parser.parse_args(arguments)
    try:
        config = load(options.config)
    except ConfigError as error:
        print(f"roth-agent: {options.config}: {error}", file=sys.stderr)
        return 2
    if options.check:
        return _check_drain(options.drain, config)
    from .kernel.events import RouteEvents
    from .kernel.netlink import Netlink

    events = RouteEvents(config.protocol, [config.table, config.default_table])
    asyncio.run(serve(options.config, options.drain, config, Netlink(), events, FrrVty(config.bfdd_vty)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
