"""What a user other than root can do with the kernel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import errno, sys
sys.path[:0] = {path!r}
from ipaddress import ip_address, ip_network
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import *
from ansible_collections.roth.fabric.plugins.module_utils.kernel.netlink import Netlink, RouteEvents

kernel, events = Netlink(), RouteEvents(142, (142,))
v0, v1 = ([link.index for link in kernel.links().values() if link.name == name][0] for name in ("v0", "v1"))
operation = RouteOperation(Action.ADD, ip_network("10.64.1.53/32"), 0, v0)
try:
    print(kernel.apply(142, 142, [operation]))
    kernel.isolate_port(v1)
    kernel.replace_nexthop(Nexthop(142104, v0, ip_address("fe80::1")), 142)
    kernel.replace_neighbor(Neighbor(ip_address("10.64.1.53"), v0, "fa:16:3e:00:00:01"), 142)
    print(len([event for event in events.read() if isinstance(event, RouteEvent)]))
except OSError as error:
    print(errno.errorcode[error.errno], error.strerror)
"""

pytestmark = pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv (util-linux)")


def as_nobody(*options):
    path = [entry for entry in sys.path if entry]
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *options, sys.executable, "-c"]
    done = subprocess.run([*command, SCRIPT.format(path=path)], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


SYSTEM_PYTHON = "/usr/bin/python3"
OPENED = """
import errno, socket, sys
raw = socket.socket(fileno=int(sys.argv[2]))
raw.bind(("v0", 0))
print(raw.send(bytes(60)))
print({line.split()[0]: line.split()[1] for line in open("/proc/self/status") if line.startswith(("CapPrm", "CapEff"))})
try:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
except OSError as error:
    print(errno.errorcode[error.errno])
"""


@pytest.mark.skipif(not Path(SYSTEM_PYTHON).exists(), reason="needs a Python that every user may run")
def test_who_was_given_a_packet_socket_sends_on_it_and_opens_no_other(shell):
    capabilities = "+net_admin,+net_raw"
    identity = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    opening = [sys.executable, str(ROOT / "agent/src/roth/port_watcher/opening.py"), SYSTEM_PYTHON, "-c", OPENED]
    options = [f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"]
    done = subprocess.run([*identity, *options, *opening], capture_output=True, text=True, cwd="/")
    net_admin = f"{1 << 12:016x}"
    assert done.stdout.splitlines() == ["60", str({"CapPrm:": net_admin, "CapEff:": net_admin}), "EPERM"], done.stderr


def test_cap_net_admin_alone_is_enough(shell):
    assert as_nobody("--inh-caps=+net_admin", "--ambient-caps=+net_admin") == ["[]", "1"]


def test_without_it_reading_works_and_writing_says_what_is_missing(shell):
    assert as_nobody("--inh-caps=-all") == ["EPERM change of routes: not permitted, this needs root or CAP_NET_ADMIN"]
