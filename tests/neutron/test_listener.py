"""The listener on Neutron's bus: what only the API knows reaches the hosts long before the period (NEUTRON=full)."""

from __future__ import annotations

import json
import secrets
import stat
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from lab import instances
from lab.api import Api

from tests.lab.fabric import INVENTORY, Fabric, eventually
from tests.lab.playbooks import attempt

from .cloud import CONTROLLER, NEUTRON, create
from .plugged import watcher

SOURCE = "10.255.9.1"
PERIOD = 600.0  # seconds: nothing that is seen here came by it
KEY = secrets.token_hex(32)


@pytest.fixture(scope="module")
def listening(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Deployed from nothing, and removed."""
    fabric = Fabric.running()
    if not getattr(fabric.topology, "agents", None):
        pytest.skip("nothing is pushed in this lab: it has no layer-2 agents")
    folder = tmp_path_factory.mktemp("listener")
    group = folder / "hosts.yml"
    group.write_text("all:\n  children:\n    port_listeners:\n      hosts:\n        controller:\n")
    common = {"roth_serial": "100%", "port_watcher_period": PERIOD}
    on = {"port_watcher_hints_key": KEY, "port_watcher_hints": True, "port_watcher_hint_sources": [SOURCE],
          "port_listener_transport_url": "rabbit://neutron:neutron@127.0.0.1:5672/"}  # fmt: skip

    def play(playbook: str, *words: str, **variables: object) -> str:
        values = folder / "values.json"
        values.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        values.write_text(json.dumps({**common, **variables}))
        run = attempt(playbook, INVENTORY, "-i", str(group), "-e", f"@{values}", "--diff", *words)
        assert run.code == 0, run.output
        assert KEY not in run.output
        return run.output

    play("site.yml", "--tags", "port_watcher,firewall", **on)
    play("listener.yml", **on)
    eventually(
        lambda: journal(fabric, CONTROLLER, "roth-port-listener"), lambda it: "event=listening" in it, "listening", 60
    )
    yield
    play("listener.yml", "--tags", "port_listener", port_listener_enabled=False)
    common.pop("port_watcher_period")
    play("site.yml", "--tags", "port_watcher,firewall")


def journal(fabric: Fabric, node: str, unit: str) -> str:
    return fabric.run(node, "journalctl", "-u", unit, "--no-pager", "-o", "cat")


def hints(fabric: Fabric, host: str) -> int:
    return int(watcher(fabric, host)["hints"])


def routed(fabric: Fabric, host: str, address: str) -> bool:
    return address in fabric.ip(host, "route", "show", "table", "142")


@pytest.fixture
def port(api: Api, fabric: Fabric, listening: None) -> Iterator[dict[str, Any]]:
    """A port of hv1 with its instance."""
    made = create(api, "hv1", "hinted")
    try:
        instances.plug(fabric.settings, fabric.topology, NEUTRON, names=[made["id"]])
        eventually(lambda: routed(fabric, "hv1", own(made)), bool, "its own address is routed", 60)
        yield made
    finally:
        api.delete("port", made["id"])
        if made["id"] in fabric.instances:
            instances.unplug(fabric.settings, [made["id"]])


def own(port: dict[str, Any]) -> str:
    (found,) = [each["ip_address"] for each in port["fixed_ips"] if ":" not in each["ip_address"]]
    return str(found)


def test_an_address_pair_is_routed_and_withdrawn_long_before_the_period(
    api: Api, fabric: Fabric, port: dict[str, Any]
) -> None:
    pair = "10.64.251.251"
    api.update("port", port["id"], allowed_address_pairs=[{"ip_address": pair}])
    eventually(lambda: routed(fabric, "hv1", pair), bool, "the pair is routed", 60)
    api.update("port", port["id"], allowed_address_pairs=[])
    eventually(lambda: routed(fabric, "hv1", pair), lambda it: not it, "the pair is gone", 60)


def test_an_activation_is_seen_by_both_hosts(api: Api, fabric: Fabric, port: dict[str, Any]) -> None:
    binding = {"binding": {"host": "hv3", "vnic_type": "normal"}}
    api.request("POST", f"ports/{port['id']}/bindings", binding)
    before = {host: hints(fabric, host) for host in ("hv1", "hv3")}
    api.request("PUT", f"ports/{port['id']}/bindings/hv3/activate")
    for host, count in before.items():
        eventually(partial(hints, fabric, host), count.__lt__, f"{host} heard of it", 60)
    eventually(lambda: routed(fabric, "hv1", own(port)), lambda it: not it, "the source has withdrawn it", 60)


def test_who_listens_has_no_capability_and_its_secrets_are_its_own(fabric: Fabric, listening: None) -> None:
    pid = fabric.run(CONTROLLER, "systemctl", "show", "-P", "MainPID", "roth-port-listener").strip()
    status = fabric.run(CONTROLLER, "cat", f"/proc/{pid}/status")
    assert {line.split()[1] for line in status.splitlines() if line.startswith("Cap")} == {"0" * 16}
    for node, path, user in (
        (CONTROLLER, "/etc/roth/listener.url", "roth-listener"),
        (CONTROLLER, "/etc/roth/listener.key", "roth-listener"),
        ("hv1", "/etc/roth/hints.key", "roth-ports"),
    ):
        assert fabric.run(node, "stat", "-c", "%a %U", path).strip() == f"600 {user}"
    assert KEY not in journal(fabric, CONTROLLER, "roth-port-listener") + journal(fabric, "hv1", "roth-ports")


def test_a_hint_from_another_address_is_dropped_by_the_guard(fabric: Fabric, listening: None) -> None:
    script = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.11', 7142))"
    fabric.run("client", "/usr/bin/python3", "-c", script)
    eventually(
        lambda: fabric.run("hv1", "nft", "list", "counter", "inet", "roth", "hints_dropped"),
        lambda it: "packets 0" not in it,
        "a dropped packet",
        10,
    )
