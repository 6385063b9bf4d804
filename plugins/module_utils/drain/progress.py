# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a drain has come: the agent's word and the uplinks' packet counters. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

IN_SERVICE = "in service"


@dataclass(frozen=True)
class Traffic:
    """Packets through an interface: a count, or a rate in packets/s."""

    received: float
    sent: float

    def rate(self, before: Traffic, seconds: float) -> Traffic:
        """Packets/s since an earlier count. A counter that went back (a new interface) counts from 0."""
        if self.received < before.received or self.sent < before.sent:
            before = Traffic(0, 0)
        return Traffic(
            round((self.received - before.received) / seconds, 1), round((self.sent - before.sent) / seconds, 1)
        )


@dataclass(frozen=True)
class Wanted:
    """What is waited for. `packets` is the rate per direction (packets/s) under which an uplink counts as idle."""

    drained: frozenset[str]
    host: bool
    packets: float


@dataclass(frozen=True)
class UplinkProgress:
    """One uplink as it is reported; rates in packets/s."""

    uplink: str
    tor: str
    state: str
    received: float | None
    sent: float | None


def counters(text: str, interfaces: Collection[str]) -> dict[str, Traffic]:
    """Of /proc/net/dev (proc(5)): the second column is packets received, the tenth packets sent."""
    found = {}
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        if colon and name.strip() in interfaces:
            columns = rest.split()
            found[name.strip()] = Traffic(int(columns[1]), int(columns[9]))
    return found


def progress(status: Mapping[str, Any], rates: Mapping[str, Traffic]) -> list[UplinkProgress]:
    """One entry for each uplink that the agent has, in its order."""
    states = {each["uplink"]: each["state"] for each in status["drain"]["uplinks"]}
    tors = {session["uplink"]: session["tor"] for session in status["sessions"]}
    return [
        UplinkProgress(
            uplink,
            tor,
            states.get(uplink, IN_SERVICE),
            rates[uplink].received if uplink in rates else None,
            rates[uplink].sent if uplink in rates else None,
        )
        for uplink, tor in tors.items()
    ]


def outstanding(wanted: Wanted, status: Mapping[str, Any], uplinks: Sequence[UplinkProgress]) -> list[str]:
    """What isn't as wanted yet, one line each: observed and expected."""
    found = []
    for each in uplinks:
        place = f"{each.uplink} to {each.tor}"
        expected = "drained" if each.uplink in wanted.drained else IN_SERVICE
        if each.state != expected:
            found.append(f"{place} is {each.state}, expected {expected}")
        if each.uplink in wanted.drained:
            for direction, rate in (("received", each.received), ("sent", each.sent)):
                if rate is None:
                    found.append(f"{place}: no counters, expected the interface {each.uplink}")
                elif rate >= wanted.packets:
                    found.append(f"{place}: {rate:g} packets/s {direction}, expected under {wanted.packets:g}")
    names = {each.uplink for each in uplinks}
    found += [f"{name} is no uplink of the agent" for name in sorted(wanted.drained - names)]
    host = status["drain"]["host"]
    if host != ("given up" if wanted.host else None):
        found.append(f"host is {host or 'not drained'}, expected {'drained' if wanted.host else 'not drained'}")
    return found


def refusals(status: Mapping[str, Any]) -> list[str]:
    """Alarms that say that the agent doesn't take the wanted state: waiting won't help."""
    return [alarm for alarm in status["alarms"] if alarm.startswith("drain refused")]


def as_result(uplinks: Sequence[UplinkProgress]) -> list[dict[str, Any]]:
    """Plain types."""
    return [asdict(each) for each in uplinks]
