"""Ports come and go in Neutron, and their addresses in the fabric."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lab import instances
from lab.api import Api

from tests.lab.fabric import Fabric, eventually

from .cloud import NEUTRON, create, play_from_neutron, prefixes

HOST = "hv2"
HOPS = {"tor1": {"10.1.2.1", "2001:db8:1:2::b"}, "tor2": {"10.2.2.1", "2001:db8:2:2::b"}}


def test_the_client_reaches_every_good_ports_addresses(fabric: Fabric) -> None:
    addresses = fabric.addresses()
    assert len(addresses) == 63  # two of each of 30 ports, and three pairs of one address that one port has
    answers = fabric.reach("client", addresses, 60)
    assert [address for address, took in answers.items() if took is None] == []


@pytest.fixture
def port(api: Api) -> Iterator[dict[str, Any]]:
    """A new port of a new instance; gone after the test, from Neutron and from the fabric."""
    made = create(api, HOST, "new")
    yield made
    fabric = Fabric.running()
    if any(row["id"] == made["id"] for row in fabric.document["ports"]):
        api.delete("port", made["id"])
    if made["id"] in fabric.instances:
        instances.unplug(fabric.settings, [made["id"]])
    play_from_neutron("sync_ports.yml")


def at(fabric: Fabric, wanted: set[str]) -> dict[str, set[str]]:
    """Next hops of some prefixes, by switch."""
    return {
        name: set().union(*(hops for prefix, hops in fabric.prefixes_at(name).items() if prefix in wanted))
        for name in fabric.switches
    }


def test_a_new_ports_addresses_are_reachable_and_a_deleted_ones_are_withdrawn(
    api: Api, fabric: Fabric, port: dict[str, Any]
) -> None:
    assert port["binding:vif_type"] == "ovs"
    mine = prefixes(port)
    assert len(mine) == 2
    assert at(fabric, mine) == {"tor1": set(), "tor2": set()}

    instances.plug(fabric.settings, fabric.topology, NEUTRON, names=["new"])
    play_from_neutron("sync_ports.yml")
    answers = fabric.reach("client", [prefix.partition("/")[0] for prefix in mine], 60)
    assert None not in answers.values(), answers
    eventually(lambda: at(fabric, mine), lambda found: found == HOPS, f"{mine} at {HOST}")

    api.delete("port", port["id"])
    instances.unplug(fabric.settings, ["new"])
    play_from_neutron("sync_ports.yml")
    nowhere = {"tor1": set[str](), "tor2": set[str]()}
    eventually(lambda: at(fabric, mine), lambda found: found == nowhere, f"{mine} nowhere")
