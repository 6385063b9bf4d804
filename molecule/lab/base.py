"""The base root: one Debian tree that all nodes share below their overlays, built once and kept."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import aptsources
from .commands import BASE_TOOLS, require_tools, run
from .errors import LabError

FORMAT = 1  # raise when what is done to a base root changes, so that cached ones are built anew
PACKAGES = [
    "bird2",
    "ca-certificates",
    "dbus",
    "frr",
    "frr-pythontools",
    "iproute2",
    "iputils-ping",
    "libpam-systemd",
    "mtr-tiny",
    "nftables",
    "procps",
    "python3",
    "python3-apt",
    "python3-venv",
    "radvd",
    "sudo",
    "systemd-sysv",
    "tcpdump",
    "traceroute",
]
# Debian enables these on installation; in a node they run when a role wants them
DISABLED = ["bird.service", "frr.service", "nftables.service", "radvd.service", "systemd-networkd.service"]
# of no use without a console, devices, or a network to update from; each would fail or slow the start
MASKED = [
    "console-getty.service",
    "dev-hugepages.mount",
    "e2scrub_reap.service",
    "getty@tty1.service",
    "systemd-udevd.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
    "logrotate.timer",
    "man-db.timer",
]
LOG_LINES = 20


@dataclass(frozen=True)
class Recipe:
    """All that decides what is in a base root.

    :param sources: lines of its sources.list.
    """

    suite: str
    sources: tuple[str, ...]
    packages: tuple[str, ...] = tuple(PACKAGES)

    @property
    def key(self) -> str:
        """Name of the cached root: the same recipe gives the same key."""
        parts = [str(FORMAT), self.suite, *self.sources, "--", *self.packages, "--", *DISABLED, "--", *MASKED]
        return f"{self.suite}-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:12]}"


def machine_release(path: Path = Path("/etc/os-release")) -> tuple[str, str]:
    """The machine's distribution and codename, such as ``("debian", "bookworm")``; raise LabError if it has none."""
    fields = dict(line.partition("=")[::2] for line in path.read_text().splitlines() if "=" in line)
    distribution, codename = (fields.get(name, "").strip("\"'") for name in ("ID", "VERSION_CODENAME"))
    if not distribution or not codename:
        raise LabError(f"{path} has no ID or no VERSION_CODENAME: the lab is built on Debian or Ubuntu")
    return distribution, codename


def recipe(suite: str | None = None, environment: Mapping[str, str] = os.environ, more: Sequence[str] = ()) -> Recipe:
    """What to build: ROTH_LAB_SUITE, else the suite asked for, else the machine's own release.

    :param more: packages besides those of every node; their services start with the node, as Debian has it.

    :raises LabError: when apt knows no archive of the machine's distribution.
    """
    require_tools({"apt-get": "apt"})
    distribution, codename = machine_release()
    wanted = environment.get("ROTH_LAB_SUITE") or suite or codename
    # apt itself says what each archive calls itself: it has read the signed Release files
    targets = run("apt-get", "indextargets", "--format", "$(ORIGIN)|$(CODENAME)|$(RELEASE)|$(REPO_URI)").stdout
    found = aptsources.of_distribution(_configured_sources(), aptsources.parse_origins(targets), distribution, codename)
    if not any(source.suite == codename for source in found):
        raise LabError(
            f"/etc/apt has no archive of {distribution} {codename} that apt has read; run apt-get update and try again"
        )
    lines = tuple(s.moved_to(codename, wanted).line(_keyrings(s.signed_by, distribution)) for s in found)
    return Recipe(wanted, lines, (*PACKAGES, *more))


def _configured_sources() -> list[aptsources.AptSource]:
    sources: list[aptsources.AptSource] = []
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        if path.suffix == ".list" and path.is_file():
            sources += aptsources.parse_one_line(path.read_text())
        elif path.suffix == ".sources" and path.is_file():
            sources += aptsources.parse_deb822(path.read_text())
    return sources


def _keyrings(signed_by: str, distribution: str) -> str:
    """Keyring files for the base; a key written into the entry itself, or none, stands for the distribution's own."""
    if signed_by.startswith("/"):
        return signed_by
    own = Path(f"/usr/share/keyrings/{distribution}-archive-keyring.gpg")
    return str(own) if own.exists() else ""


def build(recipe: Recipe, home: Path) -> Path:
    """The root of a recipe, from the cache or newly made (about a minute).

    :raises LabError: when mmdebstrap fails; the message has the end of its log and the log's path.
    """
    root = home / "base" / recipe.key
    if not root.is_dir():
        require_tools(BASE_TOOLS)
    return built_once(root, "the base root", lambda made: _make(recipe, made, root.with_suffix(".log")))


def built_once(root: Path, what: str, make: Callable[[Path], None]) -> Path:
    """A directory that is built by whoever needs it first, and kept; it is there as a whole or not at all.

    :param what: for the message that the wait will take a minute.
    :param make: fills a path that does not exist yet; its folder is empty and goes away afterwards.
    """
    if root.is_dir():
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with root.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second lab waits for the first to build what both need
        if root.is_dir():
            return root
        print(f"Building {what} {root} (once, about a minute) …", flush=True)
        partial = root.with_suffix(".partial")  # of a build that was interrupted; the lock says that none is running
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        make(partial / "root")
        (partial / "root").rename(root)
        shutil.rmtree(partial)
    return root


def log_end(log: Path) -> str:
    """The last lines of a build's log, for an error."""
    return f"log {log}:\n  " + "\n  ".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])


def _make(recipe: Recipe, root: Path, log: Path) -> None:
    sources = root.with_name("sources.list")
    sources.write_text("\n".join(recipe.sources) + "\n")
    command = [
        *("mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join(recipe.packages)}"),
        *("--aptopt=Acquire::Languages none", '--aptopt=Acquire::Retries "5"', "--dpkgopt=force-unsafe-io"),
        *("--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*"),
        *(recipe.suite, str(root), str(sources)),
    ]
    with log.open("w") as out:
        failed = subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=False).returncode
    if failed:
        raise LabError(f"building the base root failed: mmdebstrap, exit code {failed}; {log_end(log)}")
    _prepare(root)


def _prepare(root: Path) -> None:
    """What all nodes have in common beyond their packages."""
    run("chroot", root, "systemctl", "disable", *DISABLED)
    run("chroot", root, "systemctl", "mask", *MASKED)
    run("chroot", root, "systemctl", "set-default", "multi-user.target")
    # each node has its own of these
    for name in ("etc/hostname", "etc/machine-id", "etc/resolv.conf", "var/lib/dbus/machine-id"):
        (root / name).unlink(missing_ok=True)
    (root / "var/log/journal").mkdir(exist_ok=True)  # journald keeps logs over a reboot if this exists
    shutil.rmtree(root / "var/cache/apt", ignore_errors=True)
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)
