# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read BIRD 2's text: `show protocols all`, `show bfd sessions`, `show route all`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from .switches import BfdSession, Path, Session, SwitchState, address, prefix

PROTOCOLS = "show protocols all"
BFD_SESSIONS = "show bfd sessions"
ROUTES = "show route all"
COMMANDS = (PROTOCOLS, BFD_SESSIONS, ROUTES)

_PROTOCOL = re.compile(
    r"^(?P<name>\S+)\s+BGP\s+\S+\s+(?P<state>up|start|down|stop)\s+(?P<since>\S+(?: \d\d:\d\d:\S+)?)"
)
_FIELD = re.compile(r"^\s+(?P<key>BGP state|Neighbor address|Neighbor AS|Import limit|Routes):\s+(?P<value>.*?)\s*$")
_BFD = re.compile(r"^(?P<peer>[0-9a-fA-F.:]+(?:%\S+)?)\s+\S+\s+(?P<state>Up|Down|Init|AdminDown)\s")
# The prefix stands on the first path only; the next ones are indented by spaces, attributes by a tab. The preference
# is followed by `s` when the path is stale ("Path is kept by graceful restart", bgp_get_route_info in proto/bgp).
_PATH = re.compile(
    r"^(?P<prefix>[0-9a-fA-F.:]+/\d+)?\s+\S+ \[(?P<protocol>\S+) [^\]]*\](?P<best> \*)? \(\d+(?P<flags>[-s]*)[^)]*\)"
)
_NEXT_HOP = re.compile(r"^\tBGP\.next_hop:\s+(?P<hop>\S+)")


def switch_state(outputs: Mapping[str, str], now: datetime) -> SwitchState:
    """Everything, from the output of each of COMMANDS by its command.

    `now` is the switch's local time, which BIRD's times are in. Raises ValueError on text that BIRD does not write.
    """
    peers = _peers(outputs[PROTOCOLS])
    return SwitchState(
        tuple(sorted((_session(fields, now) for fields in peers.values()), key=lambda session: session.peer)),
        bfd_sessions(outputs[BFD_SESSIONS]),
        tuple(paths(outputs[ROUTES], {name: address(fields["Neighbor address"]) for name, fields in peers.items()})),
    )


def _peers(text: str) -> dict[str, dict[str, str]]:
    """The fields of each BGP protocol by its name."""
    found: dict[str, dict[str, str]] = {}
    fields: dict[str, str] | None = None
    for line in text.splitlines():
        if line and not line[0].isspace():
            head = _PROTOCOL.match(line)
            fields = None if head is None else found.setdefault(head["name"], {"since": head["since"]})
        elif fields is not None and (match := _FIELD.match(line)):
            fields[match["key"]] = match["value"]
    for name, fields in found.items():
        missing = {"BGP state", "Neighbor address", "Neighbor AS"} - fields.keys()
        if missing:
            raise ValueError(f"BIRD's protocol {name} has no {', '.join(sorted(missing))}")
    return found


def _session(fields: Mapping[str, str], now: datetime) -> Session:
    state = fields["BGP state"].lower()
    imported = re.match(r"(\d+) imported", fields.get("Routes", ""))
    limit = re.match(r"(\d+)\s+\[HIT\]", fields.get("Import limit", ""))
    established = state == "established"
    return Session(
        peer=address(fields["Neighbor address"]),
        asn=int(fields["Neighbor AS"]),
        state=state,
        uptime_seconds=_seconds_since(fields["since"], now) if established else None,
        prefixes_received=int(imported[1]) if established and imported else None,
        limit_reached=int(limit[1]) if established and limit else None,
    )


def _seconds_since(text: str, now: datetime) -> int | None:
    """BIRD writes the time of day for what is younger than 20 hours, else the date; other formats can be configured."""
    try:
        time = datetime.strptime(text.partition(".")[0], "%H:%M:%S").time()
    except ValueError:
        try:
            return max(0, int((now - datetime.fromisoformat(text)).total_seconds()))
        except ValueError:
            return None
    since = datetime.combine(now.date(), time)
    return int((now - (since if since <= now else since - timedelta(days=1))).total_seconds())


def bfd_sessions(text: str) -> tuple[BfdSession, ...]:
    """Of `show bfd sessions`."""
    matches = (_BFD.match(line) for line in text.splitlines())
    found = (
        BfdSession(address(match["peer"]), {"AdminDown": "admin-down"}.get(match["state"], match["state"].lower()))
        for match in matches
        if match
    )
    return tuple(sorted(found, key=lambda session: session.peer))


def paths(text: str, peers: Mapping[str, str]) -> Iterator[Path]:
    """Of `show route all`: each path of a BGP protocol in `peers` (address by protocol name)."""
    current, path = "", None
    for line in text.splitlines():
        if match := _PATH.match(line):
            current, path = match["prefix"] or current, match
        elif path is not None and path["protocol"] in peers and (hop := _NEXT_HOP.match(line)):
            yield Path(
                prefix=prefix(current),
                peer=peers[path["protocol"]],
                next_hop=address(hop["hop"]),
                best=path["best"] is not None,
                stale="s" in path["flags"],
            )
