"""The walk's model: what should be true of the fabric after each step. Pure, and the only source of expectations.

Steps are chosen from the model alone, never from what is observed: the same seed always walks the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

MOBILE4, MOBILE6 = "10.64.{}.{}/32", "2001:db8:64::cafe:{:x}/128"
"""Addresses of the spanning subnets that no port of the lab's document has."""
STRAY = "203.0.113.{}/32"
"""Outside every allowed prefix: such a route stands in the kernel and must not leave it."""
LIMIT = 90
"""Most walked addresses of a family on one host: a switch closes a session beyond 256 prefixes (role tor)."""
PROCESSES = ("agent", "bridge", "exabgp", "bfdd")
SIGNALS = ("KILL", "TERM")


@dataclass(frozen=True)
class Add:
    """Routes are set on a host, as an operator or the port watcher does."""

    host: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True)
class Remove:
    """Routes are deleted on a host."""

    host: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True)
class Move:
    """Addresses migrate, the new host first."""

    source: str
    target: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True)
class Flicker:
    """Routes go and come, or come and go, faster than anybody can follow."""

    host: str
    prefixes: tuple[str, ...]
    times: int


@dataclass(frozen=True)
class Foreign:
    """Another routing program adds, then removes, many routes."""

    host: str
    count: int


@dataclass(frozen=True)
class Cut:
    """The link between host and switch dies: its port goes down, or (`silent`) drops all packets with the link up."""

    host: str
    switch: str
    silent: bool


@dataclass(frozen=True)
class Heal:
    """The host's cut link is well again."""

    host: str


@dataclass(frozen=True)
class Signal:
    """A process of a host dies."""

    host: str
    process: str
    signal: str


@dataclass(frozen=True)
class Pause:
    """A process of a host stands still for some seconds."""

    host: str
    process: str
    seconds: float


@dataclass(frozen=True)
class Restart:
    """systemd restarts a process of a host."""

    host: str
    process: str


@dataclass(frozen=True)
class BridgeBounce:
    """The host's provider bridge goes down and up: the kernel drops its routes, and those on the host's list of wanted
    routes come back by themselves. A route that was only set by hand does not."""

    host: str


@dataclass(frozen=True)
class Reboot:
    """A host is powered off and on, and its instances' taps come back, as after any reboot."""

    host: str
    hard: bool


@dataclass(frozen=True)
class ClearSessions:
    """An operator resets all sessions of a switch."""

    switch: str


@dataclass(frozen=True)
class RestartSwitch:
    """The routing daemons of a switch restart."""

    switch: str


RouteStep = Add | Remove | Move | Flicker | Foreign
ProcessStep = Signal | Pause | Restart
Step = RouteStep | ProcessStep | Cut | Heal | BridgeBounce | Reboot | ClearSessions | RestartSwitch


