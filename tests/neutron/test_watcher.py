"""The port watchers: what Neutron places on a host is routed there without a run of a playbook; nothing else goes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

import pytest
from lab import instances
from lab.api import Api
from lab.errors import LabError

from tests.lab.fabric import Fabric, eventually

from .cloud import CONTROLLER, NEUTRON, attempt_from_neutron, create, prefixes
from .events import Events, watching

HOSTS = ("hv1", "hv2", "hv3")
SWITCHES = ("tor1", "tor2")
ROUNDS = int(os.environ.get("ROTH_PORT_ROUNDS", "5"))
"""Ports that are timed one by one; 50 for figures that are published."""
BURST = int(os.environ.get("ROTH_PORT_BURST", "30"))
"""Ports that come at once on one host."""


def plug(fabric: Fabric, ports: Sequence[dict[str, Any]]) -> None:
    instances.plug(fabric.settings, fabric.topology, NEUTRON, names=[port["id"] for port in ports])


def addresses(port: dict[str, Any]) -> list[str]:
    return [prefix.partition("/")[0] for prefix in sorted(prefixes(port))]


def tap(port: dict[str, Any]) -> str:
    return f"tap{port['id'][:11]}"


def watcher(fabric: Fabric, host: str) -> dict[str, Any]:
    """What a host's watcher says of itself."""
    return dict(json.loads(fabric.run(host, "cat", "/run/roth-ports/status.json")))


def nowhere(fabric: Fabric, wanted: set[str]) -> None:
    """Wait until no switch has any of these prefixes."""
    eventually(
        lambda: {name: sorted(wanted & fabric.prefixes_at(name).keys()) for name in SWITCHES},
        lambda found: not any(found.values()),
        "these prefixes at no switch",
        30,
    )


@contextmanager
def ports(api: Api, fabric: Fabric, where: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    """New ports, one for each host that is named; gone afterwards from Neutron, their hosts and the switches."""
    made: list[dict[str, Any]] = []
    try:
        for number, host in enumerate(where):
            made.append(create(api, host, f"new-{number}"))
        yield made
    finally:
        for port in made:
            api.delete("port", port["id"])
        plugged = [port["id"] for port in made if port["id"] in fabric.instances]
        if plugged:
            instances.unplug(fabric.settings, plugged)
        nowhere(fabric, set().union(*map(prefixes, made)))


def told(name: str, seconds: Sequence[float]) -> None:
    """One line of figures."""
    values = sorted(1000 * each for each in seconds)
    last = quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]
    print(f"{name}: median {median(values):.0f} ms, p99 {last:.0f} ms, of {len(values)}")


def test_a_port_that_is_plugged_is_reached_from_outside_and_one_that_goes_is_withdrawn(
    api: Api, fabric: Fabric
) -> None:
    """Prints where the time goes; what is asserted is only that it ends."""
    steps: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        host = HOSTS[number % 3]
        with ports(api, fabric, [host]) as made:
            (port,) = made
            for name, seconds in plugged(fabric, port, host).items():
                steps.setdefault(name, []).append(seconds)
            made.clear()
            steps.setdefault("tap gone to withdrawn at both switches", []).append(removed(api, fabric, port, host))
    for name, each in steps.items():
        told(name, each)


def plugged(fabric: Fabric, port: dict[str, Any], host: str) -> dict[str, float]:
    """Seconds of each step from the tap to the answers."""
    v4, v6 = addresses(port)
    with watching(fabric, [host, *SWITCHES]) as events, fabric.first_answers("client", [v4, v6], 30) as answers:
        plug(fabric, [port])
    assert None not in answers.values(), f"{answers}: no answer from {host}"
    began = events.first(host, tap(port))
    routed = events.first(host, v4, "table", "142")
    switched = max(events.first(name, v4) for name in SWITCHES)
    return {
        "tap to route on the host": routed - began,
        "of it Neutron's answer": watcher(fabric, host)["read_seconds"],
        "route on the host to both switches": switched - routed,
        "tap to the first answer, IPv4": (answers[v4] or 0) - began,
        "tap to the first answer, IPv6": (answers[v6] or 0) - began,
    }


