"""The machine and the software that a run was made with: figures mean nothing without them."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip() if found else "unknown"


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def describe() -> dict[str, str]:
    """What the page's table about the machine shows."""
    processor = _first(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text())
    memory = int(_first(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text()))
    return {
        "processor": f"{os.cpu_count()} cores, {processor}",
        "memory": f"{memory / 2**20:.0f} GiB",
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "ansible-core": version("ansible-core"),
        "ExaBGP": version("exabgp"),
        "pyroute2": version("pyroute2"),
        "FRR": _first(r"version (\S+)", _said("/usr/lib/frr/bgpd", "--version")),
        "BIRD": _first(r"version (\S+)", _said("bird", "--version")),
        "iproute2": _first(r"iproute2-([^,\s]+)", _said("ip", "-V")),
    }
