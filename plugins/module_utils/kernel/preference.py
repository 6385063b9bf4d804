# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a host route says that its address has just arrived on this host: by its metric. Pure.

While an instance moves, two hosts have a route for its address, and both announce it. The fabric must then prefer the
new host: at equal preference a switch spreads flows over both, and the one that lost the instance drops its share.

The kernel is the only source of what is announced, so the route itself has to say it, and its metric is the one field
that does, both ways: `redistribute kernel` of any BGP speaker can map it to a preference, and it is part of what makes
a route one route. A second route beside the first can therefore come before the other goes, in either order, and the
address is never without one.

Host routes of the usual kind have the family's default metric (0 for IPv4, 1024 for IPv6).
"""

from __future__ import annotations

from .model import RouteKey

ARRIVED_METRIC = 142
"""The metric of a route whose address has just arrived here; for both families better than IPv6's default of 1024."""


def arrived(key: RouteKey) -> bool:
    """Whether a host route of ours with this key says that its address has just arrived on this host.

    An aggregate (a shorter prefix) moves with no instance: whatever its metric, it says nothing.
    """
    address, length, metric = key
    return metric == ARRIVED_METRIC and length == 8 * len(address)
