"""The ports of a document, asked for as nova asks. The real API is asked in tests/neutron."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lab.boot import boot
from lab.errors import LabError

DOCUMENT = json.loads((Path(__file__).parents[3] / "inventories" / "lab" / "neutron.json").read_text())


class Recorder:
    """Keeps what it is asked to create."""

    def __init__(self, **rows: list[dict[str, Any]]) -> None:
        self.kept = rows
        self.made: list[dict[str, Any]] = []

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return self.kept[kind]

    def create(self, kind: str, **fields: object) -> dict[str, Any]:
        assert kind == "port"
        self.made.append(fields)
        return fields


def renamed(row: dict[str, Any], *keys: str) -> dict[str, Any]:
    """A row as another Neutron would have it: the same but for the ids."""
    return {**row, **{key: f"new-{row[key]}" for key in keys}}


@pytest.fixture
def neutron() -> Recorder:
    """Another Neutron with the document's networks and subnets, and no ports."""
    return Recorder(
        networks=[renamed(row, "id") for row in DOCUMENT["networks"]],
        subnets=[renamed(row, "id", "network_id") for row in DOCUMENT["subnets"]],
        ports=[],
    )


def test_every_port_is_created_with_its_addresses_in_the_other_neutrons_subnets(neutron):
    assert boot(neutron, DOCUMENT) == "36 created, 0 unchanged"
    made = {fields["name"]: fields for fields in neutron.made}
    assert len(made) == 36
    for port in DOCUMENT["ports"]:
        fields = made[port["name"]]
        assert fields["network_id"] == f"new-{port['network_id']}"
        assert fields["fixed_ips"] == [
            {"subnet_id": f"new-{fixed['subnet_id']}", "ip_address": fixed["ip_address"]} for fixed in port["fixed_ips"]
        ]
        assert fields["mac_address"] == port["mac_address"]
        assert fields.get("allowed_address_pairs", []) == port["allowed_address_pairs"]
        assert "binding:vif_type" not in fields, "how a binding went is for Neutron to say"
    assert "binding:host_id" not in made["unbound"]
    assert made["binding-failed"]["binding:host_id"] == "nosuchhost"


def test_ports_that_are_there_stay_as_they_are(neutron):
    neutron.kept["ports"] = [port for port in DOCUMENT["ports"] if port["name"] != "hv1-vm0"]
    assert boot(neutron, DOCUMENT) == "1 created, 35 unchanged"
    assert [fields["name"] for fields in neutron.made] == ["hv1-vm0"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("networks", "Neutron has no network 'mobile': ansible-playbook playbooks/networks.yml makes it"),
        ("subnets", "Neutron has no subnet"),
    ],
)
def test_nothing_is_created_while_a_network_or_subnet_is_missing(neutron, kind, expected):
    neutron.kept[kind] = [row for row in neutron.kept[kind] if "mobile" not in row["name"]]
    with pytest.raises(LabError, match=expected):
        boot(neutron, DOCUMENT)
    assert neutron.made == []
