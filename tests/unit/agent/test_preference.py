"""An address that has just arrived on the host: what the agent says of it, and of all others meanwhile."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from roth.attributes import ARRIVED
from roth.kernel.preference import ARRIVED_METRIC

from tests.unit.agent.fakes import V4, V6, FakeKernel, document
from tests.unit.agent.host import Host, bring_up

MOVED = [("10.64.0.1/32", 0, V4), ("2001:db8:64::1/128", 1024, V6)]
OTHERS = [f"10.64.1.{number}/32" for number in range(60)]


def said(host: Host, prefix: str, peer: object) -> str | None:
    """What ExaBGP was told of a prefix: None, `plain`, `preferred` or `shutdown`."""
    if prefix not in host.exabgp.out[str(peer)]:
        return None
    text = host.exabgp.said[str(peer), prefix]
    words = {"preferred": f"large-community [{ARRIVED}]", "shutdown": "community [65535:0]"}
    (found,) = [word for word, sign in words.items() if f" {sign}" in text] or ["plain"]
    return found


def told(host: Host) -> list[str]:
    """The announcements and withdrawals since the last call."""
    lines = [line for line in host.exabgp.commands if " nlri " in line]
    host.exabgp.commands.clear()
    return lines


@pytest.mark.parametrize(("prefix", "metric", "peers"), MOVED, ids=["ipv4", "ipv6"])
def test_an_address_arrives_preferred_and_becomes_plain_without_a_withdrawal(
    host: Host, prefix: str, metric: int, peers: list[object]
) -> None:
    host.event(host.kernel.add(prefix, metric=ARRIVED_METRIC))
    assert [said(host, prefix, peer) for peer in peers] == ["preferred", "preferred"]
    assert host.status()["preferred"] == [prefix]
    told(host)
    host.event(host.kernel.add(prefix, metric=metric))
    assert told(host) == [], "while both are there the preferred one counts"
    host.event(host.kernel.remove(prefix, metric=ARRIVED_METRIC))
    assert [said(host, prefix, peer) for peer in peers] == ["plain", "plain"]
    assert ["withdraw" in line for line in told(host)] == [False]
    assert host.status()["preferred"] == []
    host.event(host.kernel.remove(prefix, metric=metric))
    assert [said(host, prefix, peer) for peer in peers] == [None, None]


def test_the_other_addresses_are_not_announced_again(host: Host) -> None:
    host.event(*(host.kernel.add(prefix) for prefix in OTHERS))
    told(host)
    for turn in range(3):
        host.event(host.kernel.add("10.64.0.1/32", metric=ARRIVED_METRIC))
        host.event(host.kernel.add(f"10.64.2.{turn}/32"))
        host.event(host.kernel.add("10.64.0.1/32"), host.kernel.remove("10.64.0.1/32", metric=ARRIVED_METRIC))
        host.event(host.kernel.remove("10.64.0.1/32"))
    prefixes = {word for line in told(host) for word in line.partition(" nlri ")[2].split()}
    assert prefixes == {"10.64.0.1/32", "10.64.2.0/32", "10.64.2.1/32", "10.64.2.2/32"}


def test_a_preferred_route_whose_link_has_failed_prefers_nothing(host: Host) -> None:
    host.event(host.kernel.add("10.64.0.1/32", oif=5, metric=ARRIVED_METRIC), host.kernel.add("10.64.0.1/32"))
    assert said(host, "10.64.0.1/32", V4[0]) == "preferred"
    key = 142, "10.64.0.1/32", ARRIVED_METRIC
    host.kernel.route_table[key] = replace(host.kernel.route_table[key], linkdown=True)
    host.event(host.kernel.lose_carrier("tap0"))
    host.advance(0.1)
    assert said(host, "10.64.0.1/32", V4[0]) == "plain"


def test_a_new_agent_takes_over_preferred_announcements_without_a_word(host: Host) -> None:
    host.event(host.kernel.add("10.64.0.1/32", metric=ARRIVED_METRIC), host.kernel.add("10.64.0.2/32"))
    told(host)
    again = Host(host.kernel)
    again.exabgp = host.exabgp
    again.agent.send = again.exabgp.send
    again.agent.start()
    again.connect()
    assert told(again) == []
    assert again.status()["preferred"] == ["10.64.0.1/32"]
    again.event(again.kernel.add("10.64.0.1/32"), again.kernel.remove("10.64.0.1/32", metric=ARRIVED_METRIC))
    assert [said(again, "10.64.0.1/32", peer) for peer in V4] == ["plain", "plain"]


def test_a_new_exabgp_is_told_what_is_preferred(host: Host) -> None:
    host.event(host.kernel.add("10.64.0.1/32", metric=ARRIVED_METRIC), host.kernel.add("10.64.0.2/32"))
    host.agent.speaker.disconnect()
    for held in host.exabgp.out.values():
        held.clear()
    host.connect()
    assert [said(host, prefix, V4[1]) for prefix in ("10.64.0.1/32", "10.64.0.2/32")] == ["preferred", "plain"]


def test_graceful_shutdown_wins_and_the_preference_is_back_when_it_ends(tmp_path: Path) -> None:
    drain, agent = tmp_path / "drain.json", tmp_path / "agent.json"
    agent.write_text(json.dumps(document()))
    host = bring_up(FakeKernel(), str(drain))
    host.event(host.kernel.add("10.64.0.1/32", metric=ARRIVED_METRIC))
    host.advance(60)
    drain.write_text(json.dumps({"uplinks": ["up0"], "settle": 0}))
    host.agent.reload(str(agent))
    host.advance(1)
    host.advance(1)
    assert [said(host, "10.64.0.1/32", peer) for peer in V4] == ["shutdown", "preferred"]
    assert host.status()["drain"]["uplinks"] == [{"uplink": "up0", "tor": "tor1", "state": "drained"}]
    told(host)
    host.event(host.kernel.add("10.64.0.1/32"), host.kernel.remove("10.64.0.1/32", metric=ARRIVED_METRIC))
    assert all(f"neighbor {V4[0]} " not in line for line in told(host)), "it makes no difference to a drained uplink"
    host.event(host.kernel.add("10.64.0.1/32", metric=ARRIVED_METRIC))
    drain.unlink()
    host.agent.reload(str(agent))
    for _second in range(3):
        host.advance(6)
    assert [said(host, "10.64.0.1/32", peer) for peer in V4] == ["preferred", "preferred"]
    assert host.status()["drain"]["uplinks"] == []


def test_what_exabgp_announces_says_which_of_it_is_preferred(host: Host) -> None:
    host.event(host.kernel.add("10.64.0.1/32", metric=ARRIVED_METRIC), host.kernel.add("10.64.0.2/32"))
    asked = asyncio.new_event_loop()
    try:
        answer = asked.create_task(host.agent.answer("adj-rib-out"))
        asked.call_soon(host.settle)
        routes = asked.run_until_complete(answer)["routes"]
    finally:
        asked.close()
    found = {route["prefix"]: route["preferred"] for route in routes if route["peer"] == str(V4[0])}
    assert found == {"10.64.0.1/32": True, "10.64.0.2/32": False}
