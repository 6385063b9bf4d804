# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may change a host: one run of a playbook at a time."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Optional


@dataclass(frozen=True)
class Holder:
    """One run of ansible-playbook.

    :param controller: host name of the machine it runs on.
    :param namespace: the PID namespace there, since containers may share a host name.
    :param pid: its process in that namespace.
    :param start: when that process started, in clock ticks since boot: a PID of later is another process.
    :param since: when it took the lock, seconds since 1970 on the controller.
    """

    user: str
    controller: str
    namespace: str
    pid: int
    start: str
    playbook: str
    since: float

    def same_run(self, other: Holder) -> bool:
        """Whether both are one run."""
        return self.same_place(other) and (self.pid, self.start) == (other.pid, other.start)

    def same_place(self, other: Holder) -> bool:
        """Whether one can look for the other's process."""
        return (self.controller, self.namespace) == (other.controller, other.namespace)

    def __str__(self) -> str:
        when = datetime.fromtimestamp(self.since, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")  # noqa: UP017
        return f"{self.user} on {self.controller} ({self.playbook}, process {self.pid}) since {when}"


def to_json(holder: Holder) -> str:
    """The lock file's content."""
    return json.dumps(asdict(holder), sort_keys=True) + "\n"


def from_json(text: str) -> Optional[Holder]:
    """None for what is no lock file of ours: it holds nobody back."""
    try:
        content = json.loads(text)
        return Holder(
            user=str(content["user"]),
            controller=str(content["controller"]),
            namespace=str(content["namespace"]),
            pid=int(content["pid"]),
            start=str(content["start"]),
            playbook=str(content["playbook"]),
            since=float(content["since"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def is_left_behind(holder: Holder, me: Holder, start_now: Optional[str], expiry: float) -> bool:
    """Whether the lock's run is over.

    Where `me` can look for its process, that tells: `start_now` is when the process of that PID started, None when
    there is none. A lock of elsewhere is believed for `expiry` seconds.
    """
    if holder.same_place(me):
        return start_now != holder.start
    return me.since - holder.since > expiry
