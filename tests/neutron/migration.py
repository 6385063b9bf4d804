"""A live migration as nova does it, step by step, of an instance that is a network namespace.

The instance has two interfaces with one MAC: one behind the source's bridge, and from when nova plugs it one behind the
target's (in Open vSwitch once Neutron's agent has wired it there), which is down. In its pause its addresses are on
none; then they are on the second, and its kernel says so itself (arp_notify, ndisc_notify), as a guest's does after
QEMU has it resumed.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

from lab.api import Api
from lab.commands import ip_batch, run
from lab.integration import BRIDGE, add_port
from lab.ports import Instance
from lab.settings import netns_path

from tests.lab.fabric import Fabric, eventually

FIRST, SECOND = "eth0", "eth1"
NOBODYS = "4095"
"""The agent's VLAN for ports that it finds no binding of."""
QUIET = {"accept_ra": 0, "accept_dad": 0, "ndisc_notify": 1}


@dataclass(frozen=True)
class Pause:
    """When the instance did not run (seconds since 1970)."""

    began: float
    ended: float

    def __contains__(self, when: float) -> bool:
        return self.began <= when <= self.ended


class Migration:
    """One port's way from `source` to `target`."""

    def __init__(
        self, api: Api, fabric: Fabric, port: dict[str, Any], source: str, target: str, device: str = FIRST
    ) -> None:
        self.api, self.fabric, self.port = api, fabric, port
        self.source, self.target = source, target
        self.device, self.next = device, SECOND if device == FIRST else FIRST  # the instance's, before and after
        self.space = fabric.settings.instance_netns(port["id"])
        self.instance: Instance = fabric.instances[port["id"]]

    def on(self, target: str) -> Migration:
        """The next one of the same instance."""
        return Migration(self.api, self.fabric, self.port, self.target, target, self.next)

    def prepare(self) -> None:
        """The conductor's part and the target's pre_live_migration: binding, tap, `migrating_to`."""
        path = f"ports/{self.port['id']}"
        self.api.request("POST", f"{path}/bindings", {"binding": {"host": self.target}})
        profile = {"migrating_to": self.target}
        self.api.request("PUT", path, {"port": {"binding:profile": profile}})
        self._plug()

    def _plug(self) -> None:
        port, host = self.instance, self.fabric.netns(self.target)
        run("ip", "link", "add", self.next, "address", port.mac, "mtu", port.mtu, "netns", self.space, "type", "veth",
            "peer", "name", port.tap, "address", f"fe{port.mac[2:]}", "mtu", port.mtu, "netns", host)  # fmt: skip
        values = [f"echo {value} >/proc/sys/net/ipv6/conf/{self.next}/{name}" for name, value in QUIET.items()]
        values.append(f"echo 1 >/proc/sys/net/ipv4/conf/{self.next}/arp_notify")
        values.append(f"echo 0 >/proc/sys/net/ipv6/conf/{self.device}/accept_ra")  # what it has learned moves with it
        run("nsenter", f"--net={netns_path(self.space)}", "sh", "-c", " && ".join(values))
        joined = () if self.switched else (f"master {port.bridge}",)
        ip_batch([f"link set {port.tap} {what}" for what in ("addrgenmode none", *joined, "up")], netns=host)
        if self.switched:
            self._vsctl(self.target, *add_port(port))
            eventually(
                lambda: self._vsctl(self.target, "get", "Port", port.tap, "tag").strip(),
                lambda tag: tag.isdigit() and tag != NOBODYS,
                f"the agent of {self.target} gives {port.tap} its VLAN",
                60,
            )

    @property
    def switched(self) -> bool:
        """Whether instances are in Open vSwitch, where Neutron's agent wires them."""
        return bool(self.fabric.topology.agents)

    def _vsctl(self, host: str, *words: str) -> str:
        return self.fabric.run(host, "ovs-vsctl", "--timeout=30", *words)

    def move(self, seconds: float) -> Pause:
        """The instance stops on the source and goes on on the target, `seconds` later."""
        gateways = self._gateways()
        began = time.time()
        ip_batch([f"link set {self.device} down", f"address flush dev {self.device}"], netns=self.space)
        threading.Event().wait(max(0.0, began + seconds - time.time()))
        addresses = [
            f"address add {each} dev {self.next}{' nodad' if ':' in each else ''}" for each in self.instance.addresses
        ]
        routes = [f"route replace default via {each} dev {self.next}" for each in gateways]
        ip_batch([*addresses, f"link set {self.next} up", *routes], netns=self.space)
        return Pause(began, time.time())

    def _gateways(self) -> list[str]:
        """The routers that the instance knows, of both families: they are among what moves with its memory."""
        shown = [
            run("ip", "-n", self.space, family, "-j", "route", "show", "default").stdout for family in ("-4", "-6")
        ]
        return [each["gateway"] for text in shown for each in json.loads(text or "[]") if "gateway" in each]

    def activate(self) -> None:
        """Neutron binds the port to the target."""
        self.api.request("PUT", f"ports/{self.port['id']}/bindings/{self.target}/activate")

    def unplug(self) -> None:
        """The source's QEMU has ended: its tap goes with it, and then libvirt takes the port from Open vSwitch, unless
        the source's agent was there before, which unplugs what is not active here any more. The instance's end of the
        pair goes with the tap, so the next one can have its name."""
        ip_batch([f"link del {self.instance.tap}"], netns=self.fabric.netns(self.source))
        if self.switched:
            self._vsctl(self.source, "--if-exists", "del-port", BRIDGE, self.instance.tap)

    def finish(self) -> None:
        """Nova clears up."""
        path = f"ports/{self.port['id']}"
        self.api.request("DELETE", f"{path}/bindings/{self.source}")
        self.api.request("PUT", path, {"port": {"binding:profile": {}}})
