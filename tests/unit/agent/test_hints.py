"""Datagrams that say "read Neutron": which are taken."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from roth.hints import LONGEST, WINDOW, Refused, Verifier, read_key, sign

KEY = b"k" * 32
NOW = 1_800_000_000.0


@pytest.fixture
def verifier() -> Verifier:
    return Verifier(KEY, "hv1", NOW - 1)


def refusal(verifier: Verifier, datagram: bytes, now: float = NOW) -> str | None:
    try:
        verifier.check(datagram, now)
    except Refused as error:
        return str(error)
    return None


def test_the_datagram_is_text_with_an_hmac_over_all_before_it() -> None:
    text = "roth-hint 1 hv1 1800000000000 n1"
    mac = hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()
    assert sign(KEY, "hv1", NOW, "n1") == f"{text} {mac}".encode()
    assert len(sign(KEY, "h" * 255, NOW, "f" * 32)) < LONGEST


def test_a_hint_for_this_host_is_taken_once(verifier: Verifier) -> None:
    assert refusal(verifier, sign(KEY, "hv1", NOW, "n1")) is None
    assert refusal(verifier, sign(KEY, "hv1", NOW, "n1")) == "seen before"
    assert refusal(verifier, sign(KEY, "hv1", NOW, "n2")) is None


def test_one_is_remembered_for_as_long_as_it_could_be_used_again(verifier: Verifier) -> None:
    datagram = sign(KEY, "hv1", NOW + WINDOW, "n1")
    assert refusal(verifier, datagram, NOW) is None
    assert refusal(verifier, datagram, NOW + 2 * WINDOW) == "seen before"
    assert refusal(verifier, datagram, NOW + 2 * WINDOW + 1) == "too old, or the clocks differ"


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (sign(KEY, "hv2", NOW, "n"), "for another host"),
        (sign(b"x" * 32, "hv1", NOW, "n"), "another key"),
        (sign(KEY, "hv1", NOW, "n").replace(b"hv1", b"hv2"), "another key"),
        (sign(KEY, "hv1", NOW + WINDOW + 1, "n"), "too old, or the clocks differ"),
        (sign(KEY, "hv1", NOW - 2, "n"), "too old, or the clocks differ"),
        (b"", "no hint"),
        (b"\xff" * 100, "no hint"),
        (b"roth-hint 2 hv1 1800000000000 n 00", "no hint"),
        (b"roth-hint 1 hv1 soon n 00", "no hint"),
        (b"roth-hint 1 hv1 " + b"9" * 400 + b" n 00", "no hint"),
        (b"x" * (LONGEST + 1), "no hint"),
    ],
    ids=[
        "other host",
        "other key",
        "changed",
        "future",
        "before we began",
        "empty",
        "octets",
        "version",
        "time",
        "endless time",
        "long",
    ],
)
def test_anything_else_is_refused(verifier: Verifier, datagram: bytes, why: str) -> None:
    assert refusal(verifier, datagram) == why


def test_a_name_with_spaces_is_one_name() -> None:
    assert refusal(Verifier(KEY, "rack 1/hv1", NOW - 1), sign(KEY, "rack 1/hv1", NOW, "n")) is None


def test_a_short_key_is_no_key() -> None:
    assert read_key(f" {KEY.decode()}\n") == KEY
    with pytest.raises(ValueError, match="the key has 31 characters; expected 32 or more"):
        read_key("k" * 31)
