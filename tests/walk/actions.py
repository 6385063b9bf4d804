"""What each step of the walk does to the running lab."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

from lab import instances, lab, network
from lab.commands import ip_batch

from tests.faults.processes import AGENT, BFDD, BRIDGE, EXABGP
from tests.lab import links
from tests.lab.fabric import INVENTORY, Fabric, eventually

from .world import (
    Add,
    BridgeBounce,
    ClearSessions,
    Cut,
    Flicker,
    Foreign,
    Heal,
    Move,
    Pause,
    ProcessStep,
    Reboot,
    Remove,
    Restart,
    RestartSwitch,
    RouteStep,
    Signal,
    Step,
)

BRIDGE_OF_WALK = "br-mobile"
OURS = "proto 142 table 142"
NOT_OURS = "proto 99 table 9142"
"""A protocol and a table of nobody's."""
PROCESSES = {"bridge": BRIDGE, "agent": AGENT, "exabgp": EXABGP, "bfdd": BFDD}
SERVICES = {"frr": "frr.service", "bird": "bird.service"}


def routes(fabric: Fabric, host: str, verb: str, prefixes: Iterable[str]) -> None:
    """`ip route add` or `del` each prefix behind the host's provider bridge."""
    ip_batch((f"route {verb} {prefix} dev {BRIDGE_OF_WALK} {OURS}" for prefix in prefixes), fabric.netns(host))


def foreign(fabric: Fabric, host: str, count: int) -> None:
    """Another protocol's routes come and go."""
    prefixes = [f"198.18.{n // 256}.{n % 256}/32" for n in range(count)]
    for verb in ("add", "del"):
        ip_batch((f"route {verb} blackhole {prefix} {NOT_OURS}" for prefix in prefixes), fabric.netns(host))


def change_routes(fabric: Fabric, step: RouteStep) -> None:
    """Steps that write kernel routes."""
    match step:
        case Add(host, prefixes):
            routes(fabric, host, "add", prefixes)
        case Remove(host, prefixes):
            routes(fabric, host, "del", prefixes)
        case Move(source, target, prefixes):
            routes(fabric, target, "add", prefixes)
            routes(fabric, source, "del", prefixes)
        case Flicker(host, prefixes, times):
            for _ in range(times):
                routes(fabric, host, "del", prefixes)
                routes(fabric, host, "add", prefixes)
        case Foreign(host, count):
            foreign(fabric, host, count)


def disturb(fabric: Fabric, step: ProcessStep) -> None:
    """Steps against a process; an earlier one may have killed it, so it may take a moment until it is there."""
    process = PROCESSES[step.process]
    if isinstance(step, Restart):
        fabric.run(step.host, "systemctl", "restart", process.unit)
        return
    name = f"{step.process} runs on {step.host}"
    pid = str(eventually(lambda: process.pid(fabric, step.host), lambda pid: pid > 0, name, 60))
    if isinstance(step, Signal):
        fabric.run(step.host, "kill", f"-{step.signal}", pid)
        return
    fabric.run(step.host, "kill", "-STOP", pid)
    time.sleep(step.seconds)  # the one thing here that must last a given time
    fabric.run(step.host, "kill", "-CONT", pid)


def bounce(fabric: Fabric, host: str) -> None:
    """The provider bridge goes down and up while the agent watches: what goes while it is away it takes for somebody's
    will."""
    eventually(lambda: fabric.status(host), bool, f"the agent of {host} answers")
    with links.down(fabric, host, BRIDGE_OF_WALK):
        pass


def reboot(fabric: Fabric, step: Reboot) -> None:
    """Power off and on, then the taps come back as nova plugs them."""
    lab.reboot(fabric.settings, fabric.topology, [step.host], hard=step.hard)
    bridges = {each["bridge"] for each in instances.read_networks(INVENTORY)}

    def there() -> set[str]:
        return bridges & network.interfaces(fabric.netns(step.host)).keys()

    eventually(there, lambda found: found == bridges, f"{bridges} on {step.host}")
    with lab.locked(fabric.settings, "plug"):
        instances.plug(fabric.settings, fabric.topology, INVENTORY)


def clear_sessions(fabric: Fabric, switch: str) -> None:
    """Reset every session of the switch."""
    if fabric.switches[switch] == "frr":
        fabric.run(switch, "vtysh", "-c", "clear bgp *")
    else:
        fabric.run(switch, "birdc", "restart all")


def restart_switch(fabric: Fabric, switch: str) -> None:
    """Restart its routing daemons, and wait until they answer again."""
    software = fabric.switches[switch]
    fabric.run(switch, "systemctl", "restart", SERVICES[software])
    question = "vtysh -c 'show bgp summary'" if software == "frr" else "birdc show status"
    answer = f"{question} >/dev/null 2>&1 && echo yes || true"
    eventually(lambda: fabric.run(switch, "sh", "-c", answer), bool, f"{software} of {switch} answers")


@dataclass
class Hands:
    """Performs steps. `cuts` holds how to heal the link that is cut, by host."""

    fabric: Fabric
    cuts: dict[str, ExitStack] = field(default_factory=dict)

    def perform(self, step: Step) -> None:
        """Do to the lab what the step says."""
        match step:
            case Add() | Remove() | Move() | Flicker() | Foreign():
                change_routes(self.fabric, step)
            case Signal() | Pause() | Restart():
                disturb(self.fabric, step)
            case Cut(host):
                self.cuts[host] = ExitStack()
                self.cuts[host].enter_context(self._cut(step))
            case Heal(host):
                self.cuts.pop(host).close()
            case BridgeBounce(host):
                bounce(self.fabric, host)
            case Reboot():
                reboot(self.fabric, step)
            case ClearSessions(switch):
                clear_sessions(self.fabric, switch)
            case RestartSwitch(switch):
                restart_switch(self.fabric, switch)

    def _cut(self, step: Cut) -> AbstractContextManager[None]:
        if step.silent:
            return links.silent(self.fabric, step.switch, step.host, "ingress", "egress")
        return links.down(self.fabric, step.switch, step.host)
