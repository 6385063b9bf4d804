"""Nodes: namespaces around a systemd of their own, over an overlay of the base root."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import cgroups, controller, l2agent, network, seed
from .errors import LabError
from .settings import Settings, netns_path
from .topology import Node, Topology

INIT = Path(__file__).with_name("node-init")
POWER_OFF = signal.SIGRTMIN + 4  # systemd(1), signals: start poweroff.target
START_SECONDS = 300  # a controller migrates its database first; any other node takes three
STOP_SECONDS = 15
LOG_LINES = 15
ENVIRONMENT = {
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


def init_pid(settings: Settings, node: str) -> int | None:
    """A node's PID 1 as this machine numbers it, or None when the node is down.

    A pid file may be older than the process that bears its number now: the node's init is the one in the node's netns.
    """
    try:
        pid = int((settings.node_dir(node) / "init.pid").read_text())
        theirs = Path(f"/proc/{pid}/ns/net").stat().st_ino
        return pid if theirs == netns_path(settings.netns(node)).stat().st_ino else None
    except (OSError, ValueError):
        return None


def create(settings: Settings, topology: Topology, node: Node, layers: Sequence[Path]) -> None:
    """Make a node's directory and what the lab writes into it, unless it is there already.

    :param layers: the trees below the node's own files, uppermost first; the last one is a base root.
    """
    folder = settings.node_dir(node.name)
    if (folder / "seeded").exists():
        return
    for name in ("upper", "work", "root"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    seeds = [*seed.files(topology, node, uuid.uuid4().hex), *(controller.files(node.neutron) if node.neutron else ())]
    seeds += l2agent.files(topology, node.name) if node.name in topology.agents else ()
    seed.write(folder / "upper", layers, seeds)
    # a node keeps its base while it lives, whatever `base` is built later
    (folder / "base").write_text(":".join(map(str, layers)) + "\n")
    (folder / "seeded").touch()


def start(settings: Settings, node: str) -> None:
    """Start a node's systemd; give back at once. Raise LabError when the namespaces cannot be made."""
    folder, cgroup = settings.node_dir(node), cgroups.node_cgroup(settings, node)
    cgroup.mkdir(parents=True, exist_ok=True)
    script = (
        'echo $$ >"$1/cgroup.procs"; exec nsenter --net="$2" unshare --mount --uts --ipc --cgroup --pid --fork '
        '--kill-child --propagation private "$3" "$4" "$5" "$6"'
    )
    base = (folder / "base").read_text().strip()
    arguments = [cgroup, netns_path(settings.netns(node)), INIT, folder, node, base]
    with (folder / "boot.log").open("ab") as log:
        outer = subprocess.Popen(
            ["sh", "-c", script, "sh", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the command line, not for the nodes
            cwd="/",
        )
    (folder / "init.pid").write_text(f"{_child(settings, node, outer)}\n")


def _child(settings: Settings, node: str, outer: subprocess.Popen[bytes]) -> int:
    """The pid of what unshare forked into the new pid namespace."""
    deadline = time.monotonic() + STOP_SECONDS
    while outer.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
            # what sh runs before it becomes unshare is a child as well, but in our pid namespace
            if children and Path(f"/proc/{children[0]}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink():
                return int(children[0])
        time.sleep(0.005)
    raise LabError(f"{node}: its namespaces could not be made" + log_end(settings, node))


def wait_running(settings: Settings, nodes: Iterable[str], seconds: float = START_SECONDS) -> None:
    """Wait until all nodes are ``running``; raise LabError naming each that is not, its state and its log."""
    deadline = time.monotonic() + seconds
    waiting = dict.fromkeys(nodes)
    jobs: dict[str, subprocess.Popen[str]] = {}
    failed = []
    while waiting:
        for node in list(waiting):
            pid = init_pid(settings, node)
            if pid is None or time.monotonic() > deadline:
                failed.append(_failure(settings, node, "down" if pid is None else f"not up after {seconds:.0f} s"))
            elif node not in jobs:
                if Path(f"/proc/{pid}/root/run/systemd/private").is_socket():
                    jobs[node] = _is_system_running(settings, node)
                continue
            elif jobs[node].poll() is None:
                continue
            elif (answer := jobs[node].communicate()[0].strip()) in ("", "unknown", "starting", "initializing"):
                del jobs[node]  # asked too early, or D-Bus had no time
                continue
            elif answer != "running":
                failed.append(_failure(settings, node, answer))
            del waiting[node]
        time.sleep(0.02)
    for job in jobs.values():
        if job.poll() is None:
            job.kill()
    if failed:
        raise LabError("\n".join(failed))


def _is_system_running(settings: Settings, node: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        enter(settings, node, ["systemctl", "is-system-running", "--wait"]),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _failure(settings: Settings, node: str, state: str) -> str:
    text = f"{node} did not start: its state is {state!r}, expected 'running'"
    if init_pid(settings, node):
        for title, command in (
            ("failed units", ["systemctl", "--failed", "--plain", "--no-legend"]),
            ("jobs", ["systemctl", "list-jobs", "--no-legend"]),
            (
                "journal",
                ["journalctl", "-b", "-p", "warning", "-n", str(LOG_LINES), "--no-pager", "-o", "short-monotonic"],
            ),
        ):
            with contextlib.suppress(subprocess.TimeoutExpired):
                done = subprocess.run(
                    enter(settings, node, command), capture_output=True, text=True, timeout=10, check=False
                )
                if lines := done.stdout.strip().splitlines():
                    text += f"\n  {title}:\n    " + "\n    ".join(lines[-LOG_LINES:])
    return text + log_end(settings, node)


def log_end(settings: Settings, node: str) -> str:
    """Path and last lines of a node's boot log, for an error."""
    log = settings.node_dir(node) / "boot.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return f"\n  log {log}:" + "".join(f"\n    {line}" for line in lines[-LOG_LINES:] or ["(empty)"])


def state(settings: Settings, node: str) -> str:
    """What systemctl says of a node, or ``down``."""
    if init_pid(settings, node) is None:
        return "down"
    done = subprocess.run(
        enter(settings, node, ["systemctl", "is-system-running"]), capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "starting"


def enter(settings: Settings, node: str, command: Sequence[str], netns: str | None = None) -> list[str]:
    """The command line that runs something inside a node.

    :param netns: another named network namespace than the node's own: an instance's, with the node's programs.
    :raises LabError: when the node is down.
    """
    pid = init_pid(settings, node)
    if pid is None:
        raise LabError(f"{node} is not up in the lab {settings.prefix!r}; python -m lab status shows what is")
    net = f"--net={netns_path(netns)}" if netns else "--net"
    clean = ["env", "-i", *(f"{k}={v}" for k, v in ENVIRONMENT.items()), f"TERM={os.environ.get('TERM', 'dumb')}"]
    return ["nsenter", "-t", str(pid), "--mount", "--uts", "--ipc", "--pid", "--cgroup", net, "--", *clean, *command]


def stop(settings: Settings, nodes: Iterable[str], sig: int = POWER_OFF, seconds: float = STOP_SECONDS) -> None:
    """Power nodes off, together; what has not gone in time is killed."""
    inits = {node: pid for node in nodes if (pid := init_pid(settings, node))}
    pids = set(inits.values())
    spaces = network.inodes(settings.netns(node) for node in inits)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sig)
    soft, hard = time.monotonic() + seconds, time.monotonic() + 2 * seconds
    while pids := {pid for pid in pids if _alive(pid)}:
        if time.monotonic() > hard:
            raise LabError(f"processes do not go, even killed: {', '.join(map(str, sorted(pids)))}")
        if time.monotonic() > soft:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        _continue_nsenters(spaces)
        time.sleep(0.05)


def _continue_nsenters(inodes: set[int]) -> None:
    """Let every nsenter that stands still reap its child.

    systemd stops all processes before it kills them; nsenter then stops itself as its child does, and nobody continues
    it. The child stays a zombie, and while there is one, the pid namespace and with it the node's init cannot go.
    """
    for pid in _processes_in(inodes):
        if _process_state(pid) == "T":
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _process_state(pid: int) -> str:
    """One letter of proc(5); '' for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _alive(pid: int) -> bool:
    """Whether a process runs; a zombie has let go of everything but its number."""
    return _process_state(pid) not in ("", "Z")


def kill_all_in(inodes: set[int], seconds: float = STOP_SECONDS) -> None:
    """Kill every process in some network namespaces, such as a shell left open; raise LabError if one stays.

    :param inodes: the namespaces, by the inode of their file.
    """
    deadline = time.monotonic() + seconds
    while pids := _processes_in(inodes):
        if time.monotonic() > deadline:
            raise LabError(f"processes in the lab's network namespaces do not go: {', '.join(map(str, pids))}")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _processes_in(inodes: set[int]) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if (folder / "ns/net").stat().st_ino in inodes and _alive(int(folder.name)):
                    found.append(int(folder.name))
    return found


def remove(settings: Settings, node: str) -> None:
    """Remove a stopped node's cgroup and files."""
    cgroups.remove(cgroups.node_cgroup(settings, node))
    shutil.rmtree(settings.node_dir(node), ignore_errors=True)
