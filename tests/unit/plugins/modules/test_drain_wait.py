"""drain_wait as Ansible runs it, against a socket that answers as the agent does."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
MODULE = "ansible_collections.roth.fabric.plugins.modules.drain_wait"


def status(state, alarms=()):
    """The loopback interface of the test's machine stands for an uplink: it has counters."""
    return {
        "drain": {"uplinks": [{"uplink": "lo", "tor": "tor1", "state": state}] if state else [], "host": None},
        "sessions": [{"uplink": "lo", "tor": "tor1"}],
        "alarms": list(alarms),
    }


@pytest.fixture
def agent(tmp_path):
    """Gives the answers one after the other, the last one again and again."""
    answers = []

    class Answer(socketserver.StreamRequestHandler):
        def handle(self):
            assert json.loads(self.rfile.readline()) == {"command": "status"}
            self.wfile.write(json.dumps(answers.pop(0) if len(answers) > 1 else answers[0]).encode())

    with socketserver.ThreadingUnixStreamServer(str(tmp_path / "agent.sock"), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        yield answers
        server.shutdown()


def run(tmp_path, check=False, **arguments):
    parameters = {"drained": ["lo"], "window": 0, "timeout": 0, "name": "hv1", "packets": 2_000_000_000, **arguments}
    parameters["agent_socket"] = str(tmp_path / "agent.sock")
    done = subprocess.run(
        [sys.executable, "-m", MODULE],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**parameters, "_ansible_check_mode": check}}),
        env={**os.environ, "PYTHONPATH": str(ROOT / ".cache" / "collections")},
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout)


def test_it_waits_until_the_agent_is_done_and_changes_nothing(agent, tmp_path):
    agent.extend([status("draining")] * 4 + [status("drained")])
    result = run(tmp_path, timeout=60)
    assert (result["changed"], result["uplinks"][0]["state"]) == (False, "drained")
    assert len(agent) == 1


def test_the_end_of_the_wait_names_host_uplink_and_what_was_seen(agent, tmp_path):
    agent.append(status("draining"))
    result = run(tmp_path)
    assert result["failed"]
    assert result["msg"] == "hv1: not as wanted after 0 s: lo to tor1 is draining, expected drained"
    assert result["uplinks"][0]["uplink"] == "lo"


def test_traffic_on_a_drained_uplink_is_a_failure_with_its_rate(agent, tmp_path):
    agent.append(status("drained"))
    message = run(tmp_path, packets=0)["msg"]
    assert message.startswith("hv1: not as wanted after 0 s: lo to tor1: ")
    assert "packets/s received, expected under 0" in message


def test_a_refusal_of_the_agent_ends_the_wait_at_once(agent, tmp_path):
    agent.append(status("draining", ["drain refused: uplinks: up0: no such uplink"]))
    message = run(tmp_path, timeout=600)["msg"]
    assert message == "hv1: not as wanted: drain refused: uplinks: up0: no such uplink"


def test_check_mode_looks_once(agent, tmp_path):
    agent.append(status(None))
    result = run(tmp_path, check=True, timeout=600)
    assert (result["changed"], result["uplinks"][0]["state"]) == (False, "in service")


def test_an_agent_that_does_not_answer_is_named(tmp_path):
    assert run(tmp_path)["msg"].startswith(f"hv1: agent at {tmp_path}/agent.sock: FileNotFoundError")
