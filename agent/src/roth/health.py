"""Whether a status document describes a healthy host, and if not, what is wrong. Pure."""

from __future__ import annotations

from typing import Any


def problems(status: dict[str, Any]) -> list[str]:
    """One line each; none means healthy. Withheld prefixes are reported but are no fault of this host."""
    found = [] if status["exabgp"]["connected"] else ["the agent has no connection to ExaBGP"]
    for session in status["sessions"]:
        name = f"{session['tor']} {session['family']} ({session['peer']} on {session['uplink']})"
        if session["state"] != "established":
            found.append(f"session to {name} is {session['state']}")
        elif not session["default_received"]:
            found.append(f"no default received from {name}")
    for bfd in status["bfd"]:
        if bfd["enabled"] and bfd["state"] != "up":
            found.append(f"BFD to {bfd['tor']} {bfd['family']} ({bfd['peer']} on {bfd['uplink']}) is {bfd['state']}")
    for damped in status.get("damping", []):
        if damped["out"]:
            found.append(
                f"{damped['uplink']} is damped, because it came and went: "
                f"left out for another {damped['seconds']:.0f} s if it stays up"
            )
    for default in status["defaults"]:
        wanted = {session["uplink"] for session in status["sessions"] if session["family"] == default["family"]}
        absent = sorted(wanted - set(default["uplinks"]))
        if not default["installed"]:
            found.append(f"the {default['family']} default is not installed")
        elif absent:
            found.append(f"not in the {default['family']} default's group: {', '.join(absent)}")
        if default["fail_static"]:
            found.append(f"the {default['family']} default is kept for lack of knowledge")
    return found + list(status["alarms"])
