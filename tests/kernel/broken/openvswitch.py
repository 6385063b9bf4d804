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
        "a misspelt key of a bridge",
        "ovs_bridges",
        bridges(bridge(name="br-x", macs="02:8e:00:00:00:01")),
        "Unsupported parameters for (roth.fabric.ovs_bridges) module: bridges.macs. Supported parameters include: mac, "
        "mtu, name, network. Did you mean mac?",
    ),
]
