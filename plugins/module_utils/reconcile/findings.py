# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Neutron, kernels, ExaBGP and switches disagree about: each prefix at each host, named. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Finding, Host, Kind, World
from .places import Places, network, order

_ORDER = {kind: number for number, kind in enumerate(Kind)}
_ELSEWHERE = "none (see roth status there)"
_BY_ITSELF = "none: the switch drops it by itself"


def disagreements(world: World) -> list[Finding]:
    """All findings, by host, kind and prefix; none when all that was looked at agrees and could be read."""
    places = Places(world)
    found = [*_unreadable(world), *_strangers(places)]
    for name, host in world.hosts.items():
        for prefix in places.prefixes(name):
            if prefix not in host.wanted:
                found += _unwanted(places, name, host, prefix)
            elif host.looked_at:
                found += _wanted(places, name, host, prefix)
    return sorted(found, key=_place)


def _place(finding: Finding) -> tuple[object, ...]:
    return finding.host or "", _ORDER[finding.kind], order(finding.prefix) if finding.prefix else (), finding.missing


def _unreadable(world: World) -> Iterator[Finding]:
    for name, host in world.hosts.items():
        for what, why in host.unread.items():
            yield Finding(Kind.UNREADABLE, name, None, (), (what,), why)
    for tor, paths in world.switches.items():
        sessions = [
            each for host in world.hosts.values() if host.looked_at for each in host.sessions if each.tor == tor
        ]
        drained = sessions and all(each.drained for each in sessions)
        if isinstance(paths, str) and not drained:
            yield Finding(Kind.UNREADABLE, None, None, (), (tor,), paths)


# -- what a port wants ------------------------------------------------------------------------------------------------


def _wanted(places: Places, name: str, host: Host, prefix: str) -> Iterator[Finding]:
    seen, lacking, port = places.seen(name, prefix), places.lacking(name, prefix), places.port(name, prefix)
    absent = places.absent(name, prefix) if host.kernel is not None else ()
    if lacking:
        install = absent if prefix not in host.foreign else ()
        yield Finding(
            Kind.MISSING,
            name,
            prefix,
            seen,
            lacking,
            _why_missing(places, name, host, prefix, lacking),
            port,
            repair=_installing(install, absent),
            install=install,
        )
    kept = tuple(sorted(tor for tor, path in places.at(name, prefix).items() if path.stale))
    if kept:
        why = "kept by graceful restart only"
        yield Finding(Kind.STALE, name, prefix, kept, (), why, port, repair=_BY_ITSELF)
    more = tuple(route for route in (host.kernel or {}).get(prefix, ()) if route not in host.wanted[prefix])
    if more and not absent:  # else it may be the one that is changed in place
        why = f"beside the wanted {', '.join(host.wanted[prefix])}"
        yield Finding(Kind.ORPHAN, name, prefix, ("kernel",), (), why, port, _removing(more), remove=more)


def _why_missing(places: Places, name: str, host: Host, prefix: str, lacking: tuple[str, ...]) -> str:
    others = [each for each in places.elsewhere(name, prefix) if each not in places.holders[prefix]]
    there = f"; it is on {', '.join(others)} instead" if others else ""
    if "kernel" in lacking:
        if prefix in host.foreign:
            return f"another protocol has its place: {host.foreign[prefix]}{there}"
        found = (host.kernel or {}).get(prefix)
        return f"the kernel has {', '.join(found)}{there}" if found else f"no route of ours{there}"
    if prefix in host.withheld:
        return f"the agent withholds it: {host.withheld[prefix]}{there}"
    if any(place.startswith("adj-rib-out") for place in lacking):
        return f"in the kernel, but not announced{there}" if host.kernel is not None else f"not announced{there}"
    return f"announced, but the switch has it not from here{there}"


def _installing(install: tuple[str, ...], absent: tuple[str, ...]) -> str:
    if install:
        return f"install {', '.join(install)}"
    return "none: a foreign route is never touched" if absent else _ELSEWHERE


def _removing(routes: tuple[str, ...]) -> str:
    return f"remove {', '.join(routes)}"


# -- what no port wants here ------------------------------------------------------------------------------------------


