"""The core of the module host_routes against iproute2 and against what the kernel can take at all."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from ansible_collections.roth.fabric.plugins.module_utils.kernel.exchange import BATCH
from ansible_collections.roth.fabric.plugins.module_utils.kernel.netlink import Netlink
from ansible_collections.roth.fabric.plugins.module_utils.kernel.sync import apply_plan, read_plan
from ansible_collections.roth.fabric.plugins.module_utils.kernel.text import Wanted, parse_routes

from .benchmark import OURS, Benchmark, Plot
from .kernel_limit import KernelLimit
from .namespaces import throwaway
from .samples import Sample
from .targets import Target

TABLE, BATCH_TABLE, LOOP_TABLE, LIMIT_TABLE, PROTOCOL = 142, 10142, 10143, 10144, 142
BATCHED, LOOP, LIMIT = "ip -batch", "ip route, in a loop", "kernel alone"
FULL = {100: 15, 1000: 15, 10000: 9, 100000: 3}
"""Rounds by number of routes."""
QUICK = {100: 2, 1000: 2}
LOOP_MOST, LOOP_ROUNDS = 1000, 1
"""Routes up to which the loop of processes is run, and how often: it takes more than a millisecond a route."""

STEPS = ("read the list", "install", "no-op", "purge")
Step = Callable[[], object]

METHOD = f"""\
N host routes of one family in a namespace of their own, each step by all in turn. *{OURS}* is a whole sync as the
module does it: dump, plan, write; reading the list of routes is a line of its own. *{BATCHED}* has its commands in a
file: `route add`, for the no-op `route replace` of what is there, `route del`. *{LOOP}* starts one process a route.
*{LIMIT}* is the limit: netlink messages that were encoded before, written {BATCH} at a time to a plain socket and
acknowledged, nothing read before; for the no-op, a dump that is received and thrown away."""


def timed(step: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    step()
    return (time.perf_counter() - start) * 1000


def route_lines(count: int, version: int) -> list[str]:
    """Host routes of one family as the module takes them."""
    base = int(IPv4Address("10.64.0.0")) if version == 4 else int(IPv6Address("2001:db8:64::"))
    make, length = (IPv4Address, 32) if version == 4 else (IPv6Address, 128)
    return [f"{make(base + number)}/{length} dev bench0" for number in range(count)]


def sync(kernel: Netlink, wanted: Wanted) -> None:
    """One whole sync; every route must have worked."""
    plan = read_plan(kernel, TABLE, PROTOCOL, wanted)
    problems = apply_plan(kernel, TABLE, PROTOCOL, wanted, plan).problems
    if problems:
        raise RuntimeError(f"{len(problems)} routes failed, the first: {problems[0].prefix}: {problems[0].reason}")


class Iproute:
    """iproute2 on the same routes, as one batch and as one process a route."""

    def __init__(self, folder: Path, lines: Sequence[str]) -> None:
        self.folder, self.lines = folder, lines
        for verb in ("add", "replace", "del"):
            text = "".join(f"route {verb} {line} table {BATCH_TABLE}\n" for line in lines)
            (folder / verb).write_text(text)

    def batch(self, verb: str) -> None:
        """`ip -batch` with one file."""
        subprocess.run(["ip", "-batch", self.folder / verb], check=True)

    def loop(self, verb: str) -> None:
        """One process a route."""
        for line in self.lines:
            subprocess.run(["ip", "route", verb, *line.split(), "table", str(LOOP_TABLE)], check=True)


def contenders(kernel: Netlink, folder: Path, lines: Sequence[str]) -> Iterator[tuple[str, dict[str, Step]]]:
    """Who runs which step how, in the order of the steps."""
    wanted, iproute = parse_routes(lines), Iproute(folder, lines)
    ours = partial(sync, kernel, wanted)
    yield OURS, {"read the list": partial(parse_routes, lines), "install": ours, "no-op": ours,
                 "purge": partial(sync, kernel, Wanted())}  # fmt: skip
    yield BATCHED, {"install": partial(iproute.batch, "add"), "no-op": partial(iproute.batch, "replace"),
                    "purge": partial(iproute.batch, "del")}  # fmt: skip
    limit = KernelLimit(kernel, wanted, LIMIT_TABLE, PROTOCOL)
    yield LIMIT, {"install": limit.install, "no-op": limit.dump, "purge": limit.purge}
    if len(lines) <= LOOP_MOST:
        yield LOOP, {"install": partial(iproute.loop, "add"), "no-op": partial(iproute.loop, "replace"),
                     "purge": partial(iproute.loop, "del")}  # fmt: skip


def measure(quick: bool) -> list[Sample]:
    """Rounds in which each contender does the same step one after the other."""
    samples = []
    name = f"bench{os.getpid()}-core"
    with throwaway(name), Netlink() as kernel, tempfile.TemporaryDirectory() as folder:
        for count, rounds in (QUICK if quick else FULL).items():
            for version in (4, 6):
                everyone = list(contenders(kernel, Path(folder), route_lines(count, version)))
                for number in range(rounds):
                    for step in STEPS:
                        samples += [
                            Sample(case(count, version, step), who, "ms", timed(steps[step]))
                            for who, steps in everyone
                            if step in steps and (who != LOOP or number < LOOP_ROUNDS)
                        ]
    return samples


def case(count: int, version: int, step: str) -> str:
    """The name of a line of the table."""
    return f"{count} IPv{version} routes: {step}"


BENCHMARK = Benchmark(
    "core",
    "The core of host_routes",
    METHOD,
    measure,
    targets=tuple(
        Target((case(10000, version, step), OURS), (case(10000, version, step), BATCHED), limit)
        for version in (4, 6)
        for step, limit in (("install", 0.6), ("no-op", 0.4))
    ),
    plots=(Plot("core-10k", "10,000 routes", tuple(case(10000, v, step) for v in (4, 6) for step in STEPS[1:])),),
)
