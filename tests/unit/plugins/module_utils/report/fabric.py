"""A small fabric in which everything is right: hv1 and hv2, each with two uplinks, and two switches."""

from __future__ import annotations

from ipaddress import ip_network

from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import HostRoute, RouteKind
from ansible_collections.roth.fabric.plugins.module_utils.report.compare import Expectation, Peering
from ansible_collections.roth.fabric.plugins.module_utils.report.hosts import Announcement, HostState, TableRoute
from ansible_collections.roth.fabric.plugins.module_utils.report.switches import BfdSession, Path, Session, SwitchState

INSTANCES = {
    1: ("10.64.1.53/32", "2001:db8:64::bd/128"),
    2: ("10.64.3.191/32", "2001:db8:64::16e/128"),
}
SUBNET, LAST_RESORT = "198.51.100.0/26", 4294967295


def peerings(number: int) -> tuple[Peering, ...]:
    return tuple(
        Peering(
            uplink=f"up{tor - 1}",
            tor=f"tor{tor}",
            family=family,
            local=f"10.{tor}.{number}.1" if family == "ipv4" else f"2001:db8:{tor}:{number}::b",
            local_asn=65010 + number,
            peer=f"10.{tor}.{number}.0" if family == "ipv4" else f"2001:db8:{tor}:{number}::a",
            bfd=True,
        )
        for tor in (1, 2)
        for family in ("ipv4", "ipv6")
    )


def expectation(number: int) -> Expectation:
    routes = [HostRoute(ip_network(name), "br-mobile", 0 if "." in name else 1024) for name in INSTANCES[number]]
    if number == 1:
        routes.append(HostRoute(ip_network(SUBNET), "br-pinned", 0))
        routes.append(HostRoute(ip_network(SUBNET), None, LAST_RESORT, RouteKind.BLACKHOLE))
    return Expectation(tuple(routes), peerings(number))


EXPECTED = {"hv1": expectation(1), "hv2": expectation(2)}


def host(number: int) -> HostState:
    wanted = EXPECTED[f"hv{number}"]
    return HostState(
        announced=tuple(
            TableRoute(str(route.prefix), route.kind.name.lower(), route.device, route.metric, 142)
            for route in wanted.routes
        ),
        defaults=(
            TableRoute(
                "0.0.0.0/0",
                "unicast",
                None,
                20,
                142,
                hops=tuple((item.uplink, item.peer) for item in wanted.peerings if item.family == "ipv4"),
            ),
            TableRoute(
                "::/0",
                "unicast",
                None,
                20,
                142,
                hops=tuple((item.uplink, item.peer) for item in wanted.peerings if item.family == "ipv6"),
            ),
            TableRoute("0.0.0.0/0", "unreachable", None, LAST_RESORT, 4),
        ),
        sessions={item.peer: "established" for item in wanted.peerings},
        bfd={item.peer: "up" for item in wanted.peerings},
        adj_rib_out=frozenset(
            Announcement(item.peer, name, item.local)
            for item in wanted.peerings
            for name in wanted.prefixes
            if (":" in name) == (item.family == "ipv6")
        ),
        units={"roth-agent.service": "active"},
    )


def switch(name: str) -> SwitchState:
    found = [(EXPECTED[host], item) for host in EXPECTED for item in EXPECTED[host].peerings if item.tor == name]
    return SwitchState(
        sessions=tuple(Session(item.local, item.local_asn, "established", 60, 3) for _wanted, item in found),
        bfd=tuple(BfdSession(item.local, "up") for _wanted, item in found),
        paths=(
            *(
                Path(prefix, item.local, item.local, best=True, stale=False)
                for wanted, item in found
                for prefix in sorted(wanted.prefixes)
                if (":" in prefix) == (item.family == "ipv6")
            ),
            Path("0.0.0.0/0", "10.255.1.0", "10.255.1.0", best=True, stale=False),
        ),
    )
