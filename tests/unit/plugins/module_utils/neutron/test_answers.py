"""What one HTTP answer of Neutron becomes: a JSON object, or an error of one of three kinds."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import (
    NeutronError,
    connect,
    path_of,
    read_answer,
)

LATER = time.monotonic() + 3600


class Sent:
    """An answer in pieces, as requests gives them."""

    def __init__(self, status, *pieces):
        self.status_code = status
        self.pieces = pieces

    def iter_content(self, chunk_size=1):
        yield from self.pieces

    def close(self):
        pass


def test_pieces_are_one_object():
    assert read_answer("GET x", Sent(200, b'{"ports": ', b"[]}"), LATER) == {"ports": []}


def test_an_answer_without_content_is_empty():
    assert read_answer("DELETE x", Sent(204), LATER) == {}


CONFLICT = json.dumps(
    {"NeutronError": {"type": "SegmentInUse", "message": "Segment 'a' cannot be deleted: in use\n.", "detail": ""}}
).encode()


@pytest.mark.parametrize(
    ("sent", "kind", "text"),
    [
        (Sent(401, b""), "refused", "GET x: HTTP 401"),
        (Sent(403, b'{"NeutronError": {"message": "rule get_port"}}'), "refused", "GET x: HTTP 403: rule get_port"),
        (Sent(409, CONFLICT), "broken", "GET x: HTTP 409: Segment 'a' cannot be deleted: in use ."),
        (Sent(500, b"<h1>oops</h1>"), "broken", "GET x: HTTP 500: <h1>oops</h1>"),
        (Sent(302, b""), "broken", "GET x: HTTP 302"),
        (Sent(500, b"\x1b[2J" + b"x" * 1000), "broken", "GET x: HTTP 500: ?[2J" + "x" * 296),
        (Sent(200, b""), "broken", "GET x: the answer (0 bytes) is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (Sent(200, b"[]"), "broken", "GET x: list came, expected an object"),
    ],
)
def test_what_is_no_answer_has_a_kind_and_says_why(sent, kind, text):
    with pytest.raises(NeutronError) as caught:
        read_answer("GET x", sent, LATER)
    assert (caught.value.kind, str(caught.value)) == (kind, text)
    assert caught.value.status == sent.status_code


def test_half_an_object_is_broken():
    with pytest.raises(NeutronError, match=r"\(11 bytes\) is no JSON") as caught:
        read_answer("GET x", Sent(200, b'{"ports": ['), LATER)
    assert caught.value.kind == "broken"


def test_deeply_nested_json_is_broken():
    with pytest.raises(NeutronError, match="is no JSON") as caught:
        read_answer("GET x", Sent(200, b"[" * 200_000), LATER)
    assert caught.value.kind == "broken"


def test_a_server_that_sends_byte_by_byte_does_not_outlast_the_deadline():
    with pytest.raises(NeutronError, match="not whole in time") as caught:
        read_answer("GET x", Sent(200, b"{", b" "), time.monotonic() - 1)
    assert caught.value.kind == "unreachable"


def test_ids_are_quoted_in_paths():
    assert path_of("ports", "../networks?x=1") == "/v2.0/ports/..%2Fnetworks%3Fx%3D1"


def test_without_openstacksdk_the_message_names_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openstack.config", None)
    with pytest.raises(NeutronError, match="cloud 'hq': openstacksdk cannot be imported here") as caught:
        connect("hq")
    assert caught.value.kind == "refused"
