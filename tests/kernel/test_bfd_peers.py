"""The plan of bfd_peers against a real bfdd: what it says must be what bfdd then does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.bfdd.peers import PeerKey, Timers, peer_key, plan, read_peers
from ansible_collections.roth.fabric.plugins.module_utils.bfdd.vty import Vty, VtyError

from tests.kernel.agent_rig import MISSING, Rig, eventually
from tests.kernel.sockets import listens

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs frr and bird2: {', '.join(MISSING)}")

ONE, TWO = peer_key("10.1.1.0", "10.1.1.1"), peer_key("2001:db8:1:1::a", "2001:db8:1:1::b")
SLOW, FAST = Timers(3, 300, 300), Timers(3, 100, 100)


@pytest.fixture
def vty() -> Iterator[Vty]:
    rig = Rig()
    try:
        rig.build()
        rig.frr("bfdd", "hv1", "")
        eventually(lambda: listens(rig.run / "hv1" / "bfdd.vty"), True)
        with Vty(str(rig.run / "hv1" / "bfdd.vty")) as connection:
            yield connection
    finally:
        rig.destroy()


def converge(vty: Vty, wanted: list[PeerKey], timers: Timers, purge: bool = True) -> dict[PeerKey, Timers | None]:
    """Plan and apply; a second plan must find nothing to do. What bfdd has then."""
    planned = plan(wanted, "roth", timers, read_peers(vty.command("show bfd peers json")), purge)
    if planned.lines:
        vty.configure(planned.lines)
    current = read_peers(vty.command("show bfd peers json"))
    assert plan(wanted, "roth", timers, current, purge).lines == ()
    return {peer.key: peer.timers for peer in current}


def test_peers_come_change_and_go_without_a_restart(vty: Vty) -> None:
    assert converge(vty, [ONE, TWO], SLOW) == {ONE: SLOW, TWO: SLOW}
    assert converge(vty, [ONE, TWO], FAST) == {ONE: FAST, TWO: FAST}
    assert converge(vty, [ONE], FAST, purge=False) == {ONE: FAST, TWO: FAST}
    assert converge(vty, [TWO], FAST) == {TWO: FAST}
    assert converge(vty, [], FAST) == {}


def test_a_refused_line_is_an_error_with_bfdd_s_words_and_the_connection_lives(vty: Vty) -> None:
    with pytest.raises(VtyError, match="refused 'detect-multiplier 999'"):
        vty.configure(["bfd", "profile roth", "detect-multiplier 999"])
    assert converge(vty, [ONE], SLOW) == {ONE: SLOW}
