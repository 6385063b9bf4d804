"""Broken inventories and the exact words that refuse them; broken.yml is the table."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.roth.fabric.plugins.module_utils.inventory.model import Inventory
from ansible_collections.roth.fabric.plugins.module_utils.inventory.problems import readable
from ansible_collections.roth.fabric.plugins.module_utils.inventory.schema import VARIABLES
from ansible_collections.roth.fabric.plugins.module_utils.inventory.validate import validate
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import NeutronError
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[4]
CASES = yaml.safe_load((FOLDER / "broken.yml").read_text())
PORTS = """{"networks": [{"id": "1", "name": "mobile", "subnets": []}, {"id": "2", "name": "pinned", "subnets": []}],
            "subnets": [], "ports": []}"""


def good():
    # A deep copy by text: YAML anchors would share one object between hosts.
    loaded = yaml.safe_load((FOLDER / "good.yml").read_text())
    return {key: copy.deepcopy(value) for key, value in loaded.items()} | {
        "hosts": {host: copy.deepcopy(variables) for host, variables in loaded["hosts"].items()}
    }


def steps(path):
    return [int(part[1:-1]) if part.startswith("[") else part for part in re.findall(r"\[\d+\]|[^.\[]+", path)]


def change(hosts, path, value=None, remove=False):
    host, _dot, rest = path.partition(".")
    *way, last = steps(rest)
    for name in hosts if host == "*" else [host]:
        place = hosts[name]
        if host == "*" and way and way[0] not in place:
            continue
        for step in way:
            place = place[step]
        if remove:
            del place[last]
        else:
            place[last] = copy.deepcopy(value)


def judged(content, ports=PORTS, unreadable=None):
    def read_text(path):
        assert path == "/ports.json"
        if ports is None:
            raise FileNotFoundError(2, "No such file or directory")
        return ports

    inventory = Inventory(
        content["hosts"], content["hypervisors"], content["switches"], read_text, unreadable=unreadable or {}
    )
    return validate(inventory)


def test_a_good_inventory_has_no_problem():
    assert readable(judged(good())) == ""


@pytest.mark.parametrize("case", CASES, ids=[case["title"].replace(" ", "_") for case in CASES])
def test_broken_inventory_is_refused_with_host_variable_value_and_expectation(case):
    content = good()
    for path, value in case.get("set", {}).items():
        change(content["hosts"], path, value)
    for path in case.get("remove", []):
        change(content["hosts"], path, remove=True)
    text = readable(judged(content, case.get("ports", PORTS)))
    assert text == case["expect"]
    assert "my-key" not in text
    assert 'my"key' not in text


@pytest.mark.parametrize("other", ["br-provider", "br-of-hv2"])
def test_a_network_beside_the_agents_bridge_has_no_problem_whatever_that_one_is_called_on_another_host(other):
    content = good()
    for path, value in {
        "*.roth_provider_networks[1].agent_bridge": "br-provider",
        "hv2.roth_provider_networks[1].agent_bridge": other,
        "*.roth_provider_networks[1].subnets[0].segmentation_id": 101,
        "*.roth_provider_networks[1].subnets[1].segmentation_id": 101,
    }.items():
        change(content["hosts"], path, value)
    assert judged(content) == []


def test_titles_are_unique():
    titles = [case["title"] for case in CASES]
    assert len(titles) == len(set(titles))


def test_keys_appear_in_no_problem_wherever_they_stand():
    content = good()
    content["hosts"]["hv1"]["roth_uplinks"] = {"password": "topsecret"}
    content["hosts"]["hv2"]["roth_uplinks"] = "name=up0 password=topsecret"
    content["hosts"]["tor1"]["roth_switch_uplinks"] = [{"password": {"key": "topsecret"}}]
    content["hosts"]["tor2"]["roth_md5"] = "topsecret"
    problems = judged(content)
    assert {problem.host for problem in problems} == {"hv1", "hv2", "tor1", "tor2"}
    assert "topsecret" not in readable(problems)


def test_all_problems_are_told_at_once():
    content = good()
    change(content["hosts"], "hv1.roth_asn", 0)
    change(content["hosts"], "hv2.roth_uplinks[0].ipv4", "nonsense")
    change(content["hosts"], "tor1.roth_switch_software", "ios")
    assert [problem.host for problem in judged(content)] == ["hv1", "hv2", "tor1"]


def test_a_variable_that_cannot_be_templated_is_named():
    content = good()
    del content["hosts"]["hv1"]["roth_asn"]
    text = readable(
        judged(content, unreadable={("hv1", "roth_asn"): "a value that can be templated ('x' is undefined)"})
    )
    assert text == "hv1: roth_asn cannot be read: expected a value that can be templated ('x' is undefined)"


def test_an_inventory_without_hypervisors_is_refused():
    assert "at least one host in it" in readable(judged({**good(), "hypervisors": []}))


def test_a_host_cannot_be_hypervisor_and_switch():
    text = readable(judged({**good(), "switches": ["tor1", "tor2", "hv1"]}))
    assert "hv1: group_names = ['hypervisors', 'tors']: expected one of the two groups" in text


def test_hosts_that_share_a_wrong_value_share_a_line():
    content = good()
    for number in range(3, 8):
        content["hosts"][f"hv{number}"] = {**copy.deepcopy(content["hosts"]["hv1"]), "roth_hold_time": 2}
        content["hypervisors"].append(f"hv{number}")
    lines = [line for line in readable(judged(content)).splitlines() if "roth_hold_time" in line]
    assert lines == [
        "hv3, hv4, hv5 and 2 more: roth_hold_time = 2: expected 0 or a whole number from 3 to 65535 seconds"
    ]


def test_preflight_knows_every_shared_variable():
    specification = yaml.safe_load((ROOT / "roles" / "common" / "meta" / "argument_specs.yml").read_text())
    named = set(specification["argument_specs"]["main"]["options"])
    for inventory in ROOT.glob("inventories/*/*_vars/*.yml"):
        named |= {key for key in yaml.safe_load(inventory.read_text()) or {} if key.startswith("roth_")}
    assert "roth_uplinks" in named
    assert named - set(VARIABLES) == set()


def test_preflight_knows_every_key_of_the_shared_structures():
    specification = yaml.safe_load((ROOT / "roles" / "common" / "meta" / "argument_specs.yml").read_text())
    options = specification["argument_specs"]["main"]["options"]
    for name in ("roth_uplinks", "roth_provider_networks"):
        assert set(options[name]["options"]) == set(VARIABLES[name].item.keys), name
    assert set(options["roth_bfd_profile"]["options"]) == set(VARIABLES["roth_bfd_profile"].keys)


ABSURD = [
    (
        "hv1.roth_uplinks[0].tor",
        "t" * 1_000_000,
        f"hv1: roth_uplinks[0].tor = '{'t' * 78}…: expected a switch of this inventory (tor1, tor2)",
    ),
    ("hv1.roth_asn", 10**40, f"hv1: roth_asn = {10**40}: expected an AS number that is not reserved, such as "
     "64512-65534 or 4200000000-4294967294"),
    ("hv1.roth_asn", 10**5000, "hv1: roth_asn = (a number of thousands of digits): expected an AS number that is not "
     "reserved, such as 64512-65534 or 4200000000-4294967294"),
    (
        "hv1.roth_uplinks[0].name\n  neighbor tor1 remote-as 1",
        "x",
        "hv1: roth_uplinks[0].'name\\n  neighbor tor1 remote-as 1' is unknown: expected one of bfd, "
        "ipv4, ipv6, mtu, name, password, peer_asn, peer_ipv4, peer_ipv6, tor",
    ),
    (
        "hv1.roth_uplinks[0]." + "k" * 1_000_000,
        "x",
        f"hv1: roth_uplinks[0].'{'k' * 78}… is unknown: expected one of bfd, ipv4, ipv6, mtu, name, password, "
        "peer_asn, peer_ipv4, peer_ipv6, tor",
    ),
    (
        "hv1.roth_table\r",
        7,
        "hv1: 'roth_table\\r' is unknown: expected a known name, did you mean roth_table?",
    ),
    (
        "hv1.roth_loopback_ipv4",
        "192.0.2.11\0",
        "hv1: roth_loopback_ipv4 = '192.0.2.11\\x00': expected no control characters and no line breaks",
    ),
    (
        "hv1.roth_ports_file",
        "/ports.json\x1b[2J",
        "hv1: roth_ports_file = '/ports.json\\x1b[2J': expected no control characters and no line breaks",
    ),
    (
        "tor1.roth_switch_ports",
        {"hv1": "swp1\nhostname x"},
        "tor1: roth_switch_ports.hv1 = 'swp1\\nhostname x': expected no control characters and no line breaks",
    ),
    (
        "tor1.roth_switch_ports",
        {"hv1\n": "swp1"},
        "tor1: roth_switch_ports.'hv1\\n' is missing: expected a hypervisor's name (hv1, hv2)",
    ),
    (
        "hv1.roth_port_device_owners[0]",
        "compute:\u2028",
        "hv1: roth_port_device_owners[0] = 'compute:\\u2028': expected no control characters and no line breaks",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "expected"), ABSURD, ids=range(len(ABSURD)))
def test_absurd_values_are_refused_in_a_short_line(path, value, expected):
    content = good()
    change(content["hosts"], path, value)
    assert readable(judged(content)) == expected


def test_one_broken_uplink_in_ten_thousand_is_found_by_its_place():
    content = good()
    sound = content["hosts"]["hv1"]["roth_uplinks"][0]
    content["hosts"]["hv1"]["roth_uplinks"] = [dict(sound) for _number in range(10_000)]
    content["hosts"]["hv1"]["roth_uplinks"][7_777]["ipv4"] = "10.1.1.300/31"
    assert readable(judged(content)) == (
        "hv1: roth_uplinks[7777].ipv4 = '10.1.1.300/31': expected an IPv4 address with its length, such as 10.1.1.1/31"
    )


def test_a_value_of_many_levels_is_refused():
    value = "x"
    for _level in range(5000):
        value = [value]
    content = good()
    content["hosts"]["hv1"]["roth_uplinks"][0]["mtu"] = value
    assert readable(judged(content)) == (
        "hv1: roth_uplinks is nested too deeply: expected a few levels, as in the documentation"
    )


def test_a_port_document_of_many_levels_is_refused():
    text = readable(judged(good(), ports="[" * 100_000))
    assert text == (
        "hv1, hv2: roth_ports_file = '/ports.json': expected JSON of a few levels, this is nested too deeply"
    )


def judged_with_cloud(answer, **variables):
    """As judged, where every host reads its ports from Neutron."""
    content = good()
    asked = []

    def read_cloud(name, networks, timeout, floating):
        asked.append((name, networks, timeout, floating))
        if isinstance(answer, Exception):
            raise answer
        return answer

    for host in content["hypervisors"]:
        content["hosts"][host].update({"roth_neutron_cloud": "hq", **variables})
    inventory = Inventory(
        content["hosts"], content["hypervisors"], content["switches"], lambda path: "no file", read_cloud=read_cloud
    )
    return readable(validate(inventory)), asked


def test_ports_are_read_from_neutron_once_and_the_file_is_not_read():
    text, asked = judged_with_cloud(json.loads(PORTS), roth_neutron_timeout=7)
    assert (text, asked) == ("", [("hq", ["mobile", "pinned"], 7.0, [])])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            NeutronError("unreachable", "GET http://x/v2.0/networks: connection refused"),
            "a Neutron that gives a whole answer (GET http://x/v2.0/networks: connection refused)",
        ),
        (
            {"networks": [], "subnets": [], "ports": [1]},
            "a Neutron that gives a whole answer (ports[0] is int, expected a mapping)",
        ),
        (
            {"networks": [], "subnets": [], "ports": []},
            "an answer that fits roth_provider_networks (port document: network 'mobile' of roth_provider_networks is"
            " not in it)",
        ),
    ],
)
def test_a_neutron_that_does_not_answer_whole_is_refused_before_anything_is_touched(answer, expected):
    text, _asked = judged_with_cloud(answer)
    assert text == f"hv1, hv2: roth_neutron_cloud = 'hq': expected {expected}"


def test_floating_ips_are_read_of_the_networks_that_announce_them():
    content = good()
    asked = []

    def read_cloud(name, networks, timeout, floating):
        asked.append(floating)
        return json.loads(PORTS)

    for host in content["hypervisors"]:
        content["hosts"][host].update(roth_neutron_cloud="hq")
        content["hosts"][host]["roth_provider_networks"][0]["floating_ips"] = True
    inventory = Inventory(
        content["hosts"], content["hypervisors"], content["switches"], lambda path: "no file", read_cloud=read_cloud
    )
    assert readable(validate(inventory)) == (
        "hv1, hv2: roth_neutron_cloud = 'hq': expected an answer that fits roth_provider_networks (port document:"
        " 'floatingips' is missing, which network mobile announces)"
    )
    assert asked == [["mobile"]]


def test_without_ports_neither_file_nor_neutron_is_read():
    def read(*_arguments):
        raise AssertionError("it was read")

    content = good()
    content["hosts"]["hv1"]["roth_neutron_cloud"] = "hq"
    inventory = Inventory(content["hosts"], content["hypervisors"], content["switches"], read, read_cloud=read)
    assert validate(inventory, ports=False) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.ip_addresses().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_whatever_stands_in_an_inventory_it_is_judged_in_printable_lines_without_keys(data):
    content = good()
    place = content["hosts"]
    while True:
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        if (
            not isinstance(place[key], (dict, list))
            or not place[key]
            or (place is not content["hosts"] and data.draw(st.booleans()))
        ):
            break
        place = place[key]
    if place is not content["hosts"]:
        place[key] = data.draw(json_values)
    lines = readable(judged(content)).splitlines()
    assert all(line.isprintable() and len(line) < 2000 for line in lines)
    assert not any("topsecret" in line for line in lines)
