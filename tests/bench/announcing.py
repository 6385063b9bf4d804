"""From the kernel of a host to both switches: one route, and many at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import Action, RouteChange
from ansible_collections.roth.fabric.plugins.module_utils.kernel.netlink import Netlink

from .benchmark import OURS, Benchmark, Plot
from .bgp_stream import Route
from .fabric import HOSTS, PROTOCOL, Fabric, kernel_of, running
from .samples import Sample
from .stacks import TORS, Host, Profile
from .targets import Target
from .wiretap import Tap, arrivals, drain, tap

UNICAST = 1  # rtm_type
BASE = 250
"""Routes of each family that every host has all the time, as one with 250 instances."""
ROUTES, ROUNDS = 300, 3
"""One route at a time: how many; many at once: how often."""
WAIT = 20.0  # seconds
PROFILE = Profile(3, 300)

METHOD = f"""\
Three hosts stand side by side on the same two switches (FRR and BIRD): ours (ExaBGP, bridge, agent, bfdd), FRR (zebra,
bgpd, bfdd; `redistribute kernel`), BIRD (`learn`, bfd). Each has {BASE} routes of each family already. A route is
written to the kernel of each in turn, in random order, through the same netlink code; it has arrived when the UPDATE
with it comes in on the port of the second of the two switches (kernel time stamps of a packet socket)."""


@dataclass
class Speaker:
    """A host, its kernel, and taps on its port of both switches."""

    host: Host
    kernel: Netlink
    taps: list[Tap]
    device: int

    def write(self, action: Action, routes: Sequence[Route]) -> int:
        """Add or remove routes; returns when that began (ns since 1970)."""
        drain(self.taps)
        changes: list[RouteChange] = [
            (action, (address, length, 0 if len(address) == 4 else 1024), (self.device, UNICAST))
            for address, length in routes
        ]
        began = time.time_ns()
        failures = self.kernel.write(self.host.table, PROTOCOL, changes)
        if failures:
            raise RuntimeError(f"{self.host.name}: {len(failures)} routes failed, the first: {failures[0]}")
        return began

    def announce(self, routes: Sequence[Route]) -> float:
        """Milliseconds from before the first write until the last route is at the second switch."""
        return self._timed(Action.ADD, routes)

    def withdraw(self, routes: Sequence[Route]) -> float:
        """The same for their removal."""
        return self._timed(Action.REMOVE, routes)

    def _timed(self, action: Action, routes: Sequence[Route]) -> float:
        began = self.write(action, routes)
        try:
            return (max(arrivals(self.taps, routes, action is Action.ADD, WAIT)) - began) / 1e6
        except TimeoutError as error:
            raise TimeoutError(f"{self.host.name}, {action.value}: {error}") from error


def routes(version: int, first: int, count: int) -> list[Route]:
    """Host routes in the allowed prefixes."""
    base = IPv4Address("10.64.0.0") + first if version == 4 else IPv6Address("2001:db8:64::") + first
    return [((base + number).packed, base.max_prefixlen) for number in range(count)]


@contextmanager
def speakers(fabric: Fabric) -> Iterator[dict[str, Speaker]]:
    """All three hosts, their base routes announced."""
    with ExitStack() as stack:
        found = {}
        for who, host in HOSTS.items():
            kernel = stack.enter_context(kernel_of(fabric, host))
            taps = [tap(f"{fabric.prefix}-tor{tor}", host.name) for tor, _asn in TORS]
            (device,) = [link.index for link in kernel.links().values() if link.name == "tap0"]
            found[who] = Speaker(host, kernel, taps, device)
            for version in (4, 6):
                found[who].announce(routes(version, 4096, BASE))
        yield found


def shuffled(everyone: dict[str, Speaker], order: random.Random) -> list[tuple[str, Speaker]]:
    """A new order each time, so that nobody always comes after the same one."""
    listed = list(everyone.items())
    order.shuffle(listed)
    return listed


def measure_one(quick: bool) -> list[Sample]:
    """One route at a time; each pauses a random while, for pollers to be met at any phase."""
    samples, order = [], random.Random(1)
    with running(PROFILE) as fabric, speakers(fabric) as everyone:
        for version in (4, 6):
            for number in range(10 if quick else ROUTES):
                for who, speaker in shuffled(everyone, order):
                    time.sleep(order.uniform(0, 0.03))
                    route = routes(version, 16384 + number, 1)
                    samples.append(Sample(f"IPv{version} route announced", who, "ms", speaker.announce(route)))
                    samples.append(Sample(f"IPv{version} route withdrawn", who, "ms", speaker.withdraw(route)))
    return samples


def seen(run: Callable[[Sequence[Route]], float], wanted: Sequence[Route]) -> float | None:
    """What `run` took, or None, with a line for whoever runs this, when not all of it was seen at both switches."""
    try:
        return run(wanted)
    except TimeoutError as error:
        print(f"left out: {error}", flush=True)
        return None


def measure_many(quick: bool) -> list[Sample]:
    """Many routes at once, then none of them again."""
    samples, order = [], random.Random(2)
    with running(PROFILE) as fabric, speakers(fabric) as everyone:
        for count in (100, 1000) if quick else (1000, 10000):
            for version in (4, 6):
                wanted = routes(version, 16384, count)
                for _round in range(2 if quick else ROUNDS):
                    for who, speaker in shuffled(everyone, order):
                        for step, run in (("announced", speaker.announce), ("withdrawn", speaker.withdraw)):
                            took = seen(run, wanted)
                            if took is not None:
                                samples.append(Sample(f"{count} IPv{version} routes {step}", who, "ms", took))
                        time.sleep(2)  # what follows a burst (audits, scans) is not to fall on the next one
    return samples


WHY_ONE = """\
BIRD reads the event and writes the UPDATE in one process. Here it passes three, each of which has to be woken and is
Python: agent, bridge, ExaBGP; that they are three is on purpose (architecture, "On a host"). With `strace` on all of
them, 60 routes, of the time until the second UPDATE is written: 17 % until the agent reads the event, 13 % in the
agent, 6 % until the bridge reads the line, 3 % in the bridge, 10 % until ExaBGP reads it, 50 % in ExaBGP."""
WHY_MANY = """\
ExaBGP needs 65 µs of CPU for an IPv4 route to two switches and 72 µs for an IPv6 one (200 and 350 without
`exabgp_shortcuts`), the agent 45 µs beside it. `py-spy` on ExaBGP, 400 samples a second of announcing and withdrawing
5,000 routes: 21 % in writing to sockets, 21 % in its adj-rib-out, 19 % in making UPDATEs, 16 % in reading our lines,
8 % in answering them. No part of it stands out any more: it is Python. Larger steps of its loop took 8 % less, and
no collection of garbage no less."""


def _one(version: int) -> str:
    return f"IPv{version} route announced"


def _many(count: int, version: int) -> str:
    return f"{count} IPv{version} routes announced"


LATENCY = Benchmark(
    "latency",
    "One route, from the kernel to both switches",
    METHOD,
    measure_one,
    targets=tuple(
        Target((_one(version), OURS), (_one(version), peer), limit)
        for version in (4, 6)
        for peer, limit in (("BIRD", 1.5), ("FRR", 0.2))
    ),
    why={f"{_one(version)}: {OURS} ≤ 1.5 × BIRD": WHY_ONE for version in (4, 6)},
    plots=(Plot("latency", "One route at both switches", (_one(4), _one(6)), logarithmic=True),),
)
FIRST = Benchmark(
    "first",
    "First announcement of many routes",
    METHOD + "\nThe time ends with the last route at the second switch; afterwards all are removed again.",
    measure_many,
    targets=tuple(
        Target((_many(count, version), OURS), (_many(count, version), "FRR"), limit)
        for count, limit in ((1000, 1.0), (10000, 2.0))
        for version in (4, 6)
    ),
    why={
        f"{_many(count, version)}: {OURS} ≤ {limit} × FRR": WHY_MANY
        for count, limit in ((1000, 1), (10000, 2))
        for version in (4, 6)
    },
    plots=(
        Plot(
            "first",
            "Many routes at both switches",
            tuple(_many(count, version) for count in (1000, 10000) for version in (4, 6)),
            logarithmic=True,
        ),
    ),
)
