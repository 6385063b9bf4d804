"""A change in the inventory changes what it is about, and nothing else resets or goes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab import instances

from .fabric import INVENTORY, Fabric, eventually
from .lone import LISTING
from .playbooks import AT_ONCE, play

HOST = "hv2"
NEW = {"host": "10.2.102.1", "switch": "10.2.102.0"}
"""The link to tor2, moved to other IPv4 addresses."""
NEW_ASN = 65112
OWN = {"10.1.2.1", "2001:db8:1:2::b", "10.2.2.1", "2001:db8:2:2::b"}
"""The host's addresses on its uplinks."""
FOUND = {
    "ipv4/conf/up1/forwarding": "0",
    "ipv4/conf/up1/rp_filter": "0",
    "ipv4/conf/up1/send_redirects": "1",
    "ipv4/conf/up1/accept_redirects": "1",
    "ipv4/conf/up1/promote_secondaries": "0",
    "ipv6/conf/up1/accept_ra": "1",
}
"""What the lab gives an uplink that nobody has touched."""

Change = Callable[[str, Callable[[Any], None]], Path]


def deploy(inventory: Path, *options: str, limit: str = HOST) -> None:
    play("site.yml", inventory, "--limit", limit, *AT_ONCE, *options)


@pytest.fixture
def changed(whole: Fabric, tmp_path: Path) -> Iterator[Change]:
    """Makes a copy of the inventory with one file changed; the host has the old one again when the test is over."""
    copy = tmp_path / "changed"
    shutil.copytree(INVENTORY, copy)

    def change(name: str, edit: Callable[[Any], None]) -> Path:
        content = yaml.safe_load((copy / name).read_text())
        edit(content)
        (copy / name).write_text(yaml.safe_dump(content))
        return copy

    yield change
    deploy(INVENTORY, limit=f"{HOST},tor1,tor2")
    instances.plug(whole.settings, whole.topology, INVENTORY)


def listing(fabric: Fabric) -> dict[str, dict[str, str]]:
    return dict(json.loads(fabric.run(HOST, "python3", "-c", LISTING.read_text())))


def since(fabric: Fabric, host: str = HOST) -> dict[str, float | None]:
    """When each session of the host came up, by the switch's address; None while it is not."""
    sessions = fabric.status(host).get("sessions", ())
    return {session["peer"]: session["since"] if session["state"] == "established" else None for session in sessions}


def up(fabric: Fabric, count: int) -> dict[str, float | None]:
    """As `since`, once so many sessions are established."""
    return eventually(
        lambda: since(fabric), lambda found: len(found) == count and all(found.values()), f"{count} sessions up", 120
    )


def at(fabric: Fabric) -> dict[str, set[str]]:
    """The host's prefixes by switch."""
    return {
        name: {prefix for prefix, hops in fabric.prefixes_at(name).items() if hops & OWN} for name in fabric.switches
    }


@pytest.mark.slow
def test_an_uplink_goes_as_it_was_found_and_comes_back_and_the_other_is_never_reset(
    whole: Fabric, changed: Change
) -> None:
    sessions = up(whole, 4)
    others = {peer: when for peer, when in sessions.items() if peer.startswith(("10.1.", "2001:db8:1:"))}
    assert len(others) == 2
    with whole.monitoring("tor1") as monitor:
        deploy(changed(f"host_vars/{HOST}.yml", lambda content: content["roth_uplinks"].pop()))
        assert since(whole) == others
        after = listing(whole)
        assert after["links"]["up1"].split()[2] == "[]", "found down, and down again"
        for part in ("addresses", "rules", "routes", "nexthops"):
            assert [key for key in after[part] if "up1" in key.split()] == [], part
        assert {name: after["sysctls"][f"net/{name}"] for name in FOUND} == FOUND

        uplink = {"name": "up1", "tor": "tor2", "ipv4": f"{NEW['host']}/31", "ipv6": "2001:db8:2:2::b/127"}
        copy = changed(f"host_vars/{HOST}.yml", lambda content: content["roth_uplinks"].append(uplink))
        whole.ip("tor2", "address", "add", f"{NEW['switch']}/31", "dev", HOST)
        deploy(copy, limit=f"{HOST},tor2")
        now = up(whole, 4)
        assert set(now) == {*sessions, NEW["switch"]} - {"10.2.2.0"}, "the switch has another address"
        assert {peer: now[peer] for peer in others} == others
    whole.ip("tor2", "address", "del", f"{NEW['switch']}/31", "dev", HOST)
    assert [change for change in monitor.changes if change.deleted] == []


def asns(fabric: Fabric) -> dict[str, set[int]]:
    """The AS numbers by which each switch knows the host's established sessions."""
    found: dict[str, set[int]] = {}
    for name in fabric.switches:
        sessions = [it for it in fabric.switch(name).sessions if it.peer in OWN and it.state == "established"]
        found[name] = {it.asn for it in sessions} if len(sessions) == 2 else set()
    return found


@pytest.mark.slow
def test_a_host_with_another_asn_resets_its_own_sessions_and_no_others(whole: Fabric, changed: Change) -> None:
    before, prefixes = up(whole, 4), at(whole)
    others = {host: since(whole, host) for host in whole.hosts if host != HOST}
    copy = changed(f"host_vars/{HOST}.yml", lambda content: content.update(roth_asn=NEW_ASN))
    with whole.monitoring("tor1") as first, whole.monitoring("tor2") as second:
        deploy(copy, limit=f"{HOST},tor1,tor2")
        eventually(lambda: asns(whole), lambda found: found == {"tor1": {NEW_ASN}, "tor2": {NEW_ASN}}, "its new number")
        now = up(whole, 4)
        eventually(lambda: at(whole), lambda found: found == prefixes, "all of its prefixes at both switches")
    assert all(now[peer] != when for peer, when in before.items())
    assert {host: since(whole, host) for host in others} == others
    for name, monitor in (("tor1", first), ("tor2", second)):
        assert {change.prefix for change in monitor.changes if change.deleted} <= prefixes[name]


@pytest.mark.slow
def test_of_a_removed_network_bridge_rule_and_prefixes_go_and_nothing_else(whole: Fabric, changed: Change) -> None:
    def without_pinned(content: Any) -> None:
        content["roth_provider_networks"] = [n for n in content["roth_provider_networks"] if n["name"] != "pinned"]

    sessions, before, prefixes = up(whole, 4), listing(whole), at(whole)
    copy = changed("group_vars/all.yml", without_pinned)
    deploy(copy, "-e", "provider_network_remove_in_use=true")
    pinned = {prefix for prefix in prefixes["tor1"] if prefix.startswith(("198.51.100.", "2001:db8:200:"))}
    assert len(pinned) > 2
    wanted = {name: found - pinned for name, found in prefixes.items()}
    eventually(lambda: at(whole), lambda found: found == wanted, "all prefixes but those of the network")
    after = listing(whole)
    assert since(whole) == sessions
    for part in ("links", "rules", "addresses"):
        gone = {key for key in before[part] if key not in after[part]}
        assert gone, part
        assert all("br-pinned" in key for key in gone), gone
        assert [key for key in after[part] if "br-pinned" in key] == [], "not even of an interface that is gone"
    assert {key for key in before["files"] if key not in after["files"]} == {
        f"/etc/systemd/network/05-roth-bridge-br-pinned.{kind}" for kind in ("netdev", "network")
    }
    assert before["nexthops"] == after["nexthops"]
