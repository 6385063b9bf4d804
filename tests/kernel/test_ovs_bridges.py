"""ovs_bridges against a real Open vSwitch: what is ours is set, and nothing else is ever touched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .conftest import link, run
from .open_vswitch import OpenVswitch, open_vswitch

MAC = "02:8e:00:00:00:01"
MOBILE = {"name": "br-mobile", "network": "mobile", "mac": MAC}
AGENTS_FLOW = "table=0, priority=4,in_port=1,dl_vlan=1 actions=strip_vlan,NORMAL"

Declare = Callable[..., dict[str, Any]]


@pytest.fixture
def daemons(shell, tmp_path) -> Iterator[OpenVswitch]:
    with open_vswitch(tmp_path) as found:
        yield found


@pytest.fixture
def switch(daemons) -> OpenVswitch:
    daemons.start()
    return daemons


@pytest.fixture
def declare(daemons, module, monkeypatch) -> Declare:
    """Run the module with the whole wanted set."""
    for name, value in daemons.environment().items():
        monkeypatch.setitem(os.environ, name, value)

    def execute(*bridges: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        options = {"datapath_type": "netdev", "database": daemons.database, "timeout": 60, **arguments}
        return module("ovs_bridges", bridges=list(bridges), **options)

    return execute


def bridges(switch: OpenVswitch) -> set[str]:
    return set(switch.vsctl("list-br").split())


def agent(switch: OpenVswitch, bridge: str) -> None:
    """What neutron-openvswitch-agent does with a bridge of its mappings (its br_phys.py and ovs_bridge.py)."""
    inside, outside = f"int-{bridge}", f"phy-{bridge}"
    switch.vsctl(
        *("--", "--may-exist", "add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=netdev"),
        *("--", "set", "Bridge", bridge, "fail_mode=secure", "protocols=OpenFlow10,OpenFlow13", "other_config:x=y"),
        *("--", "set-controller", bridge, "tcp:127.0.0.1:6633"),
        *(
            "--",
            "add-port",
            "br-int",
            inside,
            "--",
            "set",
            "Interface",
            inside,
            "type=patch",
            f"options:peer={outside}",
        ),
        *("--", "add-port", bridge, outside, "--", "set", "Interface", outside, "type=patch", f"options:peer={inside}"),
    )
    switch.command("ovs-ofctl", "-OOpenFlow13", "add-flow", f"{switch.folder}/{bridge}.mgmt", AGENTS_FLOW)


def test_a_bridge_is_made_with_its_mac_and_mtu_and_the_second_run_changes_nothing(switch, declare):
    first = declare({**MOBILE, "mtu": 9000})
    assert (first["changed"], first["created"]) == (True, ["br-mobile"])
    assert (link("br-mobile")["address"], link("br-mobile")["mtu"]) == (MAC, 9000)
    assert switch.vsctl("br-get-external-id", "br-mobile", "roth").strip() == "mobile"
    was = switch.contents()
    second = declare({**MOBILE, "mtu": 9000})
    assert (second["changed"], second["diff"]) == (False, {"before": "", "after": ""})
    assert switch.contents() == was


def test_check_mode_says_the_same_and_makes_nothing(switch, declare):
    foretold = declare(MOBILE, check=True)
    assert bridges(switch) == set()
    done = declare(MOBILE)
    assert foretold["diff"] == done["diff"]
    assert foretold["created"] == done["created"] == ["br-mobile"]
    assert done["diff"]["after"] == f"br-mobile network=mobile datapath_type=netdev hwaddr={MAC} mtu_request=1500\n"


def test_what_an_agent_set_on_our_bridge_stays_in_a_second_run_and_in_a_change(switch, declare):
    declare(MOBILE, fail_mode="standalone")
    agent(switch, "br-mobile")
    was, flows = switch.contents(), switch.flows("br-mobile")
    assert len(flows) == 1
    assert declare(MOBILE, fail_mode="standalone")["changed"] is False
    assert (switch.contents(), switch.flows("br-mobile")) == (was, flows)
    assert declare({**MOBILE, "mtu": 1400}, fail_mode="standalone")["updated"] == ["br-mobile"]
    now = switch.contents()
    assert (now["Bridge"], now["Port"], now["Controller"]) == (was["Bridge"], was["Port"], was["Controller"])
    assert switch.flows("br-mobile") == flows
    assert link("br-mobile")["mtu"] == 1400


def test_addresses_and_routes_over_the_bridge_stay_in_a_second_run(switch, declare):
    declare(MOBILE)
    for command in (
        "ip link set br-mobile addrgenmode none up",  # the state of no other address changes meanwhile
        "ip address add 10.64.0.1/32 dev br-mobile",
        "ip address add 2001:db8:64::1/128 dev br-mobile nodad",
        "ip route add 10.64.1.53/32 dev br-mobile proto 142 table 142",
    ):
        run(command)
    was = [run(f"ip {what}") for what in ("address show dev br-mobile", "route show table 142")]
    assert declare(MOBILE)["changed"] is False
    assert [run(f"ip {what}") for what in ("address show dev br-mobile", "route show table 142")] == was


def test_a_mac_that_drifted_is_set_again(switch, declare):
    declare(MOBILE)
    switch.vsctl("set", "Bridge", "br-mobile", 'other_config:hwaddr="02:00:00:00:00:99"')
    assert link("br-mobile")["address"] == "02:00:00:00:00:99"
    again = declare(MOBILE)
    assert again["updated"] == ["br-mobile"]
    assert "hwaddr=02:00:00:00:00:99" in again["diff"]["before"]
    assert link("br-mobile")["address"] == MAC


def test_a_bridge_of_others_is_refused_and_nothing_is_touched(switch, declare):
    switch.vsctl("add-br", "br-mobile", "--", "set", "Bridge", "br-mobile", "datapath_type=netdev")
    was = switch.contents()
    refused = declare(MOBILE, {**MOBILE, "name": "br-new"})
    assert refused["failed"] is True
    assert refused["msg"] == (
        "br-mobile: Open vSwitch has a bridge of that name that is not ours. Choose another name, or adopt it; nothing "
        "was changed"
    )
    assert switch.contents() == was


def test_an_adopted_bridge_keeps_its_ports_and_is_given_back_as_it_was(switch, declare):
    switch.vsctl(
        *("add-br", "br-rpn", "--", "set", "Bridge", "br-rpn", "datapath_type=netdev", "external_ids:made-by=kolla"),
        *("--", "set", "Bridge", "br-rpn", 'other_config:hwaddr="02:00:00:00:00:42"', "--", "add-port", "br-rpn", "v0"),
    )
    agent(switch, "br-rpn")
    was, flows = switch.contents(), switch.flows("br-rpn")
    wanted = {**MOBILE, "name": "br-rpn", "mtu": 1450}
    assert declare(wanted, adopt=["br-rpn"])["adopted"] == ["br-rpn"]
    assert (link("br-rpn")["address"], link("br-rpn")["mtu"]) == (MAC, 1450)
    assert declare(wanted, adopt=["br-rpn"])["changed"] is False
    assert declare(wanted)["changed"] is False
    given_back = declare()
    assert (given_back["released"], given_back["removed"]) == (["br-rpn"], [])
    assert (switch.contents(), switch.flows("br-rpn")) == (was, flows)
    assert link("br-rpn")["address"] == "02:00:00:00:00:42"
    assert declare()["changed"] is False


def test_a_bridge_goes_with_its_network_and_patch_ports_do_not_hold_it(switch, declare):
    switch.vsctl("add-br", "br-other", "--", "set", "Bridge", "br-other", "datapath_type=netdev")
    declare(MOBILE, {**MOBILE, "name": "br-pinned", "network": "pinned"})
    agent(switch, "br-pinned")
    assert declare(MOBILE)["removed"] == ["br-pinned"]
    assert bridges(switch) == {"br-mobile", "br-other", "br-int"}
    assert "int-br-pinned" in switch.vsctl("list-ports", "br-int")


def test_a_bridge_with_an_instance_on_it_goes_only_when_that_is_wished_for(switch, declare):
    declare(MOBILE)
    switch.vsctl("add-port", "br-mobile", "v0")
    was = switch.contents()
    refused = declare()
    assert refused["msg"] == (
        "br-mobile: no network has this bridge any more, and these ports are still on it: v0. Remove them first; "
        "nothing was changed"
    )
    assert switch.contents() == was
    assert declare(remove_in_use=True)["removed"] == ["br-mobile"]
    assert bridges(switch) == set()
    assert link("v0")["ifname"] == "v0"


def test_a_bridge_with_another_datapath_is_refused_since_making_it_anew_would_cut_it(switch, declare):
    declare(MOBILE)
    refused = declare(MOBILE, datapath_type="system")
    assert refused["msg"] == "br-mobile: expected datapath_type system, it is netdev; nothing was changed"
    assert switch.vsctl("get", "Bridge", "br-mobile", "datapath_type").strip() == "netdev"


def test_a_bridge_that_open_vswitch_cannot_make_is_reported_and_taken_back(switch, declare):
    refused = declare(MOBILE, datapath_type="nonsense")
    assert refused["msg"] == (
        "Open vSwitch: br-mobile: ovs-vswitchd could not make it (datapath_type nonsense), see its log"
    )
    assert bridges(switch) == set()


def test_without_ovs_vswitchd_the_wait_ends_and_nothing_is_left(daemons, declare):
    daemons.start(switch=False)
    refused = declare(MOBILE, timeout=5)
    assert refused["msg"] == "Open vSwitch: timed out, does ovs-vswitchd run?"
    assert bridges(daemons) == set()


def test_a_host_without_a_database_has_nothing_to_give_back(declare, tmp_path):
    nothing = declare()
    assert nothing["changed"] is False
    assert nothing["unavailable"] == (
        f"Open vSwitch's database does not answer: unix:{tmp_path}/db.sock: database connection failed (No such file "
        "or directory)"
    )


def test_a_host_without_ovs_vsctl_is_told_what_it_lacks(declare, monkeypatch, tmp_path):
    monkeypatch.setattr("ansible.module_utils.basic.AnsibleModule.get_bin_path", lambda *_arguments, **_options: None)
    assert declare(MOBILE)["msg"] == (
        "ovs-vsctl is not there, Open vSwitch is not installed. It is needed for br-mobile, and not installed or "
        "started by this collection"
    )
