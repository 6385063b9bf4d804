"""Bridge ports that must be isolated from one another: then all traffic between instances is routed by the host."""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping

from .kernel.model import Kernel, Link
from .log import log


def ports_to_isolate(links: Mapping[int, Link], bridges: Collection[str]) -> list[Link]:
    """Ports of the named bridges that aren't isolated yet. Pure."""
    masters = {link.index for link in links.values() if link.name in bridges}
    return [link for link in links.values() if link.master in masters and not link.isolated]


def isolate_ports(kernel: Kernel, links: Mapping[int, Link], bridges: Collection[str]) -> list[str]:
    """Isolate them; returns what failed, for the alarms. A port that vanished meanwhile is no failure."""
    failures = []
    for link in ports_to_isolate(links, bridges):
        try:
            kernel.isolate_port(link.index)
            log("port_isolated", port=link.name)
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.ENXIO):
                continue
            log("port_not_isolated", "warning", port=link.name, error=error)
            failures.append(f"bridge port {link.name} can't be isolated: {error}")
    return failures
