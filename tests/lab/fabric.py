"""The running lab as the proofs see it: nodes and instances to run things in, switches to read, ports to reach."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network
from itertools import cycle
from pathlib import Path
from typing import IO, Any, TypeVar

import pytest
import yaml
from ansible_collections.roth.fabric.plugins.module_utils.report import bird, frr
from ansible_collections.roth.fabric.plugins.module_utils.report.switches import SwitchState
from lab import instances, lab, nodes
from lab.ports import Instance
from lab.settings import Settings, netns_path
from lab.topology import FILE, Topology, load
from roth.status import ask

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "inventories" / "lab"
PROBE = Path(__file__).with_name("probe.py")
T = TypeVar("T")
MARK = "198.19.255."
_marks = cycle(range(256))
"""The routes that show how far a monitor has listened: another one each time, in RFC 2544's network."""


def eventually(read: Callable[[], T], accept: Callable[[T], bool], expected: str, seconds: float = 60) -> T:
    """Read until it is acceptable; fail with what was observed when the time is over.

    Half of the time goes to those that are waited for: reading a switch costs a tenth of a second of a core."""
    began = time.monotonic()
    while True:
        asked = time.monotonic()
        if accept(observed := read()):
            return observed
        if (now := time.monotonic()) > began + seconds:
            pytest.fail(f"after {seconds:g} s: expected {expected}, observed {observed!r}", pytrace=False)
        time.sleep(max(0.05, min(now - asked, 1.0)))


@dataclass(frozen=True)
class Loss:
    """What a stream of pings lost. `longest` is the longest outage of one address in ms, `gaps` that of each.

    `losses` are when those were sent that got no answer (seconds since 1970); `reordered` counts answers that were
    overtaken.
    """

    sent: int
    lost: int
    longest: float
    gaps: dict[str, float] = field(default_factory=dict)
    losses: tuple[float, ...] = ()
    reordered: int = 0


@dataclass
class Stream:
    """A running stream of pings; `loss` is there once it has ended."""

    loss: Loss | None = None

    @property
    def result(self) -> Loss:
        assert self.loss is not None, "the stream is still running"
        return self.loss


@dataclass(frozen=True)
class Change:
    """A line of `ip monitor`: when (seconds since 1970) which route came or went, and the line's words."""

    when: float
    prefix: str
    deleted: bool
    text: str


@dataclass
class Monitor:
    """Route changes of a node's kernel, in the order they came; complete once the monitor has ended."""

    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True)
