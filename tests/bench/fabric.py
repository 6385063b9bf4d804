"""The bench fabric: three hosts side by side on the same two switches, one with our stack, one FRR, one BIRD.

Ours is the rig of the agent's tests: real ExaBGP with its bridge, agent and bfdd, with the settings of the roles. All
three are there at the same time, so that every comparison is of neighbouring moments.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.roth.fabric.plugins.module_utils.kernel.netlink import Netlink
from roth.health import problems

from tests.kernel.agent_rig import Rig, eventually
from tests.kernel.sockets import listens

from . import stacks
from .benchmark import OURS
from .namespaces import inside
from .stacks import TORS, Host, Profile, session

ROTH, FRR, BIRD = Host("hv1", 1, 142), Host("hv2", 2, 254), Host("hv3", 3, 254)
HOSTS = {OURS: ROTH, "FRR": FRR, "BIRD": BIRD}
"""By how the tables call them."""
MAIN_SETTINGS = (
    "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.fib_multipath_hash_policy=1",
    "net.ipv6.fib_multipath_hash_policy=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
    "net.ipv4.nexthop_compat_mode=0",
)  # fmt: skip
PROTOCOL = 142
START = 90.0  # seconds


class Fabric(Rig):
    """Namespaces, daemons and what is seen of them."""

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.prefix = f"bench{os.getpid()}"
        self.profile = profile
        self.nodes = ["spine", "tor1", "tor2", "client", *(host.name for host in HOSTS.values())]
        self.nodes += [f"vm{host.number}" for host in HOSTS.values()]

    # -- the network ----------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Nodes, cables, addresses, instances."""
        for node in self.nodes:
            self.shell("ip", "netns", "add", f"{self.prefix}-{node}")
            self.ip(node, "link", "set", "lo", "up")
            self.inside(node, "sysctl", "-qw", *MAIN_SETTINGS)
        for tor, _asn in TORS:
            self.cable("spine", f"tor{tor}", f"tor{tor}", "spine", (f"10.255.{tor}.0/31", f"10.255.{tor}.1/31"))
            for host in HOSTS.values():
                self.cable(f"tor{tor}", host.name, host.name, f"up{tor - 1}")
                for version, length in ((4, 31), (6, 127)):
                    here, there = session(tor, host.number, version)
                    self.address(f"tor{tor}", host.name, f"{here}/{length}")
                    self.address(host.name, f"up{tor - 1}", f"{there}/{length}")
        self.cable("client", "eth0", "spine", "client", ("203.0.113.10/24", "203.0.113.1/24"))
        self.ip("client", "route", "add", "default", "via", "203.0.113.1")
        for host in HOSTS.values():
            self.host(host)
        for table in ("142", "143"):  # what the role host_network has as rules
            self.ip("hv1", "rule", "add", "priority", "142" if table == "142" else "32768", "lookup", table)
        self.ip("hv1", "route", "add", "unreachable", "default", "metric", "4294967295", "table", "143")

    def host(self, host: Host) -> None:
        """Loopbacks, and one instance behind tap0."""
        for address in (f"192.0.2.{10 + host.number}/32", f"2001:db8:ffff::{10 + host.number}/128"):
            self.address(host.name, "lo", address)
        vm = f"vm{host.number}"
        self.cable(host.name, "tap0", vm, "eth0", ("10.64.0.1/32", f"{host.instance}/32"))
        self.ip(vm, "route", "add", "10.64.0.1", "dev", "eth0")
        self.ip(vm, "route", "add", "default", "via", "10.64.0.1")
        words = ["proto", str(PROTOCOL), "table", str(host.table)]
        self.ip(host.name, "route", "add", f"{host.instance}/32", "dev", "tap0", *words)

    def cable(self, a: str, port: str, b: str, far_port: str, addresses: tuple[str, ...] = ()) -> None:
        """A veth pair between two nodes, up at both ends."""
        far = ["peer", "name", far_port, "netns", f"{self.prefix}-{b}"]
        self.ip(a, "link", "add", port, "type", "veth", *far)
        for node, device, address in zip((a, b), (port, far_port), addresses, strict=False):
            self.address(node, device, address)
        self.ip(a, "link", "set", port, "up")
        self.ip(b, "link", "set", far_port, "up")

    def address(self, node: str, device: str, address: str) -> None:
        """Give an interface an address that may be used at once."""
        self.ip(node, "address", "replace", address, "dev", device, *(["nodad"] if ":" in address else []))

    # -- daemons --------------------------------------------------------------------------------------------------

    def start_all(self) -> None:
        """Everything, and wait until all of it is up."""
        self.start_frr("spine", {"bgpd": stacks.spine()})
        self.start_frr("tor1", {"bgpd": stacks.frr_tor(list(HOSTS.values())), "bfdd": self.profile.frr})
        self.start_bird("tor2", stacks.bird_tor(list(HOSTS.values()), self.profile))
        self.start_frr("hv2", {"bgpd": stacks.frr_host(FRR), "bfdd": self.profile.frr})
        self.start_bird("hv3", stacks.bird_host(BIRD, self.profile))
        sessions = [(*session(tor, ROTH.number, version), "") for tor, _asn in TORS for version in (4, 6)]
        self.frr("bfdd", "hv1", stacks.bfdd(sessions, self.profile))
        self.start_exabgp()
        self.start_agent()
        eventually(self.ailments, [], START)

    def start_frr(self, node: str, daemons: dict[str, str]) -> None:
        """zebra with the receive buffer that Debian gives it, then these daemons with their configuration."""
        self.frr("zebra", node, "", "-s", "90000000")
        eventually(lambda: listens(self.run / node / "zserv"), True)
        for daemon, text in daemons.items():
            self.frr(daemon, node, text)

    def start_bird(self, node: str, text: str) -> None:
        """BIRD in a node."""
        configuration = self.run / f"{node}.bird.conf"
        configuration.write_text(text)
        self.start(f"{node}-bird", node, "bird", "-f", "-c", str(configuration), "-s", f"{self.run}/{node}.ctl")

    def destroy(self) -> None:
        """Nothing of the fabric stays."""
        for name in list(self.processes):
            self.stop(name)
        for node in self.nodes:
            subprocess.run(["ip", "netns", "delete", f"{self.prefix}-{node}"], capture_output=True, check=False)
        super().destroy()

    # -- what is seen ---------------------------------------------------------------------------------------------

    def hops(self, node: str, *selection: str) -> int:
        """Next hops of the one route that is selected, 0 without it."""
        found = json.loads(self.ip(node, "-json", "route", "show", *selection) or "[]")
        routes = [route for route in found if route.get("type") != "unreachable"]
        if not routes:
            return 0
        if "nhid" in routes[0] and "nexthops" not in routes[0]:  # an object or a group, by number alone
            group = next(it for it in json.loads(self.ip(node, "-json", "nexthop")) if it["id"] == routes[0]["nhid"])
            return len(group.get("group", [0]))
        return len(routes[0].get("nexthops", [0]))

    def whole(self, host: Host) -> bool:
        """Both ways, over both switches."""
        table = ["table", "143"] if host is ROTH else []
        up = self.hops(host.name, "default", *table)
        return (up, self.hops("spine", host.instance)) == (2, 2)

    def ailments(self) -> list[str]:
        """What is not up yet."""
        found = [f"{host.name} is not connected twice" for host in HOSTS.values() if not self.whole(host)]
        status = self.status()
        return found + (problems(status) if status else ["no agent"])


@contextmanager
def running(profile: Profile) -> Iterator[Fabric]:
    """A fabric that is up, and gone afterwards."""
    fabric = Fabric(profile)
    try:
        fabric.build()
        fabric.start_all()
        yield fabric
    finally:
        fabric.destroy()


@contextmanager
def kernel_of(fabric: Fabric, host: Host) -> Iterator[Netlink]:
    """The kernel of a host, to write routes as the module does."""
    with inside(f"{fabric.prefix}-{host.name}"):
        kernel = Netlink()
    with kernel:
        yield kernel
