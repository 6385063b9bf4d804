"""`roth`: what the agent on this host knows, for people and for scripts."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from . import __version__, truth, units
from .config import DEFAULT_CONFIG
from .health import drained, problems
from .port_watcher import status as watcher
from .status import ask
from .units import UnitState, read_units

DEFAULT_SOCKET = "/run/roth/agent.sock"
HEALTHY, DEGRADED, UNREACHABLE = 0, 1, 2
SHOWN = 20  # prefixes listed without --all


def _age(since: float | None, now: float) -> str:
    if since is None:
        return "-"
    seconds = max(0, int(now - since))
    days, rest = divmod(seconds, 86400)
    clock = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days}d {clock}" if days else clock


def _table(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    body = tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True) if rows else "none"
    return f"{title}\n{body}\n"


def _prefixes(announced: Sequence[str], preferred: Collection[str], everything: bool) -> str:
    shown = announced if everything else announced[:SHOWN]
    rest = len(announced) - len(shown)
    lines = [f"  {prefix}{'  preferred' if prefix in preferred else ''}" for prefix in shown]
    lines += [f"  … and {rest} more (--all lists them)"] if rest else []
    new = f", {len(preferred)} preferred: just arrived here" if preferred else ""
    return "\n".join([f"Announced: {len(announced)}{new}", *lines]) + "\n"


def _head(status: dict[str, Any]) -> str:
    exabgp = "connected" if status["exabgp"]["connected"] else "not connected"
    uptime = _age(0, status["uptime_seconds"])
    return (
        f"AS {status['asn']}  router id {status['router_id']}  agent {status['version']} up {uptime}  ExaBGP {exabgp}\n"
    )


def _sections(status: dict[str, Any], everything: bool) -> list[str]:
    bfd = {entry["peer"]: entry["state"] if entry["enabled"] else "off" for entry in status["bfd"]}
    drain = {entry["uplink"]: entry["state"] for entry in status["drain"]["uplinks"]}
    rows = [
        (
            entry["uplink"], entry["tor"], entry["peer"], entry["asn"], entry["state"],
            _age(entry["since"], status["time"]), "yes" if entry["default_received"] else "no",
            bfd.get(entry["peer"], "-"), drain.get(entry["uplink"], "no"),
        )
        for entry in status["sessions"]
    ]  # fmt: skip
    headers = ("uplink", "tor", "peer", "asn", "session", "for", "default received", "bfd", "drain")
    defaults = [
        (
            entry["family"], entry["group"], " ".join(entry["uplinks"]) or "none",
            "yes" if entry["installed"] else "no", "yes" if entry["fail_static"] else "no",
        )
        for entry in status["defaults"]
    ]  # fmt: skip
    damped = [
        (
            entry["uplink"], entry["penalty"], "yes" if entry["out"] else "no",
            f"{entry['seconds']:.0f} s" if entry["out"] else "-",
        )
        for entry in status.get("damping", [])
    ]  # fmt: skip
    withheld = [(entry["prefix"], entry["reason"]) for entry in status["withheld"]]
    error = status["last_error"]
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(error["time"])) if error else ""
    return [
        _head(status),
        _table("Sessions", headers, rows),
        _table("Default route", ("family", "group", "uplinks", "installed", "fail static"), defaults),
        *([_table("Damping", ("uplink", "penalty", "left out", "for another"), damped)] if damped else []),
        _prefixes(status["announced"], frozenset(status.get("preferred", ())), everything),
        _table("Withheld", ("prefix", "reason"), withheld),
        _last(error, when),
    ]


def _last(error: dict[str, Any] | None, when: str) -> str:
    return f"Last error: {when} {error['text']}\n" if error else "Last error: none\n"


def _units(states: Sequence[UnitState]) -> str:
    rows = [
        (each.unit, each.state, each.sub, each.restarts, _age(0, each.seconds) if each.seconds is not None else "-")
        for each in states
    ]
    return _table("Units", ("unit", "state", "", "restarts", "for"), rows)


def _verdict(found: Sequence[str], wished: Sequence[str] = ()) -> str:
    word = "DEGRADED" if found else "drained" if wished else "healthy"
    return "\n".join([f"State: {word}", *(f"  {line}" for line in (*found, *wished))])


def render(
    status: dict[str, Any],
    everything: bool = False,
    states: Sequence[UnitState] = (),
    ports: Mapping[str, object] | None = None,
) -> str:
    """The document as text, the port watcher's line, and what systemd says of units where that is no good news."""
    faults, now = units.problems(states), status["time"]
    watched = [watcher.summary(ports, now) + "\n"] if ports is not None else []
    late = watcher.problems(ports, now) if ports is not None else []
    verdict = _verdict([*problems(status), *late, *faults], drained(status))
    return "\n".join([*_sections(status, everything), *watched, *([_units(states)] if faults else []), verdict])


