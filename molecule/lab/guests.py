"""What runs in an instance: a Debian of its own with DHCP clients. No address is configured from here."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from . import cgroups, l2agent
from .api import inside
from .commands import run
from .errors import LabError
from .ports import Instance
from .settings import Settings, netns_path
from .topology import Topology

INIT = Path(__file__).with_name("guest-init")
UNSHARED = ("unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--propagation", "private")
"""What starts INIT: namespaces of its own but for the network's."""
CONFIGURED_SECONDS = 180.0  # after a reboot of its host it waits for the agent, too
POLL_SECONDS = 0.2
LOG_LINES = 30  # of two clients: one that ends says why in twenty
_ETHERTYPE_IPV4, _ETHERTYPE_RARP = 0x0800, 0x8035


def root(settings: Settings, topology: Topology) -> Path:
    """The base root that instances have their programs from: their hosts' own."""
    return l2agent.host_root(topology.suite, settings.home)


def log_file(settings: Settings, instance: Instance) -> Path:
    """What an instance's clients say."""
    return settings.run_dir / f"guest-{instance.port_id[:11]}.log"


def start(settings: Settings, root: Path, instance: Instance) -> None:
    """Boot an instance, in its network namespace and the lab's cgroup; give back at once."""
    cgroup = cgroups.lab_cgroup(settings) / "guests"
    cgroup.mkdir(parents=True, exist_ok=True)
    script = 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"'
    netns = netns_path(settings.instance_netns(instance.port_id))
    boot = [*UNSHARED, INIT, root, settings.run_dir, instance.name, " ".join(instance.pairs)]
    with log_file(settings, instance).open("wb") as log:
        subprocess.Popen(
            ["sh", "-c", script, "sh", str(cgroup), "nsenter", f"--net={netns}", *map(str, boot)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )


def announce(settings: Settings, instance: Instance) -> None:
    """Say where an instance is, as QEMU does for it after a migration: one RARP request in its name (RFC 903)."""
    mac = bytes.fromhex(instance.mac.replace(":", ""))
    head = struct.pack("!6s6sHHHBBH", b"\xff" * 6, mac, _ETHERTYPE_RARP, 1, _ETHERTYPE_IPV4, 6, 4, 3)
    frame = (head + mac + bytes(4) + mac + bytes(4)).ljust(60, b"\0")
    netns = netns_path(settings.instance_netns(instance.port_id))
    with inside(netns), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as opened:
        opened.bind(("eth0", 0))
        opened.send(frame)


def wait_configured(settings: Settings, some: Sequence[Instance], seconds: float = CONFIGURED_SECONDS) -> None:
    """Wait until each has its leased addresses and a default route of each of their families.

    :raises LabError: naming each that has not, what it has, and what its clients said last.
    """
    deadline = time.monotonic() + seconds
    waiting = list(some)
    while True:
        seen = [(instance, *configuration(settings, instance)) for instance in waiting]
        lacking = [
            (instance, have, what) for instance, have, defaults in seen if (what := lacks(instance, have, defaults))
        ]
        if not lacking:
            return
        if time.monotonic() > deadline:
            problems = [_problem(settings, instance, have, what) for instance, have, what in lacking]
            raise LabError(f"instances without their addresses after {seconds:.0f} s:\n" + "\n".join(problems))
        waiting = [instance for instance, _, _ in lacking]
        time.sleep(POLL_SECONDS)


def configuration(settings: Settings, instance: Instance) -> tuple[set[str], set[int]]:
    """An instance's addresses that it may use, and the IP versions of which it has a default route."""
    netns = settings.instance_netns(instance.port_id)
    links = _ip(netns, "address", "show", "dev", "eth0")
    rows = [row for link in links for row in link.get("addr_info", ()) if row and not row.get("tentative")]
    versions = {4: _ip(netns, "-4", "route", "show", "default"), 6: _ip(netns, "-6", "route", "show", "default")}
    return {str(row["local"]) for row in rows if "local" in row}, {v for v, routes in versions.items() if routes}


def lacks(instance: Instance, have: set[str], defaults: set[int]) -> list[str]:
    """What an instance does not have yet, in words."""
    versions = sorted({ip_address(address).version for address in instance.leased})
    missing = [address for address in instance.leased if address not in have]
    return missing + [f"IPv{version} default route" for version in versions if version not in defaults]


def _ip(netns: str, *words: str) -> list[dict[str, Any]]:
    return list(json.loads(run("ip", "-n", netns, "-json", *words, check=False).stdout or "[]"))


def _problem(settings: Settings, instance: Instance, have: set[str], what: Sequence[str]) -> str:
    log = log_file(settings, instance)
    said = log.read_text(errors="replace").splitlines()[-LOG_LINES:] if log.exists() else []
    lines = [f"  {instance.name} on {instance.host} ({instance.tap}): no {', no '.join(what)}"]
    lines += [f"    it has: {', '.join(sorted(have)) or 'nothing'}; log {log}:"]
    return "\n".join([*lines, *(f"      {line}" for line in said or ["(empty)"])])
