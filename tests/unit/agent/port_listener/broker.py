"""A server of AMQP 0-9-1 on this machine's loopback, as far as a listener speaks to it, with or without TLS."""

from __future__ import annotations

import datetime
import socket
import ssl
import struct
import threading
from collections.abc import Collection
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_METHOD, _HEADER, _BODY, HEARTBEAT_FRAME = 1, 2, 3, 8
_DELIVER = (60, 60)


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _long(text: str) -> bytes:
    return struct.pack(">I", len(text)) + text.encode()


def _strings(arguments: bytes, count: int) -> list[str]:
    """So many short strings after the first two octets."""
    found, place = [], 2
    for _nth in range(count):
        end = place + 1 + arguments[place]
        found.append(arguments[place + 1 : end].decode())
        place = end
    return found


START = bytes([0, 9]) + struct.pack(">I", 0) + _long("PLAIN") + _long("en_US")
ANSWERS = {
    (10, 11): ((10, 30), struct.pack(">HIH", 0, 1 << 17, 1)),  # start-ok: tune, with a heartbeat of a second
    (10, 40): ((10, 41), _short("")),
    (20, 10): ((20, 11), _long("")),
    (50, 10): ((50, 11), _short("amq.gen-1") + struct.pack(">II", 0, 0)),
    (20, 40): ((20, 41), b""),
    (50, 20): ((50, 21), b""),
    (60, 20): ((60, 21), _short("tag")),
}


class FakeBroker:
    """Serves one connection in a thread; `login` is what the client said of itself, `frames` the types of its frames.

    With `silent` it accepts and says nothing. Once it is listened to it sends `bodies`, again and again every `pause`
    seconds until a heartbeat came, if there is a pause; then it closes. It has `exchanges`, and `later` those as well;
    `made` are those that the client wanted to make, `bound` those that it has bound its queue to, and
    `open` is the number of its channels.
    """

    def __init__(
        self, context: ssl.SSLContext | None = None, bodies: tuple[bytes, ...] = (), pause: float = 0.0,
        silent: bool = False, exchanges: Collection[str] = ("neutron-vo-Port-1.11_fanout",),
        later: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.exchanges, self.later, self.made, self.bound = set(exchanges), set(later), [], []
        self.context, self.bodies, self.pause, self.silent = context, bodies, pause, silent
        self.login, self.frames, self.peer, self.open = b"", [], None, 0
        self.over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(30)
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> FakeBroker:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.over.set()
        self._thread.join(30)
        self._listening.close()
        assert not self._thread.is_alive()

    def _run(self) -> None:
        connection, _address = self._listening.accept()
        connection.settimeout(30)
        with connection, suppress(OSError, struct.error):
            if self.silent:
                self.over.wait(30)
            elif self.context is None:
                self._serve(connection)
            else:
                with self.context.wrap_socket(connection, server_side=True) as wrapped:
                    self.peer = wrapped.getpeercert()
                    self._serve(wrapped)

    def _serve(self, connection: socket.socket) -> None:
        if connection.recv(8) != b"AMQP\x00\x00\x09\x01":
            return
        self._method(connection, 0, (10, 10), START)
        with connection.makefile("rb") as source:
            while True:
                _kind, channel, method, arguments = self._frame(source)
                self._answer(connection, channel, method, arguments)
                if method == (60, 20):
                    break
            self._deliver(connection, source)

    def _declared(self, arguments: bytes) -> tuple[tuple[int, int], bytes]:
        name, kind = _strings(arguments, 2)
        if not arguments[4 + len(name) + len(kind)] & 1:  # passive
            self.made.append(name)
        if name in self.exchanges:
            return (40, 11), b""
        self.open -= 1
        return (20, 40), struct.pack(">H", 404) + _short("NOT_FOUND") + struct.pack(">HH", 40, 10)

    def _answer(
        self, connection: socket.socket, channel: int, method: tuple[int, int] | None, arguments: bytes
    ) -> None:
        if method == (10, 11):
            self.login = arguments
        if method in ((20, 10), (20, 40)):  # open, close
            self.open += 1 if method == (20, 10) else -1
        if method == (40, 10):
            self._method(connection, channel, *self._declared(arguments))
        if method == (50, 20):
            self.bound.append(_strings(arguments, 2)[1])
        if method in ANSWERS:
            self._method(connection, channel, *ANSWERS[method])

    def _deliver(self, connection: socket.socket, source: object) -> None:
        for body in self.bodies:
            self._message(connection, body)
        self.exchanges |= self.later
        if not self.pause:
            return
        reading = threading.Thread(target=self._read_frames, args=(connection, source), daemon=True)
        reading.start()
        for _time in range(int(20 / self.pause)):
            self._message(connection, self.bodies[0])
            if self.over.wait(self.pause):
                break

    def _read_frames(self, connection: socket.socket, source) -> None:
        with suppress(OSError, ValueError, struct.error):
            while not self.over.is_set():
                kind, channel, method, arguments = self._frame(source)
                self._answer(connection, channel, method, arguments)
                if kind == HEARTBEAT_FRAME and self.later <= set(self.bound):
                    self.over.set()

    def _frame(self, source) -> tuple[int, int, tuple[int, int] | None, bytes]:
        kind, channel, size = struct.unpack(">BHI", source.read(7))
        payload = source.read(size + 1)[:-1]
        self.frames.append(kind)
        method = struct.unpack(">HH", payload[:4]) if kind == _METHOD else None
        return kind, channel, method, payload[4:]

    def _method(self, connection: socket.socket, channel: int, method: tuple[int, int], arguments: bytes) -> None:
        self._send(connection, _METHOD, channel, struct.pack(">HH", *method) + arguments)

    def _message(self, connection: socket.socket, body: bytes) -> None:
        delivery = _short("tag") + struct.pack(">QB", 1, 0) + _short("neutron-vo") + _short("")
        self._method(connection, 1, _DELIVER, delivery)
        self._send(connection, _HEADER, 1, struct.pack(">HHQH", 60, 0, len(body), 0))
        self._send(connection, _BODY, 1, body)

    def _send(self, connection: socket.socket, kind: int, channel: int, payload: bytes) -> None:
        connection.sendall(struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce")


class Authority:
    """A certificate authority that lives in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        own = self._sign(self.name, self.key.public_key(), x509.BasicConstraints(True, None))
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject: x509.Name, key, *extensions: x509.ExtensionType) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(
            self.name,
            subject,
            key,
            x509.random_serial_number(),
            now - datetime.timedelta(1),
            now + datetime.timedelta(1),
        )
        for each in extensions:
            builder = builder.add_extension(each, critical=isinstance(each, x509.BasicConstraints))
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
        return builder.add_extension(identifier, False).sign(self.key, hashes.SHA256())

    def issue(self, name: str, passphrase: bytes | None = None) -> tuple[str, str]:
        """Files of a certificate for a name, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.IPAddress(ip_address(name))] if name[0].isdigit() else [x509.DNSName(name)]
        certificate = self._sign(subject, key.public_key(), x509.SubjectAlternativeName(names))
        paths = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, locked))
        return str(paths[0]), str(paths[1])

    def server(self, name: str, clients: bool = False) -> ssl.SSLContext:
        """What a server of that name uses; with `clients` it asks for their certificates."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(name))
        if clients:
            context.load_verify_locations(self.file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