def _unwanted(places: Places, name: str, host: Host, prefix: str) -> Iterator[Finding]:
    seen = places.seen(name, prefix)
    holders = places.holders.get(prefix, set())
    if not host.looked_at and not any(places.world.hosts[each].looked_at for each in holders):
        return  # another run's business
    if not seen:
        return  # only kept by a switch that was switched off
    kind, why = _named(places, name, host, prefix)
    routes = (host.kernel or {}).get(prefix, ())
    missing: tuple[str, ...] = ()
    if kind is Kind.WRONG_HOST:
        missing = tuple(f"{each}: {place}" for each in sorted(holders) for place in places.lacking(each, prefix))
    waits = kind is Kind.WRONG_HOST and bool(routes)
    yield Finding(
        kind,
        name,
        prefix,
        seen,
        missing,
        why,
        places.port(name, prefix),
        repair=_BY_ITSELF if kind is Kind.STALE else _repair_of(host, holders, routes, waits),
        remove=() if waits else routes,
        waits=waits,
    )


def _named(places: Places, name: str, host: Host, prefix: str) -> tuple[Kind, str]:
    """The kind of what must not be here, and why it must not."""
    holders = sorted(places.holders.get(prefix, ()))
    elsewhere = places.elsewhere(name, prefix)
    told, at = places.told(name, prefix), places.at(name, prefix)
    if (told or at) and not any(each.covers(network(prefix)) for each in host.allowed):
        return Kind.LEAKED, f"outside what {name} may announce"
    if host.kernel is None or prefix in host.kernel:
        right = [each for each in elsewhere if each in holders]
        if right:
            return Kind.DUPLICATE, f"belongs on {', '.join(holders)}, and is on {', '.join(right)} as well"
        if holders:
            return Kind.WRONG_HOST, f"belongs on {', '.join(holders)}"
        if elsewhere:
            return Kind.DUPLICATE, f"on {', '.join(elsewhere)} as well; {_nobody(places, name, host, prefix)}"
        if host.kernel is None:
            return Kind.LEAKED, f"from a host that was not read; {_nobody(places, name, host, prefix)}"
        return Kind.ORPHAN, _nobody(places, name, host, prefix)
    if told:
        return Kind.LEAKED, "announced without a route of ours in the kernel"
    where = f"; belongs on {', '.join(holders)}" if holders else ""
    return Kind.STALE, f"withdrawn by {name}{where}"


def _nobody(places: Places, name: str, host: Host, prefix: str) -> str:
    if prefix in host.left_out:
        return host.left_out[prefix]
    port = places.port(name, prefix)
    if port is None:
        return "no port has it"
    return f"its port is bound to {port.host}, which is not to announce it" if port.host else "its port is unbound"


def _repair_of(host: Host, holders: set[str], routes: tuple[str, ...], waits: bool) -> str:
    if waits:
        return f"{_removing(routes)}, once {' and '.join(sorted(holders))} has it"
    if routes:
        return _removing(routes)
    if not host.looked_at:
        return "none: this host was not looked at"
    return "none: this host could not be read" if host.kernel is None else _ELSEWHERE


# -- what no hypervisor told a switch ----------------------------------------------------------------------------------


def _strangers(places: Places) -> Iterator[Finding]:
    """Prefixes of our subnets that a switch has from somebody else, and that no host wants or has.

    What a host told one switch, the others have from the spine. So with hosts that were not looked at nobody can tell.
    """
    world = places.world
    if not all(host.looked_at for host in world.hosts.values()):
        return
    ours = set().union(*(places.prefixes(name) for name in world.hosts), places.holders)
    found: dict[str, list[str]] = {}
    for tor, path in places.strangers:
        if path.prefix not in ours and _inside(world, path.prefix):
            found.setdefault(path.prefix, []).append(f"{tor} (from {path.peer})")
    for prefix, where in found.items():
        port = places.port(None, prefix)
        why = "in our subnets, but no hypervisor has it"
        yield Finding(Kind.LEAKED, None, prefix, tuple(where), (), why, port, repair="none: it is no hypervisor's")


def _inside(world: World, prefix: str) -> bool:
    """Strictly: whoever announces a whole subnet of ours to the switches is upstream of them."""
    inner = network(prefix)
    return any(
        inner.version == subnet.version and inner != subnet and inner.subnet_of(subnet)  # type: ignore[arg-type]
        for subnet in world.subnets
    )