def removed(api: Api, fabric: Fabric, port: dict[str, Any], host: str) -> float:
    """Seconds from the tap's end to the last switch's withdrawal."""
    v4 = addresses(port)[0]
    api.delete("port", port["id"])
    with watching(fabric, [host, *SWITCHES]) as events:
        instances.unplug(fabric.settings, [port["id"]])
        nowhere(fabric, prefixes(port))
    return max(events.first(name, v4, deleted=True) for name in SWITCHES) - events.first(host, tap(port), deleted=True)


@pytest.mark.parametrize("hosts", [["hv2"], list(HOSTS)], ids=["one_host", "three_hosts"])
def test_many_ports_at_once_cost_few_reads_of_neutron(api: Api, fabric: Fabric, hosts: list[str]) -> None:
    before = sum(watcher(fabric, host)["reads"] for host in hosts)
    with ports(api, fabric, hosts * BURST) as made:
        cpu = cpu_of_neutron(fabric)
        began = time.monotonic()
        plug(fabric, made)
        wanted = [address for port in made for address in addresses(port)]
        answers = fabric.reach("client", wanted, 60)
        took = time.monotonic() - began
        assert [address for address, answer in answers.items() if answer is None] == []
        reads = sum(watcher(fabric, host)["reads"] for host in hosts) - before
        spent = cpu_of_neutron(fabric) - cpu
    what = f"{BURST} ports at once on each of {', '.join(hosts)}"
    print(f"{what}: {took:.1f} s until all answer, {reads} reads, {spent:.2f} s CPU of Neutron")
    assert reads <= len(hosts) * (10 + took), "reads follow bursts of events and not each event"


def test_a_port_whose_instance_is_shut_off_waits_for_its_tap_and_is_no_disagreement(api: Api, fabric: Fabric) -> None:
    with ports(api, fabric, ["hv2"]) as (port,):
        fabric.run("hv2", "systemctl", "reload", "roth-ports")
        eventually(
            lambda: prefixes(port) - set(watcher(fabric, "hv2")["waiting"]),
            lambda left: not left,
            "it waits for its tap",
        )
        for playbook in ("verify.yml", "reconcile.yml"):
            run = attempt_from_neutron(playbook)
            assert run.code == 0, run.output
        assert not plain(prefixes(port)) & routes(fabric, "hv2")


def cpu_of_neutron(fabric: Fabric) -> float:
    """Seconds of CPU that Neutron's API has used."""
    shown = fabric.run(CONTROLLER, "systemctl", "show", "--value", "--property", "CPUUsageNSec", "neutron-api")
    return int(shown) / 1e9


def routes(fabric: Fabric, host: str) -> set[str]:
    """Destinations of a host's own routes."""
    shown = [fabric.ip(host, family, "route", "show", "table", "142", "proto", "142") for family in ("-4", "-6")]
    return {line.split()[0] for text in shown for line in text.splitlines()}


def test_without_neutron_only_what_was_unplugged_goes_and_afterwards_all_comes_right(
    api: Api, fabric: Fabric, neutron_back: None
) -> None:
    with ports(api, fabric, ["hv2", "hv2"]) as (stays, goes):
        plug(fabric, [stays, goes])
        both = plain(prefixes(stays) | prefixes(goes))
        eventually(lambda: both - routes(fabric, "hv2"), lambda left: not left, "both instances are routed", 30)
        fabric.run(CONTROLLER, "systemctl", "stop", "neutron-api")
        before = {host: routes(fabric, host) for host in HOSTS}
        for host in HOSTS:
            fabric.run(host, "systemctl", "reload", "roth-ports")
            assert failure(fabric, host, told=True)["kind"] == "unreachable"
        instances.unplug(fabric.settings, [goes["id"]])
        nowhere(fabric, prefixes(goes))
        expected = {**before, "hv2": before["hv2"] - plain(prefixes(goes))}
        assert {host: routes(fabric, host) for host in HOSTS} == expected
        fabric.run(CONTROLLER, "systemctl", "start", "neutron-api")
        eventually(lambda: answers(api), bool, "Neutron answers", 60)
        for host in HOSTS:  # else each would wait for the end of its back-off
            fabric.run(host, "systemctl", "reload", "roth-ports")
            failure(fabric, host, told=False)
        assert {host: routes(fabric, host) for host in HOSTS} == expected


