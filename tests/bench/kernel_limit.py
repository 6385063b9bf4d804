"""What the kernel can take at all: bytes that were encoded before, a plain socket, and nothing else."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from ansible_collections.roth.fabric.plugins.module_utils.kernel import wire
from ansible_collections.roth.fabric.plugins.module_utils.kernel.exchange import BATCH, with_acknowledgement
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import Action, Family, RouteChange
from ansible_collections.roth.fabric.plugins.module_utils.kernel.netlink import Netlink, RouteEncoder, encode_route
from ansible_collections.roth.fabric.plugins.module_utils.kernel.routes import operations, plan_routes
from ansible_collections.roth.fabric.plugins.module_utils.kernel.text import Wanted

SOL_NETLINK, NETLINK_GET_STRICT_CHK = 270, 12


def encoded(changes: Sequence[RouteChange], table: int, protocol: int) -> list[bytes]:
    """What is to be written, BATCH messages a piece, the last of each acknowledged."""
    encode = RouteEncoder(table, protocol).encode
    pieces = []
    for first in range(0, len(changes), BATCH):
        messages = [encode(change, number) for number, change in enumerate(changes[first : first + BATCH], 1)]
        pieces.append(b"".join([*messages[:-1], with_acknowledgement(messages[-1])]))
    return pieces


def result(answer: bytes) -> tuple[int, int]:
    """Type of a netlink message and the errno in it (linux/netlink.h: nlmsghdr, then nlmsgerr or the end of a dump)."""
    kind = int.from_bytes(answer[4:6], "little")
    return kind, -int.from_bytes(answer[16:20], "little", signed=True)


class KernelLimit:
    """Install, purge and dump of the wanted routes, in a table of their own."""

    def __init__(self, kernel: Netlink, wanted: Wanted, table: int, protocol: int) -> None:
        install = operations(plan_routes(wanted, kernel.route_table(table, protocol), {}, kernel.links()))
        self._install = encoded(install, table, protocol)
        self._purge = encoded([(Action.REMOVE, key, hop) for _action, key, hop in install], table, protocol)
        family = Family.IPV4 if len(install[0][1][0]) == 4 else Family.IPV6
        flags = wire.NLM_F_REQUEST | wire.NLM_F_DUMP
        self._dump = encode_route(family, [("RTA_TABLE", table)], wire.RTM_GETROUTE, flags, proto=protocol)
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)  # the kernel filters by table

    def install(self) -> None:
        """Write every route."""
        self._write(self._install)

    def purge(self) -> None:
        """Remove every route."""
        self._write(self._purge)

    def _write(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self._socket.send(piece)
            _kind, code = result(self._socket.recv(1 << 16))
            if code:  # a piece is answered once, unless a route of it was refused
                raise OSError(code, os.strerror(code))

    def dump(self) -> None:
        """Have every route read out, and throw it away."""
        self._socket.send(self._dump)
        while result(self._socket.recv(1 << 18))[0] != wire.NLMSG_DONE:
            pass
