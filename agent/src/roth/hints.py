"""Hints from the listener on a controller to hosts: one authenticated datagram, which says only "read Neutron". Pure.

`roth-hint 1 HOST MILLISECONDS NONCE MAC` in ASCII; MAC is HMAC-SHA256 (RFC 2104) over all before it, with a key that
the listener and the hosts share. A hint can cause a read and nothing else, so it needs no secrecy; time and nonce keep
an old one from being used again.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote

LONGEST = 1024  # octets
WINDOW = 30.0  # seconds that clocks may differ, and that nonces are remembered for
LEAST_KEY = 32  # characters
_NONCES = 100_000  # remembered at most: whoever has the key could fill a memory
_MAGIC = "roth-hint 1"


class Refused(Exception):
    """Not a hint for us, and why."""


def read_key(text: str) -> bytes:
    """The key in a file. Raises ValueError for one that is too short to be a secret."""
    key = text.strip().encode()
    if len(key) < LEAST_KEY:
        raise ValueError(f"the key has {len(key)} characters; expected {LEAST_KEY} or more")
    return key


def _mac(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def sign(key: bytes, host: str, now: float, nonce: str) -> bytes:
    """The datagram for a host; `now` is seconds since 1970, `nonce` must never come twice."""
    text = f"{_MAGIC} {quote(host, safe='')} {int(now * 1000)} {nonce}"
    return f"{text} {_mac(key, text)}".encode()


class Verifier:
    """What one host takes for a hint."""

    def __init__(self, key: bytes, host: str, since: float) -> None:
        """`since` (seconds since 1970) is when it began: nothing older is taken, whose nonce it could not know."""
        self._key, self._host, self._since = key, quote(host, safe=""), since
        self._nonces: dict[str, float] = {}  # when each may be forgotten, oldest first

    def check(self, datagram: bytes, now: float) -> None:
        """Return if it is one. Raises Refused."""
        try:
            text, _, mac = datagram.decode("ascii").rpartition(" ")
            magic, host, stamp, nonce = text.rsplit(" ", 3)
            when = int(stamp) / 1000
        except (ValueError, OverflowError):  # anybody can send a number of hundreds of digits
            raise Refused("no hint") from None
        if magic != _MAGIC:
            raise Refused("no hint")
        if not hmac.compare_digest(_mac(self._key, text), mac):
            raise Refused("another key")
        if host != self._host:
            raise Refused("for another host")
        if abs(now - when) > WINDOW or when < self._since:
            raise Refused("too old, or the clocks differ")
        for old in [each for each, until in self._nonces.items() if until < now]:
            del self._nonces[old]
        if nonce in self._nonces or len(self._nonces) >= _NONCES:
            raise Refused("seen before")
        self._nonces[nonce] = when + WINDOW
