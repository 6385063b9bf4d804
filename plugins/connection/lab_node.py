# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Enter the nodes of the lab."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lab_node
short_description: Run tasks inside a node of the lab
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Enters the namespaces of a node of this collection's lab with C(nsenter). Nothing runs in the node for it.
  - The lab is built and started by C(python -m lab up) from the collection's checkout.
requirements:
  - root on the controller
  - nsenter of util-linux
options:
  node:
    description: Name of the node in the lab's topology.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host  # the node that a task is delegated to
      - name: roth_lab_node
  prefix:
    description: Prefix of the lab, as it was given to C(python -m lab).
    type: str
    default: roth
    env:
      - name: ROTH_LAB_PREFIX
    vars:
      - name: roth_lab_prefix
  lab_dir:
    description: State directory of the labs of this machine.
    type: path
    default: /var/lib/roth-lab
    env:
      - name: ROTH_LAB_DIR
    vars:
      - name: roth_lab_dir
"""

import shutil
import subprocess
from pathlib import Path
from typing import IO

from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

display = Display()

ENVIRONMENT = {
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


class Connection(ConnectionBase):  # type: ignore[misc]  # ansible has no types
    """A connection without a session: each command enters the node anew."""

    transport = "roth.fabric.lab_node"
    has_pipelining = True
    default_user = "root"
    _connected: bool

    def _connect(self) -> Connection:
        if not self._connected:
            display.vvv("ENTER LAB NODE", host=self._node)
            self._init_pid()
            self._connected = True
        return self

    @property
    def _node(self) -> str:
        return str(self.get_option("node"))

    def _init_pid(self) -> int:
        """The node's PID 1 as this machine numbers it.

        A pid file may be older than the process that bears its number now, so the process must be in the node's netns.
        """
        prefix, lab_dir = self.get_option("prefix"), Path(self.get_option("lab_dir"))
        try:
            pid = int((lab_dir / "run" / prefix / self._node / "init.pid").read_text())
            if Path(f"/proc/{pid}/ns/net").stat().st_ino == Path(f"/run/netns/{prefix}-{self._node}").stat().st_ino:
                return pid
            reason = "its init has died"
        except PermissionError as error:
            raise AnsibleConnectionFailure(
                f"lab node {self._node}: root is needed on the controller: {error}"
            ) from error
        except (OSError, ValueError) as error:
            reason = str(error)
        raise AnsibleConnectionFailure(
            f"lab node {self._node} is not up in the lab {prefix!r} ({reason}); "
            f"bring it up with: ROTH_LAB_PREFIX={prefix} ROTH_LAB_DIR={lab_dir} python -m lab up"
        )

    def _run(
        self, argv: list[str], stdin: bytes | IO[bytes] | None = None, stdout: IO[bytes] | int = subprocess.PIPE
    ) -> tuple[int, bytes, bytes]:
        if shutil.which("nsenter") is None:
            raise AnsibleConnectionFailure("nsenter is not installed on the controller: apt-get install util-linux")
        namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]
        command = ["nsenter", "-t", str(self._init_pid()), *namespaces, "--", *argv]
        given = stdin if stdin is not None and not isinstance(stdin, bytes) else subprocess.PIPE
        with subprocess.Popen(command, stdin=given, stdout=stdout, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
            out, err = process.communicate(stdin if isinstance(stdin, bytes) else None)
        return process.returncode, out or b"", err

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a shell command in the node."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        display.vvv(f"EXEC {to_text(cmd)}", host=self._node)
        return self._run(["/bin/sh", "-c", to_text(cmd)], stdin=in_data)

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the node.

        The node itself opens the target: through /proc/PID/root an absolute symbolic link would lead into the
        controller's own tree.
        """
        super().put_file(in_path, out_path)
        display.vvv(f"PUT {in_path} TO {out_path}", host=self._node)
        try:
            with Path(to_text(in_path)).open("rb") as source:
                code, out, err = self._run(["/bin/sh", "-c", 'cat >"$1"', "sh", out_path], stdin=source)
        except FileNotFoundError as error:
            raise AnsibleFileNotFound(f"no such file on the controller: {in_path}") from error
        if code:
            raise AnsibleConnectionFailure(f"{self._node}: cannot write {out_path}: {to_text(err or out).strip()}")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file out of the node."""
        super().fetch_file(in_path, out_path)
        display.vvv(f"FETCH {in_path} TO {out_path}", host=self._node)
        with Path(to_text(out_path)).open("wb") as target:
            code, out, err = self._run(["cat", "--", in_path], stdout=target)
        if code:
            raise AnsibleConnectionFailure(f"{self._node}: cannot read {in_path}: {to_text(err or out).strip()}")

    def close(self) -> None:
        """Nothing stays open."""
        self._connected = False
