"""A path that swallows everything without a word: what is lost until the other one carries all of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.settings import netns_path

from tests.kernel.agent_rig import eventually

from .benchmark import OURS, Benchmark, Plot
from .fabric import HOSTS, Fabric, running
from .samples import Sample
from .stacks import TORS, Host, Profile
from .targets import Target

PROFILES = (Profile(3, 300), Profile(3, 100), Profile(3, 50))
ROUNDS = 9
RATE, FLOWS, PORT = 1000, 64, 7001
CLIENT = "203.0.113.10"
STEADY, AFTER = 0.7, 1.2  # seconds of traffic before the cut, and beyond the detection time after it
WHOLE = 60.0  # seconds until a host is connected twice again
DIRECTIONS = ("from the host", "to the host")
SILENCE = """table netdev cut {{
  chain in {{ type filter hook ingress device "{port}" priority 0; policy drop; }}
  chain out {{ type filter hook egress device "{port}" priority 0; policy drop; }}
}}"""
TRAFFIC = Path(__file__).with_name("traffic.py")

METHOD = f"""\
{RATE:,} packets a second over {FLOWS} flows in each direction, between a client behind a spine and the instance on
each of the three hosts. Then one of the host's two links drops everything in both directions while it stays up
(nftables on the switch's port), at either switch in turn. Counted are the packets sent from the cut on that never
arrived. *From the host* ends with the host's change of its default route; *to the host* with what switch and spine do,
which are the same for all three. All three hosts are there at the same time, and take turns."""


@dataclass
class Flow:
    """Traffic in one direction: the sender and the receiver."""

    sender: subprocess.Popen[str]
    receiver: subprocess.Popen[str]

    def finish(self) -> tuple[list[float], set[int]]:
        """When each packet was sent, and the numbers of those that arrived."""
        sent: list[float] = json.loads(self.sender.communicate("\n", timeout=60)[0])
        arrived: list[int] = json.loads(self.receiver.communicate("\n", timeout=60)[0])
        return sent, set(arrived)


def _start(netns: str, *words: str) -> subprocess.Popen[str]:
    line = ["nsenter", f"--net={netns_path(netns)}", sys.executable, str(TRAFFIC), *words]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise RuntimeError(f"{' '.join(words)}: did not start")
    return process


@contextmanager
def flowing(fabric: Fabric, host: Host) -> Iterator[tuple[Flow, Flow]]:
    """Traffic from the host's instance to the client, and back."""
    vm, client, port = f"{fabric.prefix}-vm{host.number}", f"{fabric.prefix}-client", str(PORT + host.number)
    with ExitStack() as stack:

        def start(netns: str, *words: str) -> subprocess.Popen[str]:
            process = _start(netns, *words)
            stack.callback(process.kill)
            return process

        receivers = start(client, "receive", CLIENT, port), start(vm, "receive", host.instance, port)
        load = (port, str(RATE), str(FLOWS))
        senders = start(vm, "send", CLIENT, *load), start(client, "send", host.instance, *load)
        yield Flow(senders[0], receivers[0]), Flow(senders[1], receivers[1])


class Cut:
    """A switch's port that drops everything in both directions; its link stays up."""

    def __init__(self, fabric: Fabric, tor: int, host: Host) -> None:
        self.fabric, self.port = fabric, host.name
        self.nft = ["ip", "netns", "exec", f"{fabric.prefix}-tor{tor}", "nft"]

    def drop(self) -> float:
        """Cut it; returns when (seconds)."""
        began = time.monotonic()
        self.fabric.shell(*self.nft, SILENCE.format(port=self.port))
        return began

    def mend(self) -> None:
        """Let everything through again."""
        self.fabric.shell(*self.nft, "delete table netdev cut")


def lost(sent: list[float], arrived: set[int], since: float) -> int:
    """Packets sent since a moment that never arrived."""
    return sum(when >= since and number not in arrived for number, when in enumerate(sent))


def fail(fabric: Fabric, tor: int, host: Host) -> tuple[int, int]:
    """One silent drop; packets lost from and to the host."""
    eventually(lambda: fabric.whole(host), True, WHOLE)
    cut = Cut(fabric, tor, host)
    with flowing(fabric, host) as flows:
        time.sleep(STEADY)
        since = cut.drop()
        try:
            time.sleep(fabric.profile.detection + AFTER)
            results = [flow.finish() for flow in flows]
        finally:
            cut.mend()
    outward, inward = (lost(*result, since) for result in results)
    return outward, inward


def measure(quick: bool) -> list[Sample]:
    """Each profile in a fabric of its own."""
    samples = []
    for profile in PROFILES[-1:] if quick else PROFILES:
        with running(profile) as fabric:
            for _round in range(1 if quick else ROUNDS):
                for tor, _asn in TORS:
                    for who, host in HOSTS.items():
                        for direction, count in zip(DIRECTIONS, fail(fabric, tor, host), strict=True):
                            samples.append(Sample(case(profile, direction), who, "packets", count))
    return samples


def case(profile: Profile, direction: str) -> str:
    """The name of a line of the table."""
    return f"BFD {profile}, {direction}"


WHY_POLLED = """\
BIRD has BFD in the process that changes the route. Our agent asks bfdd, since FRR 8.4 to 10 have no other channel in
common: 30 times in a detection time, so that it adds a sixtieth on average. The rest is chance: when the cut falls
between two BFD packets is nobody's choice, and moves the count by a third of the detection time."""
WHY_CHANCE = """\
What is lost on the way to the host ends with what switch and spine do, which are the same for all three: the difference
is chance. When the cut falls between two BFD packets moves the count by a third of the detection time."""
CASES = tuple(case(profile, direction) for profile in PROFILES for direction in DIRECTIONS)
BENCHMARK = Benchmark(
    "failover",
    "Failover: a link that drops silently",
    METHOD,
    measure,
    targets=tuple(
        Target((name, OURS), (name, peer), limit) for name in CASES for peer, limit in (("FRR", 1.0), ("BIRD", 1.1))
    ),
    why={
        f"{case(profile, direction)}: {OURS} ≤ {limit} × {peer}": why
        for profile in PROFILES
        for direction, why in zip(DIRECTIONS, (WHY_POLLED, WHY_CHANCE), strict=True)
        for peer, limit in (("FRR", "1"), ("BIRD", "1.1"))
    },
    plots=(Plot("failover", "Packets lost", CASES),),
)
