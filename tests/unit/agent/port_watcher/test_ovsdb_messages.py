"""The protocol of Open vSwitch's database, without a connection. The rows are those that ovsdb-server 3.1 sends."""

from __future__ import annotations

import json

import pytest
from roth.port_watcher.ovsdb_messages import Conversation, Framing, ProtocolError
from roth.port_watcher.presence import SwitchPort

ID = "00000001-0000-4000-8000-000000000001"
PORT = SwitchPort(ID, "tap00000001-00", "")
NUMBERLESS: list[object] = ["set", []]


def row(number: object = 1, iface_id: str | None = ID) -> dict[str, object]:
    pairs = [["attached-mac", "fa:16:3e:00:00:01"], *([["iface-id", iface_id]] if iface_id else [])]
    return {"name": "tap00000001-00", "type": "", "external_ids": ["map", pairs], "ofport": number}


def answer(tables: object, error: object = None) -> bytes:
    return json.dumps({"id": "ports", "result": tables, "error": error}).encode()


def update(change: object) -> bytes:
    return json.dumps({"id": None, "method": "update", "params": [None, {"Interface": {"u1": change}}]}).encode()


@pytest.fixture
def conversation() -> Conversation:
    found = Conversation()
    assert found.feed(answer({"Interface": {"u1": {"new": row()}}})) == b""
    assert found.ports == {PORT}
    return found


def test_it_asks_for_four_columns_of_one_table() -> None:
    assert json.loads(Conversation().begin()) == {
        "method": "monitor",
        "params": ["Open_vSwitch", None, {"Interface": [{"columns": ["name", "type", "external_ids", "ofport"]}]}],
        "id": "ports",
    }


def test_objects_follow_one_another_in_pieces_of_any_size() -> None:
    documents = [{"a": "}{"}, {"b": {"c": "ü"}}, {}]
    octets = "\n".join(json.dumps(each, ensure_ascii=False) for each in documents).encode()
    for size in range(1, len(octets) + 1):
        framing = Framing()
        pieces = [octets[place : place + size] for place in range(0, len(octets), size)]
        assert [each for piece in pieces for each in framing.feed(piece)] == documents


@pytest.mark.parametrize("octets", [b"HTTP/1.1 400", b"[1]", b"{}x", b"\xff"])
def test_what_is_no_object_ends_the_connection(octets: bytes) -> None:
    with pytest.raises(ProtocolError):
        Framing().feed(octets)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"old": row()}, set()),
        ({"new": row(-1), "old": {"ofport": 1}}, set()),
        ({"new": row(7), "old": {"ofport": 1}}, {PORT}),
        ({"new": row(NUMBERLESS), "old": {"ofport": 1}}, {PORT}),
        ({"new": row(1, None), "old": {"external_ids": ["map", []]}}, set()),
        ({"new": row(1, "b"), "old": {"external_ids": ["map", []]}}, {SwitchPort("b", "tap00000001-00", "")}),
        ({"new": row(NUMBERLESS, "b"), "old": {"external_ids": ["map", []]}}, set()),
    ],
    ids=[
        "removed", "failed", "renumbered", "no number any more: not known yet", "no instance's", "another's",
        "another's, without a number",
    ],
)  # fmt: skip
def test_a_port_is_here_while_its_row_has_an_iface_id_and_a_number(
    conversation: Conversation, change: object, expected: set[SwitchPort]
) -> None:
    conversation.feed(update(change))
    assert conversation.ports == expected


def test_a_new_row_without_a_number_is_not_here_yet(conversation: Conversation) -> None:
    conversation.feed(update({"old": row()}))
    conversation.feed(update({"new": row(NUMBERLESS)}))
    assert conversation.ports == set()
    conversation.feed(update({"new": row(3)}))
    assert conversation.ports == {PORT}


def test_a_probe_is_answered_and_one_of_ours_needs_nothing(conversation: Conversation) -> None:
    assert json.loads(conversation.feed(b'{"method": "echo", "params": [7], "id": "echo"}')) == {
        "result": [7], "error": None, "id": "echo",
    }  # fmt: skip
    assert json.loads(conversation.probe())["method"] == "echo"
    assert conversation.feed(b'{"id": "alive", "result": [], "error": null}') == b""


def test_an_update_before_the_answer_changes_nothing() -> None:
    conversation = Conversation()
    conversation.feed(update({"new": row()}))
    assert conversation.ports is None


@pytest.mark.parametrize(
    "octets",
    [
        answer(None, {"error": "unknown database"}),
        answer([]),
        answer({"Interface": {"u1": {"new": {"name": "tap"}}}}),
        answer({"Interface": {"u1": {"new": {**row(), "external_ids": {"iface-id": "x"}}}}}),
        answer({"Interface": {"u1": 3}}),
    ],
)
def test_a_refusal_and_a_surprise_end_the_connection_and_name_themselves(octets: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"refuses|not understood"):
        Conversation().feed(octets)
