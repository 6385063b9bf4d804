"""A small lab comes up, heals, restarts, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import lab, network, nodes
from lab.cgroups import lab_cgroup
from lab.errors import LabError
from lab.settings import Settings, netns_path
from lab.topology import Topology, parse

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")

TOPOLOGY = parse(
    {
        "nodes": {"r1": {"loopbacks": ["192.0.2.1/32"], "forwarding": True}, "h1": {}},
        "links": [{"r1:h1": ["10.1.1.0/31"], "h1:up0": []}],
    }
)


@pytest.fixture
def settings() -> Iterator[Settings]:
    """A lab of its own beside any other, over the machine's cached base root."""
    own = Settings(prefix=f"t{os.getpid() % 10**8}", home=Settings.from_environment().home)
    yield own
    lab.down(own)


def output(settings: Settings, node: str, *command: str) -> str:
    return subprocess.run(nodes.enter(settings, node, command), capture_output=True, text=True, check=True).stdout


def traces(settings: Settings) -> list[str]:
    """Everything on this machine that bears the lab's prefix."""
    found = [name for name in network.existing_namespaces() if name.startswith(f"{settings.prefix}-")]
    found += [str(path) for path in (settings.run_dir, settings.lock_file, lab_cgroup(settings)) if path.exists()]
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if str(settings.run_dir) in line]
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(settings.run_dir) in (line := process.read_text(errors="replace")):
                found.append(line)
    return found


def test_a_lab_comes_up_heals_restarts_and_leaves_nothing(settings: Settings) -> None:
    lab.up(settings, TOPOLOGY)
    first = nodes.init_pid(settings, "r1")
    assert [line.state for line in lab.status(settings, TOPOLOGY)] == ["running", "running"]
    assert "10.1.1.0/31" in output(settings, "r1", "ip", "-4", "address")

    lab.up(settings, TOPOLOGY)
    assert nodes.init_pid(settings, "r1") == first, "a second up touches nothing"

    victim = nodes.init_pid(settings, "h1")
    assert victim is not None
    nodes.stop(settings, ["h1"], sig=signal.SIGKILL)
    assert nodes.state(settings, "h1") == "down"
    lab.up(settings, TOPOLOGY)
    assert nodes.state(settings, "h1") == "running"
    assert nodes.init_pid(settings, "r1") == first

    output(settings, "h1", "sh", "-c", "ip address add 192.0.2.9/32 dev lo; touch /root/stays")
    lab.reboot(settings, TOPOLOGY, ["h1"])
    assert "192.0.2.9" not in output(settings, "h1", "ip", "address")
    assert output(settings, "h1", "ls", "/root").split() == ["stays"]
    assert "up0" in network.interfaces(settings.netns("h1"))

    shells = [subprocess.Popen(nodes.enter(settings, "r1", ["sleep", "600"])) for _ in range(3)]
    nodes.stop(settings, ["h1"], sig=signal.SIGKILL)
    lab.down(settings)
    assert all(shell.wait(timeout=60) for shell in shells), (
        "a shell that is left open neither stays nor holds the lab up"
    )
    assert traces(settings) == []


def test_a_failed_start_names_node_state_and_log_and_down_still_cleans_up(settings: Settings) -> None:
    broken: Topology = parse({"nodes": {"good": {}, "bad": {}}})
    unit = settings.node_dir("bad") / "upper/etc/systemd/system/multi-user.target.wants/broken.service"
    unit.parent.mkdir(parents=True)
    unit.symlink_to("../broken.service")
    unit.parent.parent.joinpath("broken.service").write_text("[Service]\nType=oneshot\nExecStart=/bin/false\n")
    with pytest.raises(LabError) as failed:
        lab.up(settings, broken)
    message = str(failed.value)
    assert message.startswith("bad did not start: its state is 'degraded', expected 'running'")
    assert "broken.service" in message
    assert str(settings.node_dir("bad") / "boot.log") in message
    assert "good" not in message
    lab.down(settings)
    assert traces(settings) == []


def test_a_base_that_cannot_be_mounted_is_reported_with_the_log(settings: Settings) -> None:
    topology = parse({"nodes": {"bad": {}}})
    folder = settings.node_dir("bad")
    for name in ("upper", "work", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "base").write_text("/no/such/base\n")
    (folder / "seeded").touch()
    with pytest.raises(LabError, match=r"bad[ :].*\n(.*\n)*.*boot\.log") as failed:
        lab.up(settings, topology)
    assert "cannot mount an overlay" in str(failed.value)
    lab.down(settings)
    assert traces(settings) == []


def test_two_commands_do_not_change_one_lab_at_a_time(settings: Settings) -> None:
    entered, release = threading.Event(), threading.Event()

    def hold() -> None:
        with lab.locked(settings, "up"):
            entered.set()
            release.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert entered.wait(10)
        with (
            pytest.raises(LabError, match=rf"is being changed by pid {os.getpid()} \(up\)"),
            lab.locked(settings, "down"),
        ):
            pass
    finally:
        release.set()
        holder.join()
    assert not settings.lock_file.exists()


def test_a_command_in_a_node_that_is_not_up_says_so() -> None:
    environment = {**os.environ, "ROTH_LAB_PREFIX": "tnotup", "PYTHONPATH": str(Path(lab.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-m", "lab", "sh", "hv1", "true"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("lab: hv1 is not up in the lab 'tnotup'")
    assert not netns_path("tnotup-hv1").exists()
