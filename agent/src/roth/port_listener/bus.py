"""The connection to RabbitMQ. The only file that imports amqp, on which kombu and oslo.messaging stand themselves.

A queue of our own that only we see is bound to the exchanges of Neutron's pushes, and goes with the connection. Nothing
is acknowledged and nothing is sent: for Neutron and its agents the listener is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import amqp

from .config import Broker

HEARTBEAT = 20  # seconds: a connection that is silent for two of them is dead
_TIMEOUT = 5.0  # seconds for a connection, and an answer
_MOST = 10_000  # messages that wait: each is only a hint
_IDLE = 1.0  # seconds: the longest wait for a message


class BusError(Exception):
    """The connection could not be made, or has ended."""


def consume(
    broker: Broker, exchanges: Iterable[str], told: Callable[[bytes], None], turn: Callable[[], float | None]
) -> None:
    """Pass on every message until the connection ends. Always raises: BusError.

    `turn` is called between them, first when we listen; it says in how many seconds it wants to be called again.
    """
    connection = amqp.Connection(
        f"{broker.host}:{broker.port}", broker.user, broker.password, virtual_host=broker.vhost, heartbeat=HEARTBEAT,
        connect_timeout=_TIMEOUT, read_timeout=2 * HEARTBEAT, write_timeout=_TIMEOUT,
    )  # fmt: skip
    try:
        connection.connect()
        _listen(connection, exchanges, told)
        while True:
            wanted = turn()
            try:
                connection.drain_events(timeout=max(0.001, min(_IDLE, _IDLE if wanted is None else wanted)))
            except TimeoutError:
                connection.heartbeat_tick()
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
