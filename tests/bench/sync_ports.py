"""sync_ports.yml from a real Neutron, with few and with many ports and hosts: its time, and what it costs Neutron."""

from __future__ import annotations

import time

from . import cloud
from .benchmark import Benchmark, Plot
from .cloud import Neutron
from .neutron import API, SIZES, case
from .playbooks import RECAP
from .samples import Sample
from .targets import Target

FIRST, AGAIN = "all routes", "no change"
ROUNDS = 3
"""Runs that change nothing."""
TAGS = "host_software,host_network,provider_network"
FORGET = "rm -f /etc/roth/instance-routes /etc/roth/instance-taps; for v in 4 6; do ip -$v route flush table 142; done"
PREFIXES = 2
"""Of each port: an address of either family."""

METHOD = f"""\
The Neutron and the ports of [the section before](#reading-neutron), and {SIZES[-1][1]} hosts that are nodes of a lab,
deployed by `site.yml --tags {TAGS}`: no daemon takes part, so none takes CPU.
`sync_ports.yml --limit` with as many hosts as have ports, and the forks of `ansible.cfg`. *{FIRST}*: the hosts have
none of their ports' routes; each has all {PREFIXES} of every port afterwards, which is counted in its kernel.
*{AGAIN}*: once more, and no host reports a change. Controller and all hosts share the machine's cores, so the time is
that of all their work together."""


def synchronise(neutron: Neutron, hosts: int) -> tuple[dict[str, float], int]:
    """What a run on the first hosts cost, in seconds, and how many hosts changed."""
    names = [f"hv{number}" for number in range(1, hosts + 1)]
    before, began = neutron.cpu(), time.monotonic()
    shown = neutron.playbook("sync_ports", "--limit", ",".join(names), "-e", "port_watcher_enabled=false")
    took, after = time.monotonic() - began, neutron.cpu()
    recap = {host: changed for host, _ok, changed in RECAP.findall(shown)}
    if set(recap) != set(names):
        raise RuntimeError(f"sync_ports.yml was to run on {hosts} hosts and ran on {sorted(recap)}")
    figures = {"time": took, "time a host": took / hosts}
    figures |= {f"CPU of {name}": after[name] - before[name] for name in after}
    return figures, sum(int(changed) > 0 for changed in recap.values())


def require_routes(neutron: Neutron, ports: int, hosts: int) -> None:
    """Raise RuntimeError unless the kernels of the first hosts have both prefixes of all ports, and of the model."""
    count = "for v in 4 6; do ip -o -$v route show table 142 dev br-mobile proto 142; done | wc -l"
    found = sum(int(neutron.run(count, node=f"hv{number}")) for number in range(1, hosts + 1))
    if found != (expected := PREFIXES * (ports + 1)):
        raise RuntimeError(f"{hosts} hosts have {found} routes of instances, expected {expected}")


def runs(neutron: Neutron, ports: int, hosts: int, rounds: int) -> list[Sample]:
    """All routes, and then nothing to do."""
    for number in range(1, hosts + 1):
        neutron.run(FORGET, node=f"hv{number}")
    samples = []
    for who, expected in ((FIRST, hosts), *[(AGAIN, 0)] * rounds):
        figures, changed = synchronise(neutron, hosts)
        if changed != expected:
            raise RuntimeError(f"{who}, {hosts} hosts: {changed} changed, expected {expected}")
        require_routes(neutron, ports, hosts)
        samples += [Sample(case(ports, hosts, what), who, "s", value) for what, value in figures.items()]
    return samples


def measure(quick: bool) -> list[Sample]:
    """Sizes that grow, in one cloud."""
    sizes = ((200, 2),) if quick else SIZES
    samples = []
    with cloud.running(sizes[-1][1], machines=True) as neutron:
        neutron.playbook("site", "--tags", TAGS, "-e", '{"roth_serial": "100%"}')
        for ports, hosts in sizes:
            neutron.grow(ports, hosts)
            samples += runs(neutron, ports, hosts, 1 if quick else ROUNDS)
    return samples


SMALLEST, LARGEST = SIZES[0], SIZES[-1]
BENCHMARK = Benchmark(
    "sync",
    "The playbook sync_ports.yml",
    METHOD,
    measure,
    targets=(
        *(
            Target((case(*LARGEST, "time a host"), who), (case(*SMALLEST, "time a host"), who), 1.0)
            for who in (FIRST, AGAIN)
        ),
        Target((case(*LARGEST, API), AGAIN), (case(*SMALLEST, API), AGAIN), 12.0),
    ),
    plots=(Plot("sync", "Seconds a host", tuple(case(*size, "time a host") for size in SIZES)),),
)
