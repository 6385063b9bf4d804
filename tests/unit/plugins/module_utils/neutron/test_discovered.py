"""From Neutron's agents, segments and subnets to hosts and provider networks."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.neutron.discovered import Answers, Discovered, discover
from ansible_collections.roth.fabric.plugins.module_utils.wanted.networks import provider_networks
from ansible_collections.roth.fabric.plugins.module_utils.wanted.neutron_networks import routed_networks

ROOT = Path(__file__).resolve().parents[5]
OVS = "Open vSwitch agent"
REPORTED = {
    "arp_responder_enabled": False,
    "baremetal_smartnic": False,
    "datapath_type": "netdev",
    "devices": 0,
    "enable_distributed_routing": False,
    "extensions": ["dhcp"],
    "in_distributed_mode": False,
    "integration_bridge": "br-int",
    "l2_population": False,
    "ovs_capabilities": {
        "datapath_types": ["netdev", "system"],
        "iface_types": ["geneve", "internal", "lisp", "patch", "system", "tap", "vxlan"],
    },
    "ovs_hybrid_plug": False,
    "tunnel_types": [],
    "tunneling_ip": None,
    "vhostuser_socket_dir": "/var/run/openvswitch",
}
"""What neutron-openvswitch-agent 29 reports on Open vSwitch 3.1 (its ovs_neutron_agent.py), beside its mappings."""


def agent(host: str, alive: bool = True, kind: str = OVS, **mappings: str) -> dict[str, object]:
    return {
        "id": f"agent-{host}",
        "agent_type": kind,
        "host": host,
        "alive": alive,
        "configurations": {"bridge_mappings": {name.replace("_", "-"): bridge for name, bridge in mappings.items()}},
    }


def reporting(*hosts: dict[str, object]) -> Answers:
    """Both hosts' agents report the mappings of `answers`, and these configurations."""
    agents = []
    for host, given in zip(("hv1", "hv2"), hosts, strict=True):
        row = agent(host, **{f"rpn_{host}": "br-mobile", f"pin_{host}": "br-pinned"})
        agents.append({**row, "configurations": {**given, **row["configurations"]}})  # type: ignore[dict-item]
    return answers(agents=agents)


def segment(network: str, physical_network: str) -> dict[str, object]:
    return {
        "id": f"segment-{physical_network}",
        "network_id": f"id-{network}",
        "network_type": "flat",
        "physical_network": physical_network,
        "segmentation_id": None,
    }


def subnet(network: str, cidr: str, gateway: str, physical_network: str | None = None) -> dict[str, object]:
    return {
        "id": f"subnet-{cidr}",
        "network_id": f"id-{network}",
        "cidr": cidr,
        "gateway_ip": gateway,
        "segment_id": physical_network and f"segment-{physical_network}",
    }


def answers(**changed: list[dict[str, object]]) -> Answers:
    both = {
        "agents": [
            agent("hv2", alive=False, rpn_hv2="br-mobile", pin_hv2="br-pinned"),
            agent("hv1", rpn_hv1="br-mobile", pin_hv1="br-pinned"),
            agent("net1", kind="L3 agent"),
            agent("other", datacentre="br-ex"),
        ],
        "networks": [{"id": f"id-{name}", "name": name, "mtu": 1500} for name in ("mobile", "pinned", "tenant")],
        "segments": [
            segment(name, f"{short}-{host}")
            for name, short in (("mobile", "rpn"), ("pinned", "pin"))
            for host in ("hv1", "hv2")
        ],
        "subnets": [
            subnet("mobile", "10.64.0.0/16", "10.64.0.1"),
            subnet("mobile", "2001:db8:64::/64", "2001:db8:64::1"),
            subnet("pinned", "198.51.100.0/26", "198.51.100.1", "pin-hv1"),
            subnet("pinned", "198.51.100.64/26", "198.51.100.65", "pin-hv2"),
        ],
    }
    return both | changed


def vlan(network: str, physical_network: str, number: int) -> dict[str, object]:
    given = segment(network, physical_network)
    return {**given, "id": f"segment-{number}", "network_type": "vlan", "segmentation_id": number}


def three_on_hv1() -> Answers:
    """Network pinned with three VLANs on hv1 and a flat segment on hv2."""
    segments = [it for it in answers()["segments"] if it["physical_network"] != "pin-hv1"]
    subnets = [it for it in answers()["subnets"] if it["segment_id"] != "segment-pin-hv1"]
    for number in (101, 102, 103):
        segments.append(vlan("pinned", "pin-hv1", number))
        subnets.append(
            {**subnet("pinned", f"10.{number}.0.0/24", f"10.{number}.0.1"), "segment_id": f"segment-{number}"}
        )
    return answers(segments=segments, subnets=subnets)  # type: ignore[arg-type]


PINNED = [subnet("pinned", "10.0.0.0/24", "10.0.0.1", "pin-hv1")]


