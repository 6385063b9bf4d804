"""A real Open vSwitch in the test's namespace, with the userspace datapath: it needs no module of the kernel."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import DEADLINE, eventually
from .sockets import listens

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
VSWITCHD = Path("/usr/sbin/ovs-vswitchd")
# what counters and clocks do not change
COLUMNS = {
    "Bridge": "name,datapath_type,fail_mode,protocols,controller,ports,other_config,external_ids",
    "Port": "name,tag,other_config,external_ids",
    "Interface": "name,type,options,mtu_request,external_ids",
    "Controller": "target,connection_mode",
}


class OpenVswitch:
    """The daemons of one test, below `folder`; `database` is where ovs-vsctl finds them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = f"unix:{folder}/db.sock"
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *, switch: bool = True) -> None:
        """Both daemons, or the database alone."""
        file = self.folder / "conf.db"
        if not file.exists():
            subprocess.run(["ovsdb-tool", "create", str(file), str(SCHEMA)], check=True)
        self._run("ovsdb-server", str(file), f"--remote=p{self.database}")
        eventually(lambda: listens(self.folder / "db.sock"), True)
        self.vsctl("--no-wait", "init")
        if switch:
            self._run("ovs-vswitchd", self.database)
            # the first configuration of all is done when a transaction's wait for it comes back
            self.vsctl(f"--timeout={int(DEADLINE)}", "set", "Open_vSwitch", ".", "external_ids:tested=yes")

    def stop(self) -> None:
        for process in reversed(list(self._running.values())):
            process.terminate()
            process.wait(DEADLINE)
        self._running.clear()

    def _run(self, daemon: str, *arguments: str) -> None:
        log = (self.folder / f"{daemon}.log").open("ab")
        self._running[daemon] = subprocess.Popen(
            [daemon, *arguments, f"--unixctl={self.folder}/{daemon}.ctl", f"--pidfile={self.folder}/{daemon}.pid"],
            stdout=log, stderr=log, env=self.environment(),
        )  # fmt: skip
        log.close()

    def environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return {**os.environ, "OVS_RUNDIR": folder, "OVS_LOGDIR": folder, "OVS_DBDIR": folder}

    def vsctl(self, *words: str) -> str:
        """What ovs-vsctl prints."""
        return self.command("ovs-vsctl", f"--db={self.database}", *words)

    def command(self, *words: str) -> str:
        done = subprocess.run(words, capture_output=True, text=True, env=self.environment())
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout

    def contents(self) -> dict[str, list[object]]:
        """All that anybody has set."""
        return {
            table: sorted(
                json.loads(self.vsctl("--format=json", f"--columns={columns}", "list", table))["data"], key=str
            )
            for table, columns in COLUMNS.items()
        }

    def flows(self, bridge: str) -> list[str]:
        """The flows of a bridge without their counters."""
        printed = self.command("ovs-ofctl", "-OOpenFlow13", "--no-stats", "dump-flows", f"{self.folder}/{bridge}.mgmt")
        return sorted(line.strip() for line in printed.splitlines() if "actions=" in line)


@contextmanager
def open_vswitch(folder: Path) -> Iterator[OpenVswitch]:
    """Skips the test where Open vSwitch is not installed; `tests/kernel/install-daemons` does that."""
    if not VSWITCHD.exists():
        pytest.skip("openvswitch-switch is not installed")
    daemons = OpenVswitch(folder)
    try:
        yield daemons
    finally:
        daemons.stop()
