# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One read of Neutron for all that asks within a minute, whatever the number of hosts, roles and worker processes.

The answer is kept in a folder that lives as long as the run of Ansible (its own DEFAULT_LOCAL_TMP): a later run reads
again. So does a later batch of a long one: by then instances have come and gone, and what an older answer does not know
of would be withdrawn.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from .cloud import TIMEOUT, Cloud, connect
from .reading import read_ports

MAX_AGE = 60.0
"""How long (seconds) an answer is taken for Neutron's present state."""

Connect = Callable[[str, float], Cloud]


def _connect(name: str, timeout: float) -> Cloud:
    return connect(name, timeout=timeout)


def read_once(
    folder: Path,
    cloud: str,
    networks: Sequence[str],
    timeout: float = TIMEOUT,
    connecting: Connect = _connect,
    floating: Collection[str] = (),
    clock: Callable[[], float] = time.time,
) -> dict[str, object]:
    """The port document of `networks` (names or ids), read from Neutron unless this run has it, no older than MAX_AGE.

    It may hold other networks as well: those that were asked for before. Of those in `floating` the floating IPs are
    in it. `timeout` bounds one request, in seconds.
    Raises NeutronError, and OSError when the answer cannot be kept in `folder`.
    """
    names = sorted(set(networks))
    kept = folder / f"roth-neutron-{hashlib.sha256(cloud.encode()).hexdigest()[:16]}.json"
    with _alone(kept.with_suffix(".lock")):
        known, floated, document, read_at = _kept(kept)
        # a clock that was set back makes an answer as good as old
        recent = 0 <= clock() - read_at < MAX_AGE
        if document is None or not recent or not set(names) <= set(known) or not set(floating) <= set(floated):
            asked, floats = sorted({*names, *known}), sorted({*floating, *floated})
            document = read_ports(connecting(cloud, timeout), asked, floating=floats)
            part = kept.with_suffix(".part")
            # the age counts from the answer's end: one that takes long must not make every host ask for itself
            content = {"networks": asked, "floating": floats, "document": document, "read_at": clock()}
            part.write_text(json.dumps(content), encoding="utf-8")
            part.rename(kept)
        return document


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Workers of a run that come at the same time wait for the first one's answer. The lock ends with its holder."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _kept(path: Path) -> tuple[list[str], list[str], dict[str, object] | None, float]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [], [], None, 0.0
    return content["networks"], content["floating"], content["document"], content["read_at"]
