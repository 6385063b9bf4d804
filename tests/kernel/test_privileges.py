"""What a user other than root can do with the kernel."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

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


def test_cap_net_admin_alone_is_enough(shell):
    assert as_nobody("--inh-caps=+net_admin", "--ambient-caps=+net_admin") == ["[]", "1"]


def test_without_it_reading_works_and_writing_says_what_is_missing(shell):
    assert as_nobody("--inh-caps=-all") == ["EPERM change of routes: not permitted, this needs root or CAP_NET_ADMIN"]
