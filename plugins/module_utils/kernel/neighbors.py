# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static neighbours as text (`ADDRESS lladdr MAC dev NAME`) and their planning: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from .model import Address, KernelNeighbor, Link, Neighbor
from .text import parse_device, quoted

GRAMMAR = "ADDRESS lladdr MAC dev NAME"

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


@dataclass(frozen=True)
class WantedNeighbor:
    """A static neighbour as it was asked for; `mac` in lower case."""

    address: Address
    mac: str
    device: str

    def __str__(self) -> str:
        return f"{self.address} lladdr {self.mac} dev {self.device}"


@dataclass
class NeighborPlan:
    """What has to happen; `remove` are entries of ours, `problems` pairs of address and reason."""

    replace: list[Neighbor] = field(default_factory=list)
    remove: list[Neighbor] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


def parse_neighbor(text: str) -> WantedNeighbor:
    """One static neighbour. Raises ValueError naming what was expected."""
    words = text.split() if text.isascii() and text.isprintable() else []
    if len(words) != 5 or words[1] != "lladdr" or words[3] != "dev":
        raise ValueError(f"{quoted(text)} is not a neighbour; expected {GRAMMAR}")
    try:
        address = ip_address(words[0])
    except ValueError:
        raise ValueError(f"{quoted(words[0])} is not an address; expected IPv4 or IPv6") from None
    if address.is_multicast or address.is_unspecified or "%" in words[0]:
        raise ValueError(f"{quoted(words[0])} is not the address of one host; expected a unicast address without zone")
    mac = words[2].lower()
    if not _MAC.fullmatch(mac) or int(mac[:2], 16) & 1 or not int(mac.replace(":", ""), 16):
        raise ValueError(
            f"{quoted(words[2])} is not a host's MAC address; expected six hexadecimal bytes, e.g. fa:16:3e:00:00:01"
        )
    return WantedNeighbor(address, mac, parse_device(words[4]))


def parse_neighbors(lines: Iterable[str]) -> list[WantedNeighbor]:
    """Many neighbours. Raises ValueError for a bad line, or one address listed on a device with two MACs."""
    found: dict[tuple[Address, str], WantedNeighbor] = {}
    for number, line in enumerate(lines, 1):
        try:
            neighbor = parse_neighbor(line)
        except ValueError as error:
            raise ValueError(f"neighbour {number}: {error}") from None
        other = found.setdefault((neighbor.address, neighbor.device), neighbor)
        if other != neighbor:
            raise ValueError(
                f"neighbour {number}: {neighbor} contradicts {other}; expected one MAC an address and device"
            )
    return list(found.values())


def plan_neighbors(
    desired: Iterable[WantedNeighbor],
    current: Iterable[KernelNeighbor],
    links: Mapping[int, Link],
    protocol: int,
    purge: bool = True,
) -> NeighborPlan:
    """The plan from `current` (all entries of the kernel) to `desired`.

    What the kernel learned itself may be replaced by a static entry; a static entry of another protocol never is.
    """
    indexes = {link.name: link.index for link in links.values()}
    found = {(entry.address, entry.oif): entry for entry in current}
    plan, wanted = NeighborPlan(), set()
    for item in desired:
        oif = indexes.get(item.device)
        if oif is None:
            plan.problems.append((str(item.address), f"link {item.device} does not exist"))
            continue
        wanted.add((item.address, oif))
        entry = found.get((item.address, oif))
        if entry is not None and entry.permanent and entry.protocol != protocol:
            plan.problems.append((str(item.address), f"protocol {entry.protocol} has a static entry on {item.device}"))
        elif entry is None or not entry.permanent or entry.mac != item.mac:
            plan.replace.append(Neighbor(item.address, oif, item.mac))
    if purge:
        plan.remove = [
            Neighbor(entry.address, entry.oif, entry.mac or "")
            for key, entry in found.items()
            if key not in wanted and entry.permanent and entry.protocol == protocol
        ]
    return plan
