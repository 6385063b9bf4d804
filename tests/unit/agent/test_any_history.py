"""What holds after any history: of acks and refusals, of events and dumps, of sessions that come and go."""

from __future__ import annotations

import random
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roth.announcer import LINE, Announcer, Batch
from roth.attributes import MOST_PREPENDS, Treatment, is_preferred, treatment_of
from roth.exabgp_api import Action, EndOfRib, Neighbors, RibRoute, Session, Update
from roth.kernel.model import Family, KernelRoute, Overrun, RouteEvent
from roth.mirror import AUDIT, Mirror
from roth.sessions import GRACE, OWN_SHUTDOWN, Sessions, SessionState
from roth.uplinks import DEFAULT, BfdMemory, BfdState, decide

from tests.unit.agent.fakes import V4, V6, FakeClock, FakeEvents, FakeKernel, FakeTimers, config

PEERS = {peer: peer + 1 for peer in (*V4, *V6)}
PREFIXES = [ip_network(f"10.64.{n >> 8}.{n & 255}/32") for n in range(60)] + [
    ip_network(f"2001:db8:64::{n:x}/128") for n in range(60)
]
seeds = st.integers(0, 2**32)


class Router:
    """An ExaBGP that takes a line or refuses it: always for `poisoned` prefixes of a peer, by chance for others."""

    def __init__(self, chance: random.Random, poisoned: set[tuple[object, object]], luck: float) -> None:
        self.chance, self.poisoned, self.luck = chance, poisoned, luck
        self.held: dict[object, dict[object, int]] = {peer: {} for peer in PEERS}  # the attributes' mark by prefix
        self.highest = dict.fromkeys(PEERS, 0)

    def take(self, batch: Batch) -> bool:
        words = batch.line(65011).split(" nlri ")
        assert len(batch.prefixes) <= LINE
        assert len({ip_network(word).version for word in words[1].split()} | {p.version for p in batch.peers}) == 1
        announce = batch.action is Action.ANNOUNCE
        hit = any((peer, prefix) in self.poisoned for peer in batch.peers for prefix in batch.prefixes)
        if (announce and hit) or self.chance.random() > self.luck:
            return False
        for peer in batch.peers:
            assert batch.mark >= self.highest[peer], "a lower number after a higher one is sent first by ExaBGP"
            self.highest[peer] = batch.mark
            for prefix in batch.prefixes:
                self.held[peer].pop(prefix, None)
            self.held[peer].update(dict.fromkeys(batch.prefixes, batch.mark) if announce else {})
        return True

    def survey(self, announcer: Announcer) -> None:
        rows = [(peer, prefix, mark) for peer, held in self.held.items() for prefix, mark in held.items()]
        announcer.holds(PEERS, [RibRoute(peer, prefix, PEERS[peer], mark=mark) for peer, prefix, mark in rows])


def drain(announcer: Announcer, router: Router, chance: random.Random) -> None:
    """Answer whatever is sent, in order but with room and answers mixed, until nothing is sent any more."""
    flight: list[Batch] = []
    for turn in range(5000):
        batches = announcer.next_batches(chance.randint(1, 4)) if len(flight) < 4 else []
        flight += batches
        if not flight:
            assert not announcer.busy
            assert not announcer.retries
            return
        if turn < 20 and chance.random() < 0.3:
            announcer.change(chance.choice(PREFIXES), chance.random() < 0.5, chance.random() < 0.3)
        for _answer in range(chance.randint(0 if batches else 1, len(flight))):
            batch = flight.pop(0)
            announcer.answered(batch, router.take(batch))
    pytest.fail("the announcer never comes to rest")


@given(
    seeds, st.floats(0.3, 1.0), st.sets(st.tuples(st.sampled_from(list(PEERS)), st.sampled_from(PREFIXES)), max_size=4)
)
def test_an_exabgp_that_refuses_at_random_ends_with_what_is_wanted(seed, luck, poisoned) -> None:
    chance = random.Random(seed)
    router, announcer = Router(chance, poisoned, luck), Announcer(dict(PEERS))
    router.survey(announcer)
    for _change in range(3):
        for prefix in chance.sample(PREFIXES, 70):
            announcer.change(prefix, chance.random() < 0.6, chance.random() < 0.3)
        drain(announcer, router, chance)
    router.luck = 1.0  # from here on it refuses only what it never takes
    announcer.refused.clear()
    router.survey(announcer)
    drain(announcer, router, chance)
    for peer in PEERS:
        wanted = {prefix for prefix in announcer.desired if prefix.version == peer.version}
        never = {prefix for refuser, prefix in poisoned if refuser == peer}
        assert router.held[peer].keys() == wanted - never
        assert announcer.held_by(peer) == router.held[peer].keys()
        preferred = {prefix for prefix, mark in router.held[peer].items() if is_preferred(mark)}
        assert preferred == announcer.preferred & router.held[peer].keys()
    assert {(peer, prefix) for peer, prefix in announcer.refused} <= poisoned
    assert all(announcer.settled(family) for family in Family)


