"""What the lab's Neutron is, and who reaches it."""

from __future__ import annotations

import pytest
from lab.api import Api

from tests.lab.fabric import Fabric

from .cloud import CONTROLLER, play_from_neutron

ADDRESSES = ["10.255.9.1", "[2001:db8:255:9::b]"]
ASK = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=60).status)"


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("host", ["hv1", "hv2", "hv3"])
def test_a_host_reaches_neutron_through_the_fabric(fabric: Fabric, host: str, address: str) -> None:
    assert fabric.run(host, "python3", "-c", ASK, f"http://{address}:9696/v2.0/networks") == "200\n"
    route = fabric.ip(host, "route", "get", address.strip("[]"))
    assert any(f" dev {uplink} " in route for uplink in ("up0", "up1")), route


def test_neutron_has_a_user_of_its_own_and_no_capabilities(fabric: Fabric) -> None:
    pid = fabric.run(CONTROLLER, "systemctl", "show", "--value", "--property", "MainPID", "neutron-api").strip()
    status = dict(
        line.split(":", 1) for line in fabric.run(CONTROLLER, "cat", f"/proc/{pid}/status").splitlines() if ":" in line
    )
    assert fabric.run(CONTROLLER, "stat", "--format", "%U", f"/proc/{pid}") == "neutron\n"
    assert (status["CapEff"].strip(), status["CapBnd"].strip()) == ("0" * 16, "0" * 16)


def test_a_binding_fails_where_no_agent_is(api: Api) -> None:
    """And Neutron answers that with success: it has to be looked at."""
    (failed,) = api.rows("ports", [("name", "binding-failed")])
    assert (failed["binding:host_id"], failed["binding:vif_type"]) == ("nosuchhost", "binding_failed")
    (unbound,) = api.rows("ports", [("name", "unbound")])
    assert (unbound["binding:host_id"], unbound["binding:vif_type"]) == ("", "unbound")
    assert all(
        port["binding:vif_type"] == "ovs" for port in api.rows("ports") if port["name"].startswith(("hv", "dhcp"))
    )


def test_making_the_networks_again_changes_nothing(api: Api) -> None:
    before = {kind: api.rows(kind) for kind in ("networks", "segments", "subnets")}
    run = play_from_neutron("networks.yml")
    assert not any(run.changed.values()), run.output
    assert {kind: api.rows(kind) for kind in before} == before
