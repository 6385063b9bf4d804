"""Requests, dumps and batches on a scripted netlink socket."""

from __future__ import annotations

import errno
import struct

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel import wire
from ansible_collections.roth.fabric.plugins.module_utils.kernel.exchange import BATCH, Exchange


def message(kind, sequence=0, flags=0, payload=b""):
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload


def error(code, sequence, text=b""):
    """An NLMSG_ERROR with NETLINK_CAP_ACK and NETLINK_EXT_ACK."""
    attribute = struct.pack("=HH", 5 + len(text), 1) + text + b"\0" if text else b""
    attribute += bytes(-len(attribute) % 4)
    payload = struct.pack("=i", -code) + bytes(16) + attribute
    return message(wire.NLMSG_ERROR, sequence, wire.NLM_F_ACK_TLVS if text else 0, payload)


class ScriptedSocket:
    """Answers each send with what `answer` makes of the messages sent: a list of datagrams."""

    def __init__(self, answer):
        self.answer, self.sent, self.waiting = answer, [], []

    def setsockopt(self, *_option):
        pass

    def settimeout(self, _seconds):
        pass

    def send(self, data):
        self.sent.append(list(wire.messages(data)))
        self.waiting += self.answer(len(self.sent), self.sent[-1])

    def recv(self, _size):
        return self.waiting.pop(0)


def read(buffer, start, end):
    return buffer[start + 16 : end]


def dump_answer(interruptions):
    def answer(attempt, sent):
        sequence = sent[0][2]
        flags = wire.NLM_F_DUMP_INTR if attempt <= interruptions else 0
        return [
            message(24, sequence, flags, b"abcd") + message(24, sequence, 0, b"efgh"),
            message(wire.NLMSG_DONE, sequence, 0, bytes(4)),
        ]

    return answer


def test_a_dump_is_read_over_several_datagrams():
    assert Exchange(ScriptedSocket(dump_answer(0))).dump(message(26), read, "dump") == [b"abcd", b"efgh"]


def test_an_interrupted_dump_is_repeated():
    script = ScriptedSocket(dump_answer(2))
    assert Exchange(script).dump(message(26), read, "dump") == [b"abcd", b"efgh"]
    assert len(script.sent) == 3


def test_a_dump_that_is_always_interrupted_is_given_up():
    with pytest.raises(OSError, match="changed during each of 10 dumps") as caught:
        Exchange(ScriptedSocket(dump_answer(99))).dump(message(26), read, "dump")
    assert caught.value.errno == errno.EAGAIN


def test_a_dump_of_a_missing_table_is_empty_and_any_other_error_is_raised():
    def failing(code):
        return Exchange(ScriptedSocket(lambda _n, sent: [error(code, sent[0][2], b"no such table")]))

    assert failing(errno.ENOENT).dump(message(26), read, "dump") == []
    with pytest.raises(OSError, match="dump of routes: no such table"):
        failing(errno.EINVAL).dump(message(26), read, "dump of routes")


def test_an_error_at_the_end_of_a_dump_is_raised():
    done = struct.pack("=i", -errno.EMSGSIZE)
    script = ScriptedSocket(lambda _n, sent: [message(wire.NLMSG_DONE, sent[0][2], 0, done)])
    with pytest.raises(OSError) as caught:
        Exchange(script).dump(message(26), read, "dump")
    assert caught.value.errno == errno.EMSGSIZE


def test_a_left_over_answer_is_passed_over():
    script = ScriptedSocket(lambda _n, sent: [error(errno.EINVAL, sent[0][2] + 7), error(0, sent[0][2])])
    Exchange(script).request(message(104), "nexthop")


def test_every_failure_of_a_batch_is_returned_with_its_position():
    def answer(_attempt, sent):
        refused = [error(errno.EEXIST, entry[2]) for position, entry in enumerate(sent[:-1]) if position % 3 == 0]
        return [*refused, error(0, sent[-1][2])]

    script = ScriptedSocket(answer)
    failures = Exchange(script).write(list(range(450)), lambda _item, number: message(24, number), "routes")
    assert [len(batch) for batch in script.sent] == [BATCH, BATCH, 50]
    assert [position for position, code, _text in failures if code == errno.EEXIST] == [
        first + position for first, size in ((0, 200), (200, 200), (400, 50)) for position in range(0, size - 1, 3)
    ]
    acknowledged = [[bool(entry[1] & wire.NLM_F_ACK) for entry in batch] for batch in script.sent]
    assert all(flags == [False] * (len(flags) - 1) + [True] for flags in acknowledged)


def test_a_failure_of_the_last_message_ends_the_batch_too():
    script = ScriptedSocket(lambda _n, sent: [error(errno.EEXIST, sent[-1][2])])
    failures = Exchange(script).write([1, 2], lambda _item, number: message(24, number), "routes")
    assert failures == [(1, errno.EEXIST, "File exists")]


def test_nothing_is_sent_for_no_change():
    script = ScriptedSocket(lambda _n, _sent: [])
    assert Exchange(script).write([], lambda _item, number: message(24, number), "routes") == []
    assert script.sent == []


def test_a_missing_capability_is_named():
    script = ScriptedSocket(lambda _n, sent: [error(errno.EPERM, sent[0][2])])
    with pytest.raises(PermissionError, match="needs root or CAP_NET_ADMIN"):
        Exchange(script).write([1, 2], lambda _item, number: message(24, number), "routes")


def test_sequence_numbers_wrap_and_never_repeat_in_a_batch():
    script = ScriptedSocket(lambda _n, sent: [error(0, sent[-1][2])])
    exchange = Exchange(script)
    exchange._sequence = 0xFFFFFFFF - 5
    exchange.write(list(range(10)), lambda _item, number: message(24, number), "routes")
    assert [entry[2] for entry in script.sent[0]] == list(range(1, 11))


@pytest.mark.parametrize("length", [0, 15])
def test_a_message_too_short_to_be_one_is_refused(length):
    with pytest.raises(ValueError, match="expected at least 16"):
        list(wire.messages(struct.pack("=IHHII", length, 0, 0, 0, 0)))
