"""The filter that the reconcile role calls, with results as the two modules return them."""

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.roth.fabric.plugins.filter.reconcile_report import reconcile_report

from tests.unit.plugins.lab_inventory import DOCUMENT, HOSTS, variables_of_all

VARIABLES = variables_of_all()
EMPTY = {
    "fabric": {
        "routes": [],
        "defaults": [],
        "agent": None,
        "adj_rib_out": [],
        "bfd": None,
        "units": {},
        "problems": [],
    }
}


def test_a_host_with_an_empty_kernel_lacks_each_wanted_prefix() -> None:
    found = reconcile_report(VARIABLES, DOCUMENT, {"hv1": EMPTY}, {}, HOSTS, shown=2)
    missing = {each["prefix"]: each for each in found["findings"] if each["kind"] == "missing"}
    assert {"10.64.1.53/32", "2001:db8:64::bd/128", "192.0.2.11/32", "198.51.100.0/26"} <= set(missing)
    assert missing["10.64.1.53/32"]["port"]["name"] == "hv1-vm0"
    assert "10.64.1.53/32 dev br-mobile" in found["repair"]["hv1"]["install"]
    assert f"… and {len(missing) - 2} more" in found["table"]
    assert found["not_looked_at"]["hosts"] == ["hv2", "hv3"]


def test_the_result_is_what_json_makes_of_it() -> None:
    found = reconcile_report(VARIABLES, DOCUMENT, {"hv1": EMPTY}, {"tor1": {"msg": "no such node"}}, HOSTS)
    assert json.loads(json.dumps(found)) == found
    assert found["counts"]["unreadable"] == 1
    assert found["agree"] is False


def test_a_host_that_gave_no_answer_at_all_is_unreadable() -> None:
    found = reconcile_report(VARIABLES, DOCUMENT, {"hv1": {}}, {}, HOSTS)
    assert [(each["kind"], each["host"], each["reason"]) for each in found["findings"]] == [
        ("unreadable", "hv1", "no answer")
    ]


@pytest.mark.parametrize("broken", [{}, {**DOCUMENT, "ports": None}])
def test_a_broken_port_document_is_refused_by_name(broken: object) -> None:
    with pytest.raises(AnsibleFilterError, match=r"reconcile_report: .*(networks|ports|subnets)"):
        reconcile_report(VARIABLES, broken, {}, {}, HOSTS)
