"""The attributes that routes are announced with, peer by peer: as always, or so that traffic leaves the peer. Pure.

ExaBGP 5.0.15 queues changes by attribute set (rib/outgoing.py), and sends the sets in the order in which they were
first used since the last flush. Announcing a prefix anew leaves its older entry in the queue of the older set, so that
a set that is used again (A, B, A) puts B last: the ToR keeps what `show adj-rib out` says was replaced. A withdrawal
with another set than the announcement's can be overtaken by it in the same way.

So a peer's sets are numbered, and a number is never used again after a higher one: the queues are then in the order of
what we said, and the last word is sent last. The number, the `mark`, is the LOCAL_PREF of the set: ExaBGP counts it
among the attributes and shows it, and never sends it to an external peer (RFC 4271, section 5.1.5), which all ours are.

One case is left: ExaBGP sends no withdrawal in the first flush of a session. A prefix that was announced, announced by
another set, and withdrawn, all since the last failed attempt to connect, reaches the peer as it was first announced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

GRACEFUL_SHUTDOWN = "65535:0"  # RFC 8326
WORSE_MED = 1000  # a route without MED counts as 0 (RFC 4271, section 9.1.2.2)
MOST_PREPENDS = 3
_KINDS = 2 * (MOST_PREPENDS + 1)


@dataclass(frozen=True)
class Treatment:
    """How a peer is to take our routes.

    `prepends`: so often our AS is in the path once more: whoever has another path takes that, the peer itself has none
    that is shorter. `shutdown`: GRACEFUL_SHUTDOWN and a worse MED: the peer itself takes any other path.
    """

    prepends: int = 0
    shutdown: bool = False


PLAIN = Treatment()


def treatment_of(mark: int) -> Treatment:
    """What a numbered attribute set says."""
    kind = mark % _KINDS
    return Treatment(kind // 2, bool(kind % 2))


def next_mark(mark: int, treatment: Treatment) -> int:
    """The lowest number from `mark` on whose set says so; `mark` itself when it does."""
    kind = 2 * treatment.prepends + treatment.shutdown
    return mark + (kind - mark) % _KINDS


def attributes(asn: int, mark: int) -> str:
    """The attributes of a command line. `asn` is our own."""
    treatment = treatment_of(mark)
    words = ["next-hop self"]
    if treatment.prepends:
        words.append(f"as-path [ {' '.join([str(asn)] * (1 + treatment.prepends))} ]")
    if treatment.shutdown:
        words.append(f"med {WORSE_MED}")
    if mark:
        words.append(f"local-preference {mark}")
    if treatment.shutdown:
        words.append(f"community [{GRACEFUL_SHUTDOWN}]")
    return " ".join(words)


def mark_of(said: str, as_path: Sequence[int]) -> int | None:
    """The number of a set from the end of its line in `show adj-rib out extensive`; None when it isn't one of ours."""
    found = {name: re.search(rf"\b{name} (\S+)", said) for name in ("local-preference", "med", "community")}
    preference, med, community = ((match[1] if match else None) for match in found.values())
    if preference is not None and not preference.isdecimal():
        return None
    mark = int(preference or 0)
    treatment = treatment_of(mark)
    expected = (
        1 + treatment.prepends if treatment.prepends else 0,
        str(WORSE_MED) if treatment.shutdown else None,
        GRACEFUL_SHUTDOWN if treatment.shutdown else None,
    )
    return mark if (len(as_path), med, community) == expected else None


def next_treatment(current: Treatment, aim: Treatment) -> Treatment:
    """The next step from one to the other, without a moment in which two routers send packets to each other.

    A ToR that is told of GRACEFUL_SHUTDOWN while its spine still sends to it sends back to the spine. So the longer
    path comes first and everybody else leaves, then GRACEFUL_SHUTDOWN; and on the way back the other way round.
    """
    if current.shutdown and not aim.shutdown:
        return Treatment(current.prepends, False)
    if aim.shutdown and not current.shutdown and current.prepends != aim.prepends:
        return Treatment(aim.prepends, False)
    return aim
