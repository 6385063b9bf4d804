"""The process that follows Open vSwitch's database: each change of its ports is a line of JSON on stdout.

`{"ports": [[IFACE-ID, NAME, TYPE], …]}` has all of them, `{"lost": TEXT}` says that nothing is heard any more. It has
no capability, as the process that asks Neutron has none, and ends with its stdin.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections.abc import Callable
from contextlib import suppress

from ..pauses import Pauses
from .ovsdb_messages import Conversation, ProtocolError
from .presence import SwitchPort

SILENCE = 5.0  # seconds without a message until it is asked for one, and as many until it is given up
_CONNECT = 5.0  # seconds

Say = Callable[[dict[str, object]], None]


async def connect(target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To `tcp:HOST:PORT` or `unix:PATH`. Raises OSError, or TimeoutError which is one."""
    kind, _, rest = target.partition(":")
    if kind == "unix":
        return await asyncio.wait_for(asyncio.open_unix_connection(rest), _CONNECT)
    host, _, port = rest.rpartition(":")
    return await asyncio.wait_for(asyncio.open_connection(host.strip("[]"), int(port)), _CONNECT)


async def converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    told: Callable[[frozenset[SwitchPort]], None],
    silence: float = SILENCE,
) -> None:
    """Follow the ports until the connection ends. Always raises: OSError or ProtocolError."""
    conversation, asked = Conversation(), False
    writer.write(conversation.begin())
    while True:
        try:
            octets = await asyncio.wait_for(reader.read(1 << 16), silence)
        except TimeoutError:
            if asked:
                raise TimeoutError(f"no sign of life for {2 * silence:g} s") from None
            writer.write(conversation.probe())
            asked = True
            continue
        if not octets:
            raise ConnectionResetError("the database has closed the connection")
        asked, before = False, conversation.ports
        writer.write(conversation.feed(octets))
        if conversation.ports is not None and conversation.ports != before:
            told(conversation.ports)


async def follow(target: str, say: Say, chance: Callable[[], float] = random.random) -> None:
    """For ever, over as many connections as it takes."""
    pauses, clock, text = Pauses(chance), asyncio.get_running_loop().time, None

    def told(ports: frozenset[SwitchPort]) -> None:
        nonlocal text
        text = None
        say({"ports": sorted([port.iface_id, port.name, port.type] for port in ports)})

    while True:
        writer: asyncio.StreamWriter | None = None
        began = clock()
        try:
            reader, writer = await connect(target)
            await converse(reader, writer, told)
        except (OSError, ProtocolError) as error:
            before, text = text, str(error) or type(error).__name__
            if text != before:
                say({"lost": text})
        finally:
            if writer is not None:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
        await asyncio.sleep(pauses.after(clock() - began))


def _say(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)


async def _main(target: str) -> None:
    ended = asyncio.Event()

    def readable() -> None:
        if not os.read(0, 1 << 10):
            ended.set()

    asyncio.get_running_loop().add_reader(0, readable)
    following = asyncio.create_task(follow(target, _say))
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait([following, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if following.done():
        following.result()
    following.cancel()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
