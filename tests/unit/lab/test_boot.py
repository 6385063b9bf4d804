"""The ports of a document, asked for as nova asks. The real API is asked in tests/neutron."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lab.boot import L2_AGENT, allow_ping, boot, wait_for_agents
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
        self.made.append({"kind": kind, **fields})
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
    assert {fields["kind"] for fields in neutron.made} == {"port"}
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


def agent(host: str, alive: bool, binary: str = L2_AGENT) -> dict[str, Any]:
    return {"host": host, "alive": alive, "binary": binary}


def test_agents_are_waited_for_until_all_are_alive():
    api = Recorder(agents=[])
    answers = iter([[], [agent("hv1", True)], [agent("hv1", True), agent("hv2", False)]])
    api.rows = lambda kind: next(answers, [agent("hv1", True), agent("hv2", True)])
    wait_for_agents(api, ["hv1", "hv2"])
    assert list(answers) == []


def test_agents_that_do_not_come_are_named_with_what_is_known_of_them():
    rows = [agent("hv1", True), agent("hv2", False), agent("hv3", True, binary="neutron-dhcp-agent")]
    with pytest.raises(LabError, match="not alive after 0 s: hv2: dead, hv3: not reported"):
        wait_for_agents(Recorder(agents=rows), ["hv1", "hv2", "hv3"], seconds=0)


def test_ping_is_let_in_by_the_default_group_where_it_is_not_yet():
    there = {"direction": "ingress", "ethertype": "IPv4", "protocol": "icmp"}
    groups = [
        {"id": "1", "name": "default", "security_group_rules": [there]},
        {"id": "2", "name": "strict", "security_group_rules": []},
    ]
    api = Recorder(**{"security-groups": groups})
    allow_ping(api)
    wanted = {"direction": "ingress", "ethertype": "IPv6", "protocol": "ipv6-icmp", "security_group_id": "1"}
    assert api.made == [{"kind": "security-group-rule", **wanted}]
