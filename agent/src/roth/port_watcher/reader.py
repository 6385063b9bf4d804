"""The process that asks Neutron: numbers come in on stdin, one JSON document a number goes out on stdout.

It has the credentials and meets the network, so it has no capability; who writes routes reads no byte that came from
outside but through this. It can be killed when Neutron answers a byte a minute, which no timeout of a socket ends.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from ..config import ConfigError
from ..neutron.cloud import Cloud, NeutronError
from ..neutron.entry import connect
from ..neutron.reading import read_ports_of
from ..wanted.document import read_document
from ..wanted.ports import PortPlan
from .config import Config, load

Message = dict[str, object]


class Reader:
    """Answers by number. The connection is kept, with its token, until Neutron refuses it or is away."""

    def __init__(self, config: Config, connect: Callable[[], Cloud], monotonic: Callable[[], float]) -> None:
        self.config, self.connect, self.monotonic = config, connect, monotonic
        self.cloud: Cloud | None = None

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
        if self.cloud is None:
            self.cloud = self.connect()
        document = read_ports_of(self.cloud, config.networks, config.host)
        seconds = self.monotonic() - began
        plan = PortPlan(read_document(document), config.networks, config.device_owners)
        found = plan.routes(config.host, config.loopbacks)
        return {
            "routes": list(found.routes),
            "taps": [f"{tap.prefix} {tap.device}" for tap in found.taps],
            "neighbors": [f"{each.address} lladdr {each.mac} dev {each.device}" for each in found.neighbors],
            "left_out": len(found.left_out),
            "seconds": seconds,
        }


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
