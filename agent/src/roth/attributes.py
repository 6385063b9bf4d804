"""The attributes that routes are announced with, by peer and prefix. Pure.

A peer's part is its `Treatment`: as always, or so that traffic leaves the peer. A prefix's part is whether it is
`preferred` to what other hosts announce, since its instance has just arrived here (see kernel/preference.py). Of all
that BGP has, only a community can say so: MED is not compared between neighbours of different ASNs (RFC 4271, section
9.1.2.2), and a path can be made longer than a plain one, never shorter. The switches give LOCAL_PREF to it (role tor).

ExaBGP 5.0.15 queues changes by attribute set (rib/outgoing.py), and sends the sets in the order in which they were
first used since the last flush. Announcing a prefix anew leaves its older entry in the queue of the older set, so that
a set that is used again (A, B, A) puts B last: the ToR keeps what `show adj-rib out` says was replaced. A withdrawal
with another set than the announcement's can be overtaken by it in the same way.

So a peer's sets are numbered, and a number is never used again after a higher one, not even for another prefix: the
queues are then in the order of what we said, and the last word is sent last. Sets of different numbers may say the
same; what a peer holds by a lower number stays as it is. The number, the `mark`, is the LOCAL_PREF of the set: ExaBGP
counts it among the attributes and shows it, and never sends it to an external peer (RFC 4271, section 5.1.5), which all
ours are.

A session begins with all that ExaBGP holds for it, in no order that we know: what it holds is only ever replaced by a
number that was never used. And its first flush has no withdrawals, so that a prefix that was announced and withdrawn by
two sets since the last failed attempt to connect reaches the peer: what was withdrawn while a session was down is
withdrawn again once it has had its End-of-RIB.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

GRACEFUL_SHUTDOWN = "65535:0"  # RFC 8326
# A large community (RFC 8092). The same from all hosts, since BIRD can't match "any AS, 142, 1"; its administrator is
# the last ASN for private use (RFC 6996). Role tor has it too.
ARRIVED = "4294967294:142:1"
WORSE_MED = 1000  # a route without MED counts as 0 (RFC 4271, section 9.1.2.2)
MOST_PREPENDS = 3
_TREATMENTS = 2 * (MOST_PREPENDS + 1)
_KINDS = 2 * _TREATMENTS


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
    """How a numbered attribute set treats the peer."""
    kind = mark % _TREATMENTS
    return Treatment(kind // 2, bool(kind % 2))


def is_preferred(mark: int) -> bool:
    """Whether a numbered attribute set prefers its prefixes."""
    return mark % _KINDS >= _TREATMENTS


def kind_of(mark: int) -> int:
    """What a numbered attribute set says: equal for two sets that say the same."""
    return mark % _KINDS


def next_mark(mark: int, treatment: Treatment) -> int:
    """The lowest number from `mark` on whose set treats the peer so and prefers nothing."""
    return mark + (2 * treatment.prepends + treatment.shutdown - mark) % _KINDS


def next_like(mark: int, preferred: bool) -> int:
    """The lowest number from `mark` on whose set treats the peer in the same way, and prefers its prefixes or not.

    Under GRACEFUL_SHUTDOWN nothing is preferred, so that it wins at a switch that looks for preference first as well.
    """
    treatment = mark % _TREATMENTS
    shutdown = treatment % 2
    return mark + (treatment + (_TREATMENTS if preferred and not shutdown else 0) - mark) % _KINDS


def next_other(mark: int, preferred: bool) -> int:
    """The same, from the number after `mark` on: one that was never used."""
    found = next_like(mark, preferred)
    return found if found > mark else found + _KINDS


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
    if is_preferred(mark):
        words.append(f"large-community [{ARRIVED}]")
    return " ".join(words)


_NAMES = ("local-preference", "med", "community", "large-community")
_SHOWN = {name: re.compile(rf"(?<![-\w]){name} (\S+)") for name in _NAMES}


def mark_of(said: str, as_path: Sequence[int]) -> int | None:
    """The number of a set from the end of its line in `show adj-rib out extensive`; None when it isn't one of ours."""
    found = (pattern.search(said) for pattern in _SHOWN.values())
    preference, med, community, large = ((match[1] if match else None) for match in found)
    if preference is not None and not preference.isdecimal():
        return None
    mark = int(preference or 0)
    treatment = treatment_of(mark)
    expected = (
        1 + treatment.prepends if treatment.prepends else 0,
        str(WORSE_MED) if treatment.shutdown else None,
        GRACEFUL_SHUTDOWN if treatment.shutdown else None,
        ARRIVED if is_preferred(mark) else None,
    )
    return mark if (len(as_path), med, community, large) == expected else None


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
