"""What a read of Neutron costs: all ports in one listing or a query a host, and hosts that read for ever."""

from __future__ import annotations

import json
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import yaml
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import connect
from ansible_collections.roth.fabric.plugins.module_utils.neutron.once import read_once
from ansible_collections.roth.fabric.plugins.module_utils.neutron.ports_by_host import LISTING_FROM, ports_by_host
from ansible_collections.roth.fabric.plugins.module_utils.wanted.networks import ProviderNetwork, provider_networks
from roth.port_watcher.config import Config, parse
from roth.port_watcher.reader import Reader
from roth.port_watcher.schedule import Schedule

from . import cloud
from .benchmark import OURS, Benchmark, Plot
from .cloud import Counting, Neutron
from .samples import Sample
from .targets import Target

SIZES = ((1000, 4), (2500, 10), (10000, 40))
"""Ports and hosts: 250 ports a host."""
LISTING, QUERIES, SDK = "one listing", "a query a host", "openstacksdk"
NETWORK = "mobile"
API = "CPU of Neutron's API"
PATIENCE = 300.0
"""Seconds that one request may take, on a busy machine as well."""
ROUNDS, WINDOW = 3, 240.0
"""Reads of all ports, and seconds for which the hosts read at their own pace."""

METHOD = f"""\
Neutron 29 on MariaDB (the lab's full mode: one API process, four threads) with the segments of {SIZES[-1][1]} hosts.
One port was made by the API; the others are copies of all of its rows in the database, with addresses, MAC, host and
segment of their own (`tests/bench/neutron_fill.py`). *{LISTING}* is what `sync_ports.yml` reads, once for all hosts;
*{QUERIES}* is what `neutron_ports_info` does for fewer than `listing_from` ({LISTING_FROM}) hosts; *{SDK}* is
`network.ports()`, what one would write without us. *Hosts that read* are as many of the port watcher's own readers,
each by its own schedule (every 60 s, give or take a quarter) for {WINDOW:g} s. CPU is what the cgroups of the API
and of MariaDB used. The machine is also the client, whose CPU is not in these figures but in the times."""


def case(ports: int, hosts: int, what: str) -> str:
    """The name of a line of the table."""
    return f"{ports} ports, {hosts} hosts: {what}"


def cost(neutron: Neutron, read: Callable[[Counting], int], expected: int) -> dict[str, tuple[float, str]]:
    """What one read cost, by what and with its unit. Raises RuntimeError when it found another number of ports."""
    counting = Counting(connect("lab", timeout=PATIENCE))
    before, began = neutron.cpu(), time.monotonic()
    found = read(counting)
    took, after = time.monotonic() - began, neutron.cpu()
    if found != expected:
        raise RuntimeError(f"{found} ports were read, expected {expected}")
    figures = {"time": (took, "s")}
    figures |= {f"CPU of {name}": (after[name] - before[name], "s") for name in after}
    if counting.requests:
        figures["requests"] = (counting.requests, "requests")
        figures["answers"] = (counting.bytes / 2**20, "MiB")
    return figures


def read_listing(counting: Counting) -> int:
    """As a playbook reads."""
    with tempfile.TemporaryDirectory() as folder:
        document = read_once(Path(folder), "lab", [NETWORK], PATIENCE, lambda _name, _timeout: counting)
    return len(document["ports"])  # type: ignore[arg-type]


def read_queries(networks: tuple[ProviderNetwork, ...], hosts: int) -> Callable[[Counting], int]:
    """One query for each host."""
    names = [f"hv{number}" for number in range(1, hosts + 1)]

    def read(counting: Counting) -> int:
        found = ports_by_host(counting, networks, names, listing_from=hosts + 1)
        return len(found.document["ports"])  # type: ignore[arg-type]

    return read


def read_objects(_counting: Counting) -> int:
    """The library's objects, all of them."""
    import openstack

    return len(list(openstack.connect("lab").network.ports()))


def reads(neutron: Neutron, ports: int, hosts: int, rounds: int) -> list[Sample]:
    """All ports, in each way; the model is one more."""
    variables = yaml.safe_load((neutron.inventory / "group_vars" / "all.yml").read_text())
    networks = provider_networks(variables["roth_provider_networks"])
    ways = {LISTING: read_listing, QUERIES: read_queries(networks, hosts), SDK: read_objects}
    samples = []
    for number in range(rounds):
        for who, read in ways.items():
            if who == SDK and number:
                continue  # once is enough to see how much it is
            for what, (value, unit) in cost(neutron, read, ports + 1).items():
                samples.append(Sample(case(ports, hosts, what), who, unit, value))
    return samples + [even(samples, ports, hosts, what) for what in ("time", API)]


def even(samples: Sequence[Sample], ports: int, hosts: int, what: str) -> Sample:
    """How many queries of one host cost as much as one listing: from there on the listing is cheaper."""
    listing, queries = (
        median(it.value for it in samples if (it.case, it.who) == (case(ports, hosts, what), who))
        for who in (LISTING, QUERIES)
    )
    return Sample(case(ports, hosts, f"one listing costs as much as queries of so many hosts, {what}"), OURS, "hosts",
                  listing / (queries / hosts))  # fmt: skip


