"""Network namespaces and the links between them, made in batches."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from .commands import ip_batch, run
from .settings import NETNS_DIR, Settings, netns_path
from .topology import Link


def existing_namespaces() -> set[str]:
    """Names of all named network namespaces of the machine."""
    return {path.name for path in NETNS_DIR.iterdir()} if NETNS_DIR.is_dir() else set()


def add_namespaces(names: Iterable[str]) -> None:
    """Create those of the namespaces that do not exist yet."""
    existing = existing_namespaces()
    ip_batch((f"netns add {name}" for name in names if name not in existing), step="creating network namespaces")


def remove_namespaces(names: Iterable[str]) -> None:
    """Remove namespaces; also the bare file that an interrupted ``ip netns add`` leaves."""
    for name in set(names) & existing_namespaces():
        run("ip", "netns", "del", name, check=False)
        path = netns_path(name)
        if path.exists():
            run("umount", "--lazy", path, check=False)
            path.unlink(missing_ok=True)


def inodes(names: Iterable[str]) -> set[int]:
    """Identities of namespaces, as /proc/PID/ns/net shows them."""
    found = set()
    for name in names:
        with contextlib.suppress(OSError):
            found.add(netns_path(name).stat().st_ino)
    return found


def interfaces(netns: str) -> dict[str, str]:
    """Interfaces of a namespace and the bridge each belongs to ('' for none)."""
    lines = run("ip", "-n", netns, "-oneline", "link", "show", check=False).stdout.splitlines()
    found = {}
    for line in lines:
        words = line.split()
        found[words[1].rstrip(":").partition("@")[0]] = words[words.index("master") + 1] if "master" in words else ""
    return found


def add_links(settings: Settings, links: Iterable[Link]) -> None:
    """Create the cables that do not exist yet. Interfaces stay down: bringing them up is the node's own affair."""
    links = list(links)
    names = {end.node for link in links for end in link.ends}
    present = {node: interfaces(settings.netns(node)) for node in names}
    batch = []
    for link in links:
        a, b = link.ends
        if a.port in present[a.node] and b.port in present[b.node]:
            continue
        for end in link.ends:  # the half of a cable that led to a node of an older topology
            if end.port in present[end.node]:
                run("ip", "-n", settings.netns(end.node), "link", "del", end.port)
        ends = [f"{end.port} netns {settings.netns(end.node)}" for end in link.ends]
        batch.append(f"link add {ends[0]} type veth peer name {ends[1]}")
    ip_batch(batch, step="creating links")


def renew_namespace(name: str, keep: Iterable[str]) -> None:
    """Replace a namespace by an empty one of the same name, as a reboot does to a machine's network stack.

    The interfaces to keep are moved over: they lose addresses and routes, and their other ends see the carrier go.
    """
    new = f"{name}.new"
    remove_namespaces([new])
    add_namespaces([new])
    present = interfaces(name)
    ip_batch(
        (f"link set {port} netns {new}" for port in keep if port in present),
        netns=name,
        step=f"renewing network namespace {name}",
    )
    remove_namespaces([name])
    path: Path = netns_path(name)
    path.touch()
    run("mount", "--bind", netns_path(new), path)
    remove_namespaces([new])


def with_carrier(netns: str) -> set[str]:
    """Interfaces of a namespace that are up and have a carrier."""
    lines = run("ip", "-n", netns, "-oneline", "link", "show", "up", check=False).stdout.splitlines()
    return {line.split()[1].rstrip(":").partition("@")[0] for line in lines if "LOWER_UP" in line}
