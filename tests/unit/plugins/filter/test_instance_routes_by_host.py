"""The routes of many hosts at once, as the role asks for them."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.roth.fabric.plugins.filter.instance_routes import instance_routes
from ansible_collections.roth.fabric.plugins.filter.instance_routes_by_host import instance_routes_by_host
from ansible_collections.roth.fabric.plugins.module_utils.wanted import host_plans

from tests.unit.plugins.lab_inventory import DOCUMENT, HOSTS, variables_of_all


@pytest.fixture
def hostvars():
    return variables_of_all()


def alone(hostvars, host, **options):
    own = hostvars[host]
    loopbacks = [own["roth_loopback_ipv4"], own["roth_loopback_ipv6"]]
    return instance_routes(DOCUMENT, own["roth_provider_networks"], host, loopbacks=loopbacks, **options)


def test_each_host_gets_what_it_gets_alone(hostvars):
    found = instance_routes_by_host(hostvars, HOSTS, DOCUMENT)
    assert found == {host: alone(hostvars, host) for host in HOSTS}
    assert all(len(each["routes"]) > 10 for each in found.values())


def test_only_the_hosts_that_were_asked_for_are_in_the_answer(hostvars):
    assert list(instance_routes_by_host(hostvars, ["hv2"], DOCUMENT)) == ["hv2"]


def test_a_host_with_variables_of_its_own_is_planned_by_these(hostvars):
    hostvars["hv2"]["roth_port_device_owners"] = ["network:dhcp"]
    hostvars["hv3"]["roth_provider_networks"] = []
    found = instance_routes_by_host(hostvars, HOSTS, DOCUMENT)
    assert found["hv1"] == alone(hostvars, "hv1")
    assert found["hv2"] == alone(hostvars, "hv2", device_owners=["network:dhcp"]) != alone(hostvars, "hv2")
    assert found["hv3"]["routes"] == ["192.0.2.13/32 dev lo", "2001:db8:ffff::13/128 dev lo"]


def test_the_ports_are_looked_at_once_for_all_hosts_with_the_same_variables(hostvars, monkeypatch):
    made = []

    def counted(*arguments):
        made.append(arguments)
        return plan(*arguments)

    plan = host_plans.PortPlan
    monkeypatch.setattr(host_plans, "PortPlan", counted)
    instance_routes_by_host(hostvars, HOSTS, DOCUMENT)
    assert len(made) == 1


def test_a_document_without_a_provider_network_is_refused(hostvars):
    with pytest.raises(AnsibleFilterError, match="instance_routes_by_host: port document: network 'mobile'"):
        instance_routes_by_host(hostvars, HOSTS, {**DOCUMENT, "networks": [], "ports": []})
