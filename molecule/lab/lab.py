"""A whole lab: up, down, reboot, and who may change it at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from . import base, cgroups, controller, door, instances, l2agent, network, nodes
from .commands import BASE_TOOLS, TOOLS, require_root, require_tools
from .errors import LabError
from .limits import raise_inotify_limit
from .settings import Settings
from .topology import Topology


@contextlib.contextmanager
def locked(settings: Settings, doing: str) -> Iterator[None]:
    """Only one command at a time may change a lab; raise LabError saying who does."""
    require_root()
    require_tools(TOOLS)
    with _open_lock(settings) as lock:
        lock.truncate(0)
        lock.write(f"pid {os.getpid()} ({doing})\n")
        lock.flush()
        yield
        lock.truncate(0)
        if not settings.run_dir.exists():  # no lab: nothing to guard
            settings.lock_file.unlink()
            with contextlib.suppress(OSError):
                settings.lock_file.parent.rmdir()


def _open_lock(settings: Settings) -> IO[str]:
    while True:
        settings.lock_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = settings.lock_file.open("a+")
        except FileNotFoundError:  # somebody has just removed the last lab
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock_is_current(lock, settings.lock_file):
                return lock
        except BlockingIOError as error:
            lock.seek(0)
            who = lock.read().strip() or "another command"
            lock.close()
            raise LabError(
                f"the lab {settings.prefix!r} is being changed by {who}; try again when that is done"
            ) from error
        lock.close()


def lock_is_current(lock: IO[str], path: Path) -> bool:
    """Whether an open file is still the one at its path, and not one that ``down`` has removed meanwhile."""
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False


def up(settings: Settings, topology: Topology, inventory: Path | None = None) -> None:
    """Bring every node and link up; what is up already stays as it is.

    :param inventory: the folder that the topology is from; the commands that follow remember it.
    :raises LabError: naming the node or step that failed, the state seen, and the log.
    """
    with locked(settings, "up"):
        down_nodes = [name for name in topology.nodes if nodes.init_pid(settings, name) is None]
        if down_nodes:
            if changed := raise_inotify_limit():
                print(changed)
            for name in down_nodes:
                nodes.create(settings, topology, topology.nodes[name], _layers(settings, topology, name))
        network.add_namespaces(settings.netns(name) for name in topology.nodes)
        network.add_links(settings, topology.links)
        for name in down_nodes:
            cgroups.remove(cgroups.node_cgroup(settings, name))  # of a node whose init died
            nodes.start(settings, name)
        if inventory:
            settings.inventory_file.write_text(f"{inventory.resolve()}\n")
        nodes.wait_running(settings, topology.nodes)
        if topology.controller:
            door.open_door(settings, topology.controller.name)


def _layers(settings: Settings, topology: Topology, name: str) -> list[Path]:
    """The trees below a node's own files; each is built by the first node that needs it."""
    if neutron := topology.nodes[name].neutron:
        return controller.layers(neutron, topology.suite, settings.home)
    if name in topology.agents:
        return l2agent.layers(topology.suite, settings.home)
    return [base.build(base.recipe(topology.suite), settings.home)]


def known_nodes(settings: Settings) -> list[str]:
    """Nodes this machine has traces of, whatever the topology file says now."""
    return (
        sorted(path.name for path in settings.run_dir.iterdir() if path.is_dir()) if settings.run_dir.is_dir() else []
    )


def down(settings: Settings) -> None:
    """Remove all that ``up`` and ``plug`` made, also after a start that failed halfway."""
    with locked(settings, "down"):
        names = known_nodes(settings)
        spaces = [settings.netns(name) for name in names]
        spaces += [space + ".new" for space in spaces]  # of a reboot that was interrupted
        spaces += [space for space in network.existing_namespaces() if settings.is_instance_netns(space)]
        nodes.stop(settings, names)
        nodes.kill_all_in(network.inodes(spaces))
        network.remove_namespaces(spaces)
        for name in names:
            nodes.remove(settings, name)
        with contextlib.suppress(LabError):  # without a cgroup2 hierarchy there is nothing to remove
            cgroups.remove(cgroups.lab_cgroup(settings))
            cgroups.remove_if_empty(cgroups.lab_cgroup(settings).parent)
        shutil.rmtree(settings.run_dir, ignore_errors=True)


def reboot(settings: Settings, topology: Topology, names: Sequence[str], *, hard: bool = False) -> None:
    """Power nodes off and on. Files stay; addresses, routes, sysctls, bridges and taps go, as on a real machine.

    :param hard: pull the plug instead of shutting down.
    """
    _require_known(topology, names)
    with locked(settings, "reboot"):
        for name in names:
            if not settings.node_dir(name).is_dir():
                raise LabError(f"{name} is not up in the lab {settings.prefix!r}")
        nodes.stop(settings, names, sig=signal.SIGKILL if hard else nodes.POWER_OFF)
        for name in names:
            cgroups.remove(cgroups.node_cgroup(settings, name))
            network.renew_namespace(settings.netns(name), [end.port for end in topology.ends_of(name)])
            nodes.start(settings, name)
        nodes.wait_running(settings, names)


def _require_known(topology: Topology, names: Sequence[str]) -> None:
    if unknown := [name for name in names if name not in topology.nodes]:
        raise LabError(f"no such node: {', '.join(unknown)}; the topology has {', '.join(topology.nodes)}")


@dataclass(frozen=True)
class NodeStatus:
    """One line of ``status``."""

    node: str
    state: str
    pid: int | None
    links: int
    links_up: int
    instances: int


def status(settings: Settings, topology: Topology) -> list[NodeStatus]:
    """What is there of each node of the topology."""
    require_root()
    plugged = instances.plugged(settings)
    found = []
    for name in topology.nodes:
        ends = [end.port for end in topology.ends_of(name)]
        carriers = network.with_carrier(settings.netns(name))
        found.append(
            NodeStatus(
                node=name,
                state=nodes.state(settings, name),
                pid=nodes.init_pid(settings, name),
                links=len(ends),
                links_up=sum(port in carriers for port in ends),
                instances=sum(record.host == name for record in plugged.values()),
            )
        )
    return found


def command_in(settings: Settings, topology: Topology, target: str, command: Sequence[str]) -> list[str]:
    """The command line that enters a node, or an instance by its port's name or id.

    An instance has only a network stack of its own: it borrows the programs of its hypervisor.
    """
    require_root()
    require_tools(TOOLS)
    if not command:
        command = ["bash", "-l"]
    elif len(command) == 1:  # as ssh does
        command = ["bash", "-c", command[0]]
    if target in topology.nodes:
        return nodes.enter(settings, target, command)
    for port_id, instance in instances.plugged(settings).items():
        if instance.is_called(target):
            return nodes.enter(settings, instance.host, command, netns=settings.instance_netns(port_id))
    raise LabError(f"no such node or plugged instance: {target!r}; nodes are {', '.join(topology.nodes)}")


def build_base(settings: Settings, topology: Topology) -> str:
    """Build the base root and what a controller has over it, or find them in the cache; give back the root's path."""
    require_root()
    require_tools(BASE_TOOLS)
    if topology.controller and topology.controller.neutron:
        controller.layers(topology.controller.neutron, topology.suite, settings.home)
    return str(base.build(base.recipe(topology.suite), settings.home))
