"""How an instance is made known to Open vSwitch, and when it counts as configured."""

from __future__ import annotations

import pytest
from lab import guests, integration
from lab.errors import LabError
from lab.ports import Instance
from lab.settings import Settings

INSTANCE = Instance(
    port_id="ecb2dd23-2c5e-4f6e-9f1c-1a2b3c4d5e6f",
    name="hv1-vm1",
    host="hv1",
    bridge="br-mobile",
    mac="fa:16:3e:51:f9:bc",
    mtu=1500,
    admin_up=True,
    addresses=("10.64.1.190/16", "2001:db8:64::19d/128", "10.64.200.10/32"),
    gateways=("10.64.0.1",),
    pairs=("10.64.200.10/32",),
    device_id="vm-1",
)
ADDRESSES = {"10.64.1.190", "2001:db8:64::19d"}


def test_a_tap_is_a_port_of_the_integration_bridge_with_the_names_that_neutron_looks_for():
    words = " ".join(integration.add_port(INSTANCE))
    assert "add-port br-int tapecb2dd23-2c " in words
    assert f'external_ids:iface-id="{INSTANCE.port_id}"' in words
    assert 'external_ids:attached-mac="fa:16:3e:51:f9:bc"' in words
    assert 'external_ids:vm-uuid="vm-1"' in words
    assert 'external_ids:iface-status="active"' in words


def test_interfaces_are_read_with_the_ports_that_they_are():
    ids = '["map",[["attached-mac","fa:16:3e:51:f9:bc"],["iface-id","ecb2"]]]'
    text = f'{{"data":[["br-int",["map",[]]],["tapecb2dd23-2c",{ids}]],"headings":["name","external_ids"]}}'
    assert integration.read_interfaces(text) == {"br-int": "", "tapecb2dd23-2c": "ecb2"}


@pytest.mark.parametrize(
    ("have", "defaults", "expected"),
    [
        (ADDRESSES, {4, 6}, []),
        (ADDRESSES | {"fe80::1"}, {4, 6}, []),
        (ADDRESSES, {4}, ["IPv6 default route"]),
        ({"10.64.1.190"}, {4, 6}, ["2001:db8:64::19d"]),
        (set(), set(), ["10.64.1.190", "2001:db8:64::19d", "IPv4 default route", "IPv6 default route"]),
    ],
)
def test_an_instance_is_configured_with_its_leased_addresses_and_a_default_of_each_family(have, defaults, expected):
    assert guests.lacks(INSTANCE, have, defaults) == expected


def test_an_instance_without_addresses_is_named_with_what_it_has_and_what_its_clients_said(tmp_path, monkeypatch):
    settings = Settings(home=tmp_path)
    settings.run_dir.mkdir(parents=True)
    guests.log_file(settings, INSTANCE).write_text("DHCPDISCOVER on eth0\nNo DHCPOFFERS received.\n")
    monkeypatch.setattr(guests, "configuration", lambda _settings, _instance: ({"fe80::1"}, {6}))
    with pytest.raises(LabError) as caught:
        guests.wait_configured(settings, [INSTANCE], seconds=0)
    text = str(caught.value)
    assert "hv1-vm1 on hv1 (tapecb2dd23-2c): no 10.64.1.190, no 2001:db8:64::19d, no IPv4 default route" in text
    assert "it has: fe80::1" in text
    assert "No DHCPOFFERS received." in text
