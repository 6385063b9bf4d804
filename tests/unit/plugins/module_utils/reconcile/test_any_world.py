"""What holds whatever the kernels have: agreement finds nothing, and a repair ends in it without a gap on the way."""

from __future__ import annotations

from ansible_collections.roth.fabric.plugins.module_utils.reconcile.findings import disagreements
from ansible_collections.roth.fabric.plugins.module_utils.reconcile.repair import repairs
from hypothesis import given
from hypothesis import strategies as st
from truths import WANTED, change, repaired, route, world

PREFIXES = [
    *(f"10.64.0.{last}/32" for last in range(1, 7)),
    "2001:db8:64::1/128",
    "2001:db8:64::2/128",
    "10.99.0.1/32",  # outside the allowed ones
]
ALLOWED = [prefix for prefix in PREFIXES if not prefix.startswith("10.99")]
holdings = st.fixed_dictionaries({name: st.sets(st.sampled_from(ALLOWED)) for name in WANTED})
kernels = st.fixed_dictionaries(
    {
        name: st.dictionaries(
            st.sampled_from(PREFIXES), st.sampled_from(["br-mobile", "br-other"]).map(lambda device: device), max_size=7
        )
        for name in WANTED
    }
)


def worlds(wanted, found):
    return world(
        {name: {prefix: (route(prefix, device),) for prefix, device in held.items()} for name, held in found.items()},
        wanted,
    )


@given(holdings)
def test_where_kernels_have_what_is_wanted_nothing_is_found(wanted) -> None:
    assert disagreements(world(wanted=wanted)) == []


@given(holdings, kernels)
def test_something_is_found_exactly_where_a_kernel_differs(wanted, found) -> None:
    before = worlds(wanted, found)
    agree = all(host.kernel == host.wanted for host in before.hosts.values())
    assert (disagreements(before) == []) is agree


@given(holdings, kernels)
def test_after_a_repair_all_agree_and_a_second_one_does_nothing(wanted, found) -> None:
    after = repaired(worlds(wanted, found))
    assert disagreements(after) == []
    assert {name: host.kernel for name, host in after.hosts.items()} == {
        name: host.wanted for name, host in after.hosts.items()
    }
    assert repairs(disagreements(after)) == {}


@given(holdings, kernels)
def test_what_is_wanted_anywhere_is_never_removed_before_its_right_host_has_it(wanted, found) -> None:
    before, steps = worlds(wanted, found), []
    repaired(before, steps)
    held = {name: set(host.kernel or ()) for name, host in before.hosts.items()}
    for action, name, text in steps:
        prefix = text.split()[0]
        holders = [each for each in WANTED if prefix in wanted[each]]
        if action == "install":
            held[name].add(prefix)
        else:
            assert not holders or any(prefix in held[each] for each in holders), (name, text)


@given(holdings, kernels, st.sampled_from(sorted(WANTED)))
def test_nothing_is_repaired_on_a_host_that_was_not_read(wanted, found, blind) -> None:
    before = change(worlds(wanted, found), blind, kernel=None, announced=None, unread={"host": "no answer"})
    findings = disagreements(before)
    assert any(each.host == blind and each.prefix is None for each in findings)
    assert blind not in repairs(findings)
