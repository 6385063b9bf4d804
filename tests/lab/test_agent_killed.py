"""Must show 5: the agent dies at once, with traffic: nothing is withdrawn and nothing is lost."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from .fabric import Fabric, eventually

RATE = 1000
AFTERWARDS = 2000
"""Packets that are still sent once the new agent has taken over."""


def main_pid(fabric: Fabric, host: str) -> int:
    return int(fabric.run(host, "systemctl", "show", "--property=MainPID", "--value", "roth-agent.service"))


def established(fabric: Fabric, host: int) -> dict[str, bool]:
    """Whether a host's sessions are up, by its address, as the switches say."""
    own = {f"10.{tor}.{host}.1" for tor in (1, 2)} | {f"2001:db8:{tor}:{host}::b" for tor in (1, 2)}
    sessions = [session for name in fabric.switches for session in fabric.switch(name).sessions]
    return {session.peer: session.state == "established" for session in sessions if session.peer in own}


def test_a_killed_agent_withdraws_no_prefix_and_loses_no_packet(
    whole: Fabric, capsys: pytest.CaptureFixture[str]
) -> None:
    before, killed = {name: whole.prefixes_at(name) for name in whole.switches}, main_pid(whole, "hv1")
    with ExitStack() as stack:
        monitors = {name: stack.enter_context(whole.monitoring(name)) for name in (*whole.switches, "hv1")}
        with whole.streaming("client", whole.addresses("hv1"), rate=RATE) as stream:
            whole.run("hv1", "systemctl", "kill", "--signal=KILL", "--kill-whom=main", "roth-agent.service")
            pid = eventually(lambda: main_pid(whole, "hv1"), lambda pid: pid not in (0, killed), "another agent")
            wanted = {f"{address}/{128 if ':' in address else 32}" for address in whole.addresses("hv1")}
            eventually(
                lambda: wanted - set(whole.status("hv1").get("announced", ())),
                lambda missing: not missing,
                "the new agent announces every address",
            )
            port = whole.counter("client", "eth0")
            eventually(lambda: whole.counter("client", "eth0") - port, lambda more: more > AFTERWARDS, "more packets")
    with capsys.disabled():
        print(f"\nagent {killed} killed, {pid} took over: {stream.result}")
    gone = {name: [c for c in monitor.changes if c.deleted] for name, monitor in monitors.items()}
    assert gone == {name: [] for name in monitors}
    assert {name: whole.prefixes_at(name) for name in whole.switches} == before
    assert all(established(whole, 1).values()) and len(established(whole, 1)) == 4
    assert stream.result.sent > AFTERWARDS
    assert stream.result.lost == 0, stream.result
