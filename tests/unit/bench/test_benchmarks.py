"""The benchmarks as they are declared, and the labs that site.yml is measured on."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.roth.fabric.plugins.module_utils.wanted.document import read_document
from lab.topology import load, parse

from tests.bench import scale
from tests.bench.__main__ import ALL

LAB = Path(__file__).parents[3] / "inventories" / "lab"


@pytest.mark.parametrize("name", ALL)
def test_reasons_for_missed_targets_name_targets_that_exist(name: str):
    benchmark = ALL[name]
    assert set(benchmark.why) <= {target.text for target in benchmark.targets}


def test_plots_have_names_of_their_own():
    names = [plot.name for benchmark in ALL.values() for plot in benchmark.plots]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("hosts", [3, 30])
def test_a_generated_lab_is_one_that_the_lab_builder_takes(tmp_path: Path, hosts: int):
    scale.write(tmp_path, LAB, hosts)
    topology = load(tmp_path / "topology.yml")
    assert len([name for name in topology.nodes if name.startswith("hv")]) == hosts
    assert len(topology.links) == 2 + 2 * hosts


def test_generated_uplinks_are_the_cables_of_the_topology():
    topology = parse(scale.topology(30))
    variables = scale.host_variables(30)
    for host in (f"hv{number}" for number in range(1, 31)):
        for uplink in variables[host]["roth_uplinks"]:
            (far,) = [
                other
                for link in topology.links
                for end, other in (link.ends, link.ends[::-1])
                if (end.node, end.port) == (host, uplink["name"])
            ]
            assert far.node == uplink["tor"]
            assert {str(address.network) for address in far.addresses} == {
                network(uplink["ipv4"]),
                network(uplink["ipv6"]),
            }


def network(text: str) -> str:
    from ipaddress import ip_interface

    return str(ip_interface(text).network)


def test_a_generated_document_has_each_address_once(tmp_path: Path):
    scale.write(tmp_path, LAB, 30)
    document = read_document(yaml.safe_load((tmp_path / "neutron.json").read_text()))
    addresses = [str(fixed.address) for port in document.ports for fixed in port.fixed]
    assert len(set(addresses)) == len(addresses) == 30 * scale.PORTS * 2
    assert {port.host for port in document.ports} == {f"hv{number}" for number in range(1, 31)}
