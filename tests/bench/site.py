"""site.yml from bare hosts, and again when nothing is to be done, with few and with many hosts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import median

from . import scale
from .benchmark import Benchmark, Plot
from .playbooks import RECAP, ROOT, lab, play
from .samples import Sample
from .targets import Target

LAB = ROOT / "inventories" / "lab"
INVENTORIES = ROOT / "build" / "bench"
SIZES = (3, 10, 30)
CONVERGE, NO_CHANGE = "converge", "no change"

METHOD = f"""\
A lab of its own for each size, two switches, {scale.PORTS} instances a host; `site.yml` with all hosts in one batch
(`roth_serial=100%`, as `make lab`) and the forks of `ansible.cfg`. *{CONVERGE}* is the first run on bare hosts,
*{NO_CHANGE}* the second, which must report no change on any host. Controller and all hosts share the machine's cores,
so the time is that of all their work together."""


@contextmanager
def bare(hosts: int) -> Iterator[dict[str, str]]:
    """A lab that is up and not yet deployed; gives the environment to run playbooks in."""
    inventory = INVENTORIES / f"inventory-{hosts}"
    scale.write(inventory, LAB, hosts)
    with lab(inventory, f"bench{hosts}") as environment:
        yield environment


def converge(environment: Mapping[str, str], hosts: int) -> tuple[float, int, int]:
    """Seconds of site.yml, tasks of a host, and hosts that changed."""
    began = time.monotonic()
    shown = play(environment, "site", "-e", '{"roth_serial": "100%", "roth_switch_serial": "100%"}')
    took = time.monotonic() - began
    recap = RECAP.findall(shown)
    if len(recap) != hosts:
        raise RuntimeError(f"site.yml was to run on {hosts} hosts: {shown[-3000:]}")
    tasks = median(int(ok) for _host, ok, _changed in recap)
    return took, int(tasks), sum(int(changed) > 0 for _host, _ok, changed in recap)


def measure(quick: bool) -> list[Sample]:
    """One lab after the other, each deployed twice."""
    samples = []
    for hosts in SIZES[:1] if quick else SIZES:
        with bare(hosts) as environment:
            for step, expected in ((CONVERGE, hosts), (NO_CHANGE, 0)):
                seconds, tasks, changed = converge(environment, hosts)
                if changed != expected:
                    raise RuntimeError(f"{step} with {hosts} hosts: {changed} changed, expected {expected}")
                samples.append(Sample(f"{hosts} hosts: run", step, "s", seconds))
                samples.append(Sample(f"{hosts} hosts: seconds a host", step, "s", seconds / hosts))
                samples.append(Sample(f"{hosts} hosts: tasks a host", step, "tasks", tasks))
    return samples


WHY_NO_CHANGE = """\
of the 103 tasks 73 have to look at the host in a run that changes nothing as well, and that is what a task costs: a
module that does nothing (`ping`) takes 0.25 s of a core, a bare command on the host (`raw`) 0.01 s, and starting Python
with all that a module imports 0.08 s; the rest is Ansible packing the module's library, and compiling it anew on the
host, each time. What only the first run does, packages and the release's environment, is short here: the nodes have
their packages already. Half would need 20 s less with three hosts, which is half of all tasks."""
WHY_GROWTH = """\
the hosts are namespaces of the machine that runs Ansible, so their daemons take their share: 5.3 % of a core
each while idle ([below](#memory-and-idle-cpu)), with 30 hosts 1.6 of the two cores. The second run has all of them
beside it from its first task on, the first only from when each is started."""


def _each(hosts: int) -> str:
    return f"{hosts} hosts: seconds a host"


BENCHMARK = Benchmark(
    "site",
    "The playbook site.yml",
    METHOD,
    measure,
    targets=(
        *(Target((f"{hosts} hosts: run", NO_CHANGE), (f"{hosts} hosts: run", CONVERGE), 0.5) for hosts in SIZES),
        *(
            Target((_each(hosts), step), (_each(SIZES[0]), step), 1.0)
            for hosts in SIZES[1:]
            for step in (CONVERGE, NO_CHANGE)
        ),
    ),
    why={
        **{f"{hosts} hosts: run: {NO_CHANGE} ≤ 0.5 × {CONVERGE}": WHY_NO_CHANGE for hosts in SIZES},
        **{
            f"{_each(hosts)}: {step} ≤ 1 × {_each(SIZES[0])}, {step}": WHY_GROWTH
            for hosts in SIZES[1:]
            for step in (CONVERGE, NO_CHANGE)
        },
    },
    plots=(Plot("site", "Seconds a host", tuple(map(_each, SIZES))),),
)
