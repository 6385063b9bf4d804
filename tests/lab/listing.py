"""All that a removal must leave as it was, as one JSON document; runs inside a node, stdlib only.

listing.py    prints {"files": {path: …}, "sysctls": {…}, "units": {…}, …}, each a mapping that can be compared by key
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

NOT_LOOKED_AT = ("/dev", "/proc", "/sys", "/tmp", "/run/user", "/root/.ansible")
"""No files of a host, or Ansible's own traces."""
VOLATILE = (
    "/run/log",
    "/run/systemd",
    "/run/utmp",
    "/var/lib/systemd",
    "/var/log",
    "/var/cache",
    "/var/tmp",
    "/run/dbus",
    "/run/adduser",
)
"""What a host writes by itself, and a lock file; the names ending in a dash are the backups that useradd leaves."""


def run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def walk(top: str = "/") -> Iterator[str]:
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not os.path.join(folder, name).startswith(NOT_LOOKED_AT))  # noqa: PTH118
        for name in sorted([*folders, *names]):
            path = os.path.join(folder, name)  # noqa: PTH118
            if not path.startswith(VOLATILE) and not (path.startswith("/etc/") and path.endswith("-")):
                yield path


def file_entry(path: str) -> str:
    """Kind, permissions, owner and content of a file, as one string."""
    status = os.lstat(path)
    entry = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
    if stat.S_ISLNK(status.st_mode):
        return f"{entry} -> {os.readlink(path)}"  # noqa: PTH115
    if stat.S_ISREG(status.st_mode):
        return f"{entry} {hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]}"
    return entry


def sysctls() -> dict[str, str]:
    found = {}
    for folder, _folders, names in os.walk("/proc/sys/net"):
        for name in names:
            path = Path(folder) / name
            try:
                found[str(path.relative_to("/proc/sys"))] = path.read_text().strip()
            except OSError as error:
                found[str(path.relative_to("/proc/sys"))] = f"({error.strerror})"
    return found


def by_line(text: str) -> dict[str, str]:
    return {line.strip(): "" for line in text.splitlines() if line.strip()}


def units() -> dict[str, str]:
    """Unit files by whether they are enabled, and services and sockets by whether they are active."""
    files = [line.split()[:2] for line in run("systemctl", "list-unit-files", "--no-legend", "--plain").splitlines()]
    found = {f"file {name}": state for name, state in files}
    for line in run("systemctl", "list-units", "--all", "--no-legend", "--plain", "--type=service,socket").splitlines():
        name, load, active, _rest = line.split(None, 3)
        if load == "loaded" and active != "inactive":
            found[f"active {name}"] = active
    return found


def links() -> dict[str, str]:
    found = {}
    for link in json.loads(run("ip", "-j", "-d", "link", "show")):
        flags = sorted(set(link["flags"]) & {"UP", "NOARP", "PROMISC"})
        found[link["ifname"]] = f"mtu {link['mtu']} {flags} {link['address']} {link.get('inet6_addr_gen_mode')}"
    return found


def addresses() -> dict[str, str]:
    return {
        f"{link['ifname']} {address['local']}/{address['prefixlen']}": address["scope"]
        for link in json.loads(run("ip", "-j", "address", "show"))
        for address in link["addr_info"]
    }


def listing() -> dict[str, dict[str, str]]:
    return {
        "files": {path: file_entry(path) for path in walk()},
        "sysctls": sysctls(),
        "units": units(),
        "users": by_line(run("getent", "passwd")),
        "groups": by_line(run("getent", "group")),
        "packages": by_line(run("dpkg-query", "-W", "-f", "${Package} ${Status}\n")),
        "links": links(),
        "addresses": addresses(),
        "rules": by_line(
            run("ip", "-4", "rule") + "".join(f"ip6 {line}\n" for line in run("ip", "-6", "rule").splitlines())
        ),
        "routes": by_line(
            run("ip", "-4", "route", "show", "table", "all")
            + "".join(f"ip6 {line}\n" for line in run("ip", "-6", "route", "show", "table", "all").splitlines())
        ),
        "nexthops": by_line(run("ip", "nexthop", "show")),
        "tables of nftables": by_line(run("nft", "list", "tables")) if shutil.which("nft") else {},
    }


if __name__ == "__main__":
    print(json.dumps(listing()))
