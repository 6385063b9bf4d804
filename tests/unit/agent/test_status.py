"""The status socket and the command that reads it."""

from __future__ import annotations

import asyncio
import copy
import errno
import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from roth import cli
from roth.health import problems
from roth.status import StatusServer, ask, may_ask

HEALTHY: dict[str, Any] = {
    "version": "0.1.0",
    "asn": 65011,
    "router_id": "192.0.2.11",
    "time": 1000.0,
    "uptime_seconds": 3725.0,
    "exabgp": {"connected": True},
    "sessions": [
        {
            "peer": "10.1.1.0", "uplink": "up0", "tor": "tor1", "family": "ipv4", "asn": 65101,
            "state": "established", "since": 910.0, "default_received": True,
        },
    ],
    "bfd": [{"peer": "10.1.1.0", "uplink": "up0", "tor": "tor1", "family": "ipv4", "state": "up", "enabled": True}],
    "defaults": [{"family": "ipv4", "group": 142004, "uplinks": ["up0"], "installed": True, "fail_static": False}],
    "damping": [{"uplink": "up0", "penalty": 980, "out": False, "seconds": 0.0}],
    "drain": {"uplinks": [], "host": None, "withdrawn": []},
    "announced": [f"10.64.0.{index}/32" for index in range(30)],
    "withheld": [{"prefix": "10.99.0.1/32", "reason": "outside the allowed prefixes"}],
    "alarms": [],
    "last_error": None,
}  # fmt: skip


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    status = copy.deepcopy(HEALTHY)
    change(status)
    return status


def test_withheld_prefixes_are_no_fault_of_the_host() -> None:
    assert problems(HEALTHY) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda s: s["exabgp"].update(connected=False), "the agent has no connection to ExaBGP"),
        (lambda s: s["sessions"][0].update(state="down"), "session to tor1 ipv4 (10.1.1.0 on up0) is down"),
        (lambda s: s["sessions"][0].update(state="down", reason="the switch ended it, 6/1 maximum number of prefixes"),
         "session to tor1 ipv4 (10.1.1.0 on up0) is down: the switch ended it, 6/1 maximum number of prefixes"),
        (lambda s: s["sessions"][0].update(default_received=False),
         "no default received from tor1 ipv4 (10.1.1.0 on up0)"),
        (lambda s: s["bfd"][0].update(state="init"), "BFD to tor1 ipv4 (10.1.1.0 on up0) is init"),
        (lambda s: s["defaults"][0].update(uplinks=[]), "not in the ipv4 default's group: up0"),
        (lambda s: s["defaults"][0].update(installed=False), "the ipv4 default is not installed"),
        (lambda s: s["defaults"][0].update(fail_static=True), "the ipv4 default is kept for lack of knowledge"),
        (lambda s: s["damping"][0].update(out=True, seconds=23.4),
         "up0 is damped, because it came and went: left out for another 23 s if it stays up"),
        (lambda s: s["alarms"].append("bfdd can't be asked: gone"), "bfdd can't be asked: gone"),
    ],
)  # fmt: skip
def test_each_fault_is_one_line(change: Callable[[dict[str, Any]], object], problem: str) -> None:
    assert problems(changed(change)) == [problem]


def test_bfd_that_is_off_is_no_fault() -> None:
    assert problems(changed(lambda s: s["bfd"][0].update(state="unknown", enabled=False))) == []


def test_the_table_shows_what_an_operator_asks_for() -> None:
    text = cli.render(HEALTHY)
    for expected in (
        "AS 65011  router id 192.0.2.11  agent 0.1.0 up 01:02:05  ExaBGP connected",
        "up0       tor1   10.1.1.0  65101  established  00:01:30  yes                 up",
        "ipv4      142004   up0        yes          no",
        "up0       980        no          -",
        "Announced: 30\n  10.64.0.0/32\n",
        "  … and 10 more (--all lists them)",
        "10.99.0.1/32  outside the allowed prefixes",
        "Last error: none",
        "State: healthy",
    ):
        assert expected in text, text
    assert "10.64.0.29/32" in cli.render(HEALTHY, everything=True)


def test_the_table_shows_which_addresses_have_just_arrived() -> None:
    text = cli.render(changed(lambda status: status.update(preferred=["10.64.0.1/32", "10.64.0.29/32"])))
    assert "Announced: 30, 2 preferred: just arrived here\n  10.64.0.0/32\n  10.64.0.1/32  preferred\n" in text


def served(tmp_path: Path, answer: dict[str, Any], client: Callable[[str], Any]) -> Any:
    """Run `client` in a thread beside a server that gives `answer`."""
    path = str(tmp_path / "agent.sock")

    async def handle(command: str) -> dict[str, Any]:
        return {**answer, "asked": command}

    async def run() -> Any:
        server = await StatusServer(path, handle).start()
        try:
            return await asyncio.to_thread(client, path)
        finally:
            server.close()

    return asyncio.run(run())


