"""What is drained: /etc/roth/drain.json, which is written by an operator's playbook and kept over a reboot. Pure.

An uplink that is drained carries nothing while another one can: its nexthops leave the defaults' groups, and its ToR
is told to use other paths to this host. A drained host gives up the addresses that other hosts have as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from .attributes import PLAIN, Treatment
from .config import Config, ConfigError, Uplink, flag, number, read_keys
from .kernel.model import Address, Family, Prefix

DEFAULT_PATH = "/etc/roth/drain.json"
SETTLE = 5.0  # seconds
LONGEST_SETTLE = 600
SHARED = "drained: other hosts have it as well"


@dataclass(frozen=True)
class Drain:
    """The wanted state. `withdrawn` are the prefixes that a drained host gives up.

    `settle` is for how long (seconds) the fabric's other routers get to follow a step before the next one.
    """

    uplinks: frozenset[str] = frozenset()
    host: bool = False
    withdrawn: frozenset[Prefix] = frozenset()
    settle: float = SETTLE

    def treatment(self, uplink: Uplink) -> Treatment:
        """How the ToR of an uplink is to take our routes.

        A drained host's paths are one AS longer, a drained uplink's one longer than the others of the host.
        """
        drained = uplink.name in self.uplinks
        return Treatment(self.host + drained, drained)

    def aims(self, config: Config) -> dict[Address, Treatment]:
        """The treatment of each session that isn't treated as always."""
        wanted = {address: self.treatment(uplink) for address, (uplink, _peer) in config.peers().items()}
        return {address: treatment for address, treatment in wanted.items() if treatment != PLAIN}


def _names(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError
    return frozenset(value)


def _prefixes(value: object) -> frozenset[Prefix]:
    return frozenset(map(ip_network, _names(value)))


_KEYS: Mapping[str, tuple[Callable[[object], Any], str]] = {
    "uplinks": (_names, "a list of interface names"),
    "host": (flag, "true or false"),
    "withdrawn": (_prefixes, "a list of prefixes"),
    "settle": (number(0, LONGEST_SETTLE), f"seconds, 0 to {LONGEST_SETTLE}"),
}


_DEFAULTS: Mapping[str, object] = {"uplinks": [], "host": False, "withdrawn": [], "settle": SETTLE}


def parse(text: str, config: Config) -> Drain:
    """Read the document for a host with this configuration. Raises ConfigError, naming each mistake."""
    values, errors = read_keys(text, _KEYS, _DEFAULTS)
    if not errors:
        errors = refusals(Drain(**values), config)
    if errors:
        raise ConfigError("; ".join(errors))
    return Drain(**values)


def refusals(drain: Drain, config: Config) -> list[str]:
    """Why a host with this configuration can't be drained so; empty when it can."""
    known = [uplink.name for uplink in config.uplinks]
    unknown = sorted(drain.uplinks - set(known))
    if unknown:
        return [f"uplinks: {', '.join(unknown)}: no such uplink, expected some of {', '.join(known)}"]
    return [
        f"uplinks: {', '.join(sorted(drain.uplinks))}: no uplink would be left for {name}, "
        "expected at least one that is not drained"
        for family, name in ((Family.IPV4, "ipv4"), (Family.IPV6, "ipv6"))
        if any(uplink.peer(family) for uplink in config.uplinks)
        and all(uplink.name in drain.uplinks for uplink in config.uplinks if uplink.peer(family))
    ]


def load(path: str, config: Config) -> Drain:
    """Read the file; without one nothing is drained. Raises ConfigError."""
    try:
        return parse(Path(path).read_text(encoding="utf-8"), config)
    except FileNotFoundError:
        return Drain()
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from None


def fitting(drain: Drain, config: Config) -> Drain:
    """The same without what a changed configuration forbids."""
    return replace(drain, uplinks=frozenset()) if refusals(drain, config) else drain
