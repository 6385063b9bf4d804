"""One fault: the traffic and the switches it is watched by, what it may cost, and the line it gets in the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.lab.conftest import ailments
from tests.lab.fabric import Fabric, Monitor, eventually

from .traffic import RATE, Flow, Loss, Traffic, flows_of, streaming

AFTERWARDS = 1.0
"""Seconds of traffic after all is well again."""


@dataclass(frozen=True)
class Bound:
    """What a fault may cost: packets each way, and whether prefixes may leave a switch. `why` is for the table."""

    up: int = 0
    down: int = 0
    withdrawn: bool = False
    why: str = "nothing"

    def __str__(self) -> str:
        return f"0 / 0: {self.why}" if not self.up + self.down else f"≤ {self.up} / {self.down}: {self.why}"


NOTHING = Bound()


def packets(seconds: float, share: float) -> int:
    """What a stream of all flows sends in so many seconds through a `share` of them, with half as much for chance:
    which flows go where is the kernel's throw."""
    return int(RATE * seconds * share * 1.5)


@dataclass(frozen=True)
class Outcome:
    """A line of the table."""

    name: str
    bound: Bound
    up: Loss
    down: Loss
    withdrawn: tuple[str, ...]
    pause: float

    def faults(self) -> list[str]:
        """In what way more was lost than may be."""
        found = []
        for way, loss, most in (
            ("client → instance", self.up, self.bound.up),
            ("instance → client", self.down, self.bound.down),
        ):
            if loss.lost > most:
                found.append(f"{way}: {loss.lost} of {loss.sent} lost, expected at most {most} ({self.bound.why})")
        if self.withdrawn and not self.bound.withdrawn:
            found.append(f"withdrawn, expected none: {', '.join(self.withdrawn)}")
        return found


@dataclass
class Case:
    """The fault of one test. `versions` are BGP table versions of the switches that have such (FRR)."""

    name: str
    fabric: Fabric
    outcomes: list[Outcome]
    flows: list[Flow] = field(default_factory=list)

    @contextmanager
    def costing(self, bound: Bound, wanted: Callable[[Flow], bool] = lambda _flow: True) -> Iterator[Traffic]:
        """The fault is what happens in the block; when it ends, all must be well again before the loss is counted.

        Only flows that are `wanted` are sent: a host that is rebooted takes its instances' interfaces with it."""
        self.flows = [flow for flow in flows_of(self.fabric) if wanted(flow)]
        ours = {prefix for name in self.fabric.switches for prefix in self.fabric.prefixes_at(name)}
        with ExitStack() as stack:
            monitors = {name: stack.enter_context(self.fabric.monitoring(name)) for name in self.fabric.switches}
            traffic = stack.enter_context(streaming(self.flows, self.fabric.netns("client")))
            traffic.steady()
            yield traffic
            eventually(lambda: ailments(self.fabric), lambda found: not found, "all sessions up again", 180)
            traffic.steady()
            traffic.go_on(AFTERWARDS)
        outcome = Outcome(self.name, bound, traffic.loss(0), traffic.loss(1), withdrawn(monitors, ours), traffic.pause)
        self.outcomes.append(outcome)
        assert not outcome.faults(), "\n".join(outcome.faults())

    def table_versions(self) -> dict[str, int]:
        """A version changes with every best path: none changed, so nothing was withdrawn even for a moment."""
        found = {}
        for name, software in self.fabric.switches.items():
            for family in ("ipv4", "ipv6") if software == "frr" else ():
                text = self.fabric.run(name, "vtysh", "-c", f"show bgp {family} unicast json")
                found[f"{name} {family}"] = int(json.loads(text)["tableVersion"])
        return found


def withdrawn(monitors: dict[str, Monitor], prefixes: set[str]) -> tuple[str, ...]:
    """Which of the prefixes left the kernel of which switch, even for a moment."""
    return tuple(
        sorted(
            {
                f"{change.prefix} at {name}"
                for name, monitor in monitors.items()
                for change in monitor.changes
                if change.deleted and change.prefix in prefixes
            }
        )
    )


def table(outcomes: list[Outcome]) -> str:
    """All outcomes as one table."""
    from tabulate import tabulate

    rows = [
        (
            outcome.name,
            str(outcome.bound),
            f"{outcome.up.lost} of {outcome.up.sent}",
            f"{outcome.up.gap * 1000:.0f}" if outcome.up.lost else "-",
            f"{outcome.down.lost} of {outcome.down.sent}",
            f"{outcome.down.gap * 1000:.0f}" if outcome.down.lost else "-",
            len(outcome.withdrawn),
            "ok" if not outcome.faults() else "FAILED",
        )
        for outcome in outcomes
    ]
    headers = (
        "fault", "expected (to / from instances)", "lost to instances", "gap ms", "lost from instances", "gap ms",
        "withdrawn", "verdict",
    )  # fmt: skip
    return str(tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True))
