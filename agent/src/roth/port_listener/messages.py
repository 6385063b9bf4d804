"""Which hosts a message of Neutron's bus concerns. Pure.

A push of versioned objects (neutron.api.rpc.handlers.resources_rpc.ResourcesPushRpcApi, method `push`) in the envelope
of oslo.messaging (`oslo.version` 2.0). A port that is deleted comes with its id only.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

_DATA = "versioned_object.data"
REMEMBERED = 100_000  # ports


@dataclass(frozen=True)
class PortEvent:
    """A port that changed, and the hosts of all its bindings; None where the message doesn't tell."""

    port_id: str
    hosts: frozenset[str] | None


def parse(body: bytes | str) -> list[PortEvent]:
    """The ports of a message. Raises ValueError for what is none."""
    try:
        envelope = json.loads(body)
        message = json.loads(envelope["oslo.message"]) if "oslo.message" in envelope else envelope
        if message["method"] != "push":
            raise ValueError(f"method {message['method']!r}")
        return [_port(each[_DATA]) for each in message["args"]["resource_list"]]
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no push of ports ({type(error).__name__}: {error})") from None


def _port(port: Mapping[str, object]) -> PortEvent:
    bindings = port.get("bindings")
    if not isinstance(bindings, list):
        return PortEvent(str(port["id"]), None)
    return PortEvent(
        str(port["id"]), frozenset(filter(None, (str(each[_DATA].get("host") or "") for each in bindings)))
    )


class Places:
    """Where ports were when they were last heard of: who had one has to know that it has gone."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._hosts: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._most = most

    def concerned(self, event: PortEvent) -> frozenset[str] | None:
        """The hosts of now and before; None: nobody knows, so all."""
        before = self._hosts.pop(event.port_id, None)
        if event.hosts is None:
            return before
        self._hosts[event.port_id] = event.hosts
        if len(self._hosts) > self._most:
            self._hosts.popitem(last=False)
        return event.hosts | (before or frozenset())
