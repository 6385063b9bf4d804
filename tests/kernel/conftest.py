"""A network namespace for each test: without a name, so that nothing is left whatever happens to the test."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.events import RouteEvents
from ansible_collections.roth.fabric.plugins.module_utils.kernel.netlink import Netlink

CLONE_NEWNET = 0x40000000
DEADLINE = 60.0  # seconds

Shell = Callable[[str], str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() != 0:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="needs root: the tests make network namespaces"))


def run(command: str) -> str:
    """Run `command` in the test's namespace; what it printed."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def link(name: str) -> dict[str, Any]:
    """What `ip` shows of an interface."""
    (found,) = json.loads(run(f"ip -json link show dev {name}"))
    return found


def eventually(observe: Callable[[], object], expected: object) -> None:
    """Poll until `observe()` gives `expected`."""
    deadline = time.monotonic() + DEADLINE
    while (observed := observe()) != expected:
        assert time.monotonic() < deadline, f"observed {observed!r}, expected {expected!r} within {DEADLINE} s"


@pytest.fixture
def shell() -> Iterator[Shell]:
    """In a fresh namespace with lo and the veth pair v0 – v1 up, v1 a forwarding port of the bridge br0."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        try:
            for command in (
                "link set lo up",
                "link add br0 up type bridge",
                "link add v0 type veth peer name v1",
                "link set v1 master br0",
                "link set v0 up",
                "link set v1 up",
            ):
                run(f"ip {command}")
            # The kernel puts off what follows from a carrier, by up to a second, unless one asks for a link by its name
            # (linkwatch_sync_dev of net/core/link_watch.c): nothing of it is left for later.
            eventually(lambda: [link(name)["operstate"] for name in ("v0", "v1", "br0")], ["UP"] * 3)
            yield run
        finally:
            if libc.setns(home, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(home)


@pytest.fixture
def module(shell: Shell, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a module in this process, as Ansible runs it; its result. Anything but its own exit fails the test."""
    testing = pytest.importorskip("ansible.module_utils.testing")

    def execute(name: str, /, check: bool = False, **arguments: object) -> dict[str, Any]:
        main = importlib.import_module(f"ansible_collections.roth.fabric.plugins.modules.{name}").main
        options = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_module_name": f"roth.fabric.{name}"}
        with testing.patch_module_args({**arguments, **options}):
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert bool(ended.value.code) is bool(result.get("failed"))
        return result

    return execute


@pytest.fixture
def kernel(shell: Shell) -> Iterator[Netlink]:
    with Netlink() as netlink:
        yield netlink


@pytest.fixture
def events(shell: Shell) -> Iterator[RouteEvents]:
    subscription = RouteEvents(142, (142,))
    yield subscription
    subscription.close()


@pytest.fixture
def index(kernel: Netlink) -> Callable[[str], int]:
    """The ifindex of an interface by name."""

    def find(name: str) -> int:
        (found,) = [link.index for link in kernel.links().values() if link.name == name]
        return found

    return find
