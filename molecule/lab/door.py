"""A door into the lab: a port of this machine's loopback that leads to Neutron's API, for whatever reads clouds.yaml.

This machine has no cable into the lab, and should have none: two labs have the same addresses.
Run as a program: ``python -m lab.door NETNS CLOUDS_YAML``; it serves until it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import yaml

from . import cgroups
from .api import PORT, inside
from .errors import LabError
from .settings import Settings, netns_path

CLOUD = "lab"
START_SECONDS = 60
_CHUNK = 65536  # bytes


def clouds(port: int) -> str:
    """The text of a clouds.yaml that leads to a port of the loopback."""
    endpoint = f"http://127.0.0.1:{port}"
    entry = {"auth_type": "none", "auth": {"endpoint": endpoint}, "network_endpoint_override": endpoint}
    return yaml.safe_dump({"clouds": {CLOUD: {**entry, "network_api_version": "2"}}}, explicit_start=True)


def open_door(settings: Settings, node: str) -> None:
    """Start the door to a node, unless it stands open; ``down`` shuts it with everything else of the lab's cgroup.

    :raises LabError: when it does not open.
    """
    cgroup = cgroups.lab_cgroup(settings) / "door"
    if cgroup.is_dir() and cgroups.processes(cgroup):
        return
    cgroup.mkdir(parents=True, exist_ok=True)
    settings.clouds_file.unlink(missing_ok=True)
    log = settings.run_dir / "door.log"
    script = 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"'
    program = [sys.executable, "-m", f"{__package__}.door", netns_path(settings.netns(node)), settings.clouds_file]
    with log.open("ab") as out:
        process = subprocess.Popen(
            ["sh", "-c", script, "sh", str(cgroup), *map(str, program)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=Path(__file__).parents[1],
        )
    deadline = time.monotonic() + START_SECONDS
    while not settings.clouds_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise LabError(f"the door to {node} does not open; log {log}: {log.read_text(errors='replace').strip()}")
        time.sleep(0.02)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_CHUNK):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


async def _pass_through(netns: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection. Where nobody listens behind the door, it is closed: the client sees an answer that never came."""
    with contextlib.suppress(OSError), contextlib.closing(writer):
        with inside(netns):  # by its path: a node that is rebooted has a new namespace
            inner = socket.socket()
        inner.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(inner, ("127.0.0.1", PORT))
        except OSError:
            inner.close()
            raise
        there, back = await asyncio.open_connection(sock=inner)
        with contextlib.closing(back):
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))


async def serve(netns: Path, clouds_file: Path) -> None:
    """Listen on a free port, write a clouds.yaml that names it, and pass connections on for ever."""
    server = await asyncio.start_server(lambda r, w: _pass_through(netns, r, w), "127.0.0.1", 0)
    new = clouds_file.with_suffix(".new")
    new.write_text(clouds(server.sockets[0].getsockname()[1]))
    new.rename(clouds_file)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
