"""A fabric of three hosts and two switches in which all agree, a model of what agents and switches do, and a repair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_network

from ansible_collections.roth.fabric.plugins.module_utils.reconcile.findings import disagreements
from ansible_collections.roth.fabric.plugins.module_utils.reconcile.model import (
    Finding,
    Host,
    Kind,
    PortName,
    Session,
    SwitchPath,
    World,
)
from ansible_collections.roth.fabric.plugins.module_utils.reconcile.repair import repairs
from ansible_collections.roth.fabric.plugins.module_utils.wanted.prefixes import AllowedPrefix

SUBNETS = (ip_network("10.64.0.0/16"), ip_network("2001:db8:64::/64"))
ALLOWED = tuple(AllowedPrefix(subnet, subnet.max_prefixlen, subnet.max_prefixlen) for subnet in SUBNETS)
ANYCAST = "10.64.250.1/32"
WANTED = {
    "hv1": ("10.64.0.11/32", "2001:db8:64::11/128", ANYCAST),
    "hv2": ("10.64.0.12/32", "2001:db8:64::12/128", ANYCAST),
    "hv3": ("10.64.0.13/32", "2001:db8:64::13/128"),
}
Routes = Mapping[str, tuple[str, ...]]


def route(prefix: str, device: str = "br-mobile") -> str:
    return f"{prefix} dev {device}"


def routes(prefixes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    return {prefix: (route(prefix),) for prefix in prefixes}


def sessions(host: str) -> tuple[Session, ...]:
    number = host[-1]
    return tuple(
        Session(f"tor{tor}", family, local.format(tor=tor, host=number) + end, peer.format(tor=tor, host=number) + end)
        for tor in (1, 2)
        for family, local, peer, end in (
            ("ipv4", "10.{tor}.{host}.1", "10.{tor}.{host}.0", ""),
            ("ipv6", "2001:db8:{tor}:{host}::b", "2001:db8:{tor}:{host}::a", ""),
        )
    )


def family(prefix: str) -> str:
    return "ipv6" if ":" in prefix else "ipv4"


def announcing(host: Host) -> dict[str, frozenset[str]]:
    """What an agent announces that has come to rest: of its kernel's routes those that are allowed, to every peer."""
    leaving = {it for it in host.kernel or () if any(each.covers(ip_network(it)) for each in host.allowed)}
    return {each.peer: frozenset(it for it in leaving if family(it) == each.family) for each in host.sessions}


def paths(hosts: Mapping[str, Host], tor: str) -> tuple[SwitchPath, ...]:
    """What a switch has that listens to the hosts."""
    return tuple(
        SwitchPath(prefix, each.local)
        for host in hosts.values()
        for each in host.sessions
        if each.tor == tor
        for prefix in sorted((host.announced or {}).get(each.peer, ()))
    )


def world(kernels: Mapping[str, Routes] | None = None, wanted: Mapping[str, Iterable[str]] = WANTED) -> World:
    """Hosts with these kernels (what is wanted, if none is given), whose agents and switches have come to rest."""
    hosts = {}
    for name in WANTED:
        want = routes(wanted.get(name, ()))
        kernel = want if kernels is None else kernels.get(name, {})
        host = Host(want, sessions(name), ALLOWED, kernel)
        hosts[name] = replace(host, announced=announcing(host))
    ports: dict[str, tuple[PortName, ...]] = {}
    for name, held in wanted.items():
        for prefix in held:
            ports[prefix] = (*ports.get(prefix, ()), PortName(f"id-{prefix}-{name}", f"vm-{prefix}", name))
    return settled(World(hosts, {}, SUBNETS, ports))


def settled(world: World) -> World:
    """The same hosts after agents and switches have caught up with their kernels."""
    hosts = {
        name: host if host.kernel is None else replace(host, announced=announcing(host))
        for name, host in world.hosts.items()
    }
    return replace(world, hosts=hosts, switches={tor: paths(hosts, tor) for tor in ("tor1", "tor2")})


def change(world: World, name: str, **values: object) -> World:
    """The world with another `name`, and nothing else changed."""
    return replace(world, hosts={**world.hosts, name: replace(world.hosts[name], **values)})  # type: ignore[arg-type]


def kernel(world: World, name: str, add: Routes | None = None, drop: Iterable[str] = ()) -> World:
    """The world in which the kernel of a host has changed, and everybody has caught up with it."""
    kept = {prefix: found for prefix, found in (world.hosts[name].kernel or {}).items() if prefix not in set(drop)}
    return settled(change(world, name, kernel={**kept, **(add or {})}))


def prefix_of(text: str) -> str:
    return text.removeprefix("blackhole ").split()[0]


def repaired(before: World, steps: list[tuple[str, str, str]] | None = None) -> World:
    """What the playbook does: read, install, read again, remove. `steps` gets each write in its order."""
    steps = [] if steps is None else steps
    after = before
    for name, repair in repairs(disagreements(before)).items():
        steps += [("install", name, text) for text in repair.install]
        held = dict(after.hosts[name].kernel or {})
        held |= {prefix_of(text): (text,) for text in repair.install}
        after = change(after, name, kernel=held)
    after = settled(after)
    for name, repair in repairs(disagreements(after)).items():
        steps += [("remove", name, text) for text in repair.remove]
        left = {
            prefix: tuple(text for text in found if text not in repair.remove)
            for prefix, found in (after.hosts[name].kernel or {}).items()
        }
        after = change(after, name, kernel={prefix: found for prefix, found in left.items() if found})
    return settled(after)


def named(world: World) -> list[tuple[Kind, str | None, str | None]]:
    return [(each.kind, each.host, each.prefix) for each in disagreements(world)]


def only(world: World) -> Finding:
    found = disagreements(world)
    assert len(found) == 1, found
    return found[0]
