"""The table that verify prints."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.roth.fabric.plugins.module_utils.report.compare import Finding
from ansible_collections.roth.fabric.plugins.module_utils.report.hosts import HostState
from ansible_collections.roth.fabric.plugins.module_utils.report.summary import rows, table, told

from .fabric import EXPECTED, host, switch

SWITCHES = {"tor1": switch("tor1"), "tor2": switch("tor2")}


def test_a_host_that_is_right_has_full_shares_and_no_findings():
    assert rows(EXPECTED, {"hv1": host(1)}, SWITCHES, []) == [
        {
            "host": "hv1",
            "BGP": "4/4",
            "BFD": "4/4",
            "default ipv4": "2/2",
            "default ipv6": "2/2",
            "wanted": "3",
            "kernel": "3",
            "announced": "3",
            "at tor1": "3",
            "at tor2": "3",
            "findings": "0",
        }
    ]


def test_each_number_counts_what_is_really_there():
    state = replace(
        host(1),
        sessions={**host(1).sessions, "10.1.1.0": "down"},
        bfd={},
        defaults=(),
        announced=host(1).announced[:1],
        adj_rib_out=frozenset(item for item in host(1).adj_rib_out if item.peer != "10.1.1.0"),
    )
    few = replace(switch("tor2"), paths=switch("tor2").paths[:1])
    finding = Finding("alarm", "hv1", None, None, "x", "none")
    row = rows(EXPECTED, {"hv1": state}, {"tor1": switch("tor1"), "tor2": few}, [finding])[0]
    assert list(row.values()) == ["hv1", "3/4", "0/4", "0/2", "0/2", "3", "1", "1", "3", "1", "1"]


def test_what_could_not_be_read_is_a_question_mark():
    row = rows(EXPECTED, {"hv1": HostState()}, {"tor1": "no answer"}, [])[0]
    assert list(row.values()) == ["hv1", "?", "?", "?", "?", "3", "?", "?", "?", "0"]


def test_a_switch_without_an_uplink_of_the_host_is_a_dash():
    assert rows(EXPECTED, {"hv1": host(1)}, {"tor9": switch("tor1")}, [])[0]["at tor9"] == "-"


def test_the_table_has_a_header_a_rule_and_a_line_for_each_host():
    lines = table(rows(EXPECTED, {"hv2": host(2), "hv1": host(1)}, SWITCHES, [])).splitlines()
    assert [line.split()[0] for line in lines] == ["host", "------", "hv1", "hv2"]


def missing(number: int, switch: str = "tor1") -> Finding:
    return Finding("missing at switch", "hv1", switch, f"10.64.0.{number}/32", "no path", "next hop 10.1.1.1")


def test_few_findings_are_told_one_by_one():
    findings = [missing(1), missing(2), Finding("not readable", None, "tor2", None, "no answer", "its routes")]
    assert told(findings) == [(finding.host, finding.text) for finding in findings]


def test_of_many_of_a_kind_the_first_are_told_and_the_others_counted():
    lines = [text for _host, text in told([missing(number) for number in range(1, 31)], shown=3)]
    assert lines == [*(missing(number).text for number in (1, 2, 3)), "hv1 at tor1: and 27 more missing at switch"]


def test_each_switch_and_kind_is_counted_for_itself():
    findings = [missing(1), missing(1, "tor2"), missing(2), missing(2, "tor2")]
    assert [text for _host, text in told(findings, shown=1)] == [
        missing(1).text,
        "hv1 at tor1: and 1 more missing at switch",
        missing(1, "tor2").text,
        "hv1 at tor2: and 1 more missing at switch",
    ]
