"""ansible-inventory reads a Neutron over HTTP, on this machine's loopback, with what a real one answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import NeutronError

from tests.unit.plugins.module_utils.neutron.recorded_neutron import RecordedNeutron, recorded

ROOT = Path(__file__).resolve().parents[4]


def agent(host: str) -> dict[str, Any]:
    mappings = {f"rpn-{host}": "br-mobile", f"pin-{host}": "br-pinned"}
    return {
        "id": f"agent-{host}",
        "agent_type": "Open vSwitch agent",
        "host": host,
        "alive": host != "hv3",
        "configurations": {"bridge_mappings": mappings},
    }


class Server(ThreadingHTTPServer):
    """`neutron` answers; a `status` other than 200 is given instead of an answer."""

    neutron: RecordedNeutron
    status = 200


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        place = urlsplit(self.path)
        status, body = server.status, b"{}"
        if status == 200:
            try:
                body = json.dumps(server.neutron.get(place.path, parse_qsl(place.query))).encode()
            except NeutronError:
                status = 404
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as found:
        found.neutron = RecordedNeutron({**recorded(), "agents": [agent(f"hv{number}") for number in (1, 2, 3)]})
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def inventory(folder: Path, server: Server, **options: object) -> subprocess.CompletedProcess[str]:
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    cloud = {"auth_type": "none", "auth": {"endpoint": endpoint}, "network_endpoint_override": endpoint}
    (folder / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"lab": cloud}}))
    plugin = {"plugin": "roth.fabric.neutron", "cloud": "lab", "networks": ["mobile", "pinned"], **options}
    (folder / "neutron.yml").write_text(yaml.safe_dump(plugin))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "OS_"))}
    return subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", folder / "neutron.yml", "--list"],
        cwd=folder,
        env=kept
        | {
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
            "ANSIBLE_HOME": str(folder),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def routed(network: dict[str, Any]) -> dict[str, Any]:
    """What the hosts need of a network; the rest of an entry is for making it in Neutron."""
    subnets = [{key: it[key] for key in ("cidr", "gateway", "host") if key in it} for it in network["subnets"]]
    kept = {key: value for key, value in network.items() if key not in ("physical_network", "shared")}
    return {**kept, "subnets": sorted(subnets, key=lambda it: it["cidr"])}


def test_hosts_and_networks_are_those_of_neutron(tmp_path: Path, server: Server) -> None:
    settings = {
        "mobile": {"gateway_mac": "02:8e:00:00:00:01", "announce": "host_routes"},
        "pinned": {"announce": "both"},
    }
    done = inventory(tmp_path, server, network_settings=settings, groups={"maintenance": "not neutron_agent_alive"})
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout, object_hook=lambda found: found.get("__ansible_unsafe", found))
    assert sorted(listed["hypervisors"]["hosts"]) == ["hv1", "hv2", "hv3"]
    assert listed["maintenance"]["hosts"] == ["hv3"]
    written = yaml.safe_load((ROOT / "inventories" / "lab" / "group_vars" / "all.yml").read_text())
    found = listed["_meta"]["hostvars"]["hv1"]["roth_provider_networks"]
    assert [routed(network) for network in found] == [routed(network) for network in written["roth_provider_networks"]]


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
