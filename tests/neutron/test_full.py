"""What only a Neutron on a database server and a message bus can do: `make lab NEUTRON=full`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from lab.api import Api

from tests.lab.fabric import Fabric

AT_ONCE = 4


@pytest.fixture(autouse=True)
def full(fabric: Fabric) -> None:
    if not fabric.topology.agents:
        pytest.skip("this lab's Neutron runs on SQLite, without a bus")


def test_ports_that_are_asked_for_at_once_are_all_bound_and_share_no_address(api: Api) -> None:
    (network,) = api.rows("networks", [("name", "mobile")])

    def make(number: int) -> dict[str, Any]:
        host = {"binding:host_id": f"hv{number % 3 + 1}", "device_owner": "compute:nova"}
        return api.create("port", name=f"at-once-{number}", network_id=network["id"], **host)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = list(pool.map(make, range(3 * AT_ONCE)))
    for port in made:
        api.delete("port", port["id"])
    assert {port["binding:vif_type"] for port in made} == {"ovs"}
    addresses = [fixed["ip_address"] for port in made for fixed in port["fixed_ips"]]
    assert len(set(addresses)) == len(addresses) == 2 * len(made)
