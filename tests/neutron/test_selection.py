"""What the page's table of selections announces, asked of a real Neutron; and the way to a floating IP."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab import instances
from lab.api import Api
from lab.settings import Settings

from tests.lab.fabric import INVENTORY, ROOT, Fabric, eventually
from tests.lab.playbooks import environment

from .cloud import NEUTRON, play_from_neutron

PROJECT = "5eedc0ffee5eedc0ffee5eedc0ffee00"
HOST, ROUTER_HOST = "hv1", "hv2"
PAIR, SHORT = "10.64.203.1", "10.64.204.0/28"
GATEWAY, FLOATING = "10.64.205.1", "10.64.205.2"
ALL = {"ipv4", "ipv6", "pair"}
"""What of the ports is announced by default: of the port with pairs its addresses and the pair of one address."""
WANTED: dict[str, set[str]] = {
    "subnets: [{cidr: 10.64.0.0/16, gateway: 10.64.0.1}]": {"ipv4", "pair"},
    f"projects: [{PROJECT}]": ALL,
    "tags: [public]": ALL,
    "address_pairs: false": {"ipv4", "ipv6"},
    "pair_prefix_length: {ipv4: 32, ipv6: 128}": ALL,
    "pair_prefix_length: {ipv4: 28}": {*ALL, "prefix"},
    "shared_addresses: anycast": {*ALL, "shared"},
    "floating_ips: true": {*ALL, "gateway", "floating"},
}
OTHERS = ("projects", "tags")
"""Selections that leave out all ports but ours."""


def table() -> list[str]:
    """The keys that the page's table shows, as they stand there."""
    page = (ROOT / "docs" / "neutron.md").read_text()
    section = page.partition("## Choose what is announced")[2].partition("### Floating IPs")[0]
    return re.findall(r"^\|.*\| `(.*)` \|$", section, re.MULTILINE)


def _networks(**changed: object) -> list[dict[str, Any]]:
    written = yaml.safe_load((INVENTORY / "group_vars" / "all.yml").read_text())["roth_provider_networks"]
    return [{**written[0], **changed}, *written[1:]]


def _network(api: Api) -> dict[str, Any]:
    (network,) = api.rows("networks", [("name", "mobile")])
    return network


@pytest.fixture(scope="module")
def chosen(api: Api) -> Iterator[dict[str, set[str]]]:
    """A port with pairs, project and tag, two that share an address, a router with a floating IP: prefixes by kind."""
    network = _network(api)["id"]
    api.update("network", network, **{"router:external": True})
    try:
        yield _made(api, network)
    finally:
        _remove(api)
        api.update("network", network, **{"router:external": False})
        play_from_neutron("sync_ports.yml")


def _port(api: Api, network: str, name: str, pair: list[str], **more: object) -> dict[str, Any]:
    fields = {"binding:host_id": HOST, "device_owner": "compute:nova", "device_id": name, "name": name, **more}
    pairs = [{"ip_address": each} for each in pair]
    made = api.create("port", network_id=network, allowed_address_pairs=pairs, **fields)
    assert made["binding:vif_type"] == "ovs", made
    return made


def _made(api: Api, network: str) -> dict[str, set[str]]:
    mine = _port(api, network, "selected", [PAIR, SHORT], project_id=PROJECT)
    api.request("PUT", f"ports/{mine['id']}/tags", {"tags": ["public"]})
    for name in ("sharing-1", "sharing-2"):
        _port(api, network, name, ["10.64.203.7"])
    flat = {"provider:network_type": "flat", "provider:physical_network": "inside"}
    inside = api.create("network", name="selection-inside", **flat)
    subnet = api.create("subnet", network_id=inside["id"], ip_version=4, cidr="192.168.77.0/24")
    (outside,) = api.rows("subnets", [("network_id", network), ("ip_version", "4")])
    gateway = {"network_id": network, "external_fixed_ips": [{"subnet_id": outside["id"], "ip_address": GATEWAY}]}
    router = api.create("router", name="selection", external_gateway_info=gateway)
    api.request("PUT", f"routers/{router['id']}/add_router_interface", {"subnet_id": subnet["id"]})
    (port,) = api.rows("ports", [("device_id", router["id"]), ("device_owner", "network:router_gateway")])
    bound = api.update("port", port["id"], **{"binding:host_id": ROUTER_HOST})  # what the L3 agent's scheduler does
    assert bound["binding:vif_type"] == "ovs", bound
    behind = api.create("port", network_id=inside["id"], name="selection-behind")
    known = {"floating_network_id": network, "floating_ip_address": FLOATING}
    made = api.create("floatingip", port_id=behind["id"], **known)
    assert made["router_id"] == router["id"], made
    return {
        **{f"ipv{6 if ':' in it else 4}": {f"{it}/{128 if ':' in it else 32}"} for it in _addresses(mine)},
        "pair": {f"{PAIR}/32"},
        "prefix": {SHORT},
        "shared": {"10.64.203.7/32"},
        "gateway": {f"{GATEWAY}/32"},
        "floating": {f"{FLOATING}/32"},
    }


