# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a switch knows, in the same words for FRR and BIRD. Read by C(switch_routes_info), compared by `compare`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from ipaddress import ip_address, ip_network
from typing import Any


def address(text: str) -> str:
    """The canonical text of an IP address, without an interface (`fe80::1%eth0`); ValueError if it is none."""
    return str(ip_address(text.partition("%")[0]))


def prefix(text: str) -> str:
    """The canonical text of a prefix; ValueError if it is none or has host bits set."""
    return str(ip_network(text))


@dataclass(frozen=True)
class Session:
    """A BGP session as the switch sees it. `state` is `established`, or the switch's own word in lower case.

    `limit_reached`: the number of prefixes beyond which the switch takes no new ones, once it has been reached."""

    peer: str
    asn: int
    state: str
    uptime_seconds: int | None
    prefixes_received: int | None
    limit_reached: int | None = None


@dataclass(frozen=True)
class BfdSession:
    """A BFD session as the switch sees it. `state` is `up`, `down`, `init` or `admin-down`."""

    peer: str
    state: str


@dataclass(frozen=True)
class Path:
    """One BGP path of a prefix: from which peer, to which next hop. `stale`: kept by graceful restart (RFC 4724)."""

    prefix: str
    peer: str
    next_hop: str
    best: bool
    stale: bool


@dataclass(frozen=True)
class SwitchState:
    """What one switch knows. Paths the switch originates itself are not in it."""

    sessions: tuple[Session, ...] = ()
    bfd: tuple[BfdSession, ...] = ()
    paths: tuple[Path, ...] = ()

    def as_result(self) -> dict[str, Any]:
        """Plain types, as C(switch_routes_info) returns them."""
        return {
            "sessions": [asdict(session) for session in self.sessions],
            "bfd": [asdict(session) for session in self.bfd],
            "routes": {
                family: [asdict(path) for path in self.paths if (":" in path.prefix) == (family == "ipv6")]
                for family in ("ipv4", "ipv6")
            },
        }

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> SwitchState:
        """The reverse of `as_result`; raises KeyError or TypeError on anything else."""
        return cls(
            tuple(Session(**session) for session in result["sessions"]),
            tuple(BfdSession(**session) for session in result["bfd"]),
            tuple(Path(**path) for family in ("ipv4", "ipv6") for path in result["routes"][family]),
        )
