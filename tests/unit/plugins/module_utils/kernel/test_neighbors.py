"""Static neighbours as text, and their plan."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.model import KernelNeighbor, Link, Neighbor
from ansible_collections.roth.fabric.plugins.module_utils.kernel.neighbors import (
    parse_neighbor,
    parse_neighbors,
    plan_neighbors,
)
from hypothesis import given
from hypothesis import strategies as st

LINKS = {2: Link(2, "a", up=True, carrier=True)}
ADDRESS, MAC = ip_address("10.64.1.53"), "fa:16:3e:00:00:01"
TEXT = f"{ADDRESS} lladdr {MAC} dev a"


def test_a_neighbour_is_read_in_lower_case():
    assert str(parse_neighbor("2001:DB8::1 lladdr FA:16:3E:00:00:01 dev a")) == f"2001:db8::1 lladdr {MAC} dev a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.64.1.53 dev a", "expected ADDRESS lladdr MAC dev NAME"),
        (f"10.64.1.53/32 lladdr {MAC} dev a", "expected IPv4 or IPv6"),
        (f"224.0.0.1 lladdr {MAC} dev a", "expected a unicast address"),
        (f"fe80::1%a lladdr {MAC} dev a", "expected a unicast address"),
        ("10.64.1.53 lladdr 01:00:5e:00:00:01 dev a", "expected six hexadecimal bytes"),
        ("10.64.1.53 lladdr 00:00:00:00:00:00 dev a", "expected six hexadecimal bytes"),
        ("10.64.1.53 lladdr fa163e000001 dev a", "expected six hexadecimal bytes"),
        (f"10.64.1.53 lladdr {MAC} dev a/b", "not a device name"),
        (f"10.64.1.53\nlladdr {MAC} dev a", "expected ADDRESS"),
    ],
)
def test_what_is_no_neighbour_is_refused_with_what_was_expected(text, expected):
    with pytest.raises(ValueError) as refused:
        parse_neighbor(text)
    assert expected in str(refused.value)


def test_one_address_with_two_macs_is_refused():
    with pytest.raises(ValueError, match=r"neighbour 2: .* contradicts"):
        parse_neighbors([TEXT, f"{ADDRESS} lladdr fa:16:3e:00:00:02 dev a"])


def plan(texts, *entries, purge=True):
    current = [KernelNeighbor(ADDRESS, 2, mac, state, protocol) for mac, state, protocol in entries]
    found = plan_neighbors(parse_neighbors(texts), current, LINKS, 142, purge)
    return found.replace, found.remove, found.problems


OURS = Neighbor(ADDRESS, 2, MAC)


@pytest.mark.parametrize(
    "entry",
    [(MAC, 0x02, 0), ("fa:16:3e:00:00:02", 0x80, 142), (None, 0x20, 0)],
    ids=["learned", "other MAC", "failed"],
)
def test_what_differs_is_written(entry):
    assert plan([TEXT], entry) == ([OURS], [], [])


def test_what_is_there_is_left():
    assert plan([TEXT], (MAC, 0x80, 142)) == ([], [], [])


def test_what_is_not_wanted_is_removed_only_if_it_is_ours_and_only_with_purge():
    assert plan([], (MAC, 0x80, 142)) == ([], [OURS], [])
    assert plan([], (MAC, 0x80, 142), purge=False) == ([], [], [])
    assert plan([], (MAC, 0x80, 4)) == ([], [], [])
    assert plan([], (MAC, 0x02, 0)) == ([], [], [])


def test_a_foreign_static_entry_and_a_missing_link_are_reported():
    assert plan([TEXT], (MAC, 0x80, 4))[2] == [("10.64.1.53", "protocol 4 has a static entry on a")]
    assert plan([f"{ADDRESS} lladdr {MAC} dev gone"])[2] == [("10.64.1.53", "link gone does not exist")]


class SimulatedKernel:
    """Neighbour entries by address and link; overwriting a static one of another protocol is a failure."""

    def __init__(self, entries):
        self.entries = {(entry.address, entry.oif): entry for entry in entries}

    def apply(self, found, protocol=142):
        for neighbor in found.replace:
            old = self.entries.get((neighbor.address, neighbor.oif))
            assert old is None or not old.permanent or old.protocol == protocol, f"overwrote {old}"
            entry = KernelNeighbor(neighbor.address, neighbor.oif, neighbor.mac, 0x80, protocol)
            self.entries[neighbor.address, neighbor.oif] = entry
        for neighbor in found.remove:
            assert self.entries.pop((neighbor.address, neighbor.oif)).protocol == protocol


ADDRESSES = st.sampled_from([ip_address("10.64.0.1"), ip_address("10.64.0.2"), ip_address("2001:db8::1")])
MACS = st.sampled_from(["fa:16:3e:00:00:01", "fa:16:3e:00:00:02"])
TWO_LINKS = {**LINKS, 3: Link(3, "b", up=True, carrier=True)}
entries = st.lists(
    st.builds(
        KernelNeighbor,
        ADDRESSES,
        st.sampled_from([2, 3]),
        MACS | st.none(),
        st.sampled_from([0x02, 0x20, 0x80]),
        st.sampled_from([0, 4, 142]),
    ),
    unique_by=lambda entry: (entry.address, entry.oif),
)
wanted_texts = st.lists(
    st.builds("{} lladdr {} dev {}".format, ADDRESSES, MACS, st.sampled_from(["a", "b", "gone"])),
    unique_by=lambda text: (text.split()[0], text.split()[-1]),
)


@given(entries, wanted_texts, st.booleans(), st.randoms(use_true_random=False))
def test_the_plan_gives_what_is_wanted_touches_nothing_foreign_and_a_second_one_is_empty(current, texts, purge, random):
    kernel = SimulatedKernel(current)
    foreign = {key: entry for key, entry in kernel.entries.items() if entry.permanent and entry.protocol != 142}
    wanted = parse_neighbors(texts)
    found = plan_neighbors(wanted, kernel.entries.values(), TWO_LINKS, 142, purge)
    again = plan_neighbors(random.sample(wanted, len(wanted)), kernel.entries.values(), TWO_LINKS, 142, purge)
    assert (set(again.replace), set(again.remove)) == (set(found.replace), set(found.remove))
    kernel.apply(found)
    assert {key: kernel.entries.get(key) for key in foreign} == foreign
    failed = {address for address, _reason in found.problems}
    for item in wanted:
        oif = {"a": 2, "b": 3}.get(item.device)
        entry = kernel.entries.get((item.address, oif))
        assert str(item.address) in failed or (entry.mac, entry.permanent, entry.protocol) == (item.mac, True, 142)
    again = plan_neighbors(wanted, kernel.entries.values(), TWO_LINKS, 142, purge)
    assert (again.replace, again.remove, again.problems) == ([], [], found.problems)
