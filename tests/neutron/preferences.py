"""What the switches prefer while an instance moves: the hosts that they have its address from, again and again."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import yaml
from lab import lab

from tests.lab.fabric import INVENTORY, Fabric, eventually

Preferences = dict[str, int]
"""LOCAL_PREF by host."""


@dataclass
class Seen:
    """By switch, what differed from the look before; complete once the block has ended."""

    of: dict[str, list[Preferences]] = field(default_factory=dict)
    looks: int = 0

    def last(self, wanted: Preferences, seconds: float = 60) -> None:
        """Wait until this is what each switch was found with at the last look."""
        eventually(
            lambda: {name: found[-1] if found else None for name, found in self.of.items()},
            lambda now: all(found == wanted for found in now.values()),
            f"{wanted} alone at each switch",
            seconds,
        )

    def equal(self) -> list[tuple[str, Preferences]]:
        """Looks that found two hosts at the same preference."""
        return [
            (name, found) for name, each in self.of.items() for found in each if len(set(found.values())) < len(found)
        ]


@contextmanager
def preferences(fabric: Fabric, switches: Sequence[str], address: str) -> Iterator[Seen]:
    """Look at the switches without a pause for as long as the block runs."""
    seen, stop = Seen({name: [] for name in switches}), threading.Event()
    hosts = _hosts(fabric)

    def watch(name: str) -> None:
        before: Preferences | None = None
        while not stop.is_set():
            found = _look(fabric, name, address, hosts)
            seen.looks += 1
            if found != before:
                seen.of[name].append(found)
            before = found

    threads = [threading.Thread(target=watch, args=(name,)) for name in switches]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _hosts(fabric: Fabric) -> dict[str, str]:
    """The host that has each address of the uplinks."""
    found: dict[str, str] = {}
    for host in fabric.hosts:
        variables = yaml.safe_load((INVENTORY / "host_vars" / f"{host}.yml").read_text())
        for uplink in variables["roth_uplinks"]:
            found |= {uplink[family].partition("/")[0]: host for family in ("ipv4", "ipv6")}
    return found


def _look(fabric: Fabric, switch: str, address: str, hosts: dict[str, str]) -> Preferences:
    if fabric.switches[switch] == "frr":
        shown = _said(fabric, switch, "vtysh", "-c", f"show bgp {'ipv6' if ':' in address else 'ipv4'} unicast "
                      f"{address}/{128 if ':' in address else 32} json")  # fmt: skip
        paths = json.loads(shown or "{}").get("paths", ())
        return {
            hosts[path["peer"]["peerId"]]: path.get("locPrf", 100) for path in paths if path["peer"]["peerId"] in hosts
        }
    shown = _said(fabric, switch, "birdc", "-r", f"show route {address}/{128 if ':' in address else 32} all")
    found = re.findall(r"\[(hv\d+)_\w+ .*?BGP\.local_pref: (\d+)", shown, re.DOTALL)
    return {host: int(preference) for host, preference in found}


def _said(fabric: Fabric, switch: str, *command: str) -> str:
    line = lab.command_in(fabric.settings, fabric.topology, switch, command)
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False).stdout
