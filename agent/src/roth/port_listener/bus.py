"""The connection to RabbitMQ. The only file that imports amqp, on which kombu and oslo.messaging stand themselves.

A queue of our own that only we see is bound to the exchanges of Neutron's pushes, and goes with the connection. Nothing
is acknowledged and nothing is sent: for Neutron and its agents the listener is not there.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import amqp

from .config import Broker, Tls

HEARTBEAT = 20  # seconds: a connection that is silent for two of them is dead
_TIMEOUT = 5.0  # seconds for a connection, and an answer
_MOST = 10_000  # messages that wait: each is only a hint
_IDLE = 1.0  # seconds: the longest wait for a message


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
        _listen(connection, exchanges, told)
        while True:
            wanted = turn()
            with suppress(TimeoutError):
                connection.drain_events(timeout=max(0.001, min(_IDLE, _IDLE if wanted is None else wanted)))
            connection.heartbeat_tick()  # also on a bus that is never idle: we send nothing else
    except (OSError, amqp.AMQPError) as error:
        raise BusError(str(error) or type(error).__name__) from None
    finally:
        connection.collect()


def _listen(connection: amqp.Connection, exchanges: Iterable[str], told: Callable[[bytes], None]) -> None:
    channel = connection.channel()
    queue = channel.queue_declare(exclusive=True, auto_delete=True, arguments={"x-max-length": _MOST}).queue
    for exchange in exchanges:
        # as oslo.messaging declares it; whoever comes first does
        channel.exchange_declare(exchange, "fanout", durable=False, auto_delete=True)
        channel.queue_bind(queue, exchange)
    channel.basic_consume(queue, no_ack=True, callback=lambda message: told(_octets(message.body)))


def _octets(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body
