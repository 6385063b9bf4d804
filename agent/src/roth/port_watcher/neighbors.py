"""Static neighbour entries, where a network has them. Others go with their route (see apply_plan)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from ..kernel.model import Address, KernelNeighbor, Link, Neighbor
from ..kernel.neighbors import WantedNeighbor, plan_neighbors


class NeighborStore(Protocol):
    """What this needs of the kernel; netlink.Netlink is the real one."""

    def neighbors(self, index: int | None = None) -> list[KernelNeighbor]:
        """All neighbour entries."""

    def replace_neighbor(self, neighbor: Neighbor, protocol: int) -> None:
        """Create or change a static entry."""

    def delete_neighbor(self, address: Address, oif: int) -> None:
        """Remove one."""


def apply_neighbors(
    kernel: NeighborStore, wanted: Iterable[WantedNeighbor], links: Mapping[int, Link], protocol: int
) -> list[str]:
    """Make the static entries of `protocol` those that are wanted; what could not be done. Raises OSError."""
    plan = plan_neighbors(wanted, kernel.neighbors(), links, protocol)
    failed = [f"neighbour {address}: {reason}" for address, reason in plan.problems]
    for neighbor in plan.replace:
        try:
            kernel.replace_neighbor(neighbor, protocol)
        except OSError as error:
            failed.append(f"neighbour {neighbor.address}: {error.strerror or error}")
    for neighbor in plan.remove:
        kernel.delete_neighbor(neighbor.address, neighbor.oif)
    return failed
