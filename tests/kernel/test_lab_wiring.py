"""Instances behind Linux bridges of the lab, in bare network namespaces: no node has to boot for that."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab import network, nodes
from lab.bridges import Bridges
from lab.commands import ip_batch, run
from lab.errors import LabError
from lab.ports import Instance
from lab.settings import Settings
from lab.topology import Topology, parse

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")

TOPOLOGY = parse({"nodes": {"hv1": {}, "hv2": {}}})
UP = Instance(
    port_id="aaaaaaaa-aa00-4000-8000-000000000001",
    name="up",
    host="hv1",
    bridge="br-mobile",
    mac="02:00:00:00:00:01",
    mtu=1400,
    admin_up=True,
    addresses=("10.64.0.11/16", "2001:db8:64::11/128", "10.64.200.1/32"),
    gateways=("10.64.0.1",),
    pairs=("10.64.200.1/32",),
)
DOWN = replace(
    UP, port_id="bbbbbbbb-bb00-4000-8000-000000000002", name="down", mac="02:00:00:00:00:02", admin_up=False,
    addresses=("10.64.0.12/16",), pairs=(),
)  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A lab's two hosts as bare namespaces, of which one has the bridge."""
    found = Settings(prefix=f"w{os.getpid() % 10**8}", home=tmp_path)
    monkeypatch.setattr(nodes, "init_pid", lambda _settings, _node: 1)
    spaces = [found.netns(name) for name in TOPOLOGY.nodes]
    network.add_namespaces(spaces)
    for space in spaces:
        ip_batch(["link add br-mobile type bridge", "link set br-mobile up"], netns=space)
    yield found
    network.remove_namespaces([*spaces, *map(found.instance_netns, (UP.port_id, DOWN.port_id))])


def show(netns: str, *words: str) -> list[dict[str, Any]]:
    return list(json.loads(run("ip", "-n", netns, "-json", *words).stdout))


def fresh(settings: Settings, topology: Topology = TOPOLOGY) -> Bridges:
    return Bridges(settings, topology)


def test_an_instance_is_a_port_of_its_bridge_with_all_of_its_addresses(settings: Settings) -> None:
    assert not fresh(settings).is_plugged(UP)
    fresh(settings).create([UP], {})
    assert fresh(settings).is_plugged(UP)
    (link,) = show(settings.instance_netns(UP.port_id), "address", "show", "dev", "eth0")
    assert {f"{row['local']}/{row['prefixlen']}" for row in link["addr_info"] if row["scope"] == "global"} == set(
        UP.addresses
    )
    assert (link["address"], link["mtu"]) == (UP.mac, UP.mtu)
    (default,) = show(settings.instance_netns(UP.port_id), "route", "show", "default")
    assert default["gateway"] == "10.64.0.1"


def test_an_admin_down_port_has_a_tap_that_is_down_whatever_somebody_tried(settings: Settings) -> None:
    fresh(settings).create([UP, DOWN], {})
    run("ip", "-n", settings.netns("hv1"), "link", "set", DOWN.tap, "up")
    fresh(settings).settle([UP, DOWN])
    flags = {name: show(settings.netns("hv1"), "link", "show", "dev", name)[0]["flags"] for name in (UP.tap, DOWN.tap)}
    assert "UP" in flags[UP.tap]
    assert "UP" not in flags[DOWN.tap]


def test_an_instance_that_moves_leaves_no_tap_behind(settings: Settings) -> None:
    fresh(settings).create([UP], {})
    moved = replace(UP, host="hv2")
    fresh(settings).create([moved], {UP.port_id: UP})
    assert fresh(settings).is_plugged(moved)
    assert UP.tap not in network.interfaces(settings.netns("hv1"))


def test_an_instance_that_goes_takes_its_tap_and_namespace_along(settings: Settings) -> None:
    fresh(settings).create([UP], {})
    fresh(settings).remove([UP])
    assert UP.tap not in network.interfaces(settings.netns("hv1"))
    assert settings.instance_netns(UP.port_id) not in network.existing_namespaces()


def test_hosts_and_bridges_that_are_missing_are_named(settings: Settings) -> None:
    elsewhere = replace(UP, name="elsewhere", host="hv9")
    without = replace(DOWN, bridge="br-other")
    with pytest.raises(LabError) as caught:
        fresh(settings).require([UP, elsewhere, without])
    assert "elsewhere is bound to hv9, which is not in the topology" in str(caught.value)
    assert "hv1 has no bridge br-other yet" in str(caught.value)
