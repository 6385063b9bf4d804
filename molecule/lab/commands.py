"""Run the machine's own tools, with errors that say what failed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence

from .errors import LabError

# tool -> the Debian package that has it
TOOLS = {
    "ip": "iproute2",
    "mount": "mount",
    "umount": "mount",
    "nsenter": "util-linux",
    "pivot_root": "util-linux",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
BASE_TOOLS = {"apt-get": "apt", "chroot": "coreutils", "mmdebstrap": "mmdebstrap"}


def require_root() -> None:
    """Raise LabError for anybody but root: namespaces, overlays and cgroups need it."""
    if os.geteuid() != 0:
        raise LabError("the lab needs root (namespaces, overlay mounts, cgroups): run it with sudo or as root")


def require_tools(tools: dict[str, str]) -> None:
    """Raise LabError that names the packages of the missing tools."""
    missing = {tool: package for tool, package in tools.items() if shutil.which(tool) is None}
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise LabError(f"not found: {', '.join(sorted(missing))}; install with: apt-get install {packages}")


def run(*argv: object, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command and give back what it wrote; raise LabError with its stderr when it fails and ``check`` is set."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise LabError(f"{' '.join(words)}: exit code {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done


def ip_batch(lines: Iterable[str], netns: str | None = None, step: str = "ip -batch") -> None:
    """One ``ip -batch`` for many changes, in a named network namespace or in the machine's own.

    :param step: what is being done, for the error.
    :raises LabError: with the failing lines; ``ip`` stops at the first.
    """
    script: Sequence[str] = list(lines)
    if not script:
        return
    done = run("ip", *(["-n", netns] if netns else []), "-batch", "-", stdin="\n".join(script) + "\n", check=False)
    if done.returncode:
        failed = [
            script[int(word) - 1]
            for line in done.stderr.splitlines()
            for word in line.rpartition("-:")[2:]
            if word.isdigit()
        ]
        raise LabError(f"{step}: {done.stderr.strip()}" + "".join(f"\n  in: {line}" for line in failed))
