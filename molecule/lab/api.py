"""Neutron's API in the lab, spoken to from where it runs: this machine itself has no cable into the fabric."""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from . import nodes
from .errors import LabError
from .settings import Settings, netns_path
from .topology import Topology

PORT = 9696
TIMEOUT = 60.0  # seconds; Neutron's first answer after its start is slow
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def inside(netns: Path) -> Iterator[None]:
    """Be in another network namespace with this thread. A socket that is made there stays there for good."""
    with Path("/proc/thread-self/ns/net").open() as own, netns.open() as other:
        _enter(other.fileno())
        try:
            yield
        finally:
            _enter(own.fileno())


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


class _Connection(http.client.HTTPConnection):
    """A connection to a server within a network namespace."""

    def __init__(self, netns: Path) -> None:
        super().__init__("localhost", PORT, timeout=TIMEOUT)
        self._netns = netns

    def connect(self) -> None:
        with inside(self._netns):
            self.sock = socket.socket()
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(("127.0.0.1", PORT))


class Refused(LabError):
    """Neutron's answer was an error.

    :ivar code: HTTP's, such as 409.
    """

    def __init__(self, what: str, code: int, text: str) -> None:
        super().__init__(f"Neutron: {what}: {code}: {text}")
        self.code = code


class Api:
    """Neutron's API on a node, as its administrator (Networking API v2.0)."""

    def __init__(self, netns: Path) -> None:
        self._netns = netns

    @classmethod
    def of(cls, settings: Settings, topology: Topology) -> Api:
        """The API of a lab; raise LabError when it has none, or when its node is down."""
        if topology.controller is None:
            raise LabError(
                "this lab has no Neutron: bring it up with make lab NEUTRON=1 (--inventory inventories/lab-neutron)"
            )
        name = topology.controller.name
        if nodes.init_pid(settings, name) is None:
            raise LabError(f"{name} is not up in the lab {settings.prefix!r}")
        return cls(netns_path(settings.netns(name)))

    def request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One request.

        :param path: below ``/v2.0/``.
        :raises Refused: for an answer that is an error.
        :raises LabError: without an answer.
        """
        connection = _Connection(self._netns)
        what = f"{method} /v2.0/{path}"
        try:
            with contextlib.closing(connection):
                headers = {"Content-Type": "application/json", "Accept": "application/json"}
                connection.request(method, f"/v2.0/{path}", None if body is None else json.dumps(body), headers)
                answer = connection.getresponse()
                text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"Neutron: {what}: no answer: {error}") from error
        if answer.status >= http.client.BAD_REQUEST:
            raise Refused(what, answer.status, text.strip())
        return dict(json.loads(text)) if text else {}

    def rows(self, kind: str, query: Sequence[tuple[str, str]] = ()) -> list[dict[str, Any]]:
        """Resources of a kind such as ``ports`` or ``security-groups``."""
        answer = self.request("GET", f"{kind}?{urlencode(query)}" if query else kind)
        return list(answer[kind.replace("-", "_")])

    def create(self, kind: str, **fields: object) -> dict[str, Any]:
        """A new resource of a kind such as ``port`` or ``security-group-rule``."""
        key = kind.replace("-", "_")
        return dict(self.request("POST", f"{kind}s", {key: fields})[key])

    def update(self, kind: str, name: str, **fields: object) -> dict[str, Any]:
        """Change a resource, by its id."""
        return dict(self.request("PUT", f"{kind}s/{name}", {kind: fields})[kind])

    def delete(self, kind: str, name: str) -> None:
        """Remove a resource, by its id."""
        self.request("DELETE", f"{kind}s/{name}")

    def document(self) -> Mapping[str, Any]:
        """All networks, subnets and ports, each as the API answers: the form of an inventory's neutron.json."""
        return {kind: self.rows(kind) for kind in ("networks", "subnets", "ports")}