def found(given: Answers, **settings: dict[str, object]) -> Discovered:
    return discover(given, ["mobile", "pinned"], settings, [OVS])


def test_hosts_are_those_whose_agent_maps_a_segment_of_the_networks() -> None:
    assert [(host.name, host.alive) for host in found(answers()).hosts] == [("hv1", True), ("hv2", False)]


def test_each_host_has_its_own_segments() -> None:
    hosts = found(answers()).hosts
    assert [segment.physical_network for segment in hosts[0].segments] == ["rpn-hv1", "pin-hv1"]


def test_each_host_names_its_physical_networks_by_network() -> None:
    assert found(answers()).hosts[1].physical_networks == {"mobile": ["rpn-hv2"], "pinned": ["pin-hv2"]}


def test_networks_are_as_the_roles_take_them() -> None:
    mobile, pinned = provider_networks(found(answers()).networks)
    assert (mobile.name, mobile.bridge, mobile.plan) == ("mobile", "br-mobile", "spanning")
    assert (pinned.bridge, pinned.plan) == ("br-pinned", "pinned")
    assert [(str(it.prefix), str(it.gateway), it.host) for it in pinned.subnets] == [
        ("198.51.100.0/26", "198.51.100.1", "hv1"),
        ("198.51.100.64/26", "198.51.100.65", "hv2"),
    ]


def test_settings_win_over_what_neutron_says() -> None:
    mobile, _pinned = found(answers(), mobile={"gateway_mac": "02:8e:00:00:00:01", "mtu": 9000}).networks
    assert (mobile["gateway_mac"], mobile["mtu"]) == ("02:8e:00:00:00:01", 9000)


def test_a_network_may_be_named_by_its_id() -> None:
    assert discover(answers(), ["id-mobile"], {}, [OVS]).networks[0]["name"] == "mobile"


def test_a_subnet_for_routed_addresses_alone_is_left_out_beside_pinned_ones() -> None:
    routed = {**subnet("pinned", "203.0.113.0/24", "203.0.113.1"), "service_types": ["network:routed"]}
    both = [*answers()["subnets"], routed]
    pinned = found(answers(subnets=both)).networks[1]
    assert (pinned["plan"], [entry["cidr"] for entry in pinned["subnets"]]) == (
        "pinned",
        ["198.51.100.0/26", "198.51.100.64/26"],
    )


def test_a_pinned_subnet_whose_segment_no_host_has_is_left_out_and_told() -> None:
    gone = answers(agents=[agent("hv1", rpn_hv1="br-mobile", pin_hv1="br-pinned")])
    assert found(gone).unused == ("198.51.100.64/26 of network pinned",)
    assert [entry["host"] for entry in found(gone).networks[1]["subnets"]] == ["hv1"]


def test_of_several_segments_on_a_host_each_subnet_names_its_own() -> None:
    _mobile, pinned = found(three_on_hv1()).networks
    assert [(it["host"], it["physical_network"], it.get("segmentation_id")) for it in pinned["subnets"]] == [
        ("hv2", "pin-hv2", None),
        ("hv1", "pin-hv1", 101),
        ("hv1", "pin-hv1", 102),
        ("hv1", "pin-hv1", 103),
    ]
    assert "segmentation_id" not in pinned


def test_several_vlans_of_a_physical_network_are_one_physical_network_of_the_host() -> None:
    assert found(three_on_hv1()).hosts[0].physical_networks["pinned"] == ["pin-hv1"]


def test_what_was_found_of_several_segments_is_what_neutron_has() -> None:
    given = three_on_hv1()
    hosts = {
        host.name: {"roth_provider_networks": found(given).networks, "roth_physical_networks": host.physical_networks}
        for host in found(given).hosts
    }
    options = {str(it["name"]): it for it in routed_networks(hosts, sorted(hosts))}["pinned"]
    wanted = {(it["physical_network"], it.get("segmentation_id")) for it in options["segments"]}  # type: ignore[attr-defined]
    assert wanted == {("pin-hv1", 101), ("pin-hv1", 102), ("pin-hv1", 103), ("pin-hv2", None)}


def test_one_vlan_on_all_hosts_is_the_networks() -> None:
    segments = [vlan("pinned", f"pin-hv{number}", 7) | {"id": f"segment-pin-hv{number}"} for number in (1, 2)]
    others = [it for it in answers()["segments"] if it["network_id"] == "id-mobile"]
    _mobile, pinned = found(answers(segments=[*others, *segments])).networks  # type: ignore[list-item]
    assert pinned["segmentation_id"] == 7
    assert all("physical_network" not in it for it in pinned["subnets"])  # type: ignore[attr-defined]


def test_a_bridge_of_the_settings_stands_for_those_of_the_mappings() -> None:
    differ = answers(agents=[agent("hv1", rpn_hv1="br-a", pin_hv1="br-pinned"), agent("hv2", rpn_hv2="br-b")])
    mobile, _pinned = found(differ, mobile={"bridge": "br-mobile"}).networks
    assert mobile["bridge"] == "br-mobile"


