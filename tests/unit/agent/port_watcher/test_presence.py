"""Which interfaces are here, by links and by Open vSwitch."""

from __future__ import annotations

import pytest
from roth.port_watcher.presence import Presence, SwitchPort

ID = "00000001-0000-4000-8000-000000000001"
TAP, VHU = "tap00000001-00", "vhu00000001-00"


def here(links: set[str], *ports: tuple[str, str]) -> set[str]:
    presence = Presence()
    presence.ports = frozenset(SwitchPort(ID, name, kind) for name, kind in ports)
    return presence.here(links)


@pytest.mark.parametrize(
    ("links", "port", "expected"),
    [
        ({TAP}, (TAP, ""), {TAP}),
        (set(), (TAP, ""), set()),
        ({"vm0"}, ("vm0", "system"), {"vm0", TAP}),
        (set(), ("vm0", "system"), set()),
        (set(), (VHU, "dpdkvhostuserclient"), {VHU}),
        (set(), ("vm0", "internal"), {TAP}),
        ({"qvo00000001-00"}, ("qvo00000001-00", ""), {"qvo00000001-00"}),
    ],
    ids=[
        "a tap",
        "a tap that has vanished and kept its number",
        "a link of another name",
        "one of another name that has vanished",
        "vhost-user",
        "an internal port in another namespace",
        "the pair of hybrid plugging, which outlives the instance",
    ],
)
def test_a_port_of_the_switch_is_here_while_what_it_stands_for_is(
    links: set[str], port: tuple[str, str], expected: set[str]
) -> None:
    assert here(links, port) == expected


def test_until_something_was_heard_only_vhost_user_ports_are_presumed_here() -> None:
    presence = Presence()
    assert presence.here({"lo"}, [TAP, VHU]) == {"lo", VHU}
    presence.ports = frozenset()
    assert presence.here({"lo"}, [TAP, VHU]) == {"lo"}
