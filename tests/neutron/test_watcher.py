"""The port watchers: what Neutron places on a host is routed there without a run of a playbook; nothing else goes."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from statistics import median, quantiles
from typing import Any

import pytest
from lab import instances
from lab.api import Api

from tests.lab.fabric import Fabric, eventually

from .cloud import CONTROLLER, attempt_from_neutron, prefixes
from .events import watching
from .plugged import HOSTS, SWITCHES, addresses, nowhere, plain, plug, ports, routes, tap, watcher

ROUNDS = int(os.environ.get("ROTH_PORT_ROUNDS", "5"))
"""Ports that are timed one by one; 50 for figures that are published."""
BURST = int(os.environ.get("ROTH_PORT_BURST", "30"))
"""Ports that come at once on one host."""


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
    with watching(fabric, [host, *SWITCHES]) as events, fabric.first_answers("client", [v4, v6], 60) as answers:
        plug(fabric, [port])
        fabric.forwarding(prefixes(port), {host})
    assert None not in answers.values(), f"{answers}: no answer from {host}"
    began = events.first(host, tap(port))
    routed = events.first(host, v4, "table", "142")
    switched = max(events.first(name, v4) for name in SWITCHES)
    neutron = watcher(fabric, host)["read_seconds"]
    return {
        "tap to route on the host": routed - began,
        "of it Neutron's answer": neutron,
        "route on the host to both switches": switched - routed,
        "tap to the first answer, IPv4": (answers[v4] or 0) - began,
        "tap to the first answer, IPv6": (answers[v6] or 0) - began,
        "tap to the first answer of both without Neutron's": max(answers[v4] or 0, answers[v6] or 0) - began - neutron,
    }


def removed(api: Api, fabric: Fabric, port: dict[str, Any], host: str) -> float:
    """Seconds from the tap's end to the last switch's withdrawal."""
    v4 = addresses(port)[0]
    api.delete("port", port["id"])
    with watching(fabric, [host, *SWITCHES]) as events:
        instances.unplug(fabric.settings, [port["id"]])
        nowhere(fabric, prefixes(port))
        fabric.forwarding(prefixes(port), set())
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
