"""Copies of a port in Neutron's database: what is a copy's own, and what is the model's."""

from __future__ import annotations

import pytest

from tests.bench.neutron_fill import copy, identity

ROWS = {
    "ports": {
        "id": "model",
        "name": "model",
        "mac_address": "fa:16:3e:aa:bb:cc",
        "standard_attr_id": 7,
        "status": "DOWN",
    },
    "ipallocations": {"port_id": "model", "ip_address": "10.64.1.1", "subnet_id": "v4"},
    "ml2_port_bindings": {"port_id": "model", "host": "hv1", "vif_type": "ovs"},
    "ml2_port_binding_levels": {"port_id": "model", "host": "hv1", "level": 0, "segment_id": "of hv1"},
    "securitygroupportbindings": {"port_id": "model", "security_group_id": "default"},
}
NUMBER = 259
COPIES = {
    "ports": {"id": identity(NUMBER), "name": "copy-259", "mac_address": "fa:16:3e:00:01:03", "standard_attr_id": 99},
    "ipallocations": {"port_id": identity(NUMBER), "ip_address": "10.64.17.3"},
    "ml2_port_bindings": {"port_id": identity(NUMBER), "host": "hv2"},
    "ml2_port_binding_levels": {"port_id": identity(NUMBER), "host": "hv2", "segment_id": "of hv2"},
    "securitygroupportbindings": {"port_id": identity(NUMBER)},
}


@pytest.mark.parametrize("table", ROWS)
def test_a_copy_has_what_is_its_own_and_the_rest_of_the_model(table: str):
    assert copy(table, ROWS[table], NUMBER, "hv2", "of hv2", 99) == {**ROWS[table], **COPIES[table]}


def test_copies_share_no_id_tap_mac_or_address():
    ports = [copy("ports", ROWS["ports"], number, "hv1", "s", number) for number in range(10000)]
    rows = ({"port_id": "model", "ip_address": address} for address in ("10.64.1.1", "2001:db8:64::1"))
    addresses = {
        copy("ipallocations", row, number, "hv1", "s", number)["ip_address"] for row in rows for number in range(10000)
    }
    assert len(addresses) == 20000
    assert len({port["id"] for port in ports}) == len({str(port["id"])[:11] for port in ports}) == 10000
    assert len({port["mac_address"] for port in ports}) == 10000
