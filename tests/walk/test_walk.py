"""A random walk: routes come, go and move while links are cut and processes die. After each quiet point kernel,
adj-rib-out and both switches equal the model. ROTH_WALK_SEED and ROTH_WALK_STEPS choose another walk, or a longer one.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

import pytest
import yaml

from tests.lab.fabric import INVENTORY, Fabric

from .actions import Hands
from .observe import Session, differences, kernel_prefixes, look
from .world import Step, World, ending, next_step

SEED = int(os.environ.get("ROTH_WALK_SEED", "1"))
STEPS = int(os.environ.get("ROTH_WALK_STEPS", "30"))
QUIET = 240.0
"""Seconds until everything must have come to rest after a step: sessions that were reset several times come back slower
and slower, and a busy machine is no failure."""
HISTORY = 12


@dataclass
class Walk:
    """The lab, the model beside it, and what was done so far."""

    fabric: Fabric
    hands: Hands
    world: World
    sessions: tuple[Session, ...]
    done: list[Step] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)  # seconds to each quiet point

    def take(self, step: Step) -> None:
        self.done.append(step)
        self.hands.perform(step)

    def rest(self) -> None:
        """Wait until the lab equals the model; on failure say how to walk here again."""
        began = time.monotonic()
        seen = ["not looked at yet"]
        while seen:
            seen = differences(self.world, look(self.fabric), self.sessions)
            if time.monotonic() - began > QUIET:
                steps = "\n  ".join(map(describe, self.done[-HISTORY:]))
                pytest.fail(
                    f"ROTH_WALK_SEED={SEED}, after step {len(self.done)}: the model differs for {QUIET:g} s:\n  "
                    + "\n  ".join(seen)
                    + f"\nthe last steps were\n  {steps}",
                    pytrace=False,
                )
        self.waited.append(time.monotonic() - began)


def describe(step: Step) -> str:
    """A line for people: long lists of prefixes are counted."""
    return re.sub(
        r"prefixes=\((.*?)\)", lambda found: f"{found[1].count('/')} prefixes from {found[1][:30]}", str(step)
    )


def sessions_of_inventory() -> Iterable[Session]:
    """Every session by host, switch, uplink and family, from the inventory's own words."""
    for path in sorted((INVENTORY / "host_vars").glob("hv*.yml")):
        for uplink in yaml.safe_load(path.read_text())["roth_uplinks"]:
            for family in ("ipv4", "ipv6"):
                local = uplink[family].partition("/")[0]
                yield Session(path.stem, uplink["tor"], uplink["name"], family, local, other_end(local))


def other_end(local: str) -> str:
    """The switch's end of the lab's /31 and /127 links: the lower address."""
    return local[:-1] + {"1": "0", "b": "a"}[local[-1]]


@pytest.fixture
def walk(whole: Fabric) -> Iterable[Walk]:
    lasting = {host: kernel_prefixes(whole, host) for host in whole.hosts}
    walk = Walk(whole, Hands(whole), World(tuple(sorted(whole.switches)), lasting), tuple(sessions_of_inventory()))
    walk.rest()
    yield walk
    for step in list(ending(walk.world)):
        walk.world.apply(step)
        walk.take(step)


def test_after_each_quiet_point_kernel_exabgp_and_switches_equal_the_model(
    walk: Walk, capsys: pytest.CaptureFixture[str]
) -> None:
    random = Random(SEED)
    while len(walk.done) < STEPS:
        for _ in range(random.randint(1, 6)):
            walk.take(next_step(walk.world, random))
        walk.rest()
    kinds = Counter(type(step).__name__ for step in walk.done)
    with capsys.disabled():
        print(f"\nwalk of seed {SEED}: {len(walk.done)} steps, {len(walk.waited)} quiet points, ", end="")
        print(f"longest wait {max(walk.waited):.1f} s; {', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}")
