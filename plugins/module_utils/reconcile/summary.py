# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a reconciliation as tables and as a JSON document. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from .model import Finding, Host, Kind, World
from .places import family
from .repair import repairs

UNREAD = "?"
_REASON = 100  # characters of a reason in the table


def document(world: World, findings: Sequence[Finding]) -> dict[str, object]:
    """Everything, in plain types. `agree` is true only if there is no finding at all; see docs/reconcile.md."""
    looked = sorted(name for name, host in world.hosts.items() if host.looked_at)
    counts = Counter(finding.kind for finding in findings)
    return {
        "agree": not findings,
        "looked_at": {"hosts": looked, "switches": sorted(world.switches)},
        "not_looked_at": {
            "hosts": sorted(set(world.hosts) - set(looked)),
            "switches": sorted(_switches(world) - set(world.switches)),
        },
        "counts": {kind.value: counts[kind] for kind in Kind},
        "hosts": {name: _host(world, world.hosts[name], name, findings) for name in looked},
        "findings": [_entry(finding) for finding in findings],
        "repair": {name: asdict(repair) for name, repair in repairs(findings).items()},
    }


def _entry(finding: Finding) -> dict[str, object]:
    return {**asdict(finding), "kind": finding.kind.value}


def _switches(world: World) -> set[str]:
    """Those that the hosts that were looked at have sessions with."""
    return {each.tor for host in world.hosts.values() if host.looked_at for each in host.sessions}


def _host(world: World, host: Host, name: str, findings: Sequence[Finding]) -> dict[str, object]:
    """`agree` is the number of wanted prefixes that all agree about, or None when not all could be read."""
    told = [finding for finding in findings if finding.host == name]
    blind = host.unread or any(isinstance(world.switches.get(each.tor), str) for each in host.sessions)
    amiss = {finding.prefix for finding in told} & set(host.wanted)
    counts = Counter(finding.kind for finding in told)
    return {
        "wanted": len(host.wanted),
        "agree": None if blind else len(host.wanted) - len(amiss),
        **{kind.value: counts[kind] for kind in Kind},
    }


def tables(world: World, findings: Sequence[Finding], shown: int) -> str:
    """A line a host, below it the findings (of one kind at one host `shown` at most), and what was not looked at.

    Raises ImportError without `tabulate`, which the controller and the hosts have.
    """
    from tabulate import tabulate

    whole = document(world, findings)
    hosts: dict[str, dict[str, object]] = whole["hosts"]  # type: ignore[assignment]
    rows = [
        {"host": name, **{key: UNREAD if value is None else str(value) for key, value in row.items()}}
        for name, row in hosts.items()
    ]
    parts = [tabulate(rows, headers="keys", disable_numparse=True)]
    if findings:
        parts.append(tabulate(_lines(world, findings, shown), headers="keys", disable_numparse=True))
    left: dict[str, list[str]] = whole["not_looked_at"]  # type: ignore[assignment]
    parts += [f"Not looked at: {what} {', '.join(names)}" for what, names in left.items() if names]
    parts.append(_verdict(findings))
    return "\n\n".join(parts)


def _verdict(findings: Sequence[Finding]) -> str:
    if not findings:
        return "All that was looked at agrees."
    counts = Counter(finding.kind for finding in findings)
    return "Not all agree: " + ", ".join(f"{counts[kind]} {kind.value}" for kind in Kind if counts[kind])


def _lines(world: World, findings: Sequence[Finding], shown: int) -> list[dict[str, str]]:
    """A row a finding; what is beyond `shown` of one kind at one host is a row with their number."""
    lines: list[dict[str, str]] = []
    told: Counter[tuple[str | None, Kind]] = Counter()
    totals = Counter((finding.host, finding.kind) for finding in findings)
    for finding in findings:
        key = finding.host, finding.kind
        told[key] += 1
        if told[key] <= shown:
            lines.append(_line(world, finding))
        elif told[key] == shown + 1:
            more = f"… and {totals[key] - shown} more"
            lines.append({"host": finding.host or "-", "kind": finding.kind.value, "prefix": more})
    return lines


def _line(world: World, finding: Finding) -> dict[str, str]:
    """The row of a finding; its routes without the prefix, which has a column of its own."""
    port, name = finding.port, finding.prefix
    return {
        "host": finding.host or "-",
        "kind": finding.kind.value,
        "prefix": name or "-",
        "port": "-" if port is None else port.name or port.id,
        "seen": _shortened(world, finding, finding.seen),
        "missing": _shortened(world, finding, finding.missing),
        "why": _cut(finding.reason if name is None else finding.reason.replace(f"{name} ", "")),
        "repair": finding.repair if name is None else finding.repair.replace(f"{name} ", ""),
    }


def _cut(text: str) -> str:
    """What a tool said about a host that it could not reach may be long."""
    return text if len(text) <= _REASON else f"{text[: _REASON - 1]}…"


def _shortened(world: World, finding: Finding, places: Sequence[str]) -> str:
    """`everywhere` for all the places that there are of a host."""
    names = [name for name in world.hosts if name != finding.host]
    for owner, start in ((finding.host, ""), *((name, f"{name}: ") for name in names)):
        if owner is not None and finding.prefix and set(places) == _all(world, owner, finding.prefix, start):
            return f"everywhere on {owner}" if start else "everywhere"
    return ", ".join(places) or "-"


def _all(world: World, name: str, prefix: str, start: str) -> set[str]:
    due = [each.tor for each in world.hosts[name].sessions if each.family == family(prefix)]
    read = [tor for tor in due if not isinstance(world.switches.get(tor, ""), str)]
    return {f"{start}{place}" for place in ("kernel", *(f"adj-rib-out {tor}" for tor in due), *read)}
