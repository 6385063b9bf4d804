"""Must show 4: an uplink dies, loudly or silently; traffic goes on over the other, and comes back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from . import links
from .conftest import ailments
from .fabric import Fabric, eventually

Cut = Callable[[Fabric, str], AbstractContextManager[None]]

HOLD_TIME = 9000
"""ms, the inventory's roth_hold_time: BGP alone would take at least two thirds of it to notice, for keepalives come
every third. BFD takes 900, which leaves a machine that stalls some room."""
CUTS: dict[str, Cut] = {
    "link-down": lambda fabric, switch: links.down(fabric, switch, "hv1"),
    "silent-drop": lambda fabric, switch: links.silent(fabric, switch, "hv1", "ingress", "egress"),
}


def uplinks(fabric: Fabric) -> dict[str, list[str]]:
    """The uplinks in hv1's default of each family, as its kernel has them."""
    return fabric.default_uplinks("hv1")


def both(*names: str) -> dict[str, list[str]]:
    """The same uplinks in both families."""
    return {family: list(names) for family in ("-4", "-6")}


@pytest.mark.parametrize("switch", ["tor1", "tor2"])
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_pings_go_on_while_an_uplink_is_cut_and_both_paths_come_back(
    whole: Fabric, cut: Cut, switch: str, capsys: pytest.CaptureFixture[str]
) -> None:
    left = {"tor1": "up1", "tor2": "up0"}[switch]
    eventually(lambda: uplinks(whole), lambda found: found == both("up0", "up1"), "both uplinks in the default")
    with whole.streaming("client", whole.addresses("hv1"), rate=500) as stream:
        with cut(whole, switch):
            eventually(lambda: uplinks(whole), lambda found: found == both(left), f"{left} alone in the default")
            before = whole.counter("hv1", left)
            eventually(lambda: whole.counter("hv1", left) - before, lambda more: more > 100, f"packets over {left}")
        eventually(lambda: uplinks(whole), lambda found: found == both("up0", "up1"), "both uplinks again", 120)
        eventually(lambda: ailments(whole), lambda found: not found, "all sessions up again", 120)
    with capsys.disabled():
        print(f"\nuplink cut at {switch}: {stream.result}")
    assert stream.result.longest < HOLD_TIME * 2 / 3, stream.result
