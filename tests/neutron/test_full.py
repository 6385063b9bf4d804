"""What only a Neutron on a database server and a message bus can do: `make lab NEUTRON=full`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from lab.api import Api

from tests.lab.fabric import Fabric, eventually

from .cloud import CONTROLLER

REPORT = Path(__file__).with_name("report.py")
AT_ONCE = 4


@pytest.fixture(autouse=True)
def full(fabric: Fabric) -> None:
    node = fabric.topology.controller
    assert node is not None
    assert node.neutron is not None
    if node.neutron.mode != "full":
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


def test_an_agent_that_reports_itself_over_the_bus_is_alive(api: Api, fabric: Fabric) -> None:
    assert api.rows("agents", [("host", "reporter")]) == []
    fabric.run(CONTROLLER, "/opt/neutron/bin/python", "-c", REPORT.read_text(), "reporter")
    (agent,) = eventually(
        lambda: api.rows("agents", [("host", "reporter")]), lambda found: len(found) == 1, "an agent on host reporter"
    )
    api.delete("agent", agent["id"])
    assert agent["alive"]
