"""Instances on Open vSwitch as the proofs see them from within: addresses, routes, sockets, and packets that lie."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from lab.api import inside
from lab.settings import netns_path

from tests.lab.fabric import Fabric
from tests.lab.probe import checksum

PORT = 9
"""Discard, RFC 863: where packets go that nobody answers."""
_ETH_P_ALL = 3
_IPV6_HDRINCL = 36  # linux/in6.h


def global_addresses(fabric: Fabric, name: str) -> list[dict[str, Any]]:
    """An instance's addresses of global scope, as `ip -json address` shows them."""
    (link,) = json.loads(fabric.ip(name, "-json", "address", "show", "dev", "eth0"))
    return [row for row in link["addr_info"] if row["scope"] == "global"]


def defaults(fabric: Fabric, name: str, family: str) -> list[dict[str, Any]]:
    """An instance's default routes of a family (`-4` or `-6`)."""
    return list(json.loads(fabric.ip(name, "-json", family, "route", "show", "default") or "[]"))


def link(fabric: Fabric, target: str, device: str) -> dict[str, Any]:
    """An interface, as `ip -json link` shows it."""
    (found,) = json.loads(fabric.ip(target, "-json", "link", "show", "dev", device))
    return dict(found)


@contextlib.contextmanager
def listening(fabric: Fabric, name: str, port: int) -> Iterator[None]:
    """A TCP server in an instance, of both families, that takes connections and says nothing."""
    with inside(netns_path(fabric.netns(name))):
        server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)
    with contextlib.closing(server):
        yield


def connects(fabric: Fabric, source: str, address: str, port: int, seconds: float = 1.0) -> bool:
    """Whether a TCP connection is made within that time. Raises ConnectionRefusedError: then nothing filtered it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with inside(netns_path(fabric.netns(source))):
        client = socket.socket(family)
    with contextlib.closing(client):
        client.settimeout(seconds)
        try:
            client.connect((address, port))
        except TimeoutError:
            return False
        return True


def send_from(fabric: Fabric, name: str, source: str, target: str, mark: bytes) -> None:
    """A UDP datagram from an instance with any source address; the kernel only routes it."""
    mine, theirs = ip_address(source).packed, ip_address(target).packed
    datagram = _udp(mine, theirs, mark)
    with inside(netns_path(fabric.netns(name))):
        opened = socket.socket(
            socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW
        )
    with contextlib.closing(opened):
        if ":" in source:
            opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_HDRINCL, 1)
            head = struct.pack("!IHBB", 6 << 28, len(datagram), socket.IPPROTO_UDP, 64)
        else:
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, socket.IPPROTO_UDP, 0)
        opened.sendto(head + mine + theirs + datagram, (target, 0))


def _udp(source: bytes, target: bytes, payload: bytes) -> bytes:
    """RFC 768, RFC 8200 8.1. Connection tracking takes a wrong checksum for no connection at all."""
    length = 8 + len(payload)
    pseudo = source + target + struct.pack("!IHH", length, 0, socket.IPPROTO_UDP)
    head = struct.pack("!HHH", PORT, PORT, length)
    padding = bytes(len(payload) % 2)
    return head + struct.pack("!H", checksum(pseudo + head + bytes(2) + payload + padding)) + payload


class Tap:
    """Every packet that an interface of a node sees from now on."""

    def __init__(self, fabric: Fabric, node: str, device: str) -> None:
        with inside(netns_path(fabric.netns(node))):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.bind((device, _ETH_P_ALL))

    def marks(self, wanted: bytes, among: frozenset[bytes], seconds: float) -> set[bytes]:
        """Which of some marks were seen until the wanted one came, or the time was over."""
        found: set[bytes] = set()
        until = time.monotonic() + seconds
        while wanted not in found and (left := until - time.monotonic()) > 0:
            if select.select([self._socket], [], [], left)[0]:
                packet = self._socket.recv(2048)
                found |= {mark for mark in among | {wanted} if mark in packet}
        return found

    def close(self) -> None:
        self._socket.close()
