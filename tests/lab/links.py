"""What can happen to a link of a host: each is undone at the end of its block, also when the test fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .fabric import Fabric


@contextmanager
def down(fabric: Fabric, node: str, interface: str) -> Iterator[None]:
    """The interface is down; the other end of its cable sees the carrier go."""
    fabric.ip(node, "link", "set", interface, "down")
    try:
        yield
    finally:
        fabric.ip(node, "link", "set", interface, "up")


@contextmanager
def silent(fabric: Fabric, switch: str, host: str, *hooks: str) -> Iterator[None]:
    """The switch drops what it sends to the host (`egress`) or gets from it (`ingress`), and the link stays up."""
    table = f"netdev cut-{host}"
    fabric.run(switch, "nft", f"add table {table}")
    try:
        for hook in hooks:
            chain = f"{{ type filter hook {hook} device {host} priority 0; policy drop; }}"
            fabric.run(switch, "nft", f"add chain {table} {hook} {chain}")
        yield
    finally:
        fabric.run(switch, "nft", f"delete table {table}")


def flap(fabric: Fabric, node: str, interface: str, pause: Callable[[], object], times: int) -> None:
    """Down and up again so many times, with a pause after each; it is up at the end."""
    for _time in range(times):
        with down(fabric, node, interface):
            pause()
        pause()
