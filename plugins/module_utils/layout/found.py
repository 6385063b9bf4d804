# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a link was like before it became ours, and the steps back to that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Union

SIDE_EFFECTS = (
    "net/ipv4/conf/{}/promote_secondaries",
    "net/ipv6/conf/{}/accept_ra",
    "net/ipv6/conf/{}/addr_gen_mode",
    "net/ipv6/conf/{}/dad_transmits",
    "net/ipv6/conf/{}/disable_ipv6",
    "net/ipv6/conf/{}/proxy_ndp",
    "net/ipv6/conf/{}/use_tempaddr",
)
"""What systemd-networkd sets on a link that it configures, unasked (its src/network/networkd-sysctl.c)."""


@dataclass(frozen=True)
class FoundLink:
    """`addresses` are the global ones with length; `settings` are values below /proc/sys; `mtu` is in bytes."""

    mtu: int
    up: bool
    addresses: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """A step back by a command."""

    argv: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.argv)


@dataclass(frozen=True)
class Write:
    """A step back by a value below /proc/sys."""

    path: str
    value: str

    def __str__(self) -> str:
        return f"{self.path} = {self.value}"


Step = Union[Command, Write]


def link_of(entry: Mapping[str, Any], settings: Mapping[str, str]) -> FoundLink:
    """From an entry of `ip -json address show`. Raises KeyError when it is something else."""
    addresses = (
        f"{address['local']}/{address['prefixlen']}" for address in entry["addr_info"] if address["scope"] == "global"
    )
    return FoundLink(int(entry["mtu"]), "UP" in entry["flags"], tuple(sorted(addresses)), dict(settings))


def steps_back(name: str, found: FoundLink, now: FoundLink) -> tuple[Step, ...]:
    """From what the link `name` is now to what was found. Addresses that came since then are not ours to remove."""
    link = ("ip", "link", "set", "dev", name)
    steps: list[Step] = []
    if found.mtu != now.mtu:
        steps.append(Command((*link, "mtu", str(found.mtu))))
    if found.up != now.up:
        steps.append(Command((*link, "up" if found.up else "down")))
    missing = [address for address in found.addresses if address not in now.addresses]
    steps += [Command(("ip", "address", "add", address, "dev", name)) for address in missing]
    steps += [
        Write(path, value) for path, value in sorted(found.settings.items()) if now.settings.get(path, value) != value
    ]
    return tuple(steps)


def to_json(found: FoundLink) -> dict[str, Any]:
    """For the record."""
    return asdict(found)


def from_json(entry: Mapping[str, Any]) -> FoundLink:
    """From the record. Raises KeyError, TypeError or ValueError when it is something else."""
    settings = {str(path): str(value) for path, value in entry["settings"].items()}
    return FoundLink(int(entry["mtu"]), bool(entry["up"]), tuple(map(str, entry["addresses"])), settings)


def new_facts(recorded: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts that are not in the record yet: the first one counts, since later ones are our own doing."""
    return {name: value for name, value in facts.items() if name not in recorded}


def to_give_back(recorded: Sequence[str], present: Sequence[str], wanted: Sequence[str] | None) -> list[str]:
    """Links of the record that are still there, all of them or those of `wanted`."""
    return [name for name in recorded if name in present and (wanted is None or name in wanted)]
