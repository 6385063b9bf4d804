"""Network namespaces by name, and sockets inside them: a socket stays in the namespace it was opened in."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from lab.settings import netns_path

CLONE_NEWNET = 0x40000000


@contextmanager
def inside(name: str) -> Iterator[None]:
    """This thread, and what it starts, are in the network namespace `name` for as long as the block runs."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(netns_path(name), os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"entering the network namespace {name}")
        try:
            yield
        finally:
            if libc.setns(home, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "leaving a network namespace")
    finally:
        os.close(there)
        os.close(home)


@contextmanager
def throwaway(name: str) -> Iterator[None]:
    """The block runs in a new network namespace, with lo and the bridge `bench0` up."""
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        with inside(name):
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            subprocess.run(["ip", "link", "add", "bench0", "up", "type", "bridge"], check=True)
            yield
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)