def test_a_question_gets_one_document(tmp_path: Path) -> None:
    assert served(tmp_path, {"a": 1}, lambda path: ask(path, "status")) == {"a": 1, "asked": "status"}


def test_an_agent_that_ends_while_a_client_is_silent_logs_no_traceback(tmp_path: Path) -> None:
    complaints: list[object] = []
    path = str(tmp_path / "agent.sock")

    async def handle(_command: str) -> dict[str, Any]:
        raise AssertionError("nothing was asked")

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
        server = await StatusServer(path, handle).start()
        silent.connect(path)
        async with asyncio.timeout(10):
            while not any("_serve" in repr(task.get_coro()) for task in asyncio.all_tasks()):
                await asyncio.sleep(0)
        server.close()

    with socket.socket(socket.AF_UNIX) as silent:
        asyncio.run(run())
    assert complaints == []


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b"[]\n", b"{\n", b'{"command": 1}\n', b"\xff\n", b'"x"\n'])
def test_nonsense_gets_an_error_and_the_server_lives(tmp_path: Path, line: bytes) -> None:
    def client(path: str) -> tuple[bytes, dict[str, Any]]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(line)
            first = connection.makefile("rb").read()
        return first, ask(path, "status")

    answer, after = served(tmp_path, {}, client)
    assert "error" in json.loads(answer)
    assert after == {"asked": "status"}


def test_a_question_waits_while_the_queue_of_connections_is_full(tmp_path: Path) -> None:
    path = str(tmp_path / "agent.sock")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as first, ThreadPoolExecutor() as pool:
        server.bind(path)
        server.listen(0)  # one may wait
        first.connect(path)
        full = socket.socket(socket.AF_UNIX)
        full.setblocking(False)
        assert full.connect_ex(path) == errno.EAGAIN
        full.close()
        asking = pool.submit(ask, path, "status")
        assert wait([asking], 0.2).done == set(), "it is neither refused nor answered"
        server.accept()[0].close()
        connection = server.accept()[0]
        connection.recv(100)
        connection.sendall(b"{}\n")
        connection.close()
        assert asking.result() == {}


def test_a_line_without_end_gets_nothing(tmp_path: Path) -> None:
    def client(path: str) -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(b"x" * 100_000)
            try:
                return connection.makefile("rb").read()
            except ConnectionResetError:
                return b""

    assert served(tmp_path, {}, client) == b""


def test_root_and_the_agent_s_own_may_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 900)
    monkeypatch.setattr("os.getegid", lambda: 901)
    assert [may_ask(0, 5), may_ask(900, 5), may_ask(5, 901), may_ask(5, 5)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("answer", "arguments", "code"),
    [
        (HEALTHY, ["status"], 0),
        (HEALTHY, ["status", "--json"], 0),
        (changed(lambda s: s["alarms"].append("x")), ["status", "--json"], 1),
        ({"error": "no connection to ExaBGP"}, ["routes"], 2),
        ({"routes": [{"peer": "10.1.1.0", "prefix": "10.64.0.1/32", "next_hop": "10.1.1.1"}]}, ["routes"], 0),
    ],
)
def test_the_exit_code_tells_the_state(tmp_path: Path, answer: dict[str, Any], arguments: list[str], code: int) -> None:
    assert served(tmp_path, answer, lambda path: cli.main(["--socket", path, *arguments])) == code


def test_an_agent_that_is_not_there_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--socket", str(tmp_path / "none.sock"), "status"]) == 2
    assert "is roth-agent.service running?" in capsys.readouterr().err


def test_a_drained_uplink_is_shown_as_such_and_is_no_fault() -> None:
    def drain(status: dict[str, Any]) -> None:
        status["drain"]["uplinks"] = [{"uplink": "up0", "tor": "tor1", "state": "drained"}]
        status["sessions"][0].update(state="down", default_received=False)
        status["bfd"][0].update(state="down")
        status["defaults"][0].update(uplinks=[])

    status = changed(drain)
    assert problems(status) == []
    text = cli.render(status)
    assert text.endswith("State: drained\n  uplink up0 to tor1 is drained")
    assert next(line for line in text.splitlines() if "10.1.1.0" in line).split()[-1] == "drained"


def test_a_drained_host_says_how_many_prefixes_it_has_given_up() -> None:
    status = changed(lambda s: s["drain"].update(host="given up", withdrawn=["10.64.250.1/32"]))
    assert cli.render(status).endswith("State: drained\n  host: given up 1 shared prefixes")


def test_an_uplink_that_is_on_its_way_back_has_to_be_whole() -> None:
    def drain(status: dict[str, Any]) -> None:
        status["drain"]["uplinks"] = [{"uplink": "up0", "tor": "tor1", "state": "returning"}]
        status["sessions"][0].update(state="down")

    assert cli.render(changed(drain)).partition("State: ")[2].splitlines() == [
        "DEGRADED",
        "  session to tor1 ipv4 (10.1.1.0 on up0) is down",
        "  uplink up0 to tor1 is returning",
    ]
