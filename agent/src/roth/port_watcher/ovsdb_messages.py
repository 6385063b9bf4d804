"""The Open vSwitch database protocol (RFC 7047), as far as following one table needs it: JSON-RPC without any I/O.

The package `ovs` has a whole IDL, with a loop, a schema cache and a C extension of its own. Following four columns of
one table is a request, an answer and one kind of notification, which this is.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping

from .presence import SwitchPort

LONGEST = 64 << 20  # characters of a message: tables of a hundred thousand rows
_COLUMNS = ["name", "type", "external_ids", "ofport"]
_MONITOR, _ALIVE = "ports", "alive"  # ids of our requests

Document = dict[str, object]


class ProtocolError(Exception):
    """The other side speaks no OVSDB, or refused."""


class Framing:
    """Octets to JSON objects, which follow one another without anything between (RFC 7047, 4)."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._text = ""

    def feed(self, octets: bytes) -> list[Document]:
        """What these octets complete. Raises ProtocolError."""
        found: list[Document] = []
        try:
            self._text = (self._text + self._decoder.decode(octets)).lstrip()
        except UnicodeDecodeError as error:
            raise ProtocolError(f"no UTF-8: {error.reason}") from None
        while self._text:
            if self._text[0] != "{" or len(self._text) > LONGEST:
                raise ProtocolError(f"no JSON object: {self._text[:20]!r}")
            if b"}" not in octets:
                break
            try:
                document, end = self._json.raw_decode(self._text)
            except (json.JSONDecodeError, RecursionError):
                break  # not whole yet; what never will be runs into the other side's silence
            found.append(document)
            self._text = self._text[end:].lstrip()
        return found


class Ports:
    """The rows of table Interface that a monitor has told of (RFC 7047, 4.1.6)."""

    def __init__(self) -> None:
        self._rows: dict[str, SwitchPort] = {}

    def update(self, tables: object) -> None:
        """A <table-updates>. Raises ProtocolError for what is none."""
        try:
            for uuid, row in _mapping(_mapping(tables).get("Interface", {})).items():
                self._row(uuid, _mapping(row).get("new"))
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"an update is not understood ({type(error).__name__}: {error})") from None

    def _row(self, uuid: str, new: object) -> None:
        before = self._rows.pop(uuid, None)
        if new is None:
            return
        columns = _mapping(new)
        iface_id = _map(columns["external_ids"]).get("iface-id")
        if not isinstance(iface_id, str) or not iface_id:
            return
        port = SwitchPort(iface_id, str(columns["name"]), str(columns["type"]))
        number = columns["ofport"]  # [] until the switch has given one, -1 where it could not
        if (isinstance(number, int) and number > 0) or (number == ["set", []] and port == before):
            self._rows[uuid] = port

    def __call__(self) -> frozenset[SwitchPort]:
        """Those that are on a bridge."""
        return frozenset(self._rows.values())


def _map(value: object) -> dict[object, object]:
    """An OVSDB <map> (RFC 7047, 5.1)."""
    if not isinstance(value, list) or len(value) != 2 or value[0] != "map":
        raise ValueError("no map")
    return dict(value[1])


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


class Conversation:
    """One connection: `begin` is sent first, then what `feed` returns. `ports` is None until there was an answer."""

    def __init__(self) -> None:
        self._framing, self._rows = Framing(), Ports()
        self.ports: frozenset[SwitchPort] | None = None

    def begin(self) -> bytes:
        """The request to be told of every port, now and whenever one changes (RFC 7047, 4.1.5)."""
        tables = {"Interface": [{"columns": _COLUMNS}]}
        return _encode({"method": "monitor", "params": ["Open_vSwitch", None, tables], "id": _MONITOR})

    def probe(self) -> bytes:
        """Asks for a sign of life (RFC 7047, 4.1.11)."""
        return _encode({"method": "echo", "params": [], "id": _ALIVE})

    def feed(self, octets: bytes) -> bytes:
        """Take what came in; what has to be answered. Raises ProtocolError."""
        return b"".join(map(self._take, self._framing.feed(octets)))

    def _take(self, message: Document) -> bytes:
        method, identity = message.get("method"), message.get("id")
        if method == "echo":
            return _encode({"result": message.get("params"), "error": None, "id": identity})
        if method == "update" and self.ports is not None:
            parameters = message.get("params")
            if not isinstance(parameters, list) or len(parameters) != 2:
                raise ProtocolError("an update has two parameters")
            self._told(parameters[1])
        elif method is None and identity == _MONITOR:
            if message.get("error") is not None:
                raise ProtocolError(f"the database refuses to be followed: {json.dumps(message['error'])[:200]}")
            self._told(message.get("result"))
        return b""

    def _told(self, tables: object) -> None:
        self._rows.update(tables)
        self.ports = self._rows()


def _encode(document: Mapping[str, object]) -> bytes:
    return json.dumps(document).encode()
