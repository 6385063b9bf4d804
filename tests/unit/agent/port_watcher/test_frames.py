"""Frames against known octets."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from roth.port_watcher.frames import arp_announcement, checksum, neighbor_advertisement

MAC = bytes.fromhex("028e00000001")


def test_an_arp_announcement_is_a_broadcast_request_for_its_own_sender() -> None:
    assert arp_announcement(MAC, IPv4Address("10.64.1.53")).hex() == (
        "ffffffffffff028e000000010806"
        "0001080006040001"
        "028e000000010a400135"
        "0000000000000a400135"
    )  # fmt: skip


def test_a_neighbour_advertisement_overrides_and_tells_that_a_router_speaks() -> None:
    found = neighbor_advertisement(MAC, IPv6Address("2001:db8:64::135"), IPv6Address("fe80::8e:ff:fe00:1"))
    assert found.hex() == (
        "333300000001028e0000000186dd"
        "6000000000203aff"
        "fe80000000000000008e00fffe000001"
        "ff020000000000000000000000000001"
        "8800a6aea0000000"  # the checksum by hand, over pseudo-header and body
        "20010db8006400000000000000000135"
        "0201028e00000001"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("octets", "expected"),
    [("0001f203f4f5f6f7", 0x220D), ("0000", 0xFFFF), ("ffff", 0), ("ffffffff0001", 0xFFFE)],
    ids=["RFC 1071, 3", "zero", "ones", "carry twice"],
)
def test_the_checksum_is_the_internet_s(octets: str, expected: int) -> None:
    assert checksum(bytes.fromhex(octets)) == expected


@pytest.mark.parametrize("mac", [b"", bytes(8)])
def test_a_link_without_a_mac_address_speaks_to_nobody(mac: bytes) -> None:
    with pytest.raises(ValueError, match="expected six bytes"):
        arp_announcement(mac, IPv4Address("10.64.1.53"))
    with pytest.raises(ValueError, match="expected six bytes"):
        neighbor_advertisement(mac, IPv6Address("2001:db8::1"), IPv6Address("fe80::1"))
