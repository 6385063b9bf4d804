"""What the neighbours of an instance do when it leaves their host: only where a switch bridges them (NEUTRON=full)."""

from __future__ import annotations

import json

import pytest
from lab import instances
from lab.api import Api

from tests.lab.fabric import Fabric, eventually

from .cloud import NEUTRON, create

NEIGHBOR = "hv1-vm0"


@pytest.fixture(autouse=True)
def bridged(fabric: Fabric) -> None:
    if not getattr(fabric.topology, "agents", None):
        pytest.skip("this lab's hosts run no Open vSwitch")


def known(fabric: Fabric, address: str) -> str:
    """The MAC that the neighbour remembers of an address."""
    rows = json.loads(fabric.ip(NEIGHBOR, "-json", "neigh", "show", address) or "[]")
    return rows[0].get("lladdr", "") if rows else ""


def test_a_neighbour_finds_an_instance_that_has_moved_by_the_host_it_left(api: Api, fabric: Fabric) -> None:
    port = create(api, "hv1", "leaving")
    (address,) = [it["ip_address"] for it in port["fixed_ips"] if ":" not in it["ip_address"]]
    (bridge,) = json.loads(fabric.ip("hv1", "-json", "link", "show", "dev", "br-mobile"))
    try:
        instances.plug(fabric.settings, fabric.topology, NEUTRON, names=[port["id"]])
        assert fabric.reach(NEIGHBOR, [address], 60)[address] is not None
        eventually(lambda: known(fabric, address), lambda mac: mac == port["mac_address"], "the instance's own MAC", 30)
        instances.unplug(fabric.settings, [port["id"]])
        eventually(lambda: known(fabric, address), lambda mac: mac == bridge["address"], "the bridge's MAC", 30)
        api.update("port", port["id"], **{"binding:host_id": "hv2"})
        instances.plug(fabric.settings, fabric.topology, NEUTRON, names=[port["id"]])
        assert fabric.reach(NEIGHBOR, [address], 60)[address] is not None
        assert known(fabric, address) == bridge["address"]
    finally:
        api.delete("port", port["id"])
        if port["id"] in fabric.instances:
            instances.unplug(fabric.settings, [port["id"]])
