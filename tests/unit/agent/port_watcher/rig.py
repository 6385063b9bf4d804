"""A watcher in surroundings of our own: a Neutron that obeys a script, a kernel, a clock, a folder for its lists."""

from __future__ import annotations

import errno
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from uuid import UUID

from roth.kernel.model import (
    ODD,
    Action,
    Event,
    LearnedEvent,
    Link,
    LinkEvent,
    RouteChange,
    RouteKey,
    RouteTable,
    key_text,
)
from roth.kernel.text import parse_packed
from roth.neutron.cloud import NeutronError
from roth.port_watcher.asking import understand
from roth.port_watcher.config import Config, parse
from roth.port_watcher.reader import Reader
from roth.port_watcher.schedule import Timing
from roth.port_watcher.watcher import Watcher

from tests.unit.agent.fakes import FakeClock, FakeTimers

NETWORK, SUBNET, SUBNET6 = (str(UUID(int=number)) for number in (1, 4, 6))
LATENCY = 0.15  # seconds that Neutron takes
BRIDGE = "br-mobile"
SETTLED = 0.5  # seconds in which a hint has become routes


def port_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def tap(number: int) -> str:
    return f"tap{port_id(number)[:11]}"


def prefixes(number: int) -> set[str]:
    return {str(ip_network(f"10.64.{number >> 8}.{number & 255}")), str(ip_network(f"2001:db8:64::{number:x}"))}


def mac(number: int) -> str:
    return f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}"


def port(number: int, host: str = "hv1", vif: str = "bridge") -> dict[str, object]:
    """A port of Neutron, with an address of each family."""
    fixed = [
        {"ip_address": each.partition("/")[0], "subnet_id": SUBNET6 if ":" in each else SUBNET}
        for each in sorted(prefixes(number))
    ]
    return {
        "id": port_id(number), "name": f"vm{number}", "network_id": NETWORK, "binding:host_id": host,
        "binding:vif_type": vif, "device_owner": "compute:nova", "admin_state_up": True,
        "mac_address": mac(number), "fixed_ips": fixed,
        "allowed_address_pairs": [],
    }  # fmt: skip


class FakeStore:
    """Routes and links of a kernel; IPv4 and IPv6 routes go with their link."""

    def __init__(self) -> None:
        self.link_table = {1: Link(1, "lo", True, True), 2: Link(2, BRIDGE, True, True, kind="bridge")}
        self.hops: dict[RouteKey, tuple[int, int]] = {}
        self.foreign: dict[RouteKey, int] = {}
        self.failing: OSError | None = None
        self.writes = 0
        self.indexes = itertools.count(10)
        self.packets: dict[int, int] = {}  # that an interface has received

    def links(self) -> dict[int, Link]:
        if self.failing:
            raise self.failing
        return dict(self.link_table)

    def route_table(self, table: int, protocol: int) -> RouteTable:
        if self.failing:
            raise self.failing
        assert (table, protocol) == (142, 142)
        return RouteTable(dict(self.hops))

    def foreign_routes(self, table: int, protocol: int) -> dict[RouteKey, int]:
        return dict(self.foreign)

    def write(self, table: int, protocol: int, changes: Sequence[RouteChange]) -> list[tuple[int, int, str]]:
        failures = []
        for position, (action, key, hop) in enumerate(changes):
            self.writes += 1
            link = self.link_table.get(hop[0])
            if action is Action.REMOVE:
                if key in self.hops and hop in ((0, ODD), self.hops[key]):
                    del self.hops[key]
            elif hop[0] and (link is None or not link.up):
                failures.append((position, errno.ENETDOWN, "Network is down"))
            elif action is Action.ADD and key in self.hops:
                failures.append((position, errno.EEXIST, "File exists"))
            else:
                self.hops[key] = hop
        return failures

    def delete_neighbor(self, address: object, oif: int) -> None:
        assert oif in self.link_table, f"{address}: no such interface"

    def received(self, index: int) -> int:
        if index not in self.link_table:
            raise OSError(errno.ENODEV, "No such device")
        return self.packets.get(index, 0)

    def neighbors(self, index: int | None = None) -> list[object]:
        return []

    def has(self) -> set[str]:
        """Prefixes that have a route, loopbacks left out."""
        return {key_text(key) for key, hop in self.hops.items() if hop[0] != 1}

    def plug(self, name: str, master: int | None = 2) -> LinkEvent:
        link = Link(next(self.indexes), name, True, True, master)
        self.link_table[link.index] = link
        return LinkEvent(True, link)

    def unplug(self, name: str) -> LinkEvent:
        (link,) = [each for each in self.link_table.values() if each.name == name]
        del self.link_table[link.index]
        self.hops = {key: hop for key, hop in self.hops.items() if hop[0] != link.index}
        return LinkEvent(False, link)

    def set_bridge(self, up: bool) -> LinkEvent:
        link = Link(2, BRIDGE, up, up, kind="bridge")
        self.link_table[2] = link
        if not up:
            self.hops = {key: hop for key, hop in self.hops.items() if hop[0] != 2}
        return LinkEvent(True, link)


