"""The port watcher on a real kernel with real taps. Only Neutron is a script."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from roth.kernel.events import RouteEvents
from roth.kernel.model import Overrun, key_text
from roth.kernel.netlink import Netlink
from roth.kernel.preference import ARRIVED_METRIC
from roth.port_watcher.asking import understand
from roth.port_watcher.farewell import PacketWire
from roth.port_watcher.watcher import Watcher
from roth.timers import LoopTimers, SystemClock

from tests.unit.agent.port_watcher.rig import BRIDGE, Rig, mac, port, routed, tap

DEADLINE = 60.0  # seconds
TIMING = {"retry_first": 0.2, "retry_longest": 0.2, "period": 0.5}


class Host(Rig):
    """The rig's Neutron, with the kernel of the test's namespace."""

    def __init__(self, folder: Path, shell: Callable[[str], str], **timing: float) -> None:
        self.shell = shell
        super().__init__(folder, timing=timing)

    def start(self) -> None:
        """Only inside of a loop; see run."""

    async def run(self, scenario: Callable[[], Coroutine[object, object, None]]) -> None:
        loop = asyncio.get_running_loop()
        self.kernel, events = Netlink(), RouteEvents(142, (142,), learned=True)
        self.watcher = watcher = Watcher(self.config(), self.kernel, SystemClock(), LoopTimers(loop), lambda: 0.5)
        self.connect()
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        watcher.farewells.wire = PacketWire(raw, self.kernel.addresses)
        watcher.ask = lambda number: loop.call_soon(self.answer, number) and None

        def readable() -> None:
            try:
                watcher.events(events.read())
            except Overrun:
                watcher.overrun()

        loop.add_reader(events.fileno(), readable)
        watcher.start()
        try:
            await scenario()
        finally:
            loop.remove_reader(events.fileno())
            events.close()
            raw.close()
            self.kernel.close()

    def answer(self, number: int) -> None:
        self.reads.append(time.monotonic())
        self.watcher.told(number, understand(json.dumps(self.read(number))))

    def has(self) -> set[str]:
        return {key_text(key) for key, hop in self.kernel.route_table(142, 142).hops.items() if hop[0] != 1}

    async def eventually(self, expected: set[str]) -> None:
        deadline = time.monotonic() + DEADLINE
        while (observed := self.has()) != expected:
            assert time.monotonic() < deadline, f"{observed ^ expected} differ"
            await asyncio.sleep(0.01)

    def plug(self, *numbers: int) -> None:
        lines = "\n".join(f"tuntap add dev {tap(number)} mode tap" for number in numbers)
        (self.folder / "batch").write_text(f"{lines}\n")
        self.shell(f"ip -batch {self.folder / 'batch'}")

    def unplug(self, *numbers: int) -> None:
        for number in numbers:
            self.shell(f"ip tuntap del dev {tap(number)} mode tap")


@pytest.fixture
def host(shell: Callable[[str], str], tmp_path: Path) -> Iterator[Host]:
    shell(f"ip link add {BRIDGE} up type bridge")
    shell("ip address add 192.0.2.11/32 dev lo")
    return Host(tmp_path, shell, **TIMING)


def test_a_tap_brings_its_route_and_takes_it_away(host: Host) -> None:
    async def scenario() -> None:
        host.place(1, 2)
        host.plug(1)
        await host.eventually(routed(1))
        host.plug(2)
        await host.eventually(routed(1, 2))
        host.mode = "unreachable"
        host.unplug(1)
        await host.eventually(routed(2))

    asyncio.run(host.run(scenario))


def test_what_the_host_knew_of_an_instance_that_has_left_goes_with_its_route(host: Host) -> None:
    """The next instance with its address has another MAC."""

    def known() -> set[str]:
        return {line.split()[0] for line in host.shell(f"ip neigh show dev {BRIDGE} nud all").splitlines()}

    async def scenario() -> None:
        host.place(1, 2)
        host.plug(1, 2)
        await host.eventually(routed(1, 2))
        for address in ("10.64.0.1", "2001:db8:64::1", "10.64.0.2"):
            host.shell(f"ip neigh add {address} lladdr fa:16:3e:00:00:01 dev {BRIDGE} nud stale")
        host.unplug(1)
        await host.eventually(routed(2))
        deadline = time.monotonic() + DEADLINE
        while known() & {"10.64.0.1", "2001:db8:64::1"}:
            assert time.monotonic() < deadline, f"{known()} are still there"
            await asyncio.sleep(0.01)
        assert "10.64.0.2" in known()

    asyncio.run(host.run(scenario))


class Instance:
    """A namespace behind a tap of the bridge, with the addresses of the port of a number."""

    def __init__(self, shell: Callable[[str], str], number: int) -> None:
        self.shell = shell
        self.process = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        here = Path("/proc/self/ns/net").readlink()
        while (found := Path(f"/proc/{self.process.pid}/ns/net").readlink()) == here:
            assert self.process.poll() is None
        assert found != here
        self.mac = f"fa:16:3e:00:00:{number:02x}"
        peer = f"netns {self.process.pid} name eth0 address {self.mac}"
        shell(f"ip link add {tap(number)} up master {BRIDGE} type veth peer {peer}")
        for line in (
            "ip link set eth0 up",
            f"ip address add 10.64.0.{number}/16 dev eth0",
            f"ip address add 2001:db8:64::{number:x}/64 dev eth0 nodad",
        ):
            self.run(line)

    def run(self, line: str) -> str:
        return self.shell(f"nsenter --target {self.process.pid} --net {line}")

    def neighbor(self, address: str) -> str:
        """The MAC that it remembers."""
        words = self.run(f"ip neigh show {address}").split()
        return words[words.index("lladdr") + 1] if "lladdr" in words else ""

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def two(host: Host, shell: Callable[[str], str]) -> Iterator[tuple[Instance, Instance]]:
    """Instances 1 and 2, which know each other by the MAC."""
    shell(f"ip link set {BRIDGE} address 02:8e:00:00:00:01")
    shell(f"ip address add 10.64.255.254/32 dev {BRIDGE}")
    with ExitStack() as stack:
        leaving, staying = (stack.enter_context(closing(Instance(shell, number))) for number in (1, 2))
        for address in ("10.64.0.1", "2001:db8:64::1"):
            deadline = time.monotonic() + DEADLINE
            while (observed := staying.neighbor(address)) != leaving.mac:
                assert time.monotonic() < deadline, f"{address} is at {observed}"
                # again each time: nobody asks for it any more once the kernel has asked three times
                staying.run(f"bash -c 'echo >/dev/udp/{address}/9 || true'")
        yield leaving, staying


def test_the_neighbours_of_an_instance_that_leaves_find_it_behind_the_host(
    host: Host, two: tuple[Instance, Instance]
) -> None:
    async def scenario() -> None:
        _leaving, staying = two
        host.place(1, 2)
        await host.eventually(routed(1, 2))
        host.shell(f"ip link del {tap(1)}")
        for address in ("10.64.0.1", "2001:db8:64::1"):
            deadline = time.monotonic() + DEADLINE
            while (observed := staying.neighbor(address)) != "02:8e:00:00:00:01":
                assert time.monotonic() < deadline, f"{address} is still at {observed}"
                await asyncio.sleep(0.01)
        assert host.has() == routed(2)

    asyncio.run(host.run(scenario))


def test_a_hundred_taps_at_once_are_routed_after_a_few_reads(shell: Callable[[str], str], tmp_path: Path) -> None:
    shell(f"ip link add {BRIDGE} up type bridge")
    host = Host(tmp_path, shell)

    async def scenario() -> None:
        await host.eventually(set())
        while not host.reads:
            await asyncio.sleep(0.01)
        before = len(host.reads)
        host.place(*range(100))
        host.plug(*range(100))
        await host.eventually(routed(*range(100)))
        assert len(host.reads) - before <= 2

    asyncio.run(host.run(scenario))


@pytest.mark.parametrize("mode", ["unreachable", "refused", "broken", "half", "surprise", "empty"])
def test_nothing_goes_whatever_neutron_says_and_it_catches_up_afterwards(host: Host, mode: str) -> None:
    async def scenario() -> None:
        host.place(*range(12))
        host.plug(*range(12))
        await host.eventually(routed(*range(12)))
        host.mode, reads = mode, len(host.reads)
        host.place(20)
        host.plug(20)
        while len(host.reads) < reads + 4:
            await asyncio.sleep(0.01)
            assert host.has() == routed(*range(12))
        host.mode = "good"
        await host.eventually(routed(*range(12), 20))

    asyncio.run(host.run(scenario))


def test_a_bridge_that_was_down_has_its_routes_again_without_neutron(host: Host) -> None:
    async def scenario() -> None:
        host.place(1, 2)
        host.plug(1, 2)
        await host.eventually(routed(1, 2))
        host.mode = "unreachable"
        host.shell(f"ip link set {BRIDGE} down")
        await host.eventually(set())
        host.shell(f"ip link set {BRIDGE} up")
        await host.eventually(routed(1, 2))

    asyncio.run(host.run(scenario))


def test_nothing_foreign_is_touched(host: Host) -> None:
    async def scenario() -> None:
        host.shell(f"ip route add 10.64.0.1/32 dev {BRIDGE} table 142 proto static")
        host.shell(f"ip route add 10.64.9.9/32 dev {BRIDGE} table 142 proto bird")
        host.place(1, 2)
        host.plug(1, 2)
        await host.eventually(routed(1, 2) - {"10.64.0.1/32"})
        host.unplug(1, 2)
        await host.eventually(set())
        assert len(host.shell("ip route show table 142 proto static").splitlines()) == 1
        assert len(host.shell("ip route show table 142 proto bird").splitlines()) == 1

    asyncio.run(host.run(scenario))


def test_the_first_frame_of_an_instance_that_is_expected_brings_its_routes(host: Host) -> None:
    """The instance is a veth's other end with an address of its own, which says so when it comes up."""

    def metrics() -> set[int]:
        return {key[2] for key, hop in host.kernel.route_table(142, 142).hops.items() if hop[0] != 1}

    async def scenario() -> None:
        host.place(1)
        host.plug(1)
        await host.eventually(routed(1))
        host.ports[20] = port(20, host="hv3")
        host.bindings[20] = "hv1"
        host.shell(f"ip link add {tap(20)} type veth peer name guest address {mac(20)}")
        host.shell(f"ip link set {tap(20)} master {BRIDGE} up")
        deadline = time.monotonic() + DEADLINE
        while tap(20) not in host.watcher.arrivals.expected:
            assert time.monotonic() < deadline, f"{host.watcher.arrivals.expected} are expected"
            await asyncio.sleep(0.01)
        assert host.has() == routed(1)
        host.shell("sysctl -qw net.ipv4.conf.guest.arp_notify=1")
        host.shell("ip address add 10.64.0.20/24 dev guest")
        host.shell("ip link set guest up")
        await host.eventually(routed(1, 20))
        assert metrics() == {0, 1024, ARRIVED_METRIC}

    asyncio.run(host.run(scenario))
