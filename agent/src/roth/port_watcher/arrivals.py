"""Live migration, from the host that an instance comes to. Pure: times are arguments (seconds, monotonic).

Nova plugs the tap here long before the instance runs here, and Neutron goes on to name the source. A route in that time
would draw this host's own neighbours to a paused copy, so nothing is installed yet; it is only found out which port the
tap is of. What counts is the instance's first frame: from then on, or from when Neutron binds the port here, its
addresses have a route of `preference.ARRIVED_METRIC`, which the agent announces as preferred: the source announces them
too until it has noticed, and two hosts alike would each get a share of the packets. Once a source that has lost its
instance must have noticed, the route becomes an ordinary one: when Nova has cleared up there, or else by time. Sooner
is better: an instance that moves on from here must find nothing preferred behind it.

    tap here, bound elsewhere    first frame            bound here by Neutron      settle
    ────────► expected ────────────────► arrived, unbound ────────► arrived, bound ────────► (an ordinary port)
                 │  └───────────── bound here by Neutron ──────────────►┘   or source cleared up
                 └► (gone with its tap)        └► taken back: still bound elsewhere `unbound` seconds after
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..kernel.changes import PackedPrefix
from ..kernel.model import RouteKey
from ..kernel.preference import arrived
from ..kernel.routes import arriving_key, settled_key
from .answer import Answer

LEAVING_FOR = 600.0  # seconds for which a migration that is announced may make reads more frequent


@dataclass(frozen=True)
class Coming:
    """A port of another host that has a good binding for this host as well, and `routes` that it would have here.

    They are in ordinary form. `mac` is in lower case.
    """

    tap: str
    mac: str
    routes: Mapping[RouteKey, str | None]


@dataclass(frozen=True)
class Migrations:
    """What a read of Neutron tells of them. `leaving` are taps of ports here that are about to go elsewhere.

    `cleared` are those of ports that have come here and that the host they came from has no binding of any more.
    """

    coming: tuple[Coming, ...] = ()
    leaving: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Answered:
    """A read that succeeded. `left_out` counts addresses that are not routed, `seconds` is how long Neutron took."""

    answer: Answer
    left_out: int
    seconds: float
    migrations: Migrations = Migrations()


@dataclass(frozen=True)
class Failed:
    """A read that did not. `kind` is unreachable, refused or broken."""

    kind: str
    text: str


@dataclass(frozen=True)
class Arrival:
    """An instance that came here `since`. `routes` are those that no answer of Neutron names yet: it is not `bound`.

    `cleared` is when a read first told that nothing is left of it where it came from.
    """

    since: float
    bound: bool
    routes: Mapping[RouteKey, str | None] = field(default_factory=dict)
    cleared: float | None = None


@dataclass(frozen=True)
class Step:
    """What became of a tap's port: expected, arrived, settled, or taken back; `why` in words."""

    what: str
    tap: str
    why: str = ""