def _addresses(port: dict[str, Any]) -> list[str]:
    return [str(fixed["ip_address"]) for fixed in port["fixed_ips"]]


def _remove(api: Api) -> None:
    for floating in api.rows("floatingips"):
        api.delete("floatingip", floating["id"])
    for router in api.rows("routers", [("name", "selection")]):
        for port in api.rows("ports", [("device_id", router["id"]), ("device_owner", "network:router_interface")]):
            api.request("PUT", f"routers/{router['id']}/remove_router_interface", {"port_id": port["id"]})
        api.delete("router", router["id"])
    for name in ("selected", "sharing-1", "sharing-2", "selection-behind"):
        for port in api.rows("ports", [("name", name)]):
            api.delete("port", port["id"])
    for network in api.rows("networks", [("name", "selection-inside")]):
        api.delete("network", network["id"])


def _announced(**changed: object) -> set[str]:
    """The prefixes that module neutron_ports_info gives for the two hosts, asked as a playbook asks it."""
    arguments = {"cloud": "lab", "networks": _networks(**changed), "hosts": [HOST, ROUTER_HOST]}
    tool = str(Path(sys.executable).with_name("ansible"))
    line = [tool, "localhost", "-m", "roth.fabric.neutron_ports_info", "-a", json.dumps(arguments), "-o"]
    clouds = str(Settings.from_environment().clouds_file)
    more = {"OS_CLIENT_CONFIG_FILE": clouds, "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
    done = subprocess.run(line, cwd=ROOT, env=environment(**more), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.partition("=> ")[2])
    return {route.split()[0] for host in found["hosts"].values() for route in host["routes"]}


def test_the_table_has_every_selection() -> None:
    assert table() == list(WANTED)


@pytest.mark.parametrize("shown", WANTED)
def test_each_selection_of_the_page_announces_what_it_says(chosen: dict[str, set[str]], shown: str) -> None:
    found = _announced(**yaml.safe_load(shown))
    ours = set().union(*chosen.values())
    assert found & ours == set().union(*(chosen[kind] for kind in WANTED[shown]))
    others = {prefix for prefix in found - ours if prefix.startswith("10.64.")}
    assert bool(others) is not shown.startswith(OTHERS), others


@pytest.mark.slow
def test_a_floating_ip_is_reached_at_the_host_of_its_routers_gateway(
    api: Api, chosen: dict[str, set[str]], tmp_path: Path
) -> None:
    """Where the L3 agent would be, an interface stands that has the addresses which it would set."""
    fabric = Fabric.running()
    document = json.loads(json.dumps(fabric.document))
    (gateway,) = [port for port in document["ports"] if port["device_owner"] == "network:router_gateway"]
    gateway.update(device_owner="compute:nova", allowed_address_pairs=[{"ip_address": FLOATING}])
    (tmp_path / "router.json").write_text(json.dumps(document))
    options = ("-e", json.dumps({"roth_provider_networks": _networks(floating_ips=True)}))
    instances.plug(fabric.settings, fabric.topology, NEUTRON, tmp_path / "router.json", [gateway["id"]])
    try:
        play_from_neutron("site.yml", *options, "--limit", ROUTER_HOST, "--tags", "port_watcher,instance_routes")
        play_from_neutron("sync_ports.yml", *options)
        answers = fabric.reach("client", [FLOATING, GATEWAY], 60)
        assert None not in answers.values(), answers
        for name in fabric.switches:
            eventually(partial(_hosts, fabric, name), lambda found: found == {ROUTER_HOST}, f"{FLOATING} at {name}")
        report = tmp_path / "report.json"
        play_from_neutron("reconcile.yml", *options, "-e", f"reconcile_report={report}")
        assert json.loads(report.read_text())["findings"] == []
    finally:
        instances.unplug(fabric.settings, [gateway["id"]])
        play_from_neutron("site.yml", "--limit", ROUTER_HOST, "--tags", "port_watcher,instance_routes")


def _hosts(fabric: Fabric, switch: str) -> set[str]:
    hops = fabric.prefixes_at(switch).get(f"{FLOATING}/32", set())
    return {host for host in fabric.hosts for hop in hops if hop.split(".")[2] == host.removeprefix("hv")}
