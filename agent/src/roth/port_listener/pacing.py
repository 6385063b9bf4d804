"""When each host is told. Pure: times are seconds, monotonic."""

from __future__ import annotations

from collections.abc import Collection, Iterable

GAP = 0.2  # seconds between two hints to a host; what comes between is one hint
GAP_OF_ALL = 5.0  # seconds between two hints to all hosts


class Pacing:
    """Hints that wait."""

    def __init__(self, hosts: Collection[str]) -> None:
        self.hosts = frozenset(hosts)
        self._due: dict[str, float] = {}
        self._after: dict[str, float] = {}  # when a host may be told again
        self._all_at = -GAP_OF_ALL  # when all were told last, or will be

    def concern(self, hosts: Iterable[str] | None, now: float) -> None:
        """These hosts have to know; some may be no hypervisors of ours. None: all, who are told less often."""
        earliest = now
        if hosts is None:
            if self._all_at <= now:
                self._all_at = max(now, self._all_at + GAP_OF_ALL)
            earliest = self._all_at
        for host in self.hosts if hosts is None else self.hosts.intersection(hosts):
            when = max(earliest, self._after.get(host, 0.0))
            self._due[host] = min(when, self._due.get(host, when))

    def due(self, now: float) -> list[str]:
        """Those who are told now."""
        found = sorted(host for host, when in self._due.items() if when <= now)
        for host in found:
            del self._due[host]
            self._after[host] = now + GAP
        return found

    def next(self) -> float | None:
        """When the next one is."""
        return min(self._due.values(), default=None)
