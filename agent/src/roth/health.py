"""Whether a status document describes a healthy host, and if not, what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def drained(status: dict[str, Any]) -> list[str]:
    """What is drained, or on the way there or back: one line each. An operator's wish, and no fault."""
    drain = status["drain"]
    found = [f"uplink {each['uplink']} to {each['tor']} is {each['state']}" for each in drain["uplinks"]]
    if drain["host"]:
        found.append(f"host: {drain['host']} {len(drain['withdrawn'])} shared prefixes")
    return found


def problems(status: dict[str, Any]) -> list[str]:
    """One line each; none means healthy. Withheld prefixes are reported but are no fault of this host.

    Nor is anything on an uplink that is drained: its ToR may be switched off."""
    idle = {each["uplink"] for each in status["drain"]["uplinks"] if each["state"] in ("draining", "drained")}
    return [
        *([] if status["exabgp"]["connected"] else ["the agent has no connection to ExaBGP"]),
        *_sessions(status, idle),
        *_bfd(status, idle),
        *_damping(status),
        *_defaults(status, idle),
        *status["alarms"],
    ]


def _name(entry: dict[str, Any]) -> str:
    return f"{entry['tor']} {entry['family']} ({entry['peer']} on {entry['uplink']})"


def _sessions(status: dict[str, Any], idle: set[str]) -> Iterator[str]:
    for session in status["sessions"]:
        if session["uplink"] in idle:
            continue
        if session["state"] != "established":
            why = f": {session['reason']}" if session.get("reason") and session["state"] == "down" else ""
            yield f"session to {_name(session)} is {session['state']}{why}"
        elif not session["default_received"]:
            yield f"no default received from {_name(session)}"


def _bfd(status: dict[str, Any], idle: set[str]) -> Iterator[str]:
    for bfd in status["bfd"]:
        if bfd["enabled"] and bfd["state"] != "up" and bfd["uplink"] not in idle:
            yield f"BFD to {_name(bfd)} is {bfd['state']}"


def _damping(status: dict[str, Any]) -> Iterator[str]:
    for damped in status.get("damping", []):
        if damped["out"]:
            yield (
                f"{damped['uplink']} is damped, because it came and went: "
                f"left out for another {damped['seconds']:.0f} s if it stays up"
            )


def _defaults(status: dict[str, Any], idle: set[str]) -> Iterator[str]:
    for default in status["defaults"]:
        wanted = {session["uplink"] for session in status["sessions"] if session["family"] == default["family"]}
        absent = sorted(wanted - idle - set(default["uplinks"]))
        if not default["installed"]:
            yield f"the {default['family']} default is not installed"
        elif absent:
            yield f"not in the {default['family']} default's group: {', '.join(absent)}"
        if default["fail_static"]:
            yield f"the {default['family']} default is kept for lack of knowledge"
