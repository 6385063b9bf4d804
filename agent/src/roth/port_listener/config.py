"""/etc/roth/listener.json as types, and the bus's address, which is a secret of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ..config import ConfigError, integer, listed, load_as, printable, read_keys

DEFAULT_PATH = "/etc/roth/listener.json"
_AMQP, _AMQPS = 5672, 5671
_YES = ("1", "true", "yes", "on")


@dataclass(frozen=True)
class Tls:
    """Files (PEM) for TLS to the bus. Without `ca_file` the system's authorities count.

    `certificate_file` and `key_file` are the listener's own, where the bus asks for one.
    """

    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True)
class Config:
    """The document. `hosts` has the address of each by Neutron's name of it.

    Without `tls` the bus's URL may still ask for TLS.
    """

    exchanges: tuple[str, ...]
    hosts: Mapping[str, str]
    port: int
    url_file: str
    key_file: str
    tls: Tls | None


@dataclass(frozen=True)
class Broker:
    """A server of the bus. Its text has no secret."""

    host: str
    port: int
    user: str
    password: str
    vhost: str
    tls: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    __repr__ = __str__


def parse_url(text: str, tls: bool = False) -> list[Broker]:
    """As oslo.messaging's transport_url has it: `rabbit://USER:PASSWORD@HOST:PORT,USER:PASSWORD@HOST:PORT/VHOST`.

    TLS is spoken with `tls`, or where the URL says so: `?ssl=1` as in oslo.messaging, or `amqps:`.
    Raises ValueError without any part of it.
    """
    scheme, mark, rest = text.strip().partition("://")
    servers, _, more = rest.partition("/")
    vhost, _, query = more.partition("?")
    if not mark or scheme not in ("rabbit", "amqp", "amqps"):
        raise ValueError("the bus's URL is none; expected rabbit://USER:PASSWORD@HOST:PORT/VHOST")
    tls = tls or scheme == "amqps" or dict(parse_qsl(query)).get("ssl", "").lower() in _YES
    try:
        parts = [urlsplit(f"//{each}") for each in servers.split(",")]
        found = [
            Broker(each.hostname or "", each.port or (_AMQPS if tls else _AMQP), unquote(each.username or ""),
                   unquote(each.password or ""), unquote(vhost) or "/", tls)
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


def _tls(value: object) -> Tls | None:
    if value is None:
        return None
    known = [each.name for each in fields(Tls)]
    if not isinstance(value, dict) or value.keys() - set(known):
        raise ValueError
    found = Tls(**{key: None if each is None else printable(each) for key, each in value.items()})
    if (found.certificate_file is None) != (found.key_file is None):
        raise ValueError
    return found


_KEYS: Mapping[str, tuple[Any, str]] = {
    "exchanges": (lambda value: tuple(map(printable, listed(value))), "a list of names"),
    "hosts": (_hosts, "a mapping of host names to addresses"),
    "port": (integer(1, 65535), "a UDP port"),
    "url_file": (printable, "a path"),
    "key_file": (printable, "a path"),
    "tls": (_tls, "a mapping of ca_file, and of certificate_file and key_file together, to paths, or null"),
}
_DEFAULTS: Mapping[str, object] = {"url_file": "/etc/roth/listener.url", "key_file": "/etc/roth/hints.key", "tls": None}


def parse(text: str) -> Config:
    """Read the document. Raises ConfigError, naming each mistake."""
    values, errors = read_keys(text, _KEYS, _DEFAULTS)
    if errors:
        raise ConfigError("; ".join(errors))
    return Config(**values)


def load(path: str) -> Config:
    """Read the file. Raises ConfigError, also when it can't be read."""
    return load_as(path, parse)
