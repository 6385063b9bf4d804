"""What nodes' kernels did and when: links and routes as `ip monitor` prints them, of several nodes at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from tests.lab.fabric import Fabric


@dataclass(frozen=True)
class Happened:
    """A line: when (seconds since 1970), and the rest of it."""

    when: float
    text: str


@dataclass
class Events:
    """By node, in the order they came; complete once the block has ended."""

    of: dict[str, list[Happened]] = field(default_factory=dict)

    def first(self, node: str, *words: str, after: float = 0.0, deleted: bool = False) -> float:
        """When the first line with all of these words came. Raises LookupError."""
        for event in self.of[node]:
            if event.when >= after and deleted == event.text.startswith("Deleted ") and _has(event.text, words):
                return event.when
        raise LookupError(f"{node}: no {'Deleted ' if deleted else ''}{' '.join(words)} after {after}")


def _has(text: str, words: Sequence[str]) -> bool:
    found = text.replace("@", " ").replace(":  ", " ").split()
    return all(word in found for word in words)


def _parse(line: str) -> Happened | None:
    stamp, bracket, rest = line.partition("] ")
    if not bracket or not stamp.startswith("["):
        return None
    return Happened(datetime.fromisoformat(stamp[1:] + "+00:00").timestamp(), rest)


@contextmanager
def watching(fabric: Fabric, nodes: Sequence[str]) -> Iterator[Events]:
    """Watch links and routes of these nodes for as long as the block runs."""
    events = Events()
    with ExitStack() as stack:
        running = {node: stack.enter_context(fabric.listening(node, "link", "route")) for node in nodes}
        yield events
        for node, output in running.items():
            events.of[node] = [found for line in fabric.heard(node, output) if (found := _parse(line))]