@dataclass
class World:
    """`lasting` are prefixes that each host has all along, `walked` those that steps have set."""

    switches: tuple[str, ...]
    lasting: Mapping[str, frozenset[str]]
    walked: dict[str, set[str]] = field(default_factory=dict)
    cuts: dict[str, Cut] = field(default_factory=dict)
    fresh: int = 0  # addresses given out so far

    def __post_init__(self) -> None:
        for host in self.hosts:
            self.walked.setdefault(host, set())

    @property
    def hosts(self) -> tuple[str, ...]:
        """In a fixed order."""
        return tuple(sorted(self.lasting))

    def kernel(self, host: str) -> frozenset[str]:
        """Our routes' prefixes in the host's kernel."""
        return self.lasting[host] | self.walked[host]

    def announced(self, host: str) -> frozenset[str]:
        """What the host tells its switches."""
        return frozenset(prefix for prefix in self.kernel(host) if not is_stray(prefix))

    def known(self, host: str, switch: str) -> frozenset[str]:
        """What the switch has from the host."""
        cut = self.cuts.get(host)
        return frozenset() if cut and cut.switch == switch else self.announced(host)

    def apply(self, step: Step) -> None:
        """The world after the step. What only disturbs (a process dies and is started again) changes nothing."""
        match step:
            case Add(host, prefixes):
                self.walked[host] |= set(prefixes)
            case Remove(host, prefixes):
                self.walked[host] -= set(prefixes)
            case Move(source, target, prefixes):
                self.walked[target] |= set(prefixes)
                self.walked[source] -= set(prefixes)
            case Cut(host):
                self.cuts[host] = step
            case Heal(host):
                del self.cuts[host]
            case BridgeBounce(host) | Reboot(host):
                self.walked[host].clear()
            case _:
                pass

    def take(self, count: int) -> tuple[str, ...]:
        """Addresses that nobody has had yet, both families in turn."""
        numbers = range(self.fresh, self.fresh + count)
        self.fresh += count
        return tuple(MOBILE6.format(n) if n % 2 else MOBILE4.format(96 + n // 250 % 100, n % 250 + 1) for n in numbers)


def is_stray(prefix: str) -> bool:
    """Whether a prefix is outside what may be announced."""
    return prefix.startswith("203.0.113.")


def _add(world: World, random: Random) -> Step | None:
    host = random.choice(world.hosts)
    room = LIMIT - len(world.walked[host])
    return Add(host, world.take(random.randint(1, min(room, 40)))) if room > 0 else None


def _stray(world: World, random: Random) -> Step | None:
    host = random.choice(world.hosts)
    free = sorted({STRAY.format(n) for n in range(100, 110)} - world.walked[host])
    return Add(host, (random.choice(free),)) if free else None


def _some(world: World, random: Random, host: str) -> tuple[str, ...]:
    walked = sorted(world.walked[host])
    return tuple(random.sample(walked, random.randint(1, len(walked)))) if walked else ()


def _remove(world: World, random: Random) -> Step | None:
    host = random.choice(world.hosts)
    prefixes = _some(world, random, host)
    return Remove(host, prefixes) if prefixes else None


def _move(world: World, random: Random) -> Step | None:
    source, target = random.sample(world.hosts, 2)
    room = LIMIT - len(world.walked[target])
    prefixes = tuple(prefix for prefix in _some(world, random, source) if not is_stray(prefix))[: max(0, room)]
    return Move(source, target, prefixes) if prefixes else None


def _flicker(world: World, random: Random) -> Step | None:
    host = random.choice(world.hosts)
    prefixes = _some(world, random, host)
    return Flicker(host, prefixes, random.randint(1, 5)) if prefixes else None


def _cut(world: World, random: Random) -> Step | None:
    host, switch, silent = random.choice(world.hosts), random.choice(world.switches), random.random() < 0.5
    return None if host in world.cuts else Cut(host, switch, silent)


def _heal(world: World, random: Random) -> Step | None:
    return Heal(random.choice(sorted(world.cuts))) if world.cuts else None


def _reboot(world: World, random: Random) -> Step | None:
    host, hard = random.choice(world.hosts), random.random() < 0.5
    return None if host in world.cuts else Reboot(host, hard)  # its cables are made anew, cut or not


CHOICES: tuple[tuple[int, Callable[[World, Random], Step | None]], ...] = (
    (24, _add),
    (18, _remove),
    (14, _move),
    (8, _flicker),
    (3, _stray),
    (3, lambda world, random: Foreign(random.choice(world.hosts), random.choice((100, 5000, 30000)))),
    (6, _cut),
    (9, _heal),
    (6, lambda world, random: Signal(random.choice(world.hosts), random.choice(PROCESSES), random.choice(SIGNALS))),
    (3, lambda world, random: Pause(random.choice(world.hosts), random.choice(PROCESSES), random.choice((0.5, 1, 3)))),
    (3, lambda world, random: Restart(random.choice(world.hosts), random.choice(("agent", "exabgp", "bfdd")))),
    (2, lambda world, random: BridgeBounce(random.choice(world.hosts))),
    (1, _reboot),
    (2, lambda world, random: ClearSessions(random.choice(world.switches))),
    (1, lambda world, random: RestartSwitch(random.choice(world.switches))),
)
"""How often each kind of step is taken, as a weight, and what makes one. None: there is nothing to do that to."""


def next_step(world: World, random: Random) -> Step:
    """Choose a step that makes sense in this world, and apply it."""
    weights = [weight for weight, _make in CHOICES]
    while True:
        _weight, make = random.choices(CHOICES, weights)[0]
        step = make(world, random)
        if step is not None:
            world.apply(step)
            return step


def ending(world: World) -> Iterable[Step]:
    """The steps that undo the walk."""
    for host in sorted(world.cuts):
        yield Heal(host)
    for host in world.hosts:
        if world.walked[host]:
            yield Remove(host, tuple(sorted(world.walked[host])))
