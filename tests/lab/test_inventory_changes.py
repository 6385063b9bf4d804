"""A change in the inventory changes what it is about, and nothing else resets or goes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .fabric import Fabric, eventually
from .lone import HOST, Lone, lone_lab
from .playbooks import AT_ONCE

NEW = {"host": "10.2.101.1", "switch": "10.2.101.0"}
"""The link to tor2, moved to other IPv4 addresses."""


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    """A host that is deployed and healthy."""
    with lone_lab(tmp_path_factory.mktemp("lone"), "y") as found:
        deploy(found, found.inventory)
        verified = found.play("verify.yml")
        assert verified.code == 0, verified.output
        yield found


def deploy(lone: Lone, inventory: Path) -> str:
    run = Lone(lone.settings, lone.topology, inventory).play("site.yml", *AT_ONCE)
    assert run.code == 0, run.output
    return run.output


@pytest.fixture
def changed(lone: Lone, tmp_path: Path) -> Iterator[Callable[[str, Callable[[Any], None]], Path]]:
    """Makes a copy of the inventory with one file changed; the host has the old one again when the test is over."""
    copy = tmp_path / "changed"
    shutil.copytree(lone.inventory, copy)

    def change(name: str, edit: Callable[[Any], None]) -> Path:
        path = copy / name
        content = json.loads(path.read_text()) if path.suffix == ".json" else yaml.safe_load(path.read_text())
        edit(content)
        dump = json.dumps if path.suffix == ".json" else yaml.safe_dump
        path.write_text(dump(content))
        return copy

    yield change
    deploy(lone, lone.inventory)


def since(fabric: Fabric) -> dict[str, float | None]:
    """When each session came to its state, by the switch's address."""
    sessions = fabric.status(HOST)["sessions"]
    return {session["peer"]: session["since"] if session["state"] == "established" else None for session in sessions}


def up(fabric: Fabric, count: int) -> dict[str, float | None]:
    """As `since`, once so many sessions are established."""
    return eventually(
        lambda: since(fabric), lambda found: len(found) == count and all(found.values()), f"{count} sessions up", 120
    )


def lacks(listing: dict[str, dict[str, str]], before: dict[str, dict[str, str]], part: str) -> set[str]:
    return {key for key in before[part] if key not in listing[part]}


def lines_with(listing: dict[str, dict[str, str]], part: str, word: str) -> set[str]:
    return {key for key in listing[part] if word in key.split()}


@pytest.mark.slow
def test_of_a_removed_network_bridge_rule_and_prefixes_go_and_nothing_else(
    lone: Lone, changed: Callable[[str, Callable[[Any], None]], Path]
) -> None:
    def without_pinned(content: Any) -> None:
        content["roth_provider_networks"] = [n for n in content["roth_provider_networks"] if n["name"] != "pinned"]

    fabric = lone.fabric()
    sessions, before = up(fabric, 4), lone.listing()
    prefixes = {name: fabric.prefixes_at(name) for name in fabric.switches}
    with fabric.monitoring("tor1") as monitor:
        deploy(lone, changed("group_vars/all.yml", without_pinned))
    pinned = {prefix for prefix in prefixes["tor1"] if prefix.startswith(("198.51.100.", "2001:db8:100:"))}
    assert len(pinned) > 2
    assert {change.prefix for change in monitor.changes if change.deleted} == pinned
    assert {name: fabric.prefixes_at(name) for name in fabric.switches} == {
        name: {prefix: hops for prefix, hops in found.items() if prefix not in pinned}
        for name, found in prefixes.items()
    }
    after = lone.listing()
    assert since(fabric) == sessions
    for part in ("links", "rules", "addresses"):
        gone = lacks(after, before, part)
        assert gone, part
        assert all("br-pinned" in key for key in gone), gone
    assert lacks(after, before, "files") == {
        f"/etc/systemd/network/05-roth-bridge-br-pinned.{kind}" for kind in ("netdev", "network")
    }
    assert lacks(after, before, "nexthops") == set()


@pytest.mark.slow
def test_a_removed_uplink_is_as_it_was_found_and_comes_back_without_a_reset_of_the_other(
    lone: Lone, changed: Callable[[str, Callable[[Any], None]], Path]
) -> None:
    fabric = lone.fabric()
    sessions = up(fabric, 4)
    kept = {peer: when for peer, when in sessions.items() if peer.startswith(("10.1.", "2001:db8:1:"))}
    assert len(kept) == 2
    deploy(lone, changed(f"host_vars/{HOST}.yml", lambda content: content["roth_uplinks"].pop()))
    assert since(fabric) == kept
    after = lone.listing()
    assert after["links"]["up1"].split()[2] == "[]", "found down, and down again"
    for part in ("addresses", "rules", "routes", "nexthops"):
        assert lines_with(after, part, "up1") == set()
    assert after["files"].get("/etc/systemd/network/05-roth-uplink-up1.network") is None
    values = {key: value for key, value in after["sysctls"].items() if "/up1/" in key}
    # a veth that nobody has touched has the values of the switches' ends of the cables
    untouched = {"forwarding": "0", "rp_filter": "0", "send_redirects": "1", "accept_redirects": "1"}
    assert {name: values[f"net/ipv4/conf/up1/{name}"] for name in untouched} == untouched
    assert (values["net/ipv6/conf/up1/accept_ra"], values["net/ipv4/conf/up1/promote_secondaries"]) == ("1", "0")

    deploy(lone, lone.inventory)
    again = up(fabric, 4)
    assert {peer: again[peer] for peer in kept} == kept


@pytest.mark.slow
def test_a_changed_address_of_a_switch_resets_no_session_of_the_other_uplink(
    lone: Lone, changed: Callable[[str, Callable[[Any], None]], Path]
) -> None:
    def moved(content: Any) -> None:
        content["roth_uplinks"][1] |= {"ipv4": f"{NEW['host']}/31", "peer_ipv4": NEW["switch"]}

    fabric = lone.fabric()
    sessions = up(fabric, 4)
    fabric.ip("tor2", "address", "add", f"{NEW['switch']}/31", "dev", HOST)
    with fabric.monitoring("tor1") as monitor:
        deploy(lone, changed(f"host_vars/{HOST}.yml", moved))
    now = up(fabric, 4)
    assert set(now) == {*sessions, NEW["switch"]} - {"10.2.1.0"}
    others = {peer for peer in sessions if peer.startswith(("10.1.", "2001:db8:1:"))}
    assert {peer: now[peer] for peer in others} == {peer: sessions[peer] for peer in others}
    assert [change for change in monitor.changes if change.deleted] == []


@pytest.mark.slow
def test_a_changed_asn_of_a_switch_resets_no_session_of_the_other_uplink(
    lone: Lone, changed: Callable[[str, Callable[[Any], None]], Path]
) -> None:
    def renumbered(content: Any) -> None:
        content["roth_uplinks"][1]["peer_asn"] = 65199

    fabric = lone.fabric()
    sessions = up(fabric, 4)
    copy = changed(f"host_vars/{HOST}.yml", renumbered)
    changed("host_vars/tor2.yml", lambda content: content.__setitem__("roth_asn", 65199))
    deploy(lone, copy)
    now = up(fabric, 4)
    others = {peer for peer in sessions if peer.startswith(("10.1.", "2001:db8:1:"))}
    assert {peer: now[peer] for peer in others} == {peer: sessions[peer] for peer in others}
    assert {session["asn"] for session in fabric.status(HOST)["sessions"]} == {65101, 65199}
