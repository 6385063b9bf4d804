"""Instances on Neutron's own layer-2 agent and Open vSwitch: `make lab NEUTRON=full`.

What an instance has, it has from Neutron: addresses by DHCP, the default routes by DHCP and router advertisements, and
whoever reaches it does so by its security groups.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest
from lab import instances
from lab.api import Api

from tests.lab.fabric import Fabric, eventually

from .cloud import NEUTRON, create
from .instance import Tap, connects, defaults, global_addresses, link, listening, send_from

AGENT = "neutron-openvswitch-agent"
CLIENT = {4: "203.0.113.10", 6: "2001:db8:c::10"}
TCP_PORT = 8080
RATE = 200.0


@pytest.fixture(autouse=True)
def agents(fabric: Fabric) -> None:
    if not fabric.topology.agents:
        pytest.skip("this lab's hosts run no layer-2 agents")


def fixed(port: dict[str, Any]) -> list[str]:
    return [it["ip_address"] for it in port["fixed_ips"]]


def pairs(port: dict[str, Any]) -> set[str]:
    """What a tenant adds: each allowed address, and of a prefix its first."""
    nets = [ip_network(pair["ip_address"]) for pair in port["allowed_address_pairs"]]
    return {str(next(iter(net.hosts()))) for net in nets}


@contextmanager
def booted(api: Api, fabric: Fabric, host: str, name: str, **changes: object) -> Iterator[dict[str, Any]]:
    """A new instance on a host, plugged and configured; gone afterwards."""
    port = create(api, host, name)
    try:
        if changes:
            port = api.update("port", port["id"], **changes)
        instances.plug(fabric.settings, fabric.topology, NEUTRON, names=[port["id"]])
        yield port
    finally:
        api.delete("port", port["id"])
        if port["id"] in fabric.instances:
            instances.unplug(fabric.settings, [port["id"]])


# Addresses


def test_the_client_reaches_every_good_port_in_both_families(fabric: Fabric) -> None:
    answers = fabric.reach("client", fabric.addresses(), 60)
    assert [address for address, answered in answers.items() if answered is None] == []
    assert {":" in address for address in answers} == {True, False}


def test_an_instance_has_the_addresses_of_its_port_from_dhcp_and_besides_only_what_its_tenant_may_add(
    fabric: Fabric,
) -> None:
    leased = {}
    for port in fabric.good_ports:
        rows = global_addresses(fabric, port["name"])
        leased[port["name"]] = {row["local"] for row in rows if row.get("dynamic")}
        assert {row["local"] for row in rows if not row.get("dynamic")} == pairs(port) - set(fixed(port)), port["name"]
    assert leased == {port["name"]: set(fixed(port)) for port in fabric.good_ports}


def test_the_default_routes_are_from_dhcp_and_from_router_advertisements(api: Api, fabric: Fabric) -> None:
    gateways = {subnet["id"]: subnet["gateway_ip"] for subnet in api.rows("subnets")}
    for port in fabric.good_ports:
        (own,) = [it for it in port["fixed_ips"] if ":" not in it["ip_address"]]
        (ipv4,) = defaults(fabric, port["name"], "-4")
        (ipv6,) = defaults(fabric, port["name"], "-6")
        assert (ipv4["gateway"], ipv4["dev"]) == (gateways[own["subnet_id"]], "eth0"), port["name"]
        assert (ipv6["protocol"], ipv6["dev"]) == ("ra", "eth0"), port["name"]
        assert ipv6["gateway"].startswith("fe80:"), port["name"]


def test_nobody_but_its_bridge_tells_an_instance_where_its_gateway_is(fabric: Fabric) -> None:
    def neighbor(name: str, gateway: str) -> str:
        rows = json.loads(fabric.ip(name, "-json", "neighbor", "show", gateway, "dev", "eth0") or "[]")
        return str(rows[0].get("lladdr", "")) if rows else ""

    for port in fabric.good_ports:
        name, bridge = port["name"], fabric.instances[port["id"]].bridge
        (own,) = [it for it in fixed(port) if ":" not in it]
        (default,) = defaults(fabric, name, "-4")
        fabric.ip(name, "neighbor", "flush", "dev", "eth0")
        send_from(fabric, name, own, CLIENT[4], b"where-is-my-gateway")
        found = eventually(partial(neighbor, name, default["gateway"]), bool, f"{name} knows its gateway", 10)
        assert found == link(fabric, port["binding:host_id"], bridge)["address"], name


def test_an_instance_takes_the_mtu_that_neutron_says(api: Api, fabric: Fabric) -> None:
    (network,) = api.rows("networks", [("name", "mobile")])
    api.update("network", network["id"], mtu=1400)
    try:
        with booted(api, fabric, "hv2", "small"):
            assert link(fabric, "small", "eth0")["mtu"] == 1400
    finally:
        api.update("network", network["id"], mtu=network["mtu"])


def test_a_port_is_active_in_the_api_for_as_long_as_its_instance_is_plugged(api: Api, fabric: Fabric) -> None:
    def status(port: dict[str, Any]) -> str:
        return str(api.request("GET", f"ports/{port['id']}")["port"]["status"])

    port = create(api, "hv3", "status")
    try:
        assert status(port) == "DOWN"
        instances.plug(fabric.settings, fabric.topology, NEUTRON, names=[port["id"]])
        eventually(lambda: status(port), lambda found: found == "ACTIVE", "ACTIVE once it is plugged", 30)
        instances.unplug(fabric.settings, [port["id"]])
        eventually(lambda: status(port), lambda found: found == "DOWN", "DOWN once it is unplugged", 30)
    finally:
        api.delete("port", port["id"])


def test_an_instance_that_moves_keeps_its_interface_and_addresses(api: Api, fabric: Fabric) -> None:
    with booted(api, fabric, "hv1", "mover") as port:
        before = (link(fabric, "mover", "eth0")["ifindex"], addresses(fabric, "mover"))
        # no second binding: the target's agent takes one that is left on the source for the migration's target
        api.update("port", port["id"], **{"binding:host_id": "hv3"})
        instances.plug(fabric.settings, fabric.topology, NEUTRON, names=[port["id"]])
        assert (link(fabric, "mover", "eth0")["ifindex"], addresses(fabric, "mover")) == before
        answers = fabric.reach("client", fixed(port), 60)
        assert [address for address, answered in answers.items() if answered is None] == []
        assert f"tap{port['id'][:11]}" not in fabric.run("hv1", "ovs-vsctl", "list-ports", "br-int").split()


def addresses(fabric: Fabric, name: str) -> set[str]:
    return {row["local"] for row in global_addresses(fabric, name)}


# Security groups


@pytest.fixture
def group(api: Api) -> Iterator[str]:
    """The id of a security group that lets nothing in."""
    made = api.create("security-group", name="strict")
    yield made["id"]
    api.delete("security-group", made["id"])


def allow(api: Api, group: str, version: int, protocol: str, **ports: int) -> str:
    rule = {"direction": "ingress", "ethertype": f"IPv{version}", "protocol": protocol, **ports}
    return str(api.create("security-group-rule", security_group_id=group, **rule)["id"])


@pytest.mark.parametrize(("version", "icmp"), [(4, "icmp"), (6, "ipv6-icmp")])
def test_a_rule_opens_a_port_and_its_removal_closes_it(
    api: Api, fabric: Fabric, group: str, version: int, icmp: str
) -> None:
    with booted(api, fabric, "hv2", "strict", security_groups=[group]) as port, listening(fabric, "strict", TCP_PORT):
        (address,) = [it for it in fixed(port) if (":" in it) == (version == 6)]

        def pinged() -> bool:
            return fabric.reach("client", [address], 1)[address] is not None

        def opened() -> bool:
            return connects(fabric, "client", address, TCP_PORT)

        assert not pinged()
        ping = allow(api, group, version, icmp)
        eventually(pinged, bool, "an answer to ping after the rule for it", 30)
        assert not opened(), "a rule for ping lets TCP in"
        tcp = allow(api, group, version, "tcp", port_range_min=TCP_PORT, port_range_max=TCP_PORT)
        eventually(opened, bool, "a TCP connection after the rule for it", 30)
        api.delete("security-group-rule", tcp)
        eventually(opened, lambda it: not it, "no TCP connection after the rule has gone", 30)
        assert pinged()
        api.delete("security-group-rule", ping)
        eventually(pinged, lambda it: not it, "no answer to ping after the rule has gone", 30)


@pytest.mark.parametrize(("version", "forged"), [(4, "10.64.255.77"), (6, "2001:db8:64::beef")])
@pytest.mark.parametrize(("name", "passes"), [("hv1-vm0", False), ("hv1-vm4", True)], ids=["secured", "unsecured"])
def test_a_forged_source_gets_past_open_vswitch_only_where_the_port_has_no_security(
    fabric: Fabric, name: str, passes: bool, version: int, forged: str
) -> None:
    (own,) = [it for it in fixed(fabric.port(name)) if (":" in it) == (version == 6)]
    with closing(Tap(fabric, "hv1", "br-mobile")) as tap:
        send_from(fabric, name, forged, CLIENT[version], b"forged-mark")
        send_from(fabric, name, own, CLIENT[version], b"honest-mark")
        seen = tap.marks(b"honest-mark", frozenset({b"forged-mark"}), 10)
    assert seen == ({b"honest-mark", b"forged-mark"} if passes else {b"honest-mark"})


# What runs on the hosts


def agent_rows(api: Api) -> dict[str, dict[str, Any]]:
    return {row["host"]: row for row in api.rows("agents")}


def test_agents_are_alive_because_they_report_themselves(api: Api, fabric: Fabric) -> None:
    before = agent_rows(api)
    assert set(before) == set(fabric.topology.agents)
    assert all(row["alive"] and row["binary"] == AGENT for row in before.values())
    for host, row in before.items():
        assert row["configurations"]["bridge_mappings"] == fabric.topology.agents[host]
        assert row["configurations"]["datapath_type"] == "netdev"

    def later() -> set[str]:
        return {host for host, row in agent_rows(api).items() if beat(row) > beat(before[host])}

    eventually(later, lambda hosts: hosts == set(before), "another report of every agent", 60)


def beat(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["heartbeat_timestamp"])


def started(api: Api, host: str) -> str:
    return str(agent_rows(api)[host]["started_at"])


def test_no_packet_is_lost_when_the_agent_is_killed_and_comes_back(api: Api, fabric: Fabric) -> None:
    wanted = [address for name in ("hv1-vm0", "hv1-pin0") for address in fixed(fabric.port(name))]
    before = started(api, "hv1")
    with fabric.streaming("client", wanted, RATE) as stream:
        fabric.run("hv1", "systemctl", "kill", "--signal=KILL", AGENT)
        eventually(lambda: started(api, "hv1"), lambda it: it != before, "the agent's first report", 60)
        with booted(api, fabric, "hv1", "after-the-agent") as port:  # it works again: this one got its addresses
            assert None not in fabric.reach("client", fixed(port), 30).values()
    assert stream.result.sent > RATE
    assert stream.result.gaps == dict.fromkeys(wanted, 0.0), f"lost what was sent at {stream.result.losses}"


def test_addresses_and_routes_outlast_a_restart_of_ovs_vswitchd(fabric: Fabric) -> None:
    def state() -> dict[str, str]:
        shown = {bridge: fabric.ip("hv1", "-oneline", "address", "show", "dev", bridge) for bridge in BRIDGES}
        shown |= {
            f"{family} {table}": fabric.ip("hv1", family, "route", "show", "table", table)
            for family in ("-4", "-6")
            for table in ("142", "main")
        }
        return shown

    before = plain(state())
    wanted = fabric.addresses("hv1")
    fabric.run("hv1", "systemctl", "restart", "ovs-vswitchd")
    answers = fabric.reach("client", wanted, 60)
    assert [address for address, answered in answers.items() if answered is None] == []
    assert plain(state()) == before
    assert addresses(fabric, "hv1-vm0") == set(fixed(fabric.port("hv1-vm0")))


BRIDGES = ("br-mobile", "br-pinned")


def plain(shown: dict[str, str]) -> dict[str, list[str]]:
    """Without what a carrier that goes and comes changes for a moment, and lifetimes."""
    return {
        key: sorted(line.replace(" linkdown", "").strip() for line in text.splitlines()) for key, text in shown.items()
    }
