"""The process that reads Neutron, as it is started on a host; its Neutron is a real HTTP server on the loopback."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from roth.kernel.model import key_text
from roth.port_watcher.arrivals import Answered, Failed
from roth.port_watcher.asking import ReaderProcess, command

from tests.unit.agent.port_watcher.rig import BRIDGE, NETWORK, SUBNET, SUBNET6, port, prefixes, tap
from tests.unit.plugins.module_utils.neutron.http_neutron import Server, serving
from tests.unit.repo.tree import ROOT

pytest.importorskip("keystoneauth1")


@pytest.fixture
def server() -> Iterator[Server]:
    """One that has a port of hv1."""
    found = Server()
    subnets = {SUBNET: "10.64.0.0/16", SUBNET6: "2001:db8:64::/64"}
    answers = {
        "networks": [{"id": NETWORK, "name": "mobile", "subnets": list(subnets)}],
        "subnets": [{"id": id, "cidr": cidr, "network_id": NETWORK} for id, cidr in subnets.items()],
        "ports": [{**port(7), "project_id": "p", "tags": []}],
    }
    for kind, entries in answers.items():
        found.script[f"/v2.0/{kind}"] = (200, json.dumps({kind: entries}).encode())
    with serving(found):
        yield found


@pytest.fixture
def config(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(os.environ, "NO_PROXY", "*")
    monkeypatch.setitem(os.environ, "PYTHONPATH", str(ROOT / "agent" / "src"))
    entry = {"auth_type": "none", "auth": {"endpoint": server.url}, "network_endpoint_override": server.url}
    (tmp_path / "clouds.yaml").write_text(json.dumps({"clouds": {"lab": entry}}))
    subnets = [{"cidr": "10.64.0.0/16"}, {"cidr": "2001:db8:64::/64"}]
    document = {
        "host": "hv1", "cloud": "lab", "clouds_file": str(tmp_path / "clouds.yaml"), "timeout": 5,
        "networks": [{"name": "mobile", "bridge": BRIDGE, "subnets": subnets}],
    }  # fmt: skip
    (tmp_path / "ports.json").write_text(json.dumps(document))
    return str(tmp_path / "ports.json")


def read(config: str, times: int = 1) -> list[Answered | Failed]:
    async def run() -> list[Answered | Failed]:
        told: asyncio.Queue[Answered | Failed] = asyncio.Queue()
        process = ReaderProcess(command(config), lambda _number, result: told.put_nowait(result))
        try:
            found = []
            for number in range(times):
                process.ask(number)
                found.append(await asyncio.wait_for(told.get(), 60))
            return found
        finally:
            await process.close()

    return asyncio.run(run())


def test_it_asks_for_this_host_s_ports_only_and_hands_over_routes(server: Server, config: str) -> None:
    first, second = read(config, 2)
    assert isinstance(first, Answered)
    assert {key_text(key) for key in first.answer.routes} == prefixes(7)
    assert set(first.answer.taps.values()) == {tap(7)}
    assert first.answer == second.answer
    asked = [path for path, _token in server.asked if path.startswith("/v2.0/ports")]
    assert len(asked) == 2
    assert len(server.asked) == 4, "networks and subnets are asked for once"
    assert all("binding%3Ahost_id=hv1" in path and "fields=id" in path for path in asked)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"{}", "refused"),
        (403, b"{}", "refused"),
        (500, b"<html>", "broken"),
        (200, b"<html>", "broken"),
        (200, b'{"ports": [', "broken"),
        (200, b'{"ports": {}}', "broken"),
        (200, json.dumps({"ports": [port(each, host="hv2") for each in range(101)]}).encode(), "broken"),
        (200, json.dumps({"ports": [{**port(7), "binding:host_id": None}]}).encode(), "broken"),
        (200, json.dumps({"ports": [{**port(7), "fixed_ips": [{"ip_address": "10.64.0.7"}]}]}).encode(), "broken"),
    ],
)
def test_what_is_no_whole_answer_is_a_failure_of_its_kind(server: Server, config: str, status, body, kind) -> None:
    server.script["/v2.0/ports"] = (status, body)
    (result,) = read(config)
    assert isinstance(result, Failed)
    assert result.kind == kind