class Host(threading.Thread):
    """A host's reader, by the watcher's own schedule. `took` are seconds of each read, `failed` what went wrong."""

    def __init__(self, config: Config, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.counting = Counting(connect("lab", timeout=config.timeout))
        self.reader = Reader(config, lambda: self.counting, time.monotonic)
        self.config, self.stopped = config, stop
        self.took: list[float] = []
        self.failed: list[str] = []

    def run(self) -> None:
        """Until it is stopped. The first reads are spread over a whole period: the hosts have run for long."""
        now, timing = time.monotonic(), self.config.timing
        schedule = Schedule(timing, random.random, now)
        due = now + timing.period * random.random()
        while not self.stopped.wait(max(0.0, due - time.monotonic())):
            schedule.begin(began := time.monotonic())
            answer = self.reader.read(len(self.took))
            now = time.monotonic()
            if "kind" in answer:
                self.failed.append(str(answer["text"]))
                schedule.failed(now)
            else:
                self.took.append(now - began)
                schedule.answered(now)
            due = schedule.due() or now


def config_of(neutron: Neutron, host: str, networks: object, period: float) -> Config:
    """ports.json of a host."""
    timing = {"period": period}
    return parse(json.dumps({"host": host, "cloud": "lab", "networks": networks, "timing": timing}))


def steady(neutron: Neutron, ports: int, hosts: int, seconds: float, period: float) -> list[Sample]:
    """All hosts read at their own pace."""
    variables = yaml.safe_load((neutron.inventory / "group_vars" / "all.yml").read_text())
    stop = threading.Event()
    readers = [
        Host(config_of(neutron, f"hv{number}", variables["roth_provider_networks"], period), stop)
        for number in range(1, hosts + 1)
    ]
    before, began = neutron.cpu(), time.monotonic()
    for reader in readers:
        reader.start()
    stop.wait(seconds)
    stop.set()
    took, after = time.monotonic() - began, neutron.cpu()
    for reader in readers:
        reader.join()
    failed = [text for reader in readers for text in reader.failed]
    if failed:
        raise RuntimeError(f"{len(failed)} reads failed: {failed[0]}")
    count = sum(len(reader.took) for reader in readers)
    if not count:
        raise RuntimeError(f"none of {hosts} hosts read within {seconds:g} s")
    minutes = took / 60
    figures = {
        "requests": (sum(it.counting.requests for it in readers) / minutes, "a minute"),
        "answers": (sum(it.counting.bytes for it in readers) / 2**20 / minutes, "MiB a minute"),
    }
    for name in after:
        used = after[name] - before[name]
        figures[f"CPU of {name}"] = (100 * used / took, "% of a core")
        figures[f"CPU of {name} a read"] = (1000 * used / count, "ms")
    what = case(ports, hosts, "hosts that read")
    samples = [Sample(f"{what}: a read", OURS, "ms", 1000 * each) for reader in readers for each in reader.took]
    return samples + [Sample(f"{what}: {name}", OURS, unit, value) for name, (value, unit) in figures.items()]


def measure(quick: bool) -> list[Sample]:
    """Sizes that grow, in one cloud."""
    samples = []
    sizes = ((200, 2),) if quick else SIZES
    with cloud.running(sizes[-1][1]) as neutron:
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(neutron.settings.clouds_file)
        for ports, hosts in sizes:
            neutron.grow(ports, hosts)
            read_listing(Counting(connect("lab", timeout=PATIENCE)))  # warms the caches of the API, and of MariaDB
            samples += reads(neutron, ports, hosts, 1 if quick else ROUNDS)
            samples += steady(neutron, ports, hosts, 10 if quick else WINDOW, 4 if quick else 60)
    return samples


def _cell(size: tuple[int, int], what: str, who: str) -> tuple[str, str]:
    return case(*size, what), who


SMALLEST, LARGEST = SIZES[0], SIZES[-1]
BENCHMARK = Benchmark(
    "neutron",
    "Reading Neutron",
    METHOD,
    measure,
    targets=(
        Target(_cell(LARGEST, API, LISTING), _cell(LARGEST, API, QUERIES), 1.0),
        Target(_cell(SMALLEST, API, QUERIES), _cell(SMALLEST, API, LISTING), 1.0),
        Target(_cell(LARGEST, API, LISTING), _cell(LARGEST, API, SDK), 0.7),
        Target(_cell(LARGEST, API, LISTING), _cell(SMALLEST, API, LISTING), 12.0),
        Target(
            _cell(LARGEST, f"hosts that read: {API} a read", OURS),
            _cell(SMALLEST, f"hosts that read: {API} a read", OURS),
            1.2,
        ),
    ),
    plots=(
        Plot(
            "neutron",
            "CPU of Neutron's API for one read of all ports, s",
            tuple(case(*size, API) for size in SIZES),
            logarithmic=True,
        ),
    ),
    why={
        f"{case(*SMALLEST, API)}: {QUERIES} ≤ 1 × {LISTING}": """\
both read the ports of all hosts, and the queries are four requests for the listing's one. A single host, which is what
its watcher asks for, costs a quarter of it.""",
        f"{case(*LARGEST, API)}: {LISTING} ≤ 0.7 × {SDK}": """\
Neutron loads whole ports from its database and picks the fields afterwards, so naming the few that we need saves it
nothing. It saves the caller: the listing takes 0.4 times as long.""",
    },
)
