"""Neutron over real HTTP on the loopback: credentials, filters, and every way in which an answer does not come."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import NeutronError, connect

SECRET = "correct-horse-battery"


class Api:
    """A server that answers `replies` in turn, the last one for ever: (status, body) or a function of the handler."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.requests = []
        self.bodies = []
        self.stop = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                api.requests.append((self.command, self.path, dict(self.headers)))
                api.bodies.append(json.loads(self.rfile.read(length)) if length else None)
                if urlsplit(self.path).path.endswith("/auth/tokens"):
                    reply = api.keystone
                else:
                    reply = api.replies.pop(0) if len(api.replies) > 1 else api.replies[0]
                if callable(reply):
                    reply(self)
                else:
                    send(self, *reply)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.keystone = self.token(self.url)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def token(self, network_url):
        endpoint = {"id": "1", "interface": "public", "region": "R", "region_id": "R", "url": network_url}
        catalog = [{"type": "network", "name": "neutron", "id": "n", "endpoints": [endpoint] if network_url else []}]
        token = {
            "methods": ["password"],
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "catalog": catalog,
            "user": {"id": "u", "name": "roth", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "p", "name": "admin", "domain": {"id": "default", "name": "Default"}},
            "roles": [],
        }
        return 201, {"token": token}, {"X-Subject-Token": "token-1"}

    def close(self):
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()


def send(handler, status, body, headers=None):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", "Content-Length": len(content), **(headers or {})}.items():
        handler.send_header(name, str(value))
    handler.end_headers()
    handler.wfile.write(content)


@contextmanager
def serving(*replies):
    api = Api(*replies)
    try:
        yield api
    finally:
        api.close()


