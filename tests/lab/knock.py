"""One packet to a guarded port; stdlib only, so that any Python inside any network namespace runs it.

knock.py PATIENCE tcp|udp TTL ADDRESS PORT [SOURCE[%INTERFACE] [SOURCE_PORT]]

PATIENCE is in seconds. SOURCE need not be an address of this node, and INTERFACE not the one that its routes would
choose.

Prints what came of it: of TCP `open`, `refused` or `silent`, of UDP `sent`.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75  # linux/in.h, linux/in6.h: bind to any address


def knock(
    patience: float, protocol: str, ttl: int, address: str, port: int, source: str = "", source_port: int = 0
) -> str:
    six = ":" in address
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind) as opened:
        opened.settimeout(patience)
        if six:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        else:
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        source, _, interface = source.partition("%")
        if interface:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        if source:
            level, option = (socket.IPPROTO_IPV6, IPV6_TRANSPARENT) if six else (socket.IPPROTO_IP, IP_TRANSPARENT)
            opened.setsockopt(level, option, 1)
            opened.bind((source, source_port))
        try:
            opened.connect((address, port))
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silent"
        if protocol == "tcp":
            return "open"
        opened.send(bytes(24))
        return "sent"


def main(arguments: Sequence[str]) -> None:
    patience, protocol, ttl, address, port, source, source_port = [*arguments, "", "0"][:7]
    print(knock(float(patience), protocol, int(ttl), address, int(port), source, int(source_port or 0)))


if __name__ == "__main__":
    main(sys.argv[1:])
