"""The port watcher beside a real Open vSwitch database, on a real kernel. The switch itself does not run."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import pytest
from roth.port_watcher import following

from tests.unit.agent.port_watcher.rig import BRIDGE, port_id, routed, tap

from .conftest import eventually
from .test_port_watcher import DEADLINE, TIMING, Host

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
TARGET = "tcp:127.0.0.1:6640"

pytestmark = pytest.mark.skipif(
    not (shutil.which("ovsdb-server") and SCHEMA.exists()), reason="needs ovsdb-server (openvswitch-switch)"
)


class Database:
    """ovsdb-server in the test's namespace, with Open vSwitch's schema."""

    def __init__(self, folder: Path, shell: Callable[[str], str]) -> None:
        self.folder, self.shell = folder, shell
        shell(f"ovsdb-tool create {folder}/conf.db {SCHEMA}")
        self.start()
        self.change("init -- add-br br-int")

    def start(self) -> None:
        paths = " ".join(f"--{name}={self.folder}/ovsdb.{name}" for name in ("pidfile", "unixctl", "log-file"))
        self.shell(f"ovsdb-server {self.folder}/conf.db --remote=ptcp:6640:127.0.0.1 --detach {paths}")

    def stop(self) -> None:
        pid = int((self.folder / "ovsdb.pidfile").read_text())
        os.kill(pid, signal.SIGTERM)
        eventually(Path(f"/proc/{pid}").exists, False)

    def change(self, commands: str) -> None:
        self.shell(f"ovs-vsctl --db={TARGET} --no-wait --timeout=10 {commands}")

    def plug(self, number: int, name: str, kind: str = "") -> None:
        """As Nova does it; the number on the bridge is what the switch adds."""
        row = f"set Interface {name} {kind and f'type={kind}'} external_ids:iface-id={port_id(number)} ofport=3"
        self.change(f"add-port br-int {name} -- {row}")


class SwitchedHost(Host):
    """The host of the watcher's tests, which follows the database."""

    def __init__(self, folder: Path, shell: Callable[[str], str]) -> None:
        super().__init__(folder, shell, **TIMING)
        self.settings["ovsdb"] = TARGET

    async def run(self, scenario: Callable[[], Coroutine[object, object, None]]) -> None:
        async def followed() -> None:
            task = asyncio.create_task(following.follow(following.command(TARGET), self.watcher.heard, again=0.1))
            try:
                await scenario()
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        await super().run(followed)

    async def until(self, observe: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + DEADLINE
        while not observe():
            assert time.monotonic() < deadline, f"{what}: {self.status().get('switch')}"
            await asyncio.sleep(0.01)


@pytest.fixture
def database(shell: Callable[[str], str], tmp_path: Path) -> Iterator[Database]:
    found = Database(tmp_path, shell)
    yield found
    if (tmp_path / "ovsdb.pidfile").exists():
        found.stop()


@pytest.fixture
def host(shell: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SwitchedHost:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "agent/src"))
    shell(f"ip link add {BRIDGE} up type bridge")
    return SwitchedHost(tmp_path, shell)


def test_a_port_is_routed_while_the_switch_has_it(host: SwitchedHost, database: Database) -> None:
    async def scenario() -> None:
        host.place(1, 2, 3)
        host.ports[1]["binding:vif_type"] = "vhostuser"
        database.plug(1, "vhu00000001-00", "dpdkvhostuserclient")
        database.plug(2, "vm2", "internal")
        await host.eventually(routed(1, 2))
        database.change("set Interface vm2 ofport=-1")
        await host.eventually(routed(1))
        host.plug(3)
        database.plug(3, tap(3))
        await host.eventually(routed(1, 3))
        host.mode = "unreachable"
        host.unplug(3)  # the switch keeps the number of an interface that has vanished
        await host.eventually(routed(1))
        database.change("del-port vhu00000001-00")
        await host.eventually(set())

    asyncio.run(host.run(scenario))


def test_a_database_that_is_restarted_withdraws_nothing_and_is_followed_again(
    host: SwitchedHost, database: Database
) -> None:
    async def scenario() -> None:
        host.place(1, 2)
        database.plug(1, "vm1", "internal")
        await host.eventually(routed(1))
        database.stop()
        await host.until(lambda: not host.watcher.state.switch.connected, "it is silent")
        reads = len(host.reads)
        while len(host.reads) < reads + 2:
            await asyncio.sleep(0.01)
            assert host.has() == routed(1)
        database.start()
        database.plug(2, "vm2", "internal")
        await host.eventually(routed(1, 2))
        assert host.watcher.state.switch.connected

    asyncio.run(host.run(scenario))
