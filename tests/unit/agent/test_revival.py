"""BFD sessions without a socket (their address came after bfdd) get a fresh start, ever more rarely."""

from __future__ import annotations

import asyncio
import contextlib
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from roth.bfd import FrrVty
from roth.bfdd.peers import PROFILE, peer_key
from roth.revival import Revival
from roth.uplinks import BfdMemory, BfdState

from tests.unit.agent.fakes import V4, V6
from tests.unit.agent.host import Host
from tests.unit.repo.tree import ROOT

ONE, TWO, STRANGER = ip_address("10.1.1.0"), ip_address("10.2.1.0"), ip_address("10.9.9.9")


def memory(**states: BfdState) -> BfdMemory:
    found = BfdMemory()
    found.report({{"one": ONE, "two": TWO}[name]: state for name, state in states.items()}, 0.0)
    return found


def times(revival: Revival, bfd: BfdMemory, until: int) -> list[int]:
    """The seconds at which the first peer is due."""
    return [second for second in range(until) if ONE in revival.due(bfd, float(second))]


@pytest.mark.parametrize("state", [BfdState.DOWN, BfdState.INIT])
def test_a_session_that_does_not_come_up_is_started_afresh_ever_more_rarely(state: BfdState):
    """Init is what a real bfdd shows that hears its peer and has no socket to answer from."""
    assert times(Revival(), memory(one=state, two=BfdState.UP), 260) == [5, 15, 35, 75, 135, 195, 255]


def test_a_session_that_has_been_up_is_left_alone():
    bfd = memory(one=BfdState.UP)
    bfd.report({ONE: BfdState.DOWN}, 1.0)
    assert times(Revival(), bfd, 100) == []


def test_a_session_that_is_up_or_was_shut_down_is_left_alone():
    for state in (BfdState.UP, BfdState.ADMIN_DOWN):
        assert times(Revival(), memory(one=state), 100) == []


def test_a_session_that_came_up_in_between_starts_from_the_beginning_after_a_restart_of_bfdd():
    revival, bfd = Revival(), memory(one=BfdState.DOWN)
    assert times(revival, bfd, 40) == [5, 15, 35]
    bfd.report({ONE: BfdState.UP}, 40.0)
    assert revival.due(bfd, 40.0) == []
    bfd.lost(41.0)
    bfd.report({ONE: BfdState.DOWN}, 42.0)
    assert [second for second in range(42, 60) if revival.due(bfd, float(second))] == [47, 57]


def test_a_peer_that_vanishes_while_it_is_configured_anew_keeps_its_place():
    revival, bfd = Revival(), memory(one=BfdState.DOWN)
    assert times(revival, bfd, 6) == [5]
    bfd.report({}, 6.0)
    assert revival.due(bfd, 6.0) == []
    bfd.report({ONE: BfdState.DOWN}, 7.0)
    assert [second for second in range(7, 36) if revival.due(bfd, float(second))] == [15, 35]


def test_the_agent_renews_sessions_of_its_own_configuration_with_their_local_addresses():
    host, asked = Host(), []
    host.agent.renew_bfd = asked.extend
    host.agent.start()
    host.connect()
    host.agent.bfd_report({**dict.fromkeys((V4[1], *V6), BfdState.UP), V4[0]: BfdState.DOWN, STRANGER: BfdState.DOWN})
    for _second in range(6):
        host.advance(1)
    assert asked == [peer_key("10.1.1.0", "10.1.1.1")]


class Listening:
    """Takes commands on bfdd's vty."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                self.commands.append((await reader.readuntil(b"\0"))[:-1].decode())
                writer.write(b"\0\0\0\0")


def renewed(path: Path) -> list[str]:
    async def run() -> list[str]:
        bfdd = Listening()
        server = await asyncio.start_unix_server(bfdd.serve, path)
        await FrrVty(str(path)).renew([peer_key("10.1.1.0", "10.1.1.1")])
        server.close()
        return bfdd.commands

    return asyncio.run(run())


def test_a_fresh_start_takes_the_peer_out_and_puts_it_back_with_its_profile(tmp_path: Path):
    peer = "peer 10.1.1.0 local-address 10.1.1.1"
    assert renewed(tmp_path / "vty") == [
        "enable", "configure terminal", "bfd", f"no {peer}", peer, "profile roth", "exit", "end",
    ]  # fmt: skip


def test_a_bfdd_that_is_gone_is_no_error_for_the_agent(tmp_path: Path, capsys):
    asyncio.run(FrrVty(str(tmp_path / "none")).renew([peer_key("10.1.1.0", "10.1.1.1")]))
    assert "event=bfd_renewal_failed" in capsys.readouterr().err


def test_the_agent_and_the_role_name_the_same_profile():
    variables = yaml.safe_load((ROOT / "roles/bfd/vars/main.yml").read_text())
    assert variables["__bfd_profile"] == PROFILE
