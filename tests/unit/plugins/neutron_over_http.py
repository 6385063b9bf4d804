"""A Neutron behind HTTP on this machine's loopback, with what a real one answered, for whatever runs as a process."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import yaml
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import NeutronError

from tests.unit.plugins.module_utils.neutron.recorded_neutron import RecordedNeutron

ROOT = Path(__file__).resolve().parents[3]
CLOUD = "lab"


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


def neutron_server(neutron: RecordedNeutron) -> Server:
    """A server of these answers, to be run by `serving`."""
    found = Server(("127.0.0.1", 0), Handler)
    found.neutron = neutron
    return found


def environment(folder: Path, server: Server) -> Mapping[str, str]:
    """For Ansible's commands: a clouds.yaml in `folder` whose entry leads to the server, and nothing of the user's."""
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    entry = {"auth_type": "none", "auth": {"endpoint": endpoint}, "network_endpoint_override": endpoint}
    (folder / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {CLOUD: entry}}))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "OS_"))}
    return kept | {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        "ANSIBLE_HOME": str(folder),
        "NO_PROXY": "127.0.0.1",
        "OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml"),
    }
