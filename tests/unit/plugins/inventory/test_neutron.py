"""ansible-inventory reads a Neutron over HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.plugins.inventory.listing import listed, routed
from tests.unit.plugins.module_utils.neutron.http_neutron import serving
from tests.unit.plugins.module_utils.neutron.recorded_neutron import RecordedNeutron, recorded
from tests.unit.plugins.neutron_over_http import CLOUD, ROOT, Server, environment, neutron_server


def agent(host: str) -> dict[str, Any]:
    mappings = {f"rpn-{host}": "br-mobile", f"pin-{host}": "br-pinned"}
    return {
        "id": f"agent-{host}",
        "agent_type": "Open vSwitch agent",
        "host": host,
        "alive": host != "hv3",
        "configurations": {"bridge_mappings": mappings},
    }


@pytest.fixture
def server() -> Iterator[Server]:
    agents = [agent(f"hv{number}") for number in (1, 2, 3)]
    with serving(neutron_server(RecordedNeutron({**recorded(), "agents": agents}))) as found:
        yield found


def inventory(folder: Path, server: Server, **options: object) -> subprocess.CompletedProcess[str]:
    plugin = {"plugin": "roth.fabric.neutron", "cloud": CLOUD, "networks": ["mobile", "pinned"], **options}
    (folder / "neutron.yml").write_text(yaml.safe_dump(plugin))
    return subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", folder / "neutron.yml", "--list"],
        cwd=folder,
        env={**environment(folder, server), "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_hosts_and_networks_are_those_of_neutron(tmp_path: Path, server: Server) -> None:
    settings = {
        "mobile": {"gateway_mac": "02:8e:00:00:00:01", "announce": "host_routes"},
        "pinned": {"announce": "both"},
    }
    done = inventory(tmp_path, server, network_settings=settings, groups={"maintenance": "not neutron_agent_alive"})
    assert done.returncode == 0, done.stderr
    found = listed(done.stdout)
    assert sorted(found["hypervisors"]["hosts"]) == ["hv1", "hv2", "hv3"]
    assert found["maintenance"]["hosts"] == ["hv3"]
    written = yaml.safe_load((ROOT / "inventories" / "lab" / "group_vars" / "all.yml").read_text())
    networks = found["_meta"]["hostvars"]["hv1"]["roth_provider_networks"]
    assert [routed(network) for network in networks] == [
        routed(network) for network in written["roth_provider_networks"]
    ]


def test_a_cached_answer_needs_no_neutron(tmp_path: Path, server: Server) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    first = inventory(tmp_path, server, **cache)
    asked = len(server.neutron.asked)
    second = inventory(tmp_path, server, **cache)
    assert (first.returncode, second.stdout) == (0, first.stdout), first.stderr
    assert (asked > 0, len(server.neutron.asked)) == (True, asked)


@pytest.mark.parametrize(
    ("status", "networks", "message"),
    [
        (401, ["mobile"], "HTTP 401"),
        (503, ["mobile"], "HTTP 503"),
        (200, ["mobil"], "Neutron shows no network 'mobil': not there, or not for this account"),
    ],
)
def test_what_neutron_does_not_say_is_an_error_and_no_empty_inventory(
    tmp_path: Path, server: Server, status: int, networks: list[str], message: str
) -> None:
    server.status = status
    done = inventory(tmp_path, server, networks=networks)
    assert done.returncode != 0
    assert message in " ".join(done.stderr.split())
