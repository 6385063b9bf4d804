"""Broken arguments of ovs_bridges."""

from __future__ import annotations

from typing import Any

from .arguments import HUGE, LONG, Case


def bridges(*listed: dict[str, Any], **arguments: object) -> dict[str, Any]:
    return {"bridges": [bridge(), *listed], "database": "unix:{tmp}/none.sock", **arguments}


def bridge(**changes: object) -> dict[str, Any]:
    return {"name": "br-mobile", "network": "mobile", "mac": "02:8e:00:00:00:01", **changes}


OVS_CASES: list[Case] = [
    ("no bridges at all in Open vSwitch", "ovs_bridges", {}, "missing required arguments: bridges"),
    (
        "a bridge without a MAC address",
        "ovs_bridges",
        {"bridges": [{"name": "br-mobile", "network": "mobile"}]},
        "missing required arguments: mac found in bridges",
    ),
    (
        "a bridge with a long name",
        "ovs_bridges",
        bridges(bridge(name="br-0123456789abc")),
        "bridges[1].name = 'br-0123456789abc': expected an interface name: at most 15 letters, digits, dots, dashes "
        "and underscores",
    ),
    (
        "an option of ovs-vsctl for a bridge",
        "ovs_bridges",
        bridges(bridge(name="--no wait")),
        "bridges[1].name = '--no wait': expected an interface name: at most 15 letters, digits, dots, dashes and "
        "underscores",
    ),
    (
        "a bridge with a dash first",
        "ovs_bridges",
        bridges(bridge(name="--if-exists")),
        "bridges[1].name = '--if-exists': expected an interface name that does not begin with a dash",
    ),
    (
        "a bridge that is listed twice",
        "ovs_bridges",
        bridges(bridge(network="other")),
        "bridges[1].name = 'br-mobile': expected each bridge once",
    ),
    (
        "a group's MAC address for a bridge",
        "ovs_bridges",
        bridges(bridge(name="br-x", mac="03:8e:00:00:00:01")),
        "bridges[1].mac = '03:8e:00:00:00:01': expected a unicast MAC address (the first byte is even)",
    ),
    (
        "a bridge of a network of two lines",
        "ovs_bridges",
        bridges(bridge(name="br-x", network="a\nb")),
        "bridges[1].network = 'a\\nb': expected a name of printable characters",
    ),
    (
        "a bridge with an MTU too small for IPv6",
        "ovs_bridges",
        bridges(bridge(name="br-x", mtu=1279)),
        "bridges[1].mtu = 1279: expected 1280 to 65535 bytes",
    ),
    (
        "a bridge of a million characters",
        "ovs_bridges",
        bridges(bridge(name=LONG)),
        f"bridges[1].name = '{'x' * 78}…: expected an interface name: at most 15 letters, digits, dots, dashes and "
        "underscores",
    ),
    (
        "a datapath with a space",
        "ovs_bridges",
        bridges(datapath_type="net dev"),
        "datapath_type = 'net dev': expected a word, such as system or netdev",
    ),
    (
        "a fail mode that is none",
        "ovs_bridges",
        bridges(fail_mode="closed"),
        "value of fail_mode must be one of: secure, standalone, got: closed",
    ),
    (
        "a bridge to adopt that is no name",
        "ovs_bridges",
        bridges(adopt=["br-mobile", "*"]),
        "adopt[1] = '*': expected an interface name: at most 15 letters, digits, dots, dashes and underscores",
    ),
    (
        "a database by its path",
        "ovs_bridges",
        bridges(database="/run/openvswitch/db.sock"),
        "database = '/run/openvswitch/db.sock': expected where a database listens, such as "
        "unix:/run/openvswitch/db.sock or tcp:127.0.0.1:6640",
    ),
    (
        "a wait for Open vSwitch without end",
        "ovs_bridges",
        bridges(timeout=HUGE),
        f"timeout = {HUGE}: expected 1 to 600 seconds",
    ),
    (
        "a database that is not there",
        "ovs_bridges",
        bridges(),
        "Open vSwitch's database does not answer: unix:{tmp}/none.sock: database connection failed (No such file or "
        "directory). It is needed for br-mobile, and not installed or started by this collection",
    ),
    (
        "an agent's bridge without VLANs",
        "ovs_bridges",
        bridges(bridge(name="br-x", agent_bridge="br-provider")),
        "bridges[1].vlans: expected a value beside agent_bridge = 'br-provider'",
    ),
    (
        "VLANs of no bridge",
        "ovs_bridges",
        bridges(bridge(name="br-x", vlans=[101])),
        "bridges[1].agent_bridge: expected a value beside vlans = [101]",
    ),
    (
        "an option of ovs-vsctl for the agent's bridge",
        "ovs_bridges",
        bridges(bridge(name="br-x", agent_bridge="--no-wait", vlans=[101])),
        "bridges[1].agent_bridge = '--no-wait': expected an interface name that does not begin with a dash",
    ),
    (
        "a bridge beside itself",
        "ovs_bridges",
        bridges(bridge(name="br-x", agent_bridge="br-x", vlans=[101])),
        "bridges[1].agent_bridge = 'br-x': expected another bridge than name",
    ),
    (
        "a VLAN that is none",
        "ovs_bridges",
        bridges(bridge(name="br-x", agent_bridge="br-provider", vlans=[101, 4095])),
        "bridges[1].vlans[1] = 4095: expected 1 to 4094",
    ),
    (
        "a VLAN twice",
        "ovs_bridges",
        bridges(bridge(name="br-x", agent_bridge="br-provider", vlans=[101, 101])),
        "bridges[1].vlans[1] = 101: expected another VLAN of br-provider, br-x has it",
    ),
    (
        "a VLAN of the agent's bridge for two bridges",
        "ovs_bridges",
        bridges(
            bridge(name="br-x", agent_bridge="br-provider", vlans=[101]),
            bridge(name="br-y", agent_bridge="br-provider", vlans=[101]),
        ),
        "bridges[2].vlans[0] = 101: expected another VLAN of br-provider, br-x has it",
    ),
    (
        "a misspelt key of a bridge",
        "ovs_bridges",
        bridges(bridge(name="br-x", macs="02:8e:00:00:00:01")),
        "Unsupported parameters for (roth.fabric.ovs_bridges) module: bridges.macs. Supported parameters include: "
        "agent_bridge, mac, mtu, name, network, vlans. Did you mean mac?",
    ),
]