@pytest.fixture
def cloud_file(tmp_path, monkeypatch):
    """Write a clouds.yaml with one entry, `hq`, and have it found."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")

    def write(**entry):
        path = tmp_path / "clouds.yaml"
        path.write_text(json.dumps({"clouds": {"hq": entry}}))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))

    return write


def without_keystone(url):
    return {"auth_type": "none", "auth": {"endpoint": url}, "network_endpoint_override": url}


def with_password(url):
    auth = {
        "auth_url": f"{url}/v3",
        "username": "roth",
        "password": SECRET,
        "project_name": "admin",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    return {"auth_type": "v3password", "auth": auth, "region_name": "R"}


def failure(*replies, cloud_file, timeout=5.0):
    with serving(*replies) as api:
        cloud_file(**without_keystone(api.url))
        with pytest.raises(NeutronError) as caught:
            connect("hq", timeout=timeout).get("/v2.0/ports")
    return caught.value


def test_filters_reach_the_server_as_they_are(cloud_file):
    query = [("binding:host_id", "hv1"), ("fields", "id"), ("fields", "binding:host_id"), ("name", "a&b=ü")]
    with serving((200, {"ports": []})) as api:
        cloud_file(**without_keystone(api.url))
        assert connect("hq", timeout=5).get("/v2.0/ports", query) == {"ports": []}
    method, path, _headers = api.requests[0]
    assert (method, urlsplit(path).path, parse_qsl(urlsplit(path).query)) == ("GET", "/v2.0/ports", query)


@pytest.mark.parametrize("suffix", ["", "/", "/v2.0", "/v2.0/"])
def test_the_endpoint_may_be_given_with_version_or_without(cloud_file, suffix):
    with serving((200, {})) as api:
        cloud_file(**without_keystone(api.url + suffix))
        connect("hq", timeout=5).get("/v2.0/ports")
    assert api.requests[0][1] == "/v2.0/ports"


def test_a_password_is_exchanged_for_a_token_and_the_endpoint_is_the_catalogs(cloud_file):
    with serving((200, {"ports": []})) as api:
        cloud_file(**with_password(api.url))
        cloud = connect("hq", timeout=5)
        cloud.get("/v2.0/ports")
        cloud.get("/v2.0/ports")
    assert [(method, path) for method, path, _headers in api.requests] == [
        ("POST", "/v3/auth/tokens"),
        ("GET", "/v2.0/ports"),
        ("GET", "/v2.0/ports"),
    ]
    assert api.requests[1][2]["X-Auth-Token"] == "token-1"


def test_a_token_that_was_revoked_is_renewed_once(cloud_file):
    with serving((401, {}), (200, {"ports": []})) as api:
        cloud_file(**with_password(api.url))
        assert connect("hq", timeout=5).get("/v2.0/ports") == {"ports": []}
    assert [method for method, _path, _headers in api.requests] == ["POST", "GET", "POST", "GET"]


def test_a_password_that_keystone_does_not_take_is_refused_and_not_shown(cloud_file):
    with serving((200, {})) as api:
        api.keystone = (401, {"error": {"code": 401, "message": "The request you have made requires authentication."}})
        cloud_file(**with_password(api.url))
        with pytest.raises(NeutronError, match="requires authentication") as caught:
            connect("hq", timeout=5).get("/v2.0/ports")
    assert (caught.value.kind, caught.value.status) == ("refused", 401)
    assert SECRET not in str(caught.value)


def test_a_catalog_without_neutron_is_refused(cloud_file):
    with serving((200, {})) as api:
        api.keystone = api.token(None)
        cloud_file(**with_password(api.url))
        with pytest.raises(NeutronError, match="endpoint for network service in R region not found") as caught:
            connect("hq", timeout=5)
    assert caught.value.kind == "refused"


def test_a_cloud_that_is_in_no_file_is_refused_by_name(cloud_file):
    cloud_file(**without_keystone("http://127.0.0.1:1"))
    with pytest.raises(NeutronError, match="cloud 'branch': Cloud branch was not found") as caught:
        connect("branch", timeout=5)
    assert caught.value.kind == "refused"


def test_nobody_at_the_address_is_unreachable(cloud_file):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening
        cloud_file(**without_keystone(f"http://127.0.0.1:{unused.getsockname()[1]}"))
        with pytest.raises(NeutronError, match=r"^GET http://127.0.0.1:\d+/v2.0/ports: Connection refused$") as caught:
            connect("hq", timeout=5).get("/v2.0/ports")
    assert caught.value.kind == "unreachable"


def test_a_server_that_does_not_answer_in_time_is_unreachable(cloud_file):
    def wait(handler):
        stop.wait(30)

    stop = threading.Event()
    try:
        error = failure(wait, cloud_file=cloud_file, timeout=0.2)
    finally:
        stop.set()
    assert error.kind == "unreachable"
    assert str(error).endswith("/v2.0/ports: timed out")


def test_a_keystone_that_nobody_answers_for_is_unreachable(cloud_file):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        cloud_file(**with_password(f"http://127.0.0.1:{unused.getsockname()[1]}"))
        with pytest.raises(
            NeutronError, match=r"^cloud 'hq' \(http://127.0.0.1:\d+/v3\): Connection refused$"
        ) as caught:
            connect("hq", timeout=5)
    assert caught.value.kind == "unreachable"


def test_half_an_answer_is_broken(cloud_file):
    def half(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"ports": [')
        handler.close_connection = True

    assert failure(half, cloud_file=cloud_file).kind == "broken"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ((403, {"NeutronError": {"message": "no"}}), "refused"),
        ((500, b"<html>"), "broken"),
        ((503, b""), "broken"),
        ((200, b"<html>login</html>"), "broken"),
        ((200, []), "broken"),
        ((302, b"", {"Location": "http://127.0.0.1:1/elsewhere"}), "broken"),
    ],
)
def test_what_is_no_answer_has_its_kind(cloud_file, reply, kind):
    assert failure(reply, cloud_file=cloud_file).kind == kind


def test_what_is_written_is_json_and_a_removal_of_what_is_gone_is_fine(cloud_file):
    with serving((201, {"network": {"id": "1"}}), (200, {"network": {}}), (404, {})) as api:
        cloud_file(**without_keystone(api.url))
        cloud = connect("hq", timeout=5)
        assert cloud.post("/v2.0/networks", {"network": {"name": "n"}}) == {"network": {"id": "1"}}
        cloud.put("/v2.0/networks/1", {"network": {"mtu": 9000}})
        cloud.delete("/v2.0/networks/1")
    assert [method for method, _path, _headers in api.requests] == ["POST", "PUT", "DELETE"]
    assert api.bodies[:2] == [{"network": {"name": "n"}}, {"network": {"mtu": 9000}}]


def test_the_environment_is_taken_where_no_cloud_is_named(cloud_file, monkeypatch):
    with serving((200, {"ports": []})) as api:
        cloud_file(**without_keystone(api.url))
        monkeypatch.setenv("OS_CLOUD", "hq")
        assert connect(None, timeout=5).get("/v2.0/ports") == {"ports": []}
