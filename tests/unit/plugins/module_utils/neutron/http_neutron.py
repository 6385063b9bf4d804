"""Keystone and Neutron as a real HTTP server on the loopback that answers by a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

SECRET = "s3cr3t-of-nobody"
_S = TypeVar("_S", bound=ThreadingHTTPServer)


@contextmanager
def serving(server: _S) -> Iterator[_S]:
    """A server that runs for as long as the block."""
    with server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Server(ThreadingHTTPServer):
    """Keystone below /v3 and Neutron below /v2.0; what each answers is in `script`, what came is in `asked`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.script: dict[str, tuple[int, bytes]] = {}
        self.asked: list[tuple[str, str | None]] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("X-Auth-Token")))
        self._answer(*self.server.script.get(self.path.split("?")[0], (200, b'{"networks": []}')))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["auth"]["identity"]["password"]["user"]["password"] != SECRET:
            self._answer(401, b'{"error": {"message": "wrong"}}')
            return
        endpoint = {"interface": "internal", "region_id": "one", "region": "one", "url": self.server.url, "id": "e"}
        catalog = [{"type": "network", "name": "neutron", "id": "n", "endpoints": [endpoint]}]
        token = {"expires_at": "2099-01-01T00:00:00Z", "issued_at": "2026-01-01T00:00:00Z", "catalog": catalog}
        self._answer(201, json.dumps({"token": token}).encode(), {"X-Subject-Token": "the-token"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass
