"""The agent's mirror and restoration on a real kernel: which routes went with their link, and which were deleted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from roth.kernel.events import RouteEvents
from roth.kernel.netlink import Netlink
from roth.lists import Lists
from roth.mirror import Changes, Mirror
from roth.restore import Restoration

IPV4, IPV6 = "10.64.1.53/32", "2001:db8:64::135/128"
LISTED = f"{IPV4} dev br0\n{IPV6} dev br0\n10.64.1.54/32 dev lo\n"


class Now:
    """Timers that run when they are told to."""

    def __init__(self) -> None:
        self.due = {}

    def later(self, name, _seconds, run):
        self.due[name] = run


class Rig:
    """The part of the agent that puts routes back, on the test's namespace."""

    def __init__(self, kernel: Netlink, events: RouteEvents, folder) -> None:
        self.kernel = kernel
        self.timers = Now()
        self.lost: set[str] = set()
        self.mirror = Mirror(kernel, events, 142, 142, self.timers, self.changed)
        (folder / "routes").write_text(LISTED)
        self.restoration = Restoration([Lists(str(folder / "routes"), str(folder / "taps"))], str(folder / "waiting"))
        self.mirror.resync()
        self.restoration.begin(self.mirror.routes, self.mirror.links)

    def changed(self, changes: Changes) -> None:
        self.lost |= {str(prefix) for prefix, _metric in changes.lost}
        self.restoration.lost(changes.lost, self.mirror.routes)
        operations = self.restoration.due(self.mirror.routes, self.mirror.links)
        failures = self.kernel.apply(142, 142, operations)
        assert failures == []
        self.restoration.put_back(operations, failures)

    def read(self) -> None:
        self.mirror.readable()
        self.mirror.resync()
        self.mirror.readable()


@pytest.fixture
def rig(shell, tmp_path) -> Iterator[Rig]:
    events = RouteEvents(142, (142,))
    for prefix, device in ((IPV4, "br0"), (IPV6, "br0"), ("10.64.1.54/32", "lo")):
        shell(f"ip route add {prefix} dev {device} table 142 proto 142")
    (tmp_path / "waiting").write_text("")
    with Netlink() as kernel:
        yield Rig(kernel, events, tmp_path)
    events.close()


def held(shell) -> set[str]:
    lines = shell("ip -4 route show table 142; ip -6 route show table 142").splitlines()
    return {line.split()[0] for line in lines}


@pytest.mark.parametrize("moment", [True, False], ids=["at-once", "read-between"])
def test_routes_of_both_families_come_back_with_their_link(rig: Rig, shell, moment: bool) -> None:
    shell("ip link set br0 down")
    if not moment:
        rig.read()
        assert held(shell) == {"10.64.1.54"}
    shell("ip link set br0 up")
    rig.read()
    assert rig.lost == {IPV4, IPV6}
    assert held(shell) == {"10.64.1.53", "2001:db8:64::135", "10.64.1.54"}


def test_a_link_that_is_made_anew_gets_its_routes(rig: Rig, shell) -> None:
    shell("ip link del br0")
    rig.read()
    shell("ip link add br0 up type bridge")
    rig.read()
    assert held(shell) == {"10.64.1.53", "2001:db8:64::135", "10.64.1.54"}


def test_deleted_routes_stay_deleted_although_their_link_goes_down_at_the_same_time(rig: Rig, shell) -> None:
    shell(f"ip route del {IPV4} dev br0 table 142 && ip route del {IPV6} dev br0 table 142 && ip link set br0 down")
    shell("ip link set br0 up")
    rig.read()
    assert rig.lost == set()
    assert held(shell) == {"10.64.1.54"}
