"""A clock, timers, a kernel and an ExaBGP that behave like the real ones, in memory."""

from __future__ import annotations

import copy
import json
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

from roth.config import Config, parse
from roth.kernel.model import (
    Action,
    Address,
    Event,
    Family,
    KernelRoute,
    Link,
    LinkEvent,
    Nexthop,
    NexthopGroup,
    RouteEvent,
    RouteFailure,
    RouteKind,
    RouteOperation,
)

GOLDEN = Path(__file__).parent / "golden"
V4 = [ip_address("10.1.1.0"), ip_address("10.2.1.0")]
V6 = [ip_address("2001:db8:1:1::a"), ip_address("2001:db8:2:1::a")]

DOCUMENT = {
    "asn": 65011,
    "router_id": "192.0.2.11",
    "protocol": 142,
    "table": 142,
    "default_table": 143,
    "default_metric": 20,
    "source": {"ipv4": "192.0.2.11", "ipv6": "2001:db8:ffff::11"},
    "allowed_prefixes": [
        {"prefix": "10.64.0.0/16", "ge": 32, "le": 32},
        {"prefix": "2001:db8:64::/64", "ge": 128, "le": 128},
        {"prefix": "198.51.100.0/26", "ge": 26, "le": 26},
        {"prefix": "192.0.2.11/32", "ge": 32, "le": 32},
    ],
    "imports": ["0.0.0.0/0", "::/0"],
    "uplinks": [
        {
            "name": f"up{index}",
            "tor": f"tor{index + 1}",
            "index": index,
            "bfd": True,
            "peers": [
                {
                    "family": "ipv4",
                    "address": str(V4[index]),
                    "local_address": str(V4[index] + 1),
                    "asn": 65101 + index,
                },
                {
                    "family": "ipv6",
                    "address": str(V6[index]),
                    "local_address": str(V6[index] + 1),
                    "asn": 65101 + index,
                },
            ],
        }
        for index in (0, 1)
    ],
    "isolated_bridges": ["br-mobile"],
    "damping": {"half_life": 10, "suppress": 2500, "reuse": 1000, "longest": 60},
    "routes_file": "/nonexistent/instance-routes",
    "taps_file": "/nonexistent/instance-taps",
    "watcher_routes_file": "/nonexistent/watcher-routes",
    "watcher_taps_file": "/nonexistent/watcher-taps",
    "bridge_socket": "/run/roth-exabgp/bridge.sock",
    "status_socket": "/nonexistent/agent.sock",
    "bfdd_vty": "/run/roth-bfdd/bfdd.vty",
}


def document(**changes: object) -> dict[str, object]:
    return {**copy.deepcopy(DOCUMENT), **changes}


def config(**changes: object) -> Config:
    return parse(json.dumps(document(**changes)))


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_700_000_000 + self.now


