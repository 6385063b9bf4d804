"""The role provider_network beside Neutron's own agent on Open vSwitch: `make lab NEUTRON=full`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lab.fabric import INVENTORY, Fabric
from tests.lab.playbooks import Play, attempt

HOST, BRIDGE = "hv1", "br-mobile"
MAC = "02:8e:00:00:00:01"
SET_BY_SOMEBODY = {
    "Bridge": "name,datapath_type,fail_mode,protocols,ports,other_config,external_ids",
    "Controller": "target,connection_mode",
    "Port": "name,tag,other_config",
    "Interface": "name,type,options,mtu_request,external_ids",
}
RATE = 200.0  # packets per second and address


@pytest.fixture(autouse=True)
def beside_an_agent(fabric: Fabric) -> None:
    if f"phy-{BRIDGE}" not in fabric.run(HOST, "sh", "-c", f"ovs-vsctl list-ports {BRIDGE} 2>/dev/null || true"):
        pytest.skip("no layer-2 agent has wired this lab's bridges")


def deploy(*options: str) -> Play:
    """`site.yml` for the bridges of one host."""
    return attempt("site.yml", INVENTORY, "--limit", HOST, "--tags", "provider_network", *options)


def state(fabric: Fabric) -> dict[str, Any]:
    """What anybody has set in Open vSwitch, the bridge's flows without counters, and what the kernel has over it."""
    shown: dict[str, Any] = {
        table: sorted(
            json.loads(vsctl(fabric, "--format=json", f"--columns={columns}", "list", table))["data"], key=str
        )
        for table, columns in SET_BY_SOMEBODY.items()
    }
    flows = fabric.run(HOST, "ovs-ofctl", "-OOpenFlow13", "--no-stats", "dump-flows", BRIDGE)
    shown["flows"] = sorted(flows.splitlines())
    for family in ("-4", "-6"):
        shown[f"routes {family}"] = fabric.ip(HOST, family, "route", "show", "table", "142").splitlines()
        shown[f"rules {family}"] = fabric.ip(HOST, family, "rule").splitlines()
    shown["addresses"] = [row["addr_info"] for row in json.loads(fabric.ip(HOST, "-json", "address", "show", BRIDGE))]
    return shown


def vsctl(fabric: Fabric, *words: str) -> str:
    return fabric.run(HOST, "ovs-vsctl", *words)


def proxies(fabric: Fabric, name: str) -> str:
    return fabric.run(HOST, "cat", f"/proc/sys/net/ipv4/conf/{BRIDGE}/{name}").strip()


def test_the_local_port_is_the_gateway_with_the_common_mac_and_answers_for_what_is_elsewhere_only(
    fabric: Fabric,
) -> None:
    (found,) = json.loads(fabric.ip(HOST, "-json", "address", "show", BRIDGE))
    assert found["address"] == MAC
    gateways = {f"{row['local']}/{row['prefixlen']}" for row in found["addr_info"] if row["scope"] == "global"}
    assert gateways == {"10.64.0.1/32", "2001:db8:64::1/128"}
    assert {"UP", "LOWER_UP"} <= set(found["flags"])
    assert (proxies(fabric, "proxy_arp"), proxies(fabric, "proxy_arp_pvlan")) == ("1", "0")
    assert vsctl(fabric, "br-get-external-id", BRIDGE, "roth").strip() == "mobile"


def test_a_second_run_changes_nothing_of_ours_and_nothing_of_the_agents_and_loses_no_packet(fabric: Fabric) -> None:
    was = state(fabric)
    (bridge,) = [row for row in was["Bridge"] if row[0] == BRIDGE]
    assert bridge[2] == "secure", "the agent's fail mode, which is not the role's"
    assert was["Controller"], "the agent is a controller"
    assert len(was["flows"]) > 1
    wanted = fabric.addresses(HOST)
    with fabric.streaming("client", wanted, RATE) as stream:
        run = deploy()
    assert (run.code, run.changed) == (0, {HOST: 0}), run.output
    assert state(fabric) == was
    assert stream.result.sent > RATE
    assert stream.result.lost == 0, stream.result


def test_a_bridge_that_instances_are_routed_over_is_not_removed_with_its_network(fabric: Fabric) -> None:
    was = state(fabric)
    run = deploy("-e", json.dumps({"roth_provider_networks": []}))
    assert run.code != 0, run.output
    assert (
        f"{HOST}: no network in roth_provider_networks has the bridge {BRIDGE} of Open vSwitch any more" in run.output
    )
    assert run.changed == {HOST: 0}
    assert state(fabric) == was


def test_a_bridge_of_the_operators_is_refused_by_name(fabric: Fabric) -> None:
    vsctl(fabric, "add-br", "br-theirs", "--", "set", "Bridge", "br-theirs", "datapath_type=netdev")
    try:
        was = state(fabric)
        subnets = [{"cidr": "10.99.0.0/16", "gateway": "10.99.0.1"}]
        more = {"name": "more", "bridge": "br-theirs", "bridge_kind": "openvswitch", "subnets": subnets}
        variables = {"roth_provider_networks": [more], "preflight_ports": False}  # Neutron does not know it
        run = deploy("-e", json.dumps(variables))
        assert run.code != 0, run.output
        assert "br-theirs: Open vSwitch has a bridge of that name that is not ours" in run.output
        assert state(fabric) == was
    finally:
        vsctl(fabric, "del-br", "br-theirs")