def _routes(answer: dict[str, Any]) -> str:
    rows = [(route["peer"], route["prefix"], route["next_hop"]) for route in answer["routes"]]
    return tabulate(rows, headers=("peer", "prefix", "next hop"), tablefmt="simple", disable_numparse=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="roth", description="What the routing agent on this host knows.")
    parser.add_argument("--version", action="version", version=f"roth-agent {__version__}")
    parser.add_argument(
        "--socket", default=os.environ.get("ROTH_STATUS_SOCKET", DEFAULT_SOCKET), help="the agent's socket"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    status = commands.add_parser("status", help="sessions, BFD, default route, prefixes, alarms")
    status.add_argument("--json", action="store_true", help="the whole document")
    status.add_argument("--all", action="store_true", help="every announced prefix")
    routes = commands.add_parser("routes", help="what ExaBGP itself says it announces, by peer")
    routes.add_argument("--json", action="store_true", help="the whole document")
    reconcile = commands.add_parser("reconcile", help="whether lists, kernel and announcements agree, as JSON")
    reconcile.add_argument("--table", action="store_true", help="for people")
    reconcile.add_argument("--config", default=DEFAULT_CONFIG, help="agent.json (default: %(default)s)")
    return parser


def _unanswered(options: argparse.Namespace, error: Exception | str, states: Sequence[UnitState]) -> int:
    """Say so, and what systemd knows: the agent may be what dies."""
    hint = "is roth-agent.service running?" if not isinstance(error, PermissionError) else "try as root"
    text = f"no answer from the agent at {options.socket}: {error} ({hint})" if isinstance(error, Exception) else error
    print(f"roth: {text}", file=sys.stderr)
    if options.json:
        print(json.dumps({"error": text, "units": [asdict(each) for each in states]}, indent=2))
    elif states:
        print("\n".join([_units(states), _verdict(["the agent does not answer", *units.problems(states)])]))
    return UNREACHABLE


def main(
    arguments: Sequence[str] | None = None,
    read: Callable[[], list[UnitState]] = read_units,
    read_ports: Callable[[], Mapping[str, object] | None] = watcher.read,
) -> int:
    """Exit code: 0 healthy (reconcile: all agree), 1 degraded (not all do), 2 the agent (or else) can't be asked."""
    options = _parser().parse_args(arguments)
    if options.command == "reconcile":
        return truth.run(options.config, options.socket, options.table)
    status = options.command == "status"
    try:
        answer = ask(options.socket, "status" if status else "adj-rib-out")
    except (OSError, ValueError) as error:
        return _unanswered(options, error, read())
    if "error" in answer:
        return _unanswered(options, str(answer["error"]), read())
    if not status:
        print(json.dumps(answer, indent=2) if options.json else _routes(answer))
        return HEALTHY
    states, ports = read(), read_ports()
    if options.json:
        print(json.dumps(answer | {"units": [asdict(each) for each in states], "ports": ports}, indent=2))
    else:
        print(render(answer, options.all, states, ports))
    late = watcher.problems(ports, answer["time"]) if ports is not None else []
    return DEGRADED if problems(answer) or units.problems(states) or late else HEALTHY


if __name__ == "__main__":
    sys.exit(main())
