"""Whether the host that an instance came from has been cleared up, by one question more in a read that is made anyway.

Of a port Neutron shows the active binding only, but asked for the ports of a host it counts inactive ones as well. Nova
deletes the source's binding as the last step of a migration, when it has unplugged the interface there
(nova/compute/manager.py: _post_live_migration, then post_live_migration_at_destination): one that is gone says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..neutron.cloud import Cloud, NeutronError
from ..neutron.reading import MATCHED, Entry, bound_to
from ..wanted.ports import interface_of


@dataclass(frozen=True)
class _Origin:
    host: str
    until: float | None = None  # it is asked about; None: the port is not bound here yet
    cleared: bool = False


class Origins:
    """By the reads of one host's ports. A port that was never seen at its source is not known of.

    After `lifetime` seconds at its new host nothing is asked of a port any more.
    """

    def __init__(self, host: str, lifetime: float, monotonic: Callable[[], float]) -> None:
        self.host, self.lifetime, self.monotonic = host, lifetime, monotonic
        self._known: dict[str, _Origin] = {}  # by the port's id

    def cleared(self, cloud: Cloud, document: Mapping[str, object]) -> list[str]:
        """Taps of the ports here whose source has no binding of them any more. No question where none has come."""
        self._follow(document)
        asked: dict[str, list[str]] = {}
        for identity, origin in self._known.items():
            if origin.until is not None and not origin.cleared:
                asked.setdefault(origin.host, []).append(identity)
        for host, identities in asked.items():
            try:
                left = set(identities) - bound_to(cloud, host, identities)
            except NeutronError:
                continue  # it only makes an address plain sooner: the read is good without
            self._known.update({each: replace(self._known[each], cleared=True) for each in left})
        return [interface_of(each) for each, origin in self._known.items() if origin.cleared]

    def _follow(self, document: Mapping[str, object]) -> None:
        ports, matched = document["ports"], document[MATCHED]
        assert isinstance(ports, list)  # noqa: S101
        assert isinstance(matched, list)  # noqa: S101
        before, self._known, now = self._known, {}, self.monotonic()
        for identity, host in _placed(ports, matched).items():
            origin = before.get(identity)
            if host != self.host:
                self._known[identity] = _Origin(host)
            elif origin is None:
                continue  # it was here before we could see it elsewhere
            elif origin.until is None:
                self._known[identity] = replace(origin, until=now + self.lifetime)
            elif now < origin.until:
                self._known[identity] = origin


def _placed(ports: Sequence[Entry], matched: Sequence[object]) -> dict[str, str]:
    """The host of each port that has a binding here and is bound to some host."""
    mine = set(matched)
    return {
        str(port["id"]): str(port["binding:host_id"])
        for port in ports
        if port["id"] in mine and port["binding:host_id"]
    }
