"""From what was read of hosts and switches to what is compared."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.reconcile.findings import disagreements
from ansible_collections.roth.fabric.plugins.module_utils.reconcile.model import Kind
from ansible_collections.roth.fabric.plugins.module_utils.report.expectation import expectations
from ansible_collections.roth.fabric.plugins.module_utils.report.hosts import Announcement, HostState, TableRoute
from ansible_collections.roth.fabric.plugins.module_utils.report.switches import Path as SwitchPath
from ansible_collections.roth.fabric.plugins.module_utils.report.switches import SwitchState
from ansible_collections.roth.fabric.plugins.module_utils.report.truth import world
from ansible_collections.roth.fabric.plugins.module_utils.wanted.document import read_document

from tests.unit.plugins.lab_inventory import DOCUMENT as RAW
from tests.unit.plugins.lab_inventory import HOSTS, variables_of_all

DOCUMENT = read_document(RAW)
VARIABLES = variables_of_all()
EXPECTED = expectations(VARIABLES, HOSTS, DOCUMENT)
MINE = "10.64.1.53/32"


def well(name: str) -> HostState:
    """A host that does what is wanted."""
    wanted = EXPECTED[name]
    return HostState(
        announced=tuple(
            TableRoute(str(it.prefix), it.kind.name.lower(), it.device, it.metric, 142) for it in wanted.routes
        ),
        adj_rib_out=frozenset(
            Announcement(it.peer, prefix, it.local)
            for it in wanted.peerings
            for prefix in wanted.prefixes
            if ip_network(prefix).version == (6 if it.family == "ipv6" else 4)
        ),
    )


def switch(name: str) -> SwitchState:
    """A switch that has all of them."""
    return SwitchState(
        paths=tuple(
            SwitchPath(route.prefix, item.local, item.local, best=True, stale=False)
            for host in HOSTS
            for item in EXPECTED[host].peerings
            if item.tor == name
            for route in well(host).adj_rib_out or ()
            if route.peer == item.peer
        )
    )


STATES = {name: well(name) for name in HOSTS}
SWITCHES = {name: switch(name) for name in ("tor1", "tor2")}


def found(**states: HostState):
    return disagreements(world(VARIABLES, HOSTS, DOCUMENT, {**STATES, **states}, SWITCHES))


def test_a_lab_in_which_all_do_what_is_wanted_agrees() -> None:
    assert found() == []


def test_aggregates_need_their_blackhole() -> None:
    state = STATES["hv1"]
    less = replace(state, announced=tuple(it for it in state.announced or () if it.kind != "blackhole"))
    assert {(each.kind, each.prefix) for each in found(hv1=less)} == {
        (Kind.MISSING, "198.51.100.0/26"),
        (Kind.MISSING, "2001:db8:100::/64"),
    }
    assert all(each.install[0].startswith("blackhole ") for each in found(hv1=less))


def test_the_port_of_a_finding_is_named() -> None:
    state = STATES["hv1"]
    less = replace(state, announced=tuple(it for it in state.announced or () if it.prefix != MINE))
    (finding,) = found(hv1=less)
    assert finding.port is not None
    assert (finding.port.name, finding.port.host) == ("hv1-vm0", "hv1")


def test_routes_of_other_protocols_are_no_findings_but_in_the_place_of_a_wanted_one() -> None:
    state = STATES["hv1"]
    foreign = TableRoute("10.64.77.8/32", "unicast", "br-mobile", 0, 4)
    assert found(hv1=replace(state, announced=(*(state.announced or ()), foreign))) == []
    taken = tuple(replace(it, protocol=4) if it.prefix == MINE else it for it in state.announced or ())
    (finding,) = found(hv1=replace(state, announced=taken))
    assert finding.reason == f"another protocol has its place: {MINE} dev br-mobile proto 4"
    assert (finding.install, finding.remove) == ((), ())


def test_an_orphan_of_a_port_that_is_down_names_the_port_and_why() -> None:
    state = STATES["hv1"]
    more = TableRoute("10.64.1.191/32", "unicast", "br-mobile", 0, 142)
    finding = found(hv1=replace(state, announced=(*(state.announced or ()), more)))[0]
    assert (finding.kind, finding.reason) == (Kind.ORPHAN, "administratively down")
    assert finding.port is not None and finding.port.name == "hv1-vm5"


@pytest.mark.parametrize(
    ("state", "unread"),
    [
        (HostState(problems=("sh: not found",)), {"host": "sh: not found"}),
        (
            replace(STATES["hv1"], adj_rib_out=None, problems=("bfdd at /x: gone", "agent at /run/x: refused")),
            {"adj-rib-out": "agent at /run/x: refused"},
        ),
        (replace(STATES["hv1"], announced=None, problems=("kernel: EPERM",)), {"kernel": "kernel: EPERM"}),
        (
            HostState(problems=("kernel: EPERM", "agent at /run/x: refused")),
            {"kernel": "kernel: EPERM", "adj-rib-out": "agent at /run/x: refused"},
        ),
        (replace(STATES["hv1"], problems=("bfdd at /x: gone",)), {}),
    ],
    ids=["host", "agent", "kernel", "both", "bfdd"],
)
def test_what_could_not_be_read_is_named_with_the_reason(state: HostState, unread: dict[str, str]) -> None:
    assert world(VARIABLES, HOSTS, DOCUMENT, {"hv1": state}, {}).hosts["hv1"].unread == unread
    kinds = {each.kind for each in disagreements(world(VARIABLES, HOSTS, DOCUMENT, {"hv1": state}, {}))}
    assert (Kind.UNREADABLE in kinds) is bool(unread)


def test_a_drained_uplink_lacks_nothing() -> None:
    state = replace(
        STATES["hv1"],
        drained=frozenset({"up0"}),
        adj_rib_out=frozenset(it for it in STATES["hv1"].adj_rib_out or () if not it.peer.startswith("10.1.")),
    )
    assert found(hv1=state) == []
    assert found(hv1=replace(state, drained=frozenset())) != []


def test_hosts_that_were_not_looked_at_are_marked() -> None:
    part = world(VARIABLES, HOSTS, DOCUMENT, {"hv2": STATES["hv2"]}, SWITCHES)
    assert {name: host.looked_at for name, host in part.hosts.items()} == {"hv1": False, "hv2": True, "hv3": False}
    assert disagreements(part) == []


def test_an_address_that_has_just_arrived_has_its_route_by_another_metric_and_agrees() -> None:
    table = tuple(
        replace(route, metric=142) if route.prefix in (MINE, "2001:db8:64::bd/128") else route
        for route in STATES["hv1"].announced or ()
    )
    assert sum(route.metric == 142 for route in table) == 2
    assert found(hv1=replace(STATES["hv1"], announced=table)) == []