@pytest.fixture
def neutron_back(api: Api, fabric: Fabric) -> Iterator[None]:
    """However the test ends, Neutron's API runs afterwards."""
    yield
    fabric.run(CONTROLLER, "systemctl", "start", "neutron-api")
    eventually(lambda: answers(api), bool, "Neutron answers", 60)


def failure(fabric: Fabric, host: str, told: bool) -> dict[str, Any]:
    """Wait until a host's watcher tells of a failure, or of none."""
    what = "a failed read" if told else "a read that succeeds"
    found = eventually(
        lambda: watcher(fabric, host)["failure"], lambda it: (it is not None) == told, f"{host}: {what}", 60
    )
    return dict(found or {})


def answers(api: Api) -> bool:
    try:
        return bool(api.rows("networks"))
    except LabError:
        return False


def plain(wanted: set[str]) -> set[str]:
    """As `ip route` prints them."""
    return {prefix.removesuffix("/32").removesuffix("/128") for prefix in wanted}


def test_an_instance_that_migrates_live_is_routed_by_the_host_it_runs_on(api: Api, fabric: Fabric) -> None:
    """The instance's own pause is the time between its taps: what is lost beyond it is ours. Printed, not asserted."""
    with ports(api, fabric, ["hv1"]) as (port,):
        plug(fabric, [port])
        v4, v6 = addresses(port)
        assert None not in fabric.reach("client", [v4, v6], 60).values()
        rate = 1000
        lost: list[int] = []
        beyond: list[float] = []
        for number in range(ROUNDS):
            source, target = ("hv1", "hv3") if number % 2 == 0 else ("hv3", "hv1")
            with (
                watching(fabric, [source, target, *SWITCHES]) as events,
                fabric.streaming("client", [v4, v6], rate) as stream,
            ):
                migrate(api, fabric, port, source, target)
                settled(fabric, port, source, target)
            pause = up(events, target, port) - events.first(source, tap(port), deleted=True)
            lost.append(stream.result.lost)
            beyond.append(max(0.0, stream.result.longest / 1000 - pause))
            assert not plain(prefixes(port)) & routes(fabric, source), "a leftover on the source"
        print(f"live migration at {rate} packets/s: lost {lost}, the instance's own pause included")
        told("longest outage beyond the instance's own pause", beyond)


def migrate(api: Api, fabric: Fabric, port: dict[str, Any], source: str, target: str) -> None:
    """As nova does it: a second binding, activated, the old one removed; the instance keeps its memory (namespace)."""
    api.request("POST", f"ports/{port['id']}/bindings", {"binding": {"host": target}})
    api.request("PUT", f"ports/{port['id']}/bindings/{target}/activate")
    plug(fabric, [port])
    api.request("DELETE", f"ports/{port['id']}/bindings/{source}")


def settled(fabric: Fabric, port: dict[str, Any], source: str, target: str) -> None:
    wanted = plain(prefixes(port))
    eventually(
        lambda: (routes(fabric, source) & wanted, routes(fabric, target) >= wanted),
        lambda found: found == (set(), True),
        f"routed by {target} and not by {source}",
        30,
    )
    assert None not in fabric.reach("client", addresses(port), 30).values()


def up(events: Events, host: str, port: dict[str, Any]) -> float:
    """When the instance's interface came up on a host."""
    return events.first(host, tap(port), "state", "UP")
