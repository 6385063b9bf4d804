"""The probe stream of a fault: client ↔ instances on every host, both families, and what it lost each way."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import cycle, islice
from pathlib import Path
from typing import IO, Any

from tests.lab.fabric import Fabric, eventually

PROGRAM = Path(__file__).with_name("flows.py")
RATE = 1024
"""Packets a second each way, over all flows."""
PER_HOST = 12
"""Flows of each host and family: 72 with three hosts."""


@dataclass(frozen=True)
class Flow:
    """A flow between an address of the client's and one of an instance's."""

    host: str
    instance: str
    netns: str
    address: str
    client: str

    @property
    def ipv6(self) -> bool:
        return ":" in self.address


@dataclass(frozen=True)
class Loss:
    """What a stream lost in one direction: packets, and the longest outage of a single flow in seconds."""

    sent: int
    lost: int
    gap: float

    @classmethod
    def of(cls, rows: Iterable[dict[str, float]]) -> Loss:
        rows = list(rows)
        return cls(
            sum(int(row["sent"]) for row in rows),
            sum(int(row["lost"]) for row in rows),
            max((row["gap"] for row in rows), default=0.0),
        )


def flows_of(fabric: Fabric, per_host: int = PER_HOST) -> list[Flow]:
    """The same number for every host and family, spread over all of the host's instances."""
    clients = [address.ip for end in fabric.topology.ends_of("client") for address in end.addresses]
    found: list[Flow] = []
    for host in fabric.hosts:
        ports = [port for port in fabric.good_ports if port["binding:host_id"] == host]
        for client in clients:
            ends = [
                Flow(host, port["name"], fabric.settings.instance_netns(port["id"]), fixed["ip_address"], str(client))
                for port in ports
                for fixed in port["fixed_ips"]
                if ip_address(fixed["ip_address"]).version == client.version
            ]
            found += islice(cycle(ends), per_host)
    return [flow for rank in range(per_host) for flow in found[rank::per_host]]  # each tick reaches every host


@dataclass
class Traffic:
    """A running stream; `flows` may be asked while it runs, `loss` once it has ended."""

    flows: Sequence[Flow]
    process: subprocess.Popen[str]
    rows: list[list[dict[str, float]]] = field(default_factory=list)
    pause: float = 0.0

    def _say(self, word: str) -> dict[str, Any]:
        stdin, stdout = self._pipes()
        stdin.write(f"{word}\n")
        stdin.flush()
        return dict(json.loads(stdout.readline()))

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout

    def dead(self) -> list[str]:
        """Flows of which nothing comes at the moment, each way."""
        names = ("client → {0}", "{0} → client")
        return [
            names[direction].format(f"{self.flows[number].instance} {self.flows[number].address}")
            for number, direction in self._say("ask")["dead"]
        ]

    def steady(self, seconds: float = 60) -> None:
        """Wait until every flow comes, both ways."""
        eventually(self.dead, lambda dead: not dead, "packets of every flow both ways", seconds)

    def go_on(self, seconds: float) -> None:
        """Wait until the stream has sent for so long: faults last as long as traffic meets them."""
        target = int(self._say("ask")["sent"]) + math.ceil(seconds * RATE)
        eventually(lambda: self._say("ask")["sent"], lambda sent: sent >= target, f"{target} sent", seconds * 3 + 30)

    def end(self) -> None:
        answer = self._say("end")
        self.rows, self.pause = answer["flows"], answer["pause"]

    def loss(self, direction: int, wanted: Callable[[Flow], bool] = lambda _flow: True) -> Loss:
        """What the flows that are `wanted` lost in one direction (0: client → instance, 1: back)."""
        pairs = zip(self.flows, self.rows, strict=True)
        return Loss.of(rows[direction] for flow, rows in pairs if wanted(flow))


@contextmanager
def streaming(flows: Sequence[Flow], netns: str) -> Iterator[Traffic]:
    """Packets both ways through all flows for as long as the block runs."""
    plan = {
        "netns": netns,
        "rate": RATE,
        "flows": [{"netns": flow.netns, "address": flow.address, "client": flow.client} for flow in flows],
    }
    with subprocess.Popen(
        [sys.executable, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        traffic = Traffic(flows, process)
        stdin, stdout = traffic._pipes()
        stdin.write(json.dumps(plan) + "\n")
        stdin.flush()
        assert stdout.readline() == "streaming\n", "the stream has not started"
        try:
            yield traffic
        finally:
            traffic.end()
