"""The process that asks Neutron: numbers come in on stdin, one JSON document a number goes out on stdout.

It has the credentials and meets the network, so it has no capability; who writes routes reads no byte that came from
outside but through this. It can be killed when Neutron answers a byte a minute, which no timeout of a socket ends.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from ..config import ConfigError
from ..neutron.cloud import Cloud, NeutronError
from ..neutron.entry import connect
from ..neutron.reading import read_ports_of
from ..wanted.document import read_document
from ..wanted.ports import InstanceRoutes, PortPlan
from .coming import PROFILE, coming, leaving
from .config import Config, load
from .origins import Origins

Message = dict[str, object]
_SLOW = ("/v2.0/networks", "/v2.0/subnets")


class Remembering:
    """A cloud whose networks and subnets, which hardly change, are asked for once in `lifetime` seconds (Cloud).

    Two of three questions are spared so, of each read that a tap causes.
    """

    def __init__(self, cloud: Cloud, lifetime: float, monotonic: Callable[[], float]) -> None:
        self.cloud, self.lifetime, self.monotonic = cloud, lifetime, monotonic
        self._known: dict[object, tuple[float, Mapping[str, object]]] = {}

    def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Mapping[str, object]:
        """See Cloud."""
        if path not in _SLOW:
            return self.cloud.get(path, query)
        now, key = self.monotonic(), (path, tuple(query))
        until, answer = self._known.get(key, (now, {}))
        if until <= now:
            answer = self.cloud.get(path, query)
            self._known[key] = now + self.lifetime, answer
        return answer

    def forget(self) -> bool:
        """Ask for all of it again next time; whether there was anything to forget."""
        known, self._known = self._known, {}
        return bool(known)


class Reader:
    """Answers by number. The connection is kept, with its token, until Neutron refuses it or is away."""

    def __init__(self, config: Config, connect: Callable[[], Cloud], monotonic: Callable[[], float]) -> None:
        self.config, self.connect, self.monotonic = config, connect, monotonic
        self.cloud: Remembering | None = None
        self.origins = Origins(config.host, config.timing.arrival_settle, monotonic)

    def read(self, number: int) -> Message:
        """One reading: what this host should have, or why that isn't known."""
        try:
            return {"number": number, **self._read()}
        except NeutronError as error:
            if error.kind != "broken":
                self.cloud = None
            return {"number": number, "kind": error.kind, "text": str(error)}
        except ValueError as error:
            return {"number": number, "kind": "broken", "text": str(error)}
        except Exception as error:  # a plugin for authentication may raise anything, with secrets in it
            self.cloud = None
            return {"number": number, "kind": "broken", "text": f"{type(error).__name__} while Neutron was read"}

    def _read(self) -> Message:
        began, config = self.monotonic(), self.config
        fresh = self.cloud is None
        if self.cloud is None:
            self.cloud = Remembering(self.connect(), config.timing.period, self.monotonic)
        try:
            document, found = self._ask(self.cloud)
        except (NeutronError, ValueError) as error:
            # an answer that doesn't fit what is remembered, and not one that didn't come
            unfit = not isinstance(error, NeutronError) or (error.kind == "broken" and error.status is None)
            if fresh or not unfit or not self.cloud.forget():
                raise
            document, found = self._ask(self.cloud)  # a port of a subnet that is new, for instance
        seconds = self.monotonic() - began
        return {
            "routes": list(found.routes),
            "taps": [f"{tap.prefix} {tap.device}" for tap in found.taps],
            "neighbors": [f"{each.address} lladdr {each.mac} dev {each.device}" for each in found.neighbors],
            "left_out": [each.address for each in found.left_out],
            "seconds": seconds,
            "leaving": leaving(document, config.host),
            "coming": coming(config, document),
            "cleared": self.origins.cleared(self.cloud, document),
        }

    def _ask(self, cloud: Cloud) -> tuple[Mapping[str, object], InstanceRoutes]:
        config = self.config
        document = read_ports_of(cloud, config.networks, config.host, more=[PROFILE])
        sockets = bool(config.ovsdb)
        plan = PortPlan(read_document(document), config.networks, config.device_owners, sockets=sockets)
        return document, plan.routes(config.host, config.loopbacks)


def main() -> int:
    """`python -m roth.port_watcher.reader CONFIG`; ends with its stdin."""
    try:
        config = load(sys.argv[1])
    except ConfigError as error:
        print(f"roth-ports: {error}", file=sys.stderr)
        return 2
    reader = Reader(config, lambda: connect(config.clouds_file, config.cloud, config.timeout), time.monotonic)
    for line in sys.stdin:
        print(json.dumps(reader.read(int(line))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
