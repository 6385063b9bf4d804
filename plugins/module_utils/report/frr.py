# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read FRR's JSON (8.4 to 10.x): `show bgp summary`, `show bgp <family> unicast`, `show bfd peers`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .switches import BfdSession, Path, Session, SwitchState, address, prefix

SUMMARY = "show bgp summary json"
IPV4_ROUTES = "show bgp ipv4 unicast json"
IPV6_ROUTES = "show bgp ipv6 unicast json"
BFD_PEERS = "show bfd peers json"
COMMANDS = (SUMMARY, IPV4_ROUTES, IPV6_ROUTES, BFD_PEERS)


def switch_state(outputs: Mapping[str, str]) -> SwitchState:
    """Everything, from the output of each of COMMANDS by its command; raises ValueError on what is not FRR's JSON."""
    return SwitchState(
        sessions(outputs[SUMMARY]),
        bfd_sessions(outputs[BFD_PEERS]),
        paths(outputs[IPV4_ROUTES]) + paths(outputs[IPV6_ROUTES]),
    )


def _document(text: str) -> Any:  # noqa: ANN401 (JSON)
    """An empty answer is what FRR gives for a daemon or family without anything."""
    return json.loads(text) if text.strip() else {}


def sessions(text: str) -> tuple[Session, ...]:
    """Of `show bgp summary json`: an entry for each peer (its prefixes summed over the address families)."""
    found: dict[str, Session] = {}
    for family in ("ipv4Unicast", "ipv6Unicast"):
        for name, peer in _document(text).get(family, {}).get("peers", {}).items():
            session = _session(name, peer)
            before = found.get(session.peer)
            if before is not None:
                total = (before.prefixes_received or 0) + (session.prefixes_received or 0)
                session = Session(session.peer, session.asn, session.state, session.uptime_seconds, total)
            found[session.peer] = session
    return tuple(found[peer] for peer in sorted(found))


def _session(name: str, peer: Mapping[str, Any]) -> Session:
    """An unnumbered peer has an interface for a name: kept as it is."""
    established = peer["state"] == "Established"
    with suppress(ValueError):
        name = address(name)
    return Session(
        peer=name,
        asn=int(peer["remoteAs"]),
        state=str(peer["state"]).lower(),
        uptime_seconds=int(peer["peerUptimeMsec"]) // 1000 if established else None,
        prefixes_received=int(peer.get("pfxRcd", 0)) if established else None,
    )


def bfd_sessions(text: str) -> tuple[BfdSession, ...]:
    """Of `show bfd peers json`; FRR writes `shutdown` for what RFC 5880 calls AdminDown."""
    states = {"shutdown": "admin-down"}
    return tuple(
        sorted(
            (BfdSession(address(peer["peer"]), states.get(peer["status"], peer["status"])) for peer in _document(text)),
            key=lambda session: session.peer,
        )
    )


def paths(text: str) -> tuple[Path, ...]:
    """Of `show bgp <family> unicast json`: each valid path that came from a peer."""
    routes = _document(text).get("routes", {})
    found = (_path(name, path) for name, listed in routes.items() for path in listed if path.get("valid"))
    return tuple(path for path in found if path is not None)


def _path(name: str, path: Mapping[str, Any]) -> Path | None:
    """None for what the switch originates itself (peer `(unspec)`)."""
    try:
        peer = address(path["peerId"])
    except ValueError:
        return None
    # A link-local next hop stands beside the global one (RFC 2545) and is in use; the global one names the host.
    hops = sorted(path["nexthops"], key=lambda hop: hop.get("scope") == "link-local")
    return Path(
        prefix=prefix(name),
        peer=peer,
        next_hop=address(hops[0]["ip"]),
        best=bool(path.get("bestpath", False)),
        stale=bool(path.get("stale", False)),
    )
