"""How an instance of the full lab boots: over this machine's own programs, with clients that only say that they run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab import guests

from .conftest import DEADLINE, eventually

CLIENT = """#!/bin/sh
echo "$1 speaks from: $(ip -oneline address show dev eth0 scope link -tentative)"
exec sleep infinity
"""
FILES = {"usr/sbin/dhclient": CLIENT, "usr/sbin/ethtool": "#!/bin/sh\n", "etc/dhcp/dhclient.conf": ""}
# layers of an overlay must not lie in each other
ON_ITS_OWN = 'mount -t tmpfs tmpfs "$2"; cp -r "$1/." "$2"; shift 2; exec "$@"'


@pytest.fixture
def boot(shell: Callable[[str], str], tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Boot an instance whose eth0 has a cable, at the other end of which nothing is up yet; gives what it says."""
    files, layer, place = (tmp_path / name for name in ("files", "layer", "place"))
    for folder in (files / "etc/dhcp/dhclient-exit-hooks.d", files / "usr/sbin", layer, place):
        folder.mkdir(parents=True)
    for name, text in FILES.items():
        (files / name).write_text(text)
        (files / name).chmod(0o755)
    shell("ip link add eth0 type veth peer name switch")
    script = ["sh", "-euc", ON_ITS_OWN, "sh", files, layer]
    line = [*guests.UNSHARED, *script, guests.INIT, f"{layer}:/", place, "instance", ""]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(list(map(str, line)), stdout=log, stderr=log, cwd="/")
    yield (tmp_path / "log").read_text
    process.kill()
    process.wait(DEADLINE)


def test_an_instance_asks_for_ipv6_as_soon_as_it_has_a_link_local_address_to_ask_from(
    shell: Callable[[str], str], boot: Callable[[], str]
) -> None:
    """dhclient ends at once without one, and a switch's port may be up later than the instance."""
    eventually(lambda: "-4 speaks from: \n" in boot(), True)
    assert "-6" not in boot()
    shell("ip link set switch up")
    eventually(lambda: "-6 speaks from: " in boot(), True)
    assert "inet6 fe80:" in boot()
