"""What can be wrong with the controller's Neutron, for as long as a test wants it to be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.api import Api

from tests.lab.fabric import Fabric, eventually

from .cloud import CONTROLLER, is_full
from .plugged import answers

SQLITE = "/var/lib/neutron/neutron.sqlite"
AS_NEUTRON = (
    "setpriv",
    "--reuid=neutron",
    "--regid=neutron",
    "--clear-groups",
)  # no file of root's beside the database
COPY = "import sqlite3, sys; a, b = map(sqlite3.connect, sys.argv[1:]); a.backup(b); b.close(); a.close()"
SQL = "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.executescript(sys.argv[2]); d.commit(); d.close()"
DROP_IN = "/run/systemd/system/neutron-api.service.d/90-test.conf"
SETTINGS = "/etc/neutron/test.conf"
POLICY_FILE = "/etc/neutron/policy.yaml"
UNIT = f"""\
[Service]
Environment=OS_NEUTRON_CONFIG_FILES=neutron.conf;ml2_conf.ini;backends.conf;{SETTINGS}
ExecStartPost=
"""  # nobody waits for an answer with success: there will be none
ANSWER = """
import http.server, sys
class Server(http.server.ThreadingHTTPServer):
    address_family = 10
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[2]))
        self.send_header("Content-Length", "0")
        self.end_headers()
Server(("::", int(sys.argv[1])), Handler).serve_forever()
"""
"""A server that answers everything with one status."""


def write(fabric: Fabric, path: str, text: str) -> None:
    """A file on the controller."""
    line = 'mkdir -p "$(dirname "$1")"; printf %s "$2" >"$1"'
    fabric.run(CONTROLLER, "sh", "-euc", line, "sh", path, text)


def _systemctl(fabric: Fabric, *words: str) -> None:
    fabric.run(CONTROLLER, "systemctl", *words)


def start(api: Api, fabric: Fabric) -> None:
    """Neutron's API runs and answers."""
    _systemctl(fabric, "start", "neutron-api")
    eventually(lambda: answers(api), bool, "Neutron answers", 180)


@contextmanager
def stopped(api: Api, fabric: Fabric) -> Iterator[None]:
    """Neutron's API is stopped for as long as the block runs."""
    _systemctl(fabric, "stop", "neutron-api")
    try:
        yield
    finally:
        start(api, fabric)


@contextmanager
def configured(api: Api, fabric: Fabric, settings: str) -> Iterator[None]:
    """Neutron's API runs with more settings for as long as the block runs."""
    write(fabric, DROP_IN, UNIT)
    write(fabric, SETTINGS, settings)
    try:
        _systemctl(fabric, "daemon-reload")
        _systemctl(fabric, "restart", "neutron-api")
        yield
    finally:
        fabric.run(CONTROLLER, "rm", "-f", DROP_IN, SETTINGS)
        _systemctl(fabric, "daemon-reload")
        _systemctl(fabric, "stop", "neutron-api")
        start(api, fabric)


@contextmanager
def policy(fabric: Fabric, rules: str) -> Iterator[None]:
    """Neutron has these rules of policy more for as long as the block runs. It reads a changed file by itself."""
    before = fabric.run(CONTROLLER, "cat", POLICY_FILE)
    write(fabric, POLICY_FILE, before + rules)
    try:
        yield
    finally:
        write(fabric, POLICY_FILE, before)


@contextmanager
def serving(fabric: Fabric, port: int, status: int) -> Iterator[None]:
    """Something on the controller answers all that is asked at a port with one HTTP status."""
    unit = f"answers-{status}"
    command = ["/opt/neutron/bin/python", "-c", ANSWER, str(port), str(status)]
    fabric.run(CONTROLLER, "systemd-run", "--quiet", "--unit", unit, *command)
    ask = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5).close()"
    try:
        eventually(
            lambda: fabric.run(CONTROLLER, "sh", "-c", f'python3 -c "{ask}" 2>&1 && echo up || true'),
            lambda said: said == "up\n",
            f"a server at port {port}",
            20,
        )
        yield
    finally:
        _systemctl(fabric, "stop", unit)


# -- the database -------------------------------------------------------------------------------------------------


def keep(fabric: Fabric, name: str) -> str:
    """A backup of Neutron's database as it is now; gives its path on the controller."""
    path = f"/var/lib/neutron/{name}.backup"
    if is_full(fabric):
        fabric.run(CONTROLLER, "sh", "-euc", 'mariadb-dump --single-transaction neutron >"$1"', "sh", path)
    else:
        fabric.run(CONTROLLER, "rm", "-f", path)
        fabric.run(CONTROLLER, *AS_NEUTRON, "/opt/neutron/bin/python", "-c", COPY, SQLITE, path)
    return path


def restore(api: Api, fabric: Fabric, path: str) -> None:
    """Neutron goes on from a backup, as an administrator would have it: stopped, restored, started."""
    with stopped(api, fabric):
        if is_full(fabric):
            fabric.run(CONTROLLER, "sh", "-euc", 'mariadb neutron <"$1"', "sh", path)
        else:
            fabric.run(CONTROLLER, *AS_NEUTRON, "/opt/neutron/bin/python", "-c", COPY, path, SQLITE)


def _sql(fabric: Fabric, sql: str) -> None:
    if is_full(fabric):
        fabric.run(CONTROLLER, "mariadb", "neutron", "-e", sql)
    else:
        sql = f"PRAGMA foreign_keys = ON; {sql}"
        fabric.run(CONTROLLER, *AS_NEUTRON, "/opt/neutron/bin/python", "-c", SQL, SQLITE, sql)


def forget(fabric: Fabric, port: str) -> None:
    """A port is gone from the database, with its addresses and bindings, as a DELETE leaves it."""
    ours = f"SELECT standard_attr_id FROM ports WHERE id = '{port}'"
    _sql(fabric, f"DELETE FROM standardattributes WHERE id IN ({ours});")


@contextmanager
def without_networks(api: Api, fabric: Fabric) -> Iterator[None]:
    """Neutron has no network, subnet or port, as before any was made, for as long as the block runs."""
    whole = keep(fabric, "whole")
    with stopped(api, fabric):
        for kind in ("ports", "subnets", "networks"):
            _sql(fabric, f"DELETE FROM standardattributes WHERE resource_type = '{kind}';")
    try:
        yield
    finally:
        restore(api, fabric, whole)