def kinds(given: Answers, **settings: dict[str, object]) -> list[object]:
    return [network.get("bridge_kind") for network in found(given, **settings).networks]


def test_where_all_agents_say_that_they_run_on_open_vswitch_bridges_are_its() -> None:
    assert kinds(reporting(REPORTED, REPORTED)) == ["openvswitch", "openvswitch"]


@pytest.mark.parametrize(
    "other",
    [
        {},
        {**REPORTED, "ovs_capabilities": {"datapath_types": [], "iface_types": []}},
        {**REPORTED, "ovs_capabilities": None},
        {**REPORTED, "ovs_capabilities": {"datapath_types": "netdev", "iface_types": "patch"}},
        {**REPORTED, "datapath_type": "dpdk"},
        {key: value for key, value in REPORTED.items() if key != "ovs_capabilities"},
    ],
    ids=["nothing", "empty lists", "null", "texts", "another datapath", "an old agent"],
)
def test_where_one_agent_says_no_such_thing_the_kind_is_left_open(other: dict[str, object]) -> None:
    assert kinds(reporting(REPORTED, other)) == [None, None]


def test_a_row_that_the_lab_wrote_for_hosts_with_linux_bridges_says_no_such_thing() -> None:
    script = ROOT / "molecule/lab/controller-root/min/usr/local/lib/neutron/database.py"
    assigned = [node for node in ast.walk(ast.parse(script.read_text())) if isinstance(node, ast.Assign)]
    (found,) = [node.value for node in assigned if ast.unparse(node.targets[0]) == "configuration"]
    assert isinstance(found, ast.Dict)
    pairs = {ast.unparse(key or found): value for key, value in zip(found.keys, found.values, strict=True)}
    row = {ast.literal_eval(key): ast.literal_eval(value) for key, value in pairs.items() if "mappings" not in key}
    assert {"datapath_type", "ovs_capabilities"} <= row.keys()
    assert kinds(reporting(row, row)) == [None, None]


def test_agents_of_another_type_say_nothing_of_open_vswitch() -> None:
    agents = [{**row, "agent_type": "Other agent"} for row in reporting(REPORTED, REPORTED)["agents"]]
    networks = discover(answers(agents=agents), ["mobile"], {}, ["Other agent"]).networks
    assert "bridge_kind" not in networks[0]


def test_only_agents_that_map_the_network_are_asked_for_its_kind() -> None:
    agents = [*reporting(REPORTED, REPORTED)["agents"], agent("hv3", rpn_hv3="br-mobile")]
    segments = [*answers()["segments"], segment("mobile", "rpn-hv3")]
    assert kinds(answers(agents=agents, segments=segments)) == [None, "openvswitch"]  # type: ignore[list-item]


def test_the_kind_of_the_settings_wins_over_what_agents_say() -> None:
    given = reporting(REPORTED, REPORTED)
    assert kinds(given, pinned={"bridge_kind": "linux"}) == ["openvswitch", "linux"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            answers(networks=[]),
            "network 'mobile' is not in Neutron, or these credentials do not see it",
        ),
        (
            answers(networks=[{"id": str(n), "name": "mobile", "mtu": 1500} for n in range(2)]),
            "2 networks are named 'mobile': give the id instead",
        ),
        (
            answers(subnets=[*PINNED, subnet("pinned", "10.1.0.0/24", "10.1.0.1")]),
            "network pinned: 10.1.0.0/24 without a segment beside subnets with one: expected all or none",
        ),
        (
            answers(agents=[agent("hv1", rpn_hv1="br-mobile"), agent("hv2", rpn_hv2="br-rpn")]),
            "network mobile: its bridges differ (br-mobile on hv1; br-rpn on hv2): expected one name on all hosts, or"
            " bridge in network_settings",
        ),
        (
            answers(agents=[agent("hv1", rpn_hv1="br-mobile"), agent("hv1", kind="Other agent", rpn_hv1="br-mobile")]),
            "several agents on hv1: expected one of Open vSwitch agent, Other agent a host",
        ),
        (
            answers(agents=[]),
            "network mobile: no host maps one of its physical networks to a bridge",
        ),
        (
            answers(
                agents=[agent(name, rpn_hv1="br-mobile", pin_hv1="br-pinned") for name in ("hv1", "hv2")],
            ),
            "network pinned: the segment of 198.51.100.0/26 is on hv1, hv2: expected a segment of one host",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_an_inventory_is_named(given: Answers, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        discover(given, ["mobile", "pinned"], {}, [OVS, "Other agent"])
    assert str(raised.value) == message


def test_settings_of_an_unknown_network_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^network_settings: mobil: expected names of mobile, pinned$"):
        found(answers(), mobil={})