class Fabric:
    """One running lab. `switches` holds the software by name, `uplinks` the hosts' own addresses towards them.

    `document` is what its Neutron has, or the file that stands in for one."""

    settings: Settings
    topology: Topology
    document: dict[str, Any]
    switches: dict[str, str]
    hosts: tuple[str, ...]
    uplinks: frozenset[str]

    @classmethod
    def running(cls, settings: Settings | None = None, inventory: Path = INVENTORY) -> Fabric:
        """The lab of ROTH_LAB_PREFIX, or another one; fails the session when it is not up."""
        settings = settings or Settings.from_environment()
        brought_up = settings.inventory(inventory) if inventory == INVENTORY else inventory  # with a Neutron, perhaps
        topology = load(brought_up / FILE)
        down = [name for name in topology.nodes if nodes.init_pid(settings, name) is None]
        if down:
            pytest.exit(f"the lab {settings.prefix!r} is not up ({', '.join(down)} down): run `make lab` first", 3)
        variables = {file.stem: yaml.safe_load(file.read_text()) for file in (inventory / "host_vars").glob("*.yml")}
        uplinks = [uplink for item in variables.values() for uplink in item.get("roth_uplinks", ())]
        return cls(
            settings,
            topology,
            dict(instances.own_document(settings, topology, inventory)),
            {name: variables[name]["roth_switch_software"] for name in sorted({uplink["tor"] for uplink in uplinks})},
            tuple(sorted(name for name, item in variables.items() if item.get("roth_uplinks"))),
            frozenset(uplink[family].partition("/")[0] for uplink in uplinks for family in ("ipv4", "ipv6")),
        )

    # Running things

    def _run(self, target: str, *command: str) -> subprocess.CompletedProcess[str]:
        line = lab.command_in(self.settings, self.topology, target, command)
        return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)

    def run(self, target: str, *command: str) -> str:
        """The output of a command in a node, or in an instance by its port's name; fails the test when it fails."""
        done = self._run(target, *command)
        if done.returncode:
            pytest.fail(f"{target}: {' '.join(command)}: exit {done.returncode}: {done.stderr or done.stdout}")
        return done.stdout

    def netns(self, target: str) -> str:
        """The network namespace of a node or of an instance by its port's name."""
        if target in self.topology.nodes:
            return self.settings.netns(target)
        for port_id, instance in self.instances.items():
            if instance.is_called(target):
                return self.settings.instance_netns(port_id)
        raise AssertionError(f"no node or instance is called {target}")

    @property
    def instances(self) -> dict[str, Instance]:
        return instances.plugged(self.settings)

    def ip(self, node: str, *words: str) -> str:
        """The machine's own iproute2 on a node's network stack, which is faster than to enter the node."""
        done = subprocess.run(["ip", "-n", self.netns(node), *words], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(f"ip -n {node} {' '.join(words)}: {done.stderr}")
        return done.stdout

    def _probe(self, target: str, *words: str) -> list[str]:
        return ["nsenter", f"--net={netns_path(self.netns(target))}", sys.executable, str(PROBE), *words]

    def reach(self, source: str, addresses: Sequence[str], seconds: float) -> dict[str, float | None]:
        """Milliseconds each address took to answer `source`'s ping; None where there was no answer."""
        line = self._probe(source, "reach", str(seconds), *addresses)
        answer = subprocess.run(line, capture_output=True, text=True, timeout=seconds + 120, check=True).stdout
        return dict(json.loads(answer))

    @contextmanager
    def first_answers(self, source: str, addresses: Sequence[str], seconds: float) -> Iterator[dict[str, float | None]]:
        """Ask all addresses from before the block on; when each answered first is there once the block has ended."""
        line = self._probe(source, "first", str(seconds), *addresses)
        found: dict[str, float | None] = {}
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "asking\n"
            try:
                yield found
            finally:
                found.update(json.loads(process.communicate(timeout=seconds + 60)[0]))

    def flows(self, source: str, count: int, address: str) -> None:
        """`count` UDP flows from `source`, one packet each."""
        subprocess.run(self._probe(source, "flows", str(count), "9", address), capture_output=True, check=True)

    @contextmanager
    def streaming(self, source: str, addresses: Sequence[str], rate: float) -> Iterator[Stream]:
        """Ping all addresses in turn for as long as the block runs, `rate` packets a second together."""
        line = self._probe(source, "stream", str(rate), *addresses)
        found = Stream()
        with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "streaming\n"
            try:
                yield found
            finally:
                answer = json.loads(process.communicate("\n", timeout=120)[0])
        gaps = answer["gaps"]
        losses, reordered = tuple(answer["losses"]), answer["reordered"]
        found.loss = Loss(answer["sent"], answer["lost"], max(gaps.values()), gaps, losses, reordered)

    @contextmanager
    def monitoring(self, node: str) -> Iterator[Monitor]:
        """Watch the node's kernel routes for as long as the block runs."""
        found = Monitor()
        with self.listening(node, "route") as output:
            yield found
            lines = self.heard(node, output)
        found.changes += [change for text in lines if (change := _change(text)) and not change.prefix.startswith(MARK)]

    @contextmanager
    def listening(self, node: str, *objects: str) -> Iterator[IO[str]]:
        """What `ip monitor` prints of a node's kernel from now on; read it with `heard`."""
        line = ["ip", "-n", self.netns(node), "-o", "-ts", "monitor", *objects]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env={**os.environ, "TZ": "UTC"}) as process:
            assert process.stdout is not None
            try:
                while not select.select([process.stdout], [], [], 0.1)[0]:  # not subscribed yet: it has missed the mark
                    self.mark(node)
                self.heard(node, process.stdout)
                yield process.stdout
            finally:
                process.terminate()

    def heard(self, node: str, output: IO[str]) -> list[str]:
        """The lines of an `ip monitor` until now, however late it prints them: netlink keeps the order."""
        mark, found = self.mark(node), list[str]()
        while f"Deleted blackhole {mark} " not in (line := output.readline()):
            assert line, f"the monitor of {node} has ended"
            found.append(line.rstrip("\n"))
        return found

    def mark(self, node: str) -> str:
        """A route in a table of nobody's comes and goes, to see how far a monitor has listened; its destination."""
        destination = f"{MARK}{next(_marks)}"
        for verb in ("add", "del"):
            self.ip(node, "route", verb, "blackhole", destination, "table", "9999")
        return destination

    # Reading

    def switch(self, name: str) -> SwitchState:
        """What a switch knows, as the verify playbook reads it."""
        if self.switches[name] == "frr":
            return frr.switch_state({text: self.run(name, "vtysh", "-c", text) for text in frr.COMMANDS})
        return bird.switch_state({text: self.run(name, "birdc", "-r", text) for text in bird.COMMANDS}, datetime.now())

    def prefixes_at(self, name: str) -> dict[str, set[str]]:
        """Next hops by prefix at a switch, as the hosts told it: the spine passes on what the other switch has."""
        found: dict[str, set[str]] = {}
        for path in self.switch(name).paths:
            if path.peer in self.uplinks:
                found.setdefault(path.prefix, set()).add(path.next_hop)
        return found

    def status(self, host: str) -> dict[str, Any]:
        """The agent's own account of itself; empty while it does not answer.

        Its socket is asked from here: to start `roth` in the node for every look would starve what is looked at."""
        pid = nodes.init_pid(self.settings, host)
        try:
            return ask(f"/proc/{pid}/root/run/roth/agent.sock", "status")
        except (OSError, ValueError):
            return {}

    def counter(self, node: str, interface: str) -> int:
        """Packets that left through an interface."""
        return int(
            json.loads(self.ip(node, "-s", "-j", "link", "show", "dev", interface))[0]["stats64"]["tx"]["packets"]
        )

    def devices(self, node: str, prefix: str) -> set[str]:
        """The interfaces that a node's kernel forwards a prefix to."""
        shown = self.ip(node, "-6" if ":" in prefix else "-4", "-j", "route", "show", prefix)
        return {hop["dev"] for entry in json.loads(shown or "[]") for hop in entry.get("nexthops", [entry])}

    def forwarding(self, prefixes: Iterable[str], devices: set[str], seconds: float = 60) -> None:
        """Wait until the kernels of both switches forward all of these to these interfaces: BGP knows it before."""
        eventually(
            lambda: {(name, each): self.devices(name, each) for name in self.switches for each in prefixes},
            lambda found: all(each == devices for each in found.values()),
            f"forwarded to {sorted(devices)}",
            seconds,
        )

    def default_uplinks(self, host: str) -> dict[str, list[str]]:
        """The uplinks in the learned default of each family (`-4`, `-6`), as the host's kernel has them."""
        entries = {entry["id"]: entry for entry in json.loads(self.ip(host, "-j", "nexthop", "show") or "[]")}
        found = {}
        for family in ("-4", "-6"):
            routes = self.ip(host, family, "-j", "route", "show", "default", "table", "143", "proto", "142")
            groups = [entries.get(route.get("nhid"), {}) for route in json.loads(routes or "[]")]
            members = [entries.get(member["id"], {}) for group in groups for member in group.get("group", ())]
            found[family] = sorted(member.get("dev", "?") for member in members)
        return found

    # Ports, straight from Neutron's document: not through the code that is to be proved

    @property
    def good_ports(self) -> list[dict[str, Any]]:
        """Instances that run: bound to one of our hosts with success, and administratively up."""
        return [
            port
            for port in self.document["ports"]
            if port["device_owner"].startswith("compute:")
            and port["binding:host_id"] in self.hosts
            and port["binding:vif_type"] == "ovs"
            and port["admin_state_up"]
        ]

    def addresses(self, host: str | None = None) -> list[str]:
        """Every address that must answer: fixed ones, and pairs that are one address of one port."""
        holders = Counter(
            pair["ip_address"] for port in self.document["ports"] for pair in port["allowed_address_pairs"]
        )
        found = []
        for port in self.good_ports:
            if host in (None, port["binding:host_id"]):
                found += [fixed["ip_address"] for fixed in port["fixed_ips"]]
                pairs = [pair["ip_address"] for pair in port["allowed_address_pairs"]]
                found += [pair for pair in pairs if holders[pair] == 1 and ip_network(pair).num_addresses == 1]
        return found

    def port(self, name: str) -> dict[str, Any]:
        """The port of that name."""
        return dict(next(port for port in self.document["ports"] if port["name"] == name))


def _change(line: str) -> Change | None:
    """A line such as `[2026-11-22T03:14:01.946000] Deleted 10.64.1.53 via 10.1.1.1 dev hv1 proto bgp …`."""
    stamp, _, rest = line.partition("] ")
    words = rest.split()
    if not stamp.startswith("[") or not words:
        return None
    deleted = words[0] == "Deleted"
    words = words[1:] if deleted else words
    name = next((word for word in words if word[0].isdigit() or ":" in word), "")
    try:
        prefix = str(ip_network(name))
    except ValueError:
        return None
    when = datetime.fromisoformat(stamp[1:] + "+00:00").timestamp()
    return Change(when, prefix, deleted, rest)