class Arrivals:
    """Ports that are expected, and those that have arrived and are not settled, by the names of their taps."""

    def __init__(self, settle: float, unbound: float, watch: float) -> None:
        self.settle, self.unbound, self.watch = settle, unbound, watch
        self.expected: dict[str, Coming] = {}
        self.arrived: dict[str, Arrival] = {}
        self._before: dict[str, Arrival] = {}  # what had arrived before the last good read
        self._here: set[str] = set()  # taps whose ports were this host's already: such a one comes from nowhere
        self.leaving: dict[str, float] = {}  # since when
        self._left: frozenset[str] = frozenset()  # taps that were gone when the last good read said that they leave
        self._heard: dict[str, str | None] = {}  # frames from behind taps that nothing was known of
        self._elsewhere: frozenset[str] = frozenset()  # taps whose ports Neutron has on another host, by its own word
        self._returned: set[PackedPrefix] = set()  # prefixes that the last good read took back
        self._found: frozenset[PackedPrefix] = frozenset()  # prefixes that the kernel had as arrived at the start
        self._started = 0.0

    def begin(self, now: float, taps: Iterable[str], routes: Iterable[RouteKey], answer: Answer) -> None:
        """The watcher starts on a host with these taps and `routes`: what has arrived has done so just now.

        Of a tap that is here already nobody knows whether its instance is still to come or has left: it gets no route
        before Neutron binds its port here.
        """
        self._started, self._here = now, set(taps)
        self._found = frozenset(key[:2] for key in routes if arrived(key))
        self._resume(answer)

    def _resume(self, answer: Answer) -> None:
        for key in answer.routes:
            tap = answer.tap(key)
            if tap is not None and (arrived(key) or key[:2] in self._found):
                self.arrived.setdefault(tap, Arrival(self._started, True))
                self._here.discard(tap)

    def alive(self, now: float, tap: str, mac: str | None = None) -> Step | None:
        """A frame has come from behind the tap, by `mac` if that is known. None: it tells nothing."""
        coming = self.expected.get(tap)
        if coming is None:
            if tap not in self._here and tap not in self.arrived:
                self._heard[tap] = mac  # it may come before Neutron's answer
            return None
        if mac not in (None, coming.mac):
            return None
        del self.expected[tap]
        self.arrived[tap] = Arrival(now, False, coming.routes)
        return Step("arrived", tap, "its first frame was seen")

    def told(self, now: float, began: float, answer: Answer, told: Migrations, taps: Collection[str]) -> list[Step]:
        """A good read, which had begun at `began`, while these taps are here."""
        self._resume(answer)
        self._found, self._before = frozenset(), dict(self.arrived)
        self._elsewhere, self._returned = frozenset(each.tap for each in told.coming), set()
        placed = set(answer.taps.values())
        steps = [*self._bound(now, placed), *self._unbound(began, placed), *self._settled(now, began, told)]
        self._here = (self._here | placed - self.arrived.keys()) & set(taps)
        before, nobody = self.expected, placed | self._here | self.arrived.keys()
        self.expected = {each.tap: each for each in told.coming if each.tap in taps and each.tap not in nobody}
        steps += [Step("expected", tap) for tap, each in self.expected.items() if before.get(tap) != each]
        heard, self._heard = self._heard, {}
        steps += [step for tap, mac in heard.items() if (step := self.alive(now, tap, mac)) is not None]
        self.leaving = {tap: self.leaving.get(tap, now) for tap in told.leaving & set(taps)}
        self._left = told.leaving - set(taps)
        return steps

    def _bound(self, now: float, placed: Collection[str]) -> Iterable[Step]:
        for tap in sorted(self.expected.keys() & set(placed)):
            del self.expected[tap]
            self.arrived[tap] = Arrival(now, True)
            yield Step("arrived", tap, "Neutron binds it here")
        for tap, arrival in self.arrived.items():
            if tap in placed and not arrival.bound:
                self.arrived[tap] = replace(arrival, bound=True, routes={})

    def _unbound(self, began: float, placed: Collection[str]) -> Iterable[Step]:
        """A port that was bound here and is no more has left. One that never was gets its time."""
        late = began - self.unbound
        for tap, arrival in list(self.arrived.items()):
            if tap in placed:
                continue
            if arrival.bound:
                del self.arrived[tap]
                self._here.add(tap)
                yield Step("settled", tap, "Neutron binds it elsewhere")
            elif arrival.since <= late:
                del self.arrived[tap]
                self._here.add(tap)
                self._returned |= {key[:2] for key in arrival.routes}
                yield Step(
                    "taken back", tap, f"Neutron does not bind it here, {self.unbound:g} s after its first frame"
                )

    def _settled(self, now: float, began: float, told: Migrations) -> Iterable[Step]:
        """One that is to leave again is preferred no more: where it goes must be. Nova moves an instance again only
        when it has cleared up where the instance came from."""
        for tap, arrival in list(self.arrived.items()):
            if arrival.cleared is None and tap in told.cleared:
                arrival = self.arrived[tap] = replace(arrival, cleared=now)
            why = self._why_settled(tap, arrival, now, began, told.leaving)
            if arrival.bound and why is not None:
                del self.arrived[tap]
                yield Step("settled", tap, why)

    def _why_settled(
        self, tap: str, arrival: Arrival, now: float, began: float, leaving: Collection[str]
    ) -> str | None:
        if tap in leaving:
            return "it is about to leave"
        if now >= arrival.since + self.settle:
            return f"after {self.settle:g} s"
        # a copy that keeps its tap there has been found meanwhile: its host reads as often, as long as its port leaves
        if arrival.cleared is not None and began >= arrival.cleared + self.watch:
            return "the host that it came from is cleared up"
        return None

    def disregard(self, taps: Iterable[str | None]) -> None:
        """The last read is not followed as to these taps, whose ports it lacks: what had arrived still has."""
        for tap in taps:
            if tap is not None and tap in self._before:
                self.arrived.setdefault(tap, self._before[tap])
                self._here.discard(tap)

    def forget(self, taps: Collection[str]) -> None:
        """Only these taps are here. A port that Neutron binds here keeps its state: its tap may come back."""
        self.expected = {tap: each for tap, each in self.expected.items() if tap in taps}
        self.arrived = {tap: each for tap, each in self.arrived.items() if each.bound or tap in taps}
        self._here &= set(taps)
        self._heard = {tap: mac for tap, mac in self._heard.items() if tap in taps}

    # -- what follows -------------------------------------------------------------------------------------------------

    def placed(self, answer: Answer) -> Answer:
        """The answer, in which ports that have arrived have their routes as arrived, and no others have.

        One that is to leave and whose tap has gone has left, though Neutron still binds it here: a tap that comes is
        of its next migration, perhaps, and not of an instance that runs.
        """
        routes = {
            self._key(answer, key): device for key, device in answer.routes.items() if answer.tap(key) not in self._left
        }
        return replace(answer, routes=routes)

    def _key(self, answer: Answer, key: RouteKey) -> RouteKey:
        settled = settled_key(key)
        return arriving_key(settled) if answer.tap(key) in self.arrived else settled

    def unplaced(self, answer: Answer) -> Answer:
        """Routes of ports that run here and that Neutron binds elsewhere yet, and their taps.

        Host routes only: a shorter prefix of an allowed address pair can't be preferred, and waits for Neutron. Nor is
        a prefix taken from another port of this host.
        """
        routes: dict[RouteKey, str | None] = {}
        taps: dict[PackedPrefix, str] = {}
        for tap, arrival in self.arrived.items():
            for key, device in arrival.routes.items():
                if arrived(arriving_key(key)) and key not in answer.routes and arriving_key(key) not in answer.routes:
                    routes[arriving_key(key)] = device
                    taps[key[:2]] = tap
        return Answer(routes, taps)

    def elsewhere(self, keys: Iterable[RouteKey], before: Answer) -> set[RouteKey]:
        """Those of `keys` that were taken back, or whose port the last good read has, and on another host.

        Not one of them is missing from an answer, as all of them are from half an answer.
        """
        return {key for key in keys if key[:2] in self._returned or before.tap(key) in self._elsewhere}

    def puzzling(self) -> bool:
        """Whether an instance runs here whose port Neutron binds elsewhere: that must be about to change."""
        return any(not arrival.bound for arrival in self.arrived.values())

    def within(self, now: float) -> float | None:
        """How many seconds from now Neutron is to be read again, for what moves; None: nothing does."""
        waits = [max(0.0, each.since + self.settle - now) for each in self.arrived.values() if each.bound]
        waits += [
            max(0.0, each.cleared + self.watch - now) for each in self.arrived.values() if each.cleared is not None
        ]
        waits += [self.watch for each in self.arrived.values()]
        waits += [self.watch for since in self.leaving.values() if now - since < LEAVING_FOR]
        return min(waits, default=None)
