"""Requests to a server in another network namespace, from a process that stays in its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import lab
import pytest
import yaml
from lab import network
from lab.api import PORT, Api, Refused, inside
from lab.errors import LabError
from lab.settings import netns_path

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")

OWN = Path("/proc/thread-self/ns/net")


class Neutron(BaseHTTPRequestHandler):
    """Lists one port by name, and refuses everything else as Neutron words it."""

    def do_GET(self) -> None:
        if self.path == "/v2.0/ports?name=a+b":
            self.answer(200, {"ports": [{"name": "a b"}]})
        else:
            self.answer(404, {"NeutronError": {"message": "nothing here"}})

    def answer(self, code: int, body: object) -> None:
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def netns() -> Iterator[Path]:
    name = f"t{os.getpid()}-api"
    network.add_namespaces([name])
    subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
    yield netns_path(name)
    network.remove_namespaces([name])


@pytest.fixture
def api(netns: Path) -> Iterator[Api]:
    with inside(netns):
        server = HTTPServer(("127.0.0.1", PORT), Neutron)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Api(netns)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_in_another_namespace_answers_and_the_thread_stays_at_home(api: Api) -> None:
    before = OWN.readlink()
    assert api.rows("ports", [("name", "a b")]) == [{"name": "a b"}]
    assert OWN.readlink() == before


def test_the_thread_comes_home_from_a_failure(netns: Path) -> None:
    before = OWN.readlink()
    with pytest.raises(LabError, match=r"Neutron: GET /v2.0/ports: no answer: .*refused"):
        Api(netns).rows("ports")
    assert OWN.readlink() == before


@pytest.fixture
def door(netns: Path, tmp_path: Path) -> Iterator[str]:
    """The endpoint of a door into the namespace, as its clouds.yaml says it."""
    clouds = tmp_path / "clouds.yaml"
    line = [sys.executable, "-m", "lab.door", str(netns), str(clouds)]
    with subprocess.Popen(line, cwd=Path(lab.__file__).parents[1]) as process:
        deadline = time.monotonic() + 60
        while not clouds.exists():
            assert process.poll() is None and time.monotonic() < deadline, "the door does not open"
            time.sleep(0.02)
        yield yaml.safe_load(clouds.read_text())["clouds"]["lab"]["network_endpoint_override"]
        process.terminate()


def test_a_door_on_this_machines_loopback_leads_to_the_server(api: Api, door: str) -> None:
    with urllib.request.urlopen(f"{door}/v2.0/ports?name=a+b", timeout=60) as answer:
        assert json.load(answer) == {"ports": [{"name": "a b"}]}


def test_a_door_stays_open_while_nobody_is_behind_it(netns: Path, door: str) -> None:
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{door}/v2.0/ports", timeout=60)
    with inside(netns):
        server = HTTPServer(("127.0.0.1", PORT), Neutron)
    threading.Thread(target=server.handle_request).start()
    with urllib.request.urlopen(f"{door}/v2.0/ports?name=a+b", timeout=60) as answer:
        assert answer.status == 200
    server.server_close()


def test_neutrons_own_words_are_passed_on(api: Api) -> None:
    with pytest.raises(Refused, match=r"GET /v2.0/networks/x: 404: .*nothing here") as refused:
        api.request("GET", "networks/x")
    assert refused.value.code == 404
