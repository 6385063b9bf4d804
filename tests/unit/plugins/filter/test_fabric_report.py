"""The filter that the verify role calls, with results as the two modules return them."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.roth.fabric.plugins.filter.fabric_report import fabric_report

from tests.unit.plugins.lab_inventory import DOCUMENT, HOSTS, variables_of_all

DEAD = {"failed": False, "msg": "MODULE FAILURE", "module_stderr": "sh: 1: /opt/roth/current/bin/python: not found\n"}


@pytest.fixture(scope="module")
def hostvars():
    return variables_of_all()


def report(hostvars, hosts, switches=None, document=DOCUMENT):
    return fabric_report(hostvars, document, hosts, switches or {}, HOSTS)


FABRIC = {
    "routes": [],
    "defaults": [],
    "agent": None,
    "adj_rib_out": None,
    "bfd": None,
    "units": {},
    "problems": ["agent at /run/roth/agent.sock: refused"],
}


def test_a_host_without_a_release_is_a_finding_with_the_reason(hostvars):
    found = report(hostvars, {"hv1": DEAD})
    assert [finding["text"] for finding in found["findings"]] == [
        "hv1: not readable: sh: 1: /opt/roth/current/bin/python: not found; expected an answer"
    ]


def test_an_unreachable_switch_is_a_finding_with_the_reason(hostvars):
    found = report(hostvars, {}, {"tor1": {"unreachable": True, "msg": "no such node"}})
    assert [(finding["switch"], finding["observed"]) for finding in found["findings"]] == [("tor1", "no such node")]


def test_every_wanted_route_that_a_fresh_host_lacks_is_named(hostvars):
    found = report(hostvars, {"hv1": {"fabric": FABRIC}})
    missing = {finding["prefix"] for finding in found["findings"] if finding["kind"] == "missing in kernel"}
    assert {"10.64.1.53/32", "2001:db8:64::bd/128", "192.0.2.11/32", "198.51.100.0/26"} <= missing
    assert not missing & {"10.64.1.191/32", "10.64.250.1/32", "10.64.251.0/28"}  # down, held by three, too short


def test_a_prefix_that_waits_for_its_tap_is_counted_and_is_no_finding(hostvars):
    found = report(hostvars, {"hv1": {"fabric": {**FABRIC, "waiting": ["10.64.1.53/32"]}}})
    assert "10.64.1.53/32" not in {finding["prefix"] for finding in found["findings"]}
    assert "without tap" in found["table"].splitlines()[0]


def test_the_table_has_a_line_for_each_host(hostvars):
    lines = report(hostvars, {"hv1": {"fabric": FABRIC}, "hv2": DEAD})["table"].splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["hv1", "hv2"]


def test_a_finding_is_plain_text_and_fields(hostvars):
    finding = report(hostvars, {"hv1": DEAD})["findings"][0]
    assert set(finding) == {"kind", "host", "switch", "prefix", "observed", "expected", "text"}
    assert json.loads(json.dumps(finding)) == finding


@pytest.mark.parametrize("broken", [{}, {**DOCUMENT, "ports": None}])
def test_a_broken_port_document_is_refused_by_name(hostvars, broken):
    with pytest.raises(AnsibleFilterError, match=r"fabric_report: .*(networks|ports|subnets)"):
        report(hostvars, {}, document=broken)


def test_a_wrong_uplink_is_refused_by_name(hostvars):
    changed = deepcopy(hostvars)
    changed["hv2"]["roth_uplinks"][0]["ipv4"] = "10.1.2.300/31"
    with pytest.raises(AnsibleFilterError, match=r"hv2: roth_uplinks\[0\]"):
        report(changed, {})