class FakeTimers:
    """Runs what is due when the clock is moved."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.due: dict[str, tuple[float, Callable[[], None]]] = {}

    def later(self, name: str, seconds: float, run: Callable[[], None]) -> None:
        when = self.clock.now + seconds
        if name not in self.due or self.due[name][0] > when:
            self.due[name] = (when, run)

    def advance(self, seconds: float) -> None:
        end = self.clock.now + seconds
        while True:
            name = min(self.due, key=lambda each: self.due[each][0], default=None)
            if name is None or self.due[name][0] > end:
                self.clock.now = end
                return
            when, run = self.due.pop(name)
            self.clock.now = max(self.clock.now, when)
            run()


def shown(said: str) -> str:
    """Attributes of a command as `show adj-rib out extensive` has them: a path in ( ), a single community bare."""
    return re.sub(r"as-path \[ (.*?) \]", r"as-path ( \1 )", re.sub(r"community \[(\S+)\]", r"community \1", said))


class FakeExabgp:
    """Queued commands are answered in order, one a `step`; `announce eor` is looked at on arrival, as in 5.0.15."""

    def __init__(self, settings: Config) -> None:
        self.local = {str(address): str(peer.local_address) for address, (_up, peer) in settings.peers().items()}
        self.established: set[str] = set()
        self.out: dict[str, set[str]] = {peer: set() for peer in self.local}
        self.said: dict[tuple[str, str], str] = {}  # attributes by peer and prefix
        self.received: dict[str, list[str]] = {peer: [] for peer in self.local}
        self.bad: set[str] = set()
        self.queue: deque[str] = deque()
        self.answers: deque[str] = deque()
        self.commands: list[str] = []
        self.ended: list[tuple[str, frozenset[str]]] = []
        self.longest_queue = 0

    def send(self, lines: list[str]) -> None:
        for line in lines:
            self.commands.append(line)
            if " announce eor " in line:
                peer = line.split()[1]
                self.answers.append("done" if peer in self.established else "error")
                if peer in self.established:
                    assert not self.queue, "End-of-RIB while other commands are unanswered"
                    self.ended.append((peer, frozenset(self.out[peer])))
            else:
                self.queue.append(line)
        self.longest_queue = max(self.longest_queue, len(self.queue))

    def step(self) -> None:
        """Work on the oldest command."""
        line = self.queue.popleft()
        if line == "show neighbor json":
            listed = [
                {
                    "peer": {"address": peer},
                    "state": "down",
                    "fsm": "ESTABLISHED" if peer in self.established else "IDLE",
                }
                for peer in self.local
            ]
            self.answers.extend([json.dumps(listed), "done"])
        elif line.startswith("show adj-rib in"):
            self.answers.extend(route for routes in self.received.values() for route in routes)
            self.answers.append("done")
        elif line.startswith("show adj-rib out"):
            self.answers.extend(
                f"neighbor {peer} local-ip x family-allowed in-open ipv{ip_network(prefix).version} unicast {prefix}"
                f" next-hop {self.local[peer]}{shown(self.said.get((peer, prefix), ''))}"
                for peer, prefixes in self.out.items()
                for prefix in sorted(prefixes)
            )
            self.answers.append("done")
        else:
            self._route(line)

    def _route(self, line: str) -> None:
        selector, _, rest = line.partition(" attributes next-hop self")
        said, _, rest = rest.partition(" nlri ")
        words = selector.replace(",", " ").split()
        action, peers, prefixes = words[-1], [word for word in words[1:-1] if word != "neighbor"], rest.split()
        assert len(prefixes) <= 50
        assert len({ip_network(prefix).version for prefix in prefixes}) == 1
        known = [peer for peer in peers if peer in self.local]
        if self.bad & set(prefixes) or not known:
            self.answers.append("error")
            return
        for peer in known:
            assert ip_address(peer).version == ip_network(prefixes[0]).version
            if action == "announce":
                self.out[peer].update(prefixes)
                self.said.update({(peer, prefix): said for prefix in prefixes})
            else:
                self.out[peer].difference_update(prefixes)
        self.answers.append("done")

    def event(self, peer: str, state: str, reason: str = "") -> str:
        """The JSON line for a session's change; keeps our own state in step."""
        (self.established.add if state == "up" else self.established.discard)(peer)
        self.received[peer] = []
        neighbor = {"address": {"local": self.local[peer], "peer": peer}, "state": state, "reason": reason}
        return json.dumps({"exabgp": "5.0.0", "type": "state", "neighbor": neighbor})

    def default(self, peer: str, as_path: tuple[int, ...] = (65101,), hop: str | None = None) -> str:
        """The JSON line for a default from a peer."""
        version = ip_address(peer).version
        prefix = "0.0.0.0/0" if version == 4 else "::/0"
        asns = " ".join(map(str, as_path))
        line = f"neighbor {peer} local-ip x ipv{version} unicast {prefix} next-hop {hop or peer} as-path ( {asns} )"
        self.received[peer] = [line]
        path = {"0": {"element": "as-sequence", "value": list(as_path)}}
        update = {
            "attribute": {"origin": "igp", "as-path": path},
            "announce": {f"ipv{version} unicast": {hop or peer: [{"nlri": prefix}]}},
        }
        neighbor = {"address": {"peer": peer}, "direction": "receive", "message": {"update": update}}
        return json.dumps({"type": "update", "neighbor": neighbor})

    def end_of_rib(self, peer: str) -> str:
        message = {"eor": {"afi": f"ipv{ip_address(peer).version}", "safi": "unicast"}}
        neighbor = {"address": {"peer": peer}, "direction": "receive", "message": message}
        return json.dumps({"type": "update", "neighbor": neighbor})