TREATMENTS = [Treatment(prepends, shutdown) for prepends in range(MOST_PREPENDS + 1) for shutdown in (False, True)]


@given(seeds, st.floats(0.5, 1.0))
def test_prefixes_that_come_and_settle_while_peers_drain_and_agents_restart_end_as_they_are_wanted(seed, luck) -> None:
    chance = random.Random(seed)
    router, announcer = Router(chance, set(), luck), Announcer(dict(PEERS))
    router.survey(announcer)
    for _turn in range(6):
        for prefix in chance.sample(PREFIXES, 30):
            announcer.change(prefix, chance.random() < 0.8, chance.random() < 0.3)
        announcer.aim({peer: chance.choice(TREATMENTS) for peer in PEERS})
        for peer in chance.sample(list(PEERS), 2):
            announcer.advance(peer)
        drain(announcer, router, chance)
        if chance.random() < 0.3:  # another agent; its predecessor's word has reached ExaBGP
            before, announcer = announcer, Announcer(dict(PEERS))
            announcer.desired, announcer.preferred, announcer.aims = before.desired, before.preferred, before.aims
            router.highest = {peer: max(held.values(), default=0) for peer, held in router.held.items()}
            router.survey(announcer)
    router.luck = 1.0
    announcer.refused.clear()
    router.survey(announcer)
    for peer in PEERS:
        while announcer.advance(peer):
            drain(announcer, router, chance)
    drain(announcer, router, chance)
    for peer in PEERS:
        assert announcer.arrived(peer)
        held, aim = router.held[peer], announcer.aim_of(peer)
        assert held.keys() == {prefix for prefix in announcer.desired if prefix.version == peer.version}
        assert {treatment_of(mark) for mark in held.values()} <= {aim}
        preferred = set() if aim.shutdown else announcer.preferred & held.keys()
        assert {prefix for prefix, mark in held.items() if is_preferred(mark)} == preferred


# -- the mirror ---------------------------------------------------------------------------------------------------

MIRRORED = [f"10.64.0.{n}/32" for n in range(6)] + [f"2001:db8:64::{n}/128" for n in range(3)]
# "silent": the kernel takes a route away without a word; "overrun": it drops the events that wait
KINDS = ["add", "add", "add", "remove", "silent", "lose", "regain", "deliver", "overrun", "fail", "heal", "foreign"]
steps = st.lists(
    st.tuples(st.sampled_from([*KINDS, "wait", "wait"]), st.sampled_from(MIRRORED), st.sampled_from([0, 7])),
    min_size=5,
    max_size=40,
)


