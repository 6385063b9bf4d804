"""What the watcher knows, as a file for `roth status`: how old its knowledge is, what it refused or could not do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

SILENT = 30.0  # seconds without Open vSwitch's database that are more than a restart of it
DEFAULT_PATH = "/run/roth-ports/status.json"


@dataclass(frozen=True)
class Failure:
    """Reads that failed in a row. `kind` is unreachable, refused or broken; `since` is seconds since 1970."""

    kind: str
    text: str
    since: float
    count: int


@dataclass(frozen=True)
class SwitchState:
    """Open vSwitch's database: whether it is followed, `since` when (seconds since 1970) it is or is not, and why."""

    target: str
    connected: bool
    since: float
    text: str = ""
    ports: int = 0


@dataclass
class State:
    """The file. Times are seconds since 1970; after `age_bound` seconds the last good read is too old.

    `tried` is when the last read had begun that has ended, `good` when the last good one had. `read_seconds` is
    how long Neutron took for it. `expected` and `arrived` are taps of instances in live migration, before and after
    they run here, `leaving` of those that are to go elsewhere.
    """

    version: str
    host: str
    started: float
    age_bound: float
    written: float = 0.0
    tried: float | None = None
    good: float | None = None
    reads: int = 0
    failed_reads: int = 0
    read_seconds: float | None = None
    failure: Failure | None = None
    refused: str | None = None
    routes: int = 0
    waiting: list[str] = field(default_factory=list)
    left_out: int = 0
    problems: list[str] = field(default_factory=list)
    installed: int = 0
    removed: int = 0
    switch: SwitchState | None = None
    hints: int = 0
    deaf: str | None = None
    expected: list[str] = field(default_factory=list)
    arrived: list[str] = field(default_factory=list)
    leaving: list[str] = field(default_factory=list)


def write(path: str, state: State) -> None:
    """In one step; readable by root and the watcher's group. Raises OSError.

    With `alarms`, the problems as of now: the module fabric_info cannot tell them from the rest.
    """
    new, document = Path(f"{path}.new"), asdict(state)
    document["alarms"] = problems(document, state.written)
    new.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    new.chmod(0o640)
    new.replace(path)


def read(path: str = DEFAULT_PATH) -> Mapping[str, object] | None:
    """The document; None where there is no watcher, or where its file may not be read or isn't one."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def age(document: Mapping[str, object], now: float) -> float | None:
    """Seconds since what Neutron said last; None if it has said nothing yet."""
    good = document.get("good")
    return max(0.0, now - good) if isinstance(good, (int, float)) else None


def problems(document: Mapping[str, object], now: float) -> list[str]:
    """One line each; none means that all is well."""
    found, old, failure = [], age(document, now), document.get("failure")
    started, bound = document.get("started"), document.get("age_bound")
    since = old if old is not None else now - started if isinstance(started, (int, float)) else None
    if since is not None and isinstance(bound, (int, float)) and since > bound:
        why = f": {failure.get('text')}" if isinstance(failure, dict) else ""
        what = "Neutron's ports were read last" if old is not None else "Neutron's ports were never read, started"
        found.append(f"{what} {since:.0f} s ago (bound {bound:.0f} s){why}")
    if document.get("refused"):
        found.append(f"Neutron's answer is not followed: {document['refused']}")
    switch = document.get("switch")
    if isinstance(switch, dict) and not switch.get("connected"):
        silent = now - switch["since"] if isinstance(switch.get("since"), (int, float)) else 0.0
        if silent > SILENT:
            found.append(
                f"Open vSwitch's {switch.get('target')} is not followed for {silent:.0f} s: {switch.get('text')}"
            )
    if document.get("deaf"):
        found.append(str(document["deaf"]))
    listed = document.get("problems")
    return found + ([str(each) for each in listed] if isinstance(listed, list) else [])


def summary(document: Mapping[str, object], now: float) -> str:
    """One line for people."""
    old, failure = age(document, now), document.get("failure")
    read_text = "never read" if old is None else f"read {old:.0f} s ago"
    waiting = document.get("waiting")
    more = f", {len(waiting)} wait for their tap" if isinstance(waiting, list) and waiting else ""
    switch = document.get("switch")
    if isinstance(switch, dict):
        more += f", {switch.get('ports')} in Open vSwitch" + ("" if switch.get("connected") else " (silent)")
    failed = f"; {failure.get('count')} reads failed since: {failure.get('text')}" if isinstance(failure, dict) else ""
    moving = "".join(
        f", {len(taps)} {what}"
        for key, what in (("expected", "on their way here"), ("arrived", "just arrived"), ("leaving", "leaving"))
        if isinstance(taps := document.get(key), list) and taps
    )
    return f"Neutron's ports: {read_text}, {document.get('routes')} routes{more}{moving}{failed}"