class FakeKernel:
    """Loses nexthops and shrinks groups silently on carrier loss, and the group's route with its last member."""

    def __init__(self) -> None:
        self.link_table: dict[int, Link] = {}
        self.route_table: dict[tuple[int, str, int], KernelRoute] = {}
        self.nexthop_table: dict[int, Nexthop] = {}
        self.group_table: dict[int, NexthopGroup] = {}
        self.isolated: list[int] = []
        self.writes: list[str] = []
        self.failing: OSError | None = None
        self.busy_ports: OSError | None = None  # why no bridge port can be isolated
        self.foreign_ids: dict[int, int] = {}  # protocols of nexthop objects that aren't ours
        self.missing: set[Address] = set()  # source addresses that no interface has
        for index, name in enumerate(("lo", "up0", "up1", "br-mobile", "tap0"), 1):
            self.link_table[index] = Link(index, name, True, True, 4 if name == "tap0" else None, None, None)

    def _check(self) -> None:
        if self.failing:
            raise self.failing

    def links(self) -> dict[int, Link]:
        self._check()
        return dict(self.link_table)

    def routes(self, table: int, protocol: int | None, family: Family) -> list[KernelRoute]:
        self._check()
        version = 4 if family is Family.IPV4 else 6
        return [
            route
            for (owner, _prefix, _metric), route in self.route_table.items()
            if owner == table and route.prefix.version == version and protocol in (None, route.protocol)
        ]

    def nexthops(self, protocol: int) -> tuple[dict[int, Nexthop], dict[int, NexthopGroup]]:
        self._check()
        return (
            {id: each for id, each in self.nexthop_table.items() if id not in self.foreign_ids},
            {id: each for id, each in self.group_table.items() if id not in self.foreign_ids},
        )

    def nexthop_protocols(self) -> dict[int, int]:
        self._check()
        return dict.fromkeys((*self.nexthop_table, *self.group_table), 142) | self.foreign_ids

    def apply(self, table: int, protocol: int, operations: Sequence[RouteOperation]) -> list[RouteFailure]:
        failures = []
        for each in operations:
            key = table, str(each.prefix), each.metric
            link = self.link_table.get(each.oif or 0)
            assert each.action is Action.ADD
            if key in self.route_table:
                failures.append(RouteFailure(each, 17, "File exists"))
            elif each.oif is not None and (link is None or not link.up):
                failures.append(RouteFailure(each, 100, "Network is down"))
            else:
                self.writes.append(f"add {each.prefix}")
                self.route_table[key] = KernelRoute(
                    each.prefix, each.metric, each.oif, each.kind.value, protocol, table
                )
        return failures

    def set_down(self, name: str) -> list[LinkEvent | RouteEvent]:
        """The link goes down and takes its routes: IPv4's without a word, IPv6's one by one after the link's event."""
        link = next(each for each in self.link_table.values() if each.name == name)
        self.link_table[link.index] = down = replace(link, up=False, carrier=False)
        gone = [(key, route) for key, route in self.route_table.items() if route.oif == link.index]
        for key, _route in gone:
            del self.route_table[key]
        return [LinkEvent(True, down), *(RouteEvent(False, route) for _key, route in gone if route.prefix.version == 6)]

    def set_up(self, name: str) -> LinkEvent:
        link = next(each for each in self.link_table.values() if each.name == name)
        self.link_table[link.index] = up = replace(link, up=True, carrier=True)
        return LinkEvent(True, up)

    def replace_nexthop(self, nexthop: Nexthop, protocol: int) -> None:
        link = self.link_table.get(nexthop.oif)
        if link is None or not link.carrier:
            raise OSError(100, "Network is down")
        self.writes.append(f"nexthop {nexthop.id}")
        self.nexthop_table[nexthop.id] = nexthop

    def replace_group(self, group: NexthopGroup, protocol: int) -> None:
        if not group.members:
            raise OSError(22, "Invalid length or reserved bits in nexthop group")
        if any(member not in self.nexthop_table for member, _weight in group.members):
            raise OSError(22, "Invalid nexthop id")
        self.writes.append(f"group {group.id}")
        self.group_table[group.id] = group

    def delete_nexthop(self, id: int) -> None:
        self.writes.append(f"delete {id}")
        if id in self.group_table:
            self._drop_group(id)
        elif self.nexthop_table.pop(id, None):
            self._shrink_groups()

    def _shrink_groups(self) -> None:
        """A nexthop that goes leaves its groups; a group goes with its last member."""
        for group in list(self.group_table.values()):
            members = tuple(each for each in group.members if each[0] in self.nexthop_table)
            self.group_table[group.id] = NexthopGroup(group.id, members)
            if not members:
                self._drop_group(group.id)

    def _drop_group(self, id: int) -> None:
        del self.group_table[id]
        self.route_table = {key: route for key, route in self.route_table.items() if route.nhid != id}

    def replace_group_route(self, prefix, group, table, metric, protocol, source=None) -> None:
        if group not in self.group_table:
            raise OSError(22, "Nexthop id does not exist")
        if source in self.missing:
            raise OSError(22, "Invalid prefsrc address")
        self.writes.append(f"route {prefix}")
        route = KernelRoute(prefix, metric, None, 1, protocol, table, plain=False, nhid=group, source=source)
        self.route_table[table, str(prefix), metric] = route

    def isolate_port(self, index: int) -> None:
        if self.busy_ports:
            raise self.busy_ports
        self.isolated.append(index)

    def lose_carrier(self, name: str) -> LinkEvent:
        """What the kernel does by itself, and the one event it sends."""
        link = next(each for each in self.link_table.values() if each.name == name)
        self.link_table[link.index] = down = Link(link.index, name, link.up, False)
        self.nexthop_table = {id: each for id, each in self.nexthop_table.items() if each.oif != link.index}
        self._shrink_groups()
        return LinkEvent(True, down)

    def regain_carrier(self, name: str) -> LinkEvent:
        link = next(each for each in self.link_table.values() if each.name == name)
        self.link_table[link.index] = up = Link(link.index, name, True, True)
        return LinkEvent(True, up)

    def add(self, prefix: str, oif: int | None = 4, metric: int = 0, kind: RouteKind = RouteKind.UNICAST) -> RouteEvent:
        route = KernelRoute(ip_network(prefix), metric, oif, kind.value, 142, 142)
        self.route_table[142, prefix, metric] = route
        return RouteEvent(True, route)

    def remove(self, prefix: str, metric: int = 0) -> RouteEvent:
        return RouteEvent(False, self.route_table.pop((142, prefix, metric)))


class FakeEvents:
    def __init__(self) -> None:
        self.waiting: deque[list[Event] | Exception] = deque()

    def fileno(self) -> int:
        return -1

    def read(self) -> list[Event]:
        if not self.waiting:
            return []
        head = self.waiting.popleft()
        if isinstance(head, Exception):
            raise head
        return head

    def close(self) -> None:
        pass