class Watched:
    """A mirror over a kernel whose events come late, or never."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.timers = FakeTimers(self.clock)
        self.kernel, self.events = FakeKernel(), FakeEvents()
        self.pending: list[object] = []
        self.told: dict[object, object] = {}
        self.mirror = Mirror(self.kernel, self.events, 142, 142, self.timers, self.changed)
        self.mirror.resync()

    def changed(self, changes) -> None:
        for prefix in changes.prefixes:
            self.told[prefix] = dict(self.mirror.routes.get(prefix, {}))

    def deliver(self) -> None:
        self.events.waiting.append(list(self.pending))
        self.pending.clear()
        self.mirror.readable()

    def do(self, what: str, name: str, number: int) -> None:
        if what == "add":
            self.pending.append(self.kernel.add(name, metric=number))
        elif what in ("remove", "silent") and (142, name, number) in self.kernel.route_table:
            event = self.kernel.remove(name, number)
            if what == "remove":
                self.pending.append(event)
        elif what == "lose":
            self.pending.append(self.kernel.lose_carrier("tap0" if number else "up0"))
        elif what == "regain":
            self.pending.append(self.kernel.regain_carrier("tap0" if number else "up0"))
        elif what == "deliver":
            self.deliver()
        elif what == "overrun":
            self.pending.clear()
            self.events.waiting.append(Overrun())
            self.mirror.readable()
        elif what in ("fail", "heal"):
            self.kernel.failing = OSError(105, "No buffer space available") if what == "fail" else None
        elif what == "foreign":
            route = KernelRoute(ip_network("10.64.0.1/32"), 99, 4, 1, 4, 142)
            self.pending.append(RouteEvent(False, route))
        elif what == "wait":
            self.timers.advance(number / 10)


@given(steps)
def test_after_any_mix_of_events_losses_and_dumps_the_mirror_is_the_kernel(history) -> None:
    watched = Watched()
    for step in history:
        watched.do(*step)
    watched.kernel.failing = None
    watched.deliver()
    watched.timers.advance(AUDIT + 2)
    kernel: dict[object, dict[int, object]] = {}
    for (_table, _prefix, metric), route in watched.kernel.route_table.items():
        kernel.setdefault(route.prefix, {})[metric] = route
    assert watched.mirror.routes == kernel
    assert watched.mirror.links == watched.kernel.link_table
    assert {prefix: routes for prefix, routes in watched.told.items() if routes} == kernel, "not everything was told"


@given(steps)
def test_a_dump_that_fails_forgets_nothing(history) -> None:
    watched = Watched()
    for step in history:
        watched.do(*step)
    before = dict(watched.mirror.routes)
    watched.kernel.failing = OSError(105, "No buffer space available")
    watched.mirror.resync()
    assert watched.mirror.routes == before
    assert watched.mirror.failure


# -- sessions and uplinks -----------------------------------------------------------------------------------------

ROUTES = [DEFAULT[Family.IPV4], DEFAULT[Family.IPV6], ip_network("10.0.0.0/8"), ip_network("10.64.0.1/32")]
PATHS = st.sampled_from([(65101,), (65101, 65000), (65101, 65011, 65102), ()])
peers = st.sampled_from([*V4, *V6, ip_address("203.0.113.1")])
updates = st.builds(
    lambda peer, hop, path, routes, withdrawn: Update(
        peer, path, tuple((r, (hop or peer,)) for r in routes), withdrawn
    ),
    peers,
    st.none() | peers,
    PATHS,
    st.lists(st.sampled_from(ROUTES), max_size=2),
    st.lists(st.sampled_from(ROUTES), max_size=1).map(tuple),
)
messages = st.one_of(
    st.builds(Session, peers, st.booleans(), st.sampled_from(["", "peer reset", OWN_SHUTDOWN])),
    updates,
    updates,
    st.builds(EndOfRib, peers, st.sampled_from(list(Family))),
    st.builds(Neighbors, st.lists(st.tuples(peers, st.booleans()), max_size=5).map(tuple)),
    st.sampled_from(["disconnected", "connected", "second", "grace"]),
    st.builds(
        lambda states, lost: None if lost else dict(states),
        st.lists(st.tuples(st.sampled_from([*V4, *V6]), st.sampled_from(list(BfdState)))),
        st.booleans(),
    ),
)


class Knowledge:
    """Sessions and BFD through a history, and the group that is decided after each step."""

    def __init__(self) -> None:
        self.config = config()
        self.now = 1000.0
        self.sessions = Sessions(self.config)
        self.bfd = BfdMemory()
        self.bfd.expect(PEERS, self.now)
        self.members: dict[Family, tuple[str, ...]] = dict.fromkeys(Family, ("up0", "up1"))

    def tell(self, message) -> None:
        sessions, now = self.sessions, self.now
        if isinstance(message, Session):
            sessions.session(message, now, now)
        elif isinstance(message, Update):
            sessions.update(message)
        elif isinstance(message, EndOfRib):
            sessions.end_of_rib(message)
        elif isinstance(message, Neighbors):
            sessions.listed(message, [], now, now)
        elif message == "disconnected":
            sessions.disconnected(now, now)
        elif message == "connected":
            sessions.connected(now)
        elif message in ("second", "grace"):
            self.now += 1.0 if message == "second" else GRACE + 1
            sessions.expire(self.now, self.now)
        elif message is None:
            self.bfd.lost(now)
        else:
            self.bfd.report(message, now)

    def decide(self, family: Family, carrier: dict[str, bool]) -> tuple[str, ...]:
        decision = decide(self.config, family, self.members[family], self.sessions.peers, self.bfd, carrier, self.now)
        self.members[family] = decision.members
        return decision.members


@given(st.lists(messages, min_size=3, max_size=30))
def test_only_imports_of_sound_paths_are_ever_kept_and_only_of_a_session_that_is_not_down(history) -> None:
    known = Knowledge()
    for message in history:
        before = {address: peer.state for address, peer in known.sessions.peers.items()}
        known.tell(message)
        for address, peer in known.sessions.peers.items():
            assert peer.received <= set(known.config.imports)
            assert not peer.received & peer.rejected.keys()
            if peer.state is SessionState.DOWN and before[address] is not SessionState.DOWN:
                assert (peer.received, peer.end_of_rib) == (set(), False)
        if isinstance(message, Update) and known.config.asn in message.as_path and message.peer in known.sessions.peers:
            told = known.sessions.peers[message.peer]
            assert not told.received & {prefix for prefix, _hops in message.announced}


@given(st.lists(messages, min_size=3, max_size=30))
def test_through_any_history_a_group_empties_only_when_every_tor_took_its_default_back(history) -> None:
    known = Knowledge()
    carrier = {"up0": True, "up1": True}
    for message in history:
        before = dict(known.members)
        known.tell(message)
        for family in Family:
            after = known.decide(family, carrier)
            told = [known.sessions.peers[peer] for peer in (V4 if family is Family.IPV4 else V6)]
            withdrawn = all(
                each.state is SessionState.ESTABLISHED and each.end_of_rib and DEFAULT[family] not in each.received
                for each in told
            )
            assert after or not before[family] or withdrawn
            if message in ("disconnected", "connected") or message is None:
                assert set(before[family]) <= set(after) or withdrawn, "lost an uplink to missing information"
