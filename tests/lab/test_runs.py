"""Runs that meet another, and that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from .fabric import INVENTORY, Fabric
from .playbooks import AT_ONCE, attempt, command, environment, play

LOCK = "/run/roth.lock"


@contextmanager
def running(line: list[str], **more: str) -> Iterator[subprocess.Popen[str]]:
    """A playbook in a process group of its own, which is killed when the block ends."""
    with subprocess.Popen(
        line,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


def read_until(process: subprocess.Popen[str], reached: Callable[[str, str], bool]) -> None:
    """Read the output until a line, with the task that it is of, is the one."""
    assert process.stdout is not None
    task, lines = "", []
    for line in process.stdout:
        lines.append(line)
        task = line if line.startswith(("TASK [", "RUNNING HANDLER [")) else task
        if reached(task, line):
            return
    pytest.fail("the run ended before that: " + "".join(lines[-60:]))


def locked(fabric: Fabric, host: str) -> bool:
    return bool(fabric.run(host, "sh", "-c", f"cat {LOCK} 2>/dev/null || true"))


@pytest.mark.slow
def test_a_second_run_is_refused_by_name_and_may_go_on_when_the_first_was_killed(whole: Fabric) -> None:
    with running(command("site.yml", INVENTORY, "--limit", "hv1,hv2")) as first:
        read_until(first, lambda _task, line: "Configure the hypervisors" in line)
        second = attempt("sync_ports.yml", INVENTORY)
        assert first.poll() is None, "the first run was still under way"
    assert second.code != 0, second.output
    said = " ".join(second.output.split())
    for host in ("hv1", "hv2"):
        assert f"{host}: another run changes this host: root on" in said, second.output
    assert f"(site.yml, process {first.pid}) since 20" in said, second.output
    assert "hv3: another run" not in said
    assert set(second.changed.values()) == {0}, second.output

    assert locked(whole, "hv1"), "the killed run has left its lock"
    assert not locked(whole, "hv3"), "the refused run has given back the lock that it had"
    play("site.yml", INVENTORY, "--limit", "hv1,hv2", "--tags", "ecmp", *AT_ONCE)
    for host in ("hv1", "hv2"):
        assert not locked(whole, host), "a run that has ended holds no lock"
