"""/etc/roth/listener.json as types, and the bus's address, which is a secret of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from ..config import ConfigError, integer, listed, load_as, printable, read_keys

DEFAULT_PATH = "/etc/roth/listener.json"
_AMQP = 5672


@dataclass(frozen=True)
class Config:
    """The document. `hosts` has the address of each by Neutron's name of it."""

    exchanges: tuple[str, ...]
    hosts: Mapping[str, str]
    port: int
    url_file: str
    key_file: str


@dataclass(frozen=True)
class Broker:
    """A server of the bus. Its text has no secret."""

    host: str
    port: int
    user: str
    password: str
    vhost: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    __repr__ = __str__


def parse_url(text: str) -> list[Broker]:
    """As oslo.messaging's transport_url has it: `rabbit://USER:PASSWORD@HOST:PORT,USER:PASSWORD@HOST:PORT/VHOST`.

    Raises ValueError without any part of it.
    """
    scheme, mark, rest = text.strip().partition("://")
    servers, _, vhost = rest.partition("/")
    if not mark or scheme not in ("rabbit", "amqp"):
        raise ValueError("the bus's URL is none; expected rabbit://USER:PASSWORD@HOST:PORT/VHOST")
    try:
        parts = [urlsplit(f"//{each}") for each in servers.split(",")]
        found = [
            Broker(each.hostname or "", each.port or _AMQP, unquote(each.username or ""), unquote(each.password or ""),
                   unquote(vhost.partition("?")[0]) or "/")
            for each in parts
        ]  # fmt: skip
    except ValueError:
        raise ValueError("a server in the bus's URL is none; expected USER:PASSWORD@HOST:PORT") from None
    if not all(each.host for each in found):
        raise ValueError("a server in the bus's URL has no name; expected USER:PASSWORD@HOST:PORT")
    return found


def _hosts(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not value:
        raise ValueError
    return {printable(name): str(ip_address(address)) for name, address in value.items()}


_KEYS: Mapping[str, tuple[Any, str]] = {
    "exchanges": (lambda value: tuple(map(printable, listed(value))), "a list of names"),
    "hosts": (_hosts, "a mapping of host names to addresses"),
    "port": (integer(1, 65535), "a UDP port"),
    "url_file": (printable, "a path"),
    "key_file": (printable, "a path"),
}
_DEFAULTS: Mapping[str, object] = {"url_file": "/etc/roth/listener.url", "key_file": "/etc/roth/hints.key"}


def parse(text: str) -> Config:
    """Read the document. Raises ConfigError, naming each mistake."""
    values, errors = read_keys(text, _KEYS, _DEFAULTS)
    if errors:
        raise ConfigError("; ".join(errors))
    return Config(**values)


def load(path: str) -> Config:
    """Read the file. Raises ConfigError, also when it can't be read."""
    return load_as(path, parse)
