"""The connection to RabbitMQ. The only file that imports amqp, on which kombu and oslo.messaging stand themselves.

A queue of our own that only we see is bound to the exchanges of Neutron's pushes, and goes with the connection. Nothing
is acknowledged, nothing is sent, and no exchange is made: whether it is durable depends on Neutron's own configuration
(oslo.messaging: rabbit_transient_quorum_queue, rabbit_stream_fanout), and one that is made otherwise is refused to it.
For Neutron and its agents the listener is not there.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import amqp

from .config import Broker, Tls

HEARTBEAT = 20  # seconds: a connection that is silent for two of them is dead
_TIMEOUT = 5.0  # seconds for a connection, and an answer
_MOST = 10_000  # messages that wait: each is only a hint
_IDLE = 1.0  # seconds: the longest wait for a message
_LOOK = 30.0  # seconds between two looks for exchanges that are not there


class BusError(Exception):
    """The connection could not be made, or has ended."""


def check(tls: Tls) -> None:
    """Whether the files can be used. Raises ValueError, naming the file: a connection would only say that it failed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for path in filter(None, (tls.ca_file, tls.certificate_file, tls.key_file)):
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise ValueError(f"TLS to the bus: {error}") from None
    try:
        if tls.ca_file:
            context.load_verify_locations(tls.ca_file)
    except ssl.SSLError:
        raise ValueError(f"TLS to the bus: {tls.ca_file} has no certificates in PEM form") from None
    try:
        if tls.certificate_file:
            context.load_cert_chain(tls.certificate_file, tls.key_file, password="")  # else OpenSSL asks
    except ssl.SSLError:
        what = f"{tls.certificate_file} and {tls.key_file} are no certificate and its key, without a passphrase"
        raise ValueError(f"TLS to the bus: {what}, in PEM form") from None


def _options(broker: Broker, tls: Tls | None) -> dict[str, object] | bool:
    """What amqp makes its context of, anew for each connection: certificates are renewed.

    The server's certificate is verified, with its name, because a name is given.
    """
    if not broker.tls:
        return False
    tls = tls or Tls()
    return {
        "server_hostname": broker.host,
        "ca_certs": tls.ca_file,
        "certfile": tls.certificate_file,
        "keyfile": tls.key_file,
        "tls_minimum_version": ssl.TLSVersion.TLSv1_2,
    }


def consume(
    broker: Broker,
    exchanges: Iterable[str],
    told: Callable[[bytes], None],
    turn: Callable[[], float | None],
    tls: Tls | None = None,
) -> None:
    """Pass on every message until the connection ends. Always raises: BusError.

    `turn` is called between them, first when we listen; it says in how many seconds it wants to be called again.
    """
    connection = amqp.Connection(
        f"{broker.host}:{broker.port}", broker.user, broker.password, virtual_host=broker.vhost, heartbeat=HEARTBEAT,
        connect_timeout=_TIMEOUT, read_timeout=2 * HEARTBEAT, write_timeout=_TIMEOUT, ssl=_options(broker, tls),
    )  # fmt: skip
    try:
        connection.connect()
        listening = _Listening(connection, exchanges, told)
        while True:
            wanted = turn()
            listening.look(time.monotonic())
            with suppress(TimeoutError):
                connection.drain_events(timeout=max(0.001, min(_IDLE, _IDLE if wanted is None else wanted)))
            connection.heartbeat_tick()  # also on a bus that is never idle: we send nothing else
    except (OSError, amqp.AMQPError) as error:
        raise BusError(str(error) or type(error).__name__) from None
    finally:
        connection.collect()


class _Listening:
    """Our queue, bound to those of the exchanges that are there. Raises BusError if none is."""

    def __init__(self, connection: amqp.Connection, exchanges: Iterable[str], told: Callable[[bytes], None]) -> None:
        self._connection, self._channel = connection, connection.channel()
        self._queue = self._channel.queue_declare(
            exclusive=True, auto_delete=True, arguments={"x-max-length": _MOST}
        ).queue
        wanted = list(exchanges)
        self._missing = self._bind(wanted)
        if len(self._missing) == len(wanted):
            raise BusError(f"no exchange {', '.join(wanted)}: no agent of Neutron has asked for this version yet")
        self._channel.basic_consume(self._queue, no_ack=True, callback=lambda message: told(_octets(message.body)))
        self._next = time.monotonic() + _LOOK

    def look(self, now: float) -> None:
        """Whether an exchange that was missing is there by now."""
        if self._missing and now >= self._next:
            self._missing, self._next = self._bind(self._missing), now + _LOOK

    def _bind(self, exchanges: Iterable[str]) -> list[str]:
        """Those that are not there."""
        missing = []
        for exchange in exchanges:
            if self._is_there(exchange):
                self._channel.queue_bind(self._queue, exchange)
            else:
                missing.append(exchange)
        return missing

    def _is_there(self, exchange: str) -> bool:
        asking = self._connection.channel()  # the answer that there is none ends it, and amqp opens it again
        try:
            asking.exchange_declare(exchange, "fanout", passive=True)
        except amqp.NotFound:
            return False
        else:
            return True
        finally:
            asking.close()


def _octets(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body