class FakeWire:
    """What neighbours were told: times by the address."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.told = clock, defaultdict(list)

    def tell(self, link: Link, addresses: Iterable[object]) -> None:
        assert link.name == BRIDGE
        for address in addresses:
            self.told[str(address)].append(self.clock.now)


class Rig:
    """`mode` is what Neutron does; `lost` are ports that its answers lack, as half an answer does without a word."""

    def __init__(self, folder: Path, chance: float = 0.5, **settings: object) -> None:
        self.folder, self.settings = folder, settings
        self.clock = FakeClock()
        self.timers = FakeTimers(self.clock)
        self.store = FakeStore()
        self.ports: dict[int, dict[str, object]] = {}
        self.bindings: dict[int, str] = {}  # the host of the second, inactive binding of a port
        self.mode = "good"
        self.lost: set[int] = set()
        self.ill_of_others = False
        self.elsewhere: list[set[str]] = []  # the host of each question about another one
        self.latency = LATENCY
        self.questions: list[str] = []
        self.more_subnets: dict[str, str] = {}  # cidr by id
        self.reads: list[float] = []  # when each began
        self.placed: set[int] = set()  # ports that the last good answer placed here
        self.ever: set[int] = set()
        self.chance = chance
        self.start()

    def config(self) -> Config:
        lists = {"routes": str(self.folder / "routes"), "taps": str(self.folder / "taps")}
        playbook = {"routes": str(self.folder / "play-routes"), "taps": str(self.folder / "play-taps")}
        subnets = [{"cidr": "10.64.0.0/16", "gateway": "10.64.255.254"}, {"cidr": "2001:db8:64::/64"}]
        document = {
            "host": "hv1", "cloud": "lab", "loopbacks": ["192.0.2.11"], "lists": lists, "playbook_lists": playbook,
            "networks": [{"name": "mobile", "bridge": BRIDGE, "subnets": subnets}],
            "status_file": str(self.folder / "status.json"), **self.settings,
        }  # fmt: skip
        return parse(json.dumps(document))

    def start(self) -> None:
        """A fresh process on the same host."""
        self.timers.due.clear()
        self.watcher = Watcher(self.config(), self.store, self.clock, self.timers, lambda: self.chance)
        self.connect()
        self.wire = self.watcher.farewells.wire = FakeWire(self.clock)
        self.watcher.ask = self.asked
        self.watcher.start()

    def connect(self) -> None:
        """The real reader, whose Neutron this is."""
        self.reader = Reader(self.watcher.config, lambda: self, self.clock.monotonic)

    # -- Neutron ------------------------------------------------------------------------------------------------------

    def asked(self, number: int) -> None:
        self.reads.append(self.clock.now)
        if self.mode == "silent":
            return
        watcher = self.watcher
        # what Neutron says is as of when it was asked
        message, placed = self.read(number), self._here()
        good = "kind" not in message

        def deliver() -> None:
            if watcher is self.watcher and good and watcher.schedule.began is not None and number == watcher.number:
                self.placed = placed
                self.ever |= placed
            watcher.told(number, understand(json.dumps(message)))

        self.timers.later(f"api{number}-{id(watcher)}", self.latency, deliver)

    def _here(self) -> set[int]:
        return {
            number
            for number, each in self.ports.items()
            if each["binding:host_id"] == "hv1" and number not in self.lost and self.mode != "empty"
        }

    def read(self, number: int) -> dict[str, object]:
        """What the process that reads Neutron says of a question: the real reader, asking this rig."""
        return self.reader.read(number)

    def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Mapping[str, object]:
        """Neutron's API, as far as the reader needs it (Cloud)."""
        kind = path.rstrip("/").rpartition("/")[2]
        self.questions.append(kind)
        if self.mode in ("unreachable", "refused", "broken"):
            raise NeutronError(self.mode, f"the script says {self.mode}")
        if kind == "networks":
            return {kind: [{"id": NETWORK, "name": "mobile", "subnets": [SUBNET, SUBNET6, *self.more_subnets]}]}
        if kind == "subnets":
            cidrs = {SUBNET: "10.64.0.0/16", SUBNET6: "2001:db8:64::/64", **self.more_subnets}
            return {kind: [{"id": id, "cidr": cidr, "network_id": NETWORK} for id, cidr in cidrs.items()]}
        if ("binding:host_id", "hv1") not in query:
            return {kind: self._bound_elsewhere(query)}
        inactive = {number for number, host in self.bindings.items() if host == "hv1" and self.mode != "empty"}
        here = [self.ports[number] for number in sorted(self._here() | inactive & self.ports.keys())]
        if self.mode == "half":
            return {"port": here}
        if self.mode == "surprise":
            here = [{key: value for key, value in each.items() if key != "binding:vif_type"} for each in here] or [{}]
        return {kind: here}

    def _bound_elsewhere(self, query: Sequence[tuple[str, str]]) -> list[dict[str, object]]:
        """What is asked of a source: which of these ports still have a binding there."""
        assert ("fields", "id") in query
        if self.ill_of_others:
            raise NeutronError("broken", "the script says no")
        (host,) = [value for name, value in query if name == "binding:host_id"]
        self.elsewhere.append({host})
        wanted = {value for name, value in query if name == "id"}
        bound = {number for number, each in self.ports.items() if each["binding:host_id"] == host}
        bound |= {number for number, each in self.bindings.items() if each == host}
        return [{"id": port_id(number)} for number in sorted(bound) if port_id(number) in wanted]

    # -- the host -----------------------------------------------------------------------------------------------------

    def place(self, *numbers: int) -> None:
        """Ports bound here, in Neutron."""
        self.ports.update({number: port(number) for number in numbers})

    def event(self, *events: Event) -> None:
        self.watcher.events(events)

    def boot(self, *numbers: int) -> None:
        """Ports bound here, and plugged, as nova does it."""
        for number in numbers:
            self.place(number)
            self.event(self.store.plug(tap(number)))

    def prepare(self, number: int, source: str = "hv3", **plug: int | None) -> None:
        """A port of another host is to come here, as nova does it: a second binding, then the tap."""
        self.ports[number] = port(number, host=source)
        self.bindings[number] = "hv1"
        self.event(self.store.plug(tap(number), **plug))

    def frame(self, number: int, source: str | None = None) -> None:
        """The instance behind a tap here sends its first frame."""
        for link in self.store.link_table.values():
            if link.name == tap(number):
                self.event(LearnedEvent(link.index, source or mac(number)))

    def activate(self, number: int, host: str = "hv1") -> None:
        """Neutron binds the port to the host that it has come to; the binding of the one it came from is inactive."""
        before = str(self.ports[number]["binding:host_id"]) if number in self.ports else host
        self.ports[number] = port(number, host=host)
        if before != host:
            self.bindings[number] = before

    def finish(self, number: int) -> None:
        """Nova has cleared up where the port came from."""
        self.bindings.pop(number, None)

    def arrive(self, number: int) -> None:
        """An instance has just come and Neutron binds it here; Nova has not cleared up where it came from."""
        self.prepare(number)
        self.settle()
        self.frame(number)
        self.activate(number)
        self.settle(Timing().look_longest)

    def settle(self, seconds: float = SETTLED) -> None:
        self.timers.advance(seconds)

    def taps(self) -> set[str]:
        return {each.name for each in self.store.link_table.values()}

    def due(self) -> set[str]:
        """Prefixes of ports that the last good answer placed here and whose tap is here."""
        return {prefix for number in self.placed if tap(number) in self.taps() for prefix in prefixes(number)}

    def status(self) -> Mapping[str, object]:
        found: Mapping[str, object] = json.loads((self.folder / "status.json").read_text())
        return found


def routed(*numbers: int) -> set[str]:
    return {prefix for number in numbers for prefix in prefixes(number)}


def key(prefix: str) -> RouteKey:
    return parse_packed(f"{prefix} dev x")[0]
