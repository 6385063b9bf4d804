"""Must show 1: who reaches whom, and who must not."""

from __future__ import annotations

import pytest

from .fabric import Fabric, eventually

GUESTS = ["hv1-vm0", "hv1-pin0", "hv2-vm0", "hv2-pin0", "hv3-vm0", "hv3-pin0"]
ODD = {
    "administratively down": ["10.64.1.191", "2001:db8:64::3c5", "10.64.1.203", "2001:db8:64::254", "10.64.0.168"],
    "held by three ports": ["10.64.250.1", "2001:db8:64::fa01"],
    "in a pair that is a /28": ["10.64.251.1", "10.64.251.14"],
    "unbound": ["10.64.1.159", "2001:db8:64::1a"],
    "bound in vain": ["10.64.2.71", "2001:db8:64::107"],
    "a DHCP server's": ["10.64.0.2", "2001:db8:64::2"],
}


def silent(fabric: Fabric, source: str, addresses: list[str], seconds: float) -> list[str]:
    """The addresses that did not answer."""
    return [address for address, took in fabric.reach(source, addresses, seconds).items() if took is None]


def test_the_client_reaches_every_good_ports_addresses(fabric: Fabric) -> None:
    addresses = fabric.addresses()
    assert len(addresses) == 63  # two of each of 30 ports, and three pairs of one address that one port has
    assert silent(fabric, "client", addresses, 60) == []


@pytest.mark.parametrize("guest", GUESTS)
def test_an_instance_reaches_every_other_on_its_host_and_elsewhere(fabric: Fabric, guest: str) -> None:
    own = {fixed["ip_address"] for fixed in fabric.port(guest)["fixed_ips"]}
    others = [address for address in fabric.addresses() if address not in own]
    assert {port["binding:host_id"] for port in fabric.good_ports} == set(fabric.hosts)
    assert silent(fabric, guest, others, 60) == []


def test_two_instances_of_a_host_go_on_speaking_and_are_not_told_to_do_so_directly(fabric: Fabric) -> None:
    """A router that sends a packet back to where it came from says so (RFC 4861, section 8.2)."""
    mobile = [port for port in fabric.good_ports if port["network_id"] == fabric.port("hv1-vm0")["network_id"]]
    addresses = next(
        [fixed["ip_address"] for fixed in port["fixed_ips"]]
        for port in mobile
        if port["binding:host_id"] == "hv1" and port["name"] != "hv1-vm0"
    )
    assert silent(fabric, "hv1-vm0", addresses, 60) == []
    with fabric.streaming("hv1-vm0", addresses, 200) as stream:
        for _round in range(3):
            assert silent(fabric, "hv1-vm0", addresses, 10) == []
            fabric.run("hv1-vm0", "ping", "-c", "20", "-i", "0.05", addresses[0])
    assert stream.result.lost == 0, stream.result


@pytest.mark.parametrize("guest", GUESTS)
def test_an_instance_reaches_the_client(fabric: Fabric, guest: str) -> None:
    assert silent(fabric, guest, ["203.0.113.10", "2001:db8:c::10"], 60) == []


@pytest.mark.parametrize(("why", "addresses"), ODD.items(), ids=[why.replace(" ", "-") for why in ODD])
def test_an_address_is_nowhere_that_is(fabric: Fabric, why: str, addresses: list[str]) -> None:
    assert silent(fabric, "client", addresses, 1) == addresses
    for name in fabric.switches:
        known = {prefix.partition("/")[0] for prefix in fabric.prefixes_at(name)}
        assert not known & set(addresses), f"{why}, but at {name}"


def lacking(fabric: Fabric, switch: int, host: int) -> list[str]:
    """Addresses of hv`host` that tor`switch` does not have with this host, and it alone, as next hop."""
    hops = {f"10.{switch}.{host}.1", f"2001:db8:{switch}:{host}::b"}
    known = fabric.prefixes_at(f"tor{switch}")
    wanted = [(address, f"{address}/{128 if ':' in address else 32}") for address in fabric.addresses(f"hv{host}")]
    return [address for address, prefix in wanted if not (prefix in known and known[prefix] <= hops)]


@pytest.mark.parametrize("host", [1, 2, 3])
@pytest.mark.parametrize("switch", [1, 2])
def test_a_switch_has_every_address_with_its_host_as_next_hop(fabric: Fabric, switch: int, host: int) -> None:
    eventually(lambda: lacking(fabric, switch, host), lambda found: not found, "every address at the switch")
