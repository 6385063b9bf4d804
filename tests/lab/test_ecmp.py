"""Must show 1: flows take both switches, from the hosts and from the spine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .fabric import Fabric

FLOWS = 400
AT_LEAST = 0.3
"""Of 400 flows the smaller share is under 30 % in less than one of 10^15 runs if each flow is a fair toss."""


def shares(fabric: Fabric, ports: list[tuple[str, str]], send: Callable[[], None]) -> list[float]:
    """What part of the flows left through each of the ports (node, interface) while they were sent."""
    before = [fabric.counter(node, interface) for node, interface in ports]
    send()
    after = [fabric.counter(node, interface) for node, interface in ports]
    return [(late - early) / FLOWS for early, late in zip(before, after, strict=True)]


@pytest.mark.parametrize(("guest", "client"), [("hv1-vm0", "203.0.113.10"), ("hv1-vm0", "2001:db8:c::10")])
def test_flows_of_one_instance_leave_its_host_over_both_uplinks(fabric: Fabric, guest: str, client: str) -> None:
    found = shares(fabric, [("hv1", "up0"), ("hv1", "up1")], lambda: fabric.flows(guest, FLOWS, client))
    assert min(found) >= AT_LEAST, f"shares of up0 and up1: {found}"


@pytest.mark.parametrize("family", [4, 6])
def test_flows_to_one_instance_reach_its_host_through_both_switches(fabric: Fabric, family: int) -> None:
    addresses = [fixed["ip_address"] for fixed in fabric.port("hv2-vm0")["fixed_ips"]]
    address = next(address for address in addresses if (":" in address) == (family == 6))
    for ports in ([("spine", "tor1"), ("spine", "tor2")], [("tor1", "hv2"), ("tor2", "hv2")]):
        found = shares(fabric, ports, lambda: fabric.flows("client", FLOWS, address))
        assert min(found) >= AT_LEAST, f"shares of {ports}: {found}"
