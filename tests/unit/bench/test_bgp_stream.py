"""BGP as it passes on the wire: whole messages, halves, repetitions, and a stream joined in the middle."""

from __future__ import annotations

import pytest

from tests.bench.bgp_stream import MARKER, Stream, Update

A, B = (bytes([10, 64, 0, 1]), 32), (bytes([10, 64, 1, 0]), 24)
V6 = (bytes.fromhex("20010db8006400000000000000000001"), 128)
ORIGIN = bytes([0x40, 1, 1, 0])


def message(body: bytes, kind: int = 2) -> bytes:
    return MARKER + (19 + len(body)).to_bytes(2, "big") + bytes([kind]) + body


def update(withdrawn: bytes = b"", attributes: bytes = b"", announced: bytes = b"") -> bytes:
    sizes = len(withdrawn).to_bytes(2, "big"), len(attributes).to_bytes(2, "big")
    return message(sizes[0] + withdrawn + sizes[1] + attributes + announced)


ANNOUNCE = update(attributes=ORIGIN, announced=b"\x20\x0a\x40\x00\x01\x18\x0a\x40\x01")
WITHDRAW = update(withdrawn=b"\x20\x0a\x40\x00\x01")
KEEPALIVE = message(b"", 4)
REACH = b"\x00\x02\x01\x10" + bytes(16) + b"\x00" + b"\x80" + V6[0]
ANNOUNCE_V6 = update(attributes=ORIGIN + b"\x90\x0e" + len(REACH).to_bytes(2, "big") + REACH)
UNREACH = b"\x00\x02\x01\x80" + V6[0]
WITHDRAW_V6 = update(attributes=b"\x80\x0f" + bytes([len(UNREACH)]) + UNREACH)


def says(announced: set = frozenset(), withdrawn: set = frozenset()) -> Update:
    return Update(frozenset(announced), frozenset(withdrawn))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (ANNOUNCE, [says({A, B})]),
        (WITHDRAW, [says(withdrawn={A})]),
        (ANNOUNCE_V6, [says({V6})]),
        (WITHDRAW_V6, [says(withdrawn={V6})]),
        (KEEPALIVE, []),
        (KEEPALIVE + ANNOUNCE + WITHDRAW, [says({A, B}), says(withdrawn={A})]),
    ],
)
def test_each_kind_of_update_is_read(payload: bytes, expected: list[Update]):
    assert Stream().feed(1000, payload) == expected


@pytest.mark.parametrize("cut", range(1, len(ANNOUNCE)))
def test_an_update_counts_with_the_segment_that_completes_it(cut: int):
    stream = Stream()
    assert stream.feed(1000, ANNOUNCE[:cut]) == []
    assert stream.feed(1000 + cut, ANNOUNCE[cut:]) == [says({A, B})]


def test_a_retransmission_counts_once():
    stream = Stream()
    assert stream.feed(1000, ANNOUNCE) == [says({A, B})]
    assert stream.feed(1000, ANNOUNCE) == []
    assert stream.feed(1000, ANNOUNCE + WITHDRAW) == [says(withdrawn={A})]


def test_a_stream_joined_in_the_middle_of_a_message_is_read_from_the_next_one():
    assert Stream().feed(1000, ANNOUNCE[30:] + WITHDRAW) == [says(withdrawn={A})]


def test_a_gap_begins_anew():
    stream = Stream()
    stream.feed(1000, ANNOUNCE[:30])
    assert stream.feed(5000, WITHDRAW) == [says(withdrawn={A})]


def test_sequence_numbers_wrap():
    stream = Stream()
    first = 0xFFFFFFFF - 9
    assert stream.feed(first, ANNOUNCE[:30]) == []
    assert stream.feed((first + 30) & 0xFFFFFFFF, ANNOUNCE[30:]) == [says({A, B})]
