"""/etc/roth/ports.json as types. Every mistake is reported at once, by its key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_address

from ..config import ConfigError, integer, listed, load_as, number, printable, read_keys
from ..kernel.removals import RemovalLimit
from ..lists import Lists
from ..wanted.networks import SPANNING, ProviderNetwork, host_prefix, provider_networks
from ..wanted.ports import DEVICE_OWNERS
from .schedule import Timing

_DATABASE = re.compile(
    r"tcp:([0-9a-zA-Z.-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}|unix:/[!-~]+"
)  # ovsdb(7), connection methods
DEFAULT_PATH = "/etc/roth/ports.json"


@dataclass(frozen=True)
class HintSource:
    """Where hints come in, and the file with the key that they are signed with."""

    address: str
    port: int
    key_file: str


@dataclass(frozen=True)
class Config:
    """The whole document. `timeout` (seconds) bounds one exchange with Neutron, `timing.patience` a whole read.

    After `stale_after` seconds without a good read that is an alarm. `playbook_lists` are read, `lists` are written.
    `ovsdb` is where Open vSwitch's database listens; empty: it is not followed. `hints` is None where none are heard.
    """

    host: str
    cloud: str
    clouds_file: str
    networks: tuple[ProviderNetwork, ...]
    device_owners: tuple[str, ...]
    loopbacks: tuple[str, ...]
    protocol: int
    table: int
    timeout: float
    timing: Timing
    stale_after: float
    limit: RemovalLimit
    playbook_lists: Lists
    lists: Lists
    status_file: str
    ovsdb: str
    hints: HintSource | None

    @property
    def static_neighbors(self) -> bool:
        """Whether a network wants permanent neighbour entries for its ports."""
        return any(network.static_neighbors for network in self.networks)

    @property
    def spanning_bridges(self) -> frozenset[str]:
        """Bridges on which the host answers for addresses that are elsewhere (proxy ARP)."""
        return frozenset(network.bridge for network in self.networks if network.plan == SPANNING)

    def own_routes(self) -> list[str]:
        """The host's own addresses, in the grammar of the lists: no answer is needed to want these."""
        return [f"{host_prefix(address)} dev lo" for address in self.loopbacks]


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(printable, listed(value)))


def _addresses(value: object) -> tuple[str, ...]:
    return tuple(str(ip_address(each)) for each in _texts(value))


def _lists(value: object) -> Lists:
    if not isinstance(value, dict) or value.keys() != {"routes", "taps"}:
        raise ValueError
    return Lists(printable(value["routes"]), printable(value["taps"]))


def _timing(value: object) -> Timing:
    known = {each.name for each in fields(Timing)}
    if not isinstance(value, dict) or value.keys() - known:
        raise ValueError
    checks = {"jitter": number(0, 1), "settle": number(0, 10), "settle_longest": number(0, 10)}
    return Timing(**{key: checks.get(key, number(0.1, 86400))(each) for key, each in value.items()})


def _hint_source(value: object) -> HintSource | None:
    if value is None:
        return None
    if not isinstance(value, dict) or value.keys() != {"address", "port", "key_file"}:
        raise ValueError
    port = integer(1, 65535)(value["port"])
    return HintSource(str(ip_address(printable(value["address"]))), port, printable(value["key_file"]))


def _database(value: object) -> str:
    if not isinstance(value, str) or (value and not _DATABASE.fullmatch(value)):
        raise ValueError
    if value.startswith("tcp:"):
        integer(1, 65535)(int(value.rpartition(":")[2]))
    return value


_DEFAULTS: Mapping[str, object] = {
    "clouds_file": "/etc/roth/clouds.yaml",
    "device_owners": list(DEVICE_OWNERS),
    "loopbacks": [],
    "protocol": 142,
    "table": 142,
    "timeout": 10,
    "timing": {},
    "stale_after": 300,
    "max_removed_percent": 20,
    "max_removed_floor": 4,
    "playbook_lists": {"routes": "/etc/roth/instance-routes", "taps": "/etc/roth/instance-taps"},
    "lists": {"routes": "/var/lib/roth-ports/instance-routes", "taps": "/var/lib/roth-ports/instance-taps"},
    "status_file": "/run/roth-ports/status.json",
    "ovsdb": "",
    "hints": None,
}
_LISTED = "a mapping of routes and taps to paths"
_KEYS: Mapping[str, tuple[Callable[[object], object], str]] = {
    "host": (printable, "the name that Neutron has for this host"),
    "cloud": (printable, "the name of an entry of clouds.yaml"),
    "clouds_file": (printable, "a path"),
    "networks": (listed, "a list of provider networks"),
    "device_owners": (_texts, "a list of prefixes of device_owner"),
    "loopbacks": (_addresses, "a list of addresses"),
    "protocol": (integer(1, 255), "a route protocol number, 1 to 255"),
    "table": (integer(1, 4294967295), "a routing table number"),
    "timeout": (number(0.1, 600), "seconds, 0.1 to 600"),
    "timing": (_timing, f"a mapping of {', '.join(each.name for each in fields(Timing))} to seconds, 0.1 to 86400"),
    "stale_after": (number(1, 31536000), "seconds, 1 to 31536000"),
    "max_removed_percent": (integer(0, 100), "a whole number, 0 to 100"),
    "max_removed_floor": (integer(0, 1000000), "a number of prefixes"),
    "playbook_lists": (_lists, _LISTED),
    "lists": (_lists, _LISTED),
    "status_file": (printable, "a path"),
    "hints": (_hint_source, "a mapping of address, port and key_file, or null"),
    "ovsdb": (_database, "tcp:ADDRESS:PORT, unix:PATH, or empty"),
}


def parse(text: str) -> Config:
    """Read the document. Raises ConfigError, naming each mistake."""
    values, errors = read_keys(text, _KEYS, _DEFAULTS)
    try:
        values["networks"] = provider_networks(values.get("networks", []))
    except ValueError as error:
        errors.append(f"networks: {error}")
    if errors:
        raise ConfigError("; ".join(errors))
    values["limit"] = RemovalLimit(values.pop("max_removed_percent"), values.pop("max_removed_floor"))
    return Config(**values)


def load(path: str) -> Config:
    """Read the file. Raises ConfigError, also when it can't be read."""
    return load_as(path, parse)
