"""The walk's model: the same seed walks the same way, and no step contradicts the world it is taken in."""

from __future__ import annotations

import copy
from functools import cache
from random import Random

import pytest

from tests.walk.world import LIMIT, Add, Cut, Heal, Move, Remove, World, ending, is_stray, next_step

HOSTS = {"hv1": frozenset({"192.0.2.11/32"}), "hv2": frozenset({"192.0.2.12/32"}), "hv3": frozenset()}
STEPS = 200


@cache
def walked(seed):
    world, random = World(("tor1", "tor2"), HOSTS), Random(seed)
    taken = []
    for _ in range(STEPS):
        before = copy.deepcopy(world)
        taken.append((before, next_step(world, random)))
    return world, taken


@pytest.mark.parametrize("seed", range(5))
def test_a_seed_always_walks_the_same_way(seed):
    again = walked.__wrapped__(seed)[1]
    assert [step for _before, step in again] == [step for _before, step in walked(seed)[1]]


@pytest.mark.parametrize("seed", range(5))
def test_routes_are_added_once_and_only_what_is_there_is_removed(seed):
    for before, step in walked(seed)[1]:
        match step:
            case Add(host, prefixes):
                assert not before.kernel(host) & set(prefixes)
            case Remove(host, prefixes):
                assert before.walked[host] >= set(prefixes)
            case Move(source, target, prefixes):
                assert before.walked[source] >= set(prefixes)
                assert not before.kernel(target) & set(prefixes)


@pytest.mark.parametrize("seed", range(5))
def test_a_host_keeps_one_uplink_and_is_healed_only_when_cut(seed):
    for before, step in walked(seed)[1]:
        match step:
            case Cut(host):
                assert host not in before.cuts
            case Heal(host):
                assert host in before.cuts


@pytest.mark.parametrize("seed", range(5))
def test_no_host_comes_near_the_switches_prefix_limit(seed):
    for before, _step in walked(seed)[1]:
        assert all(len([p for p in before.walked[host] if not is_stray(p)]) <= LIMIT for host in before.hosts)


def test_a_cut_switch_knows_nothing_of_the_host_and_the_other_all_that_may_be_announced():
    world = World(("tor1", "tor2"), HOSTS)
    world.apply(Add("hv1", ("10.64.96.1/32", "203.0.113.100/32")))
    world.apply(Cut("hv1", "tor1", silent=True))
    assert world.known("hv1", "tor1") == frozenset()
    assert world.known("hv1", "tor2") == {"192.0.2.11/32", "10.64.96.1/32"}
    assert world.kernel("hv1") == {"192.0.2.11/32", "10.64.96.1/32", "203.0.113.100/32"}


def test_the_ending_leads_back_to_the_beginning():
    world = copy.deepcopy(walked(3)[0])
    for step in list(ending(world)):
        world.apply(step)
    assert world.cuts == {}
    assert {host: world.kernel(host) for host in world.hosts} == HOSTS
