"""No answer is no knowledge: while Neutron is gone, nothing is withdrawn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab.api import Api

from tests.lab.fabric import Fabric

from .cloud import CONTROLLER, attempt_from_neutron, play_from_neutron

HOSTS = ("hv1", "hv2", "hv3")


@pytest.fixture
def without_api(api: Api, fabric: Fabric) -> Iterator[Fabric]:
    """Neutron's API is stopped during the test."""
    fabric.run(CONTROLLER, "systemctl", "stop", "neutron-api")
    yield fabric
    fabric.run(CONTROLLER, "systemctl", "start", "neutron-api")
    assert api.rows("networks")


def routes(fabric: Fabric) -> dict[str, str]:
    """The hosts' own routes, as their kernels print them."""
    return {
        f"{host} {family}": fabric.ip(host, family, "route", "show", "table", "142", "proto", "142")
        for host in HOSTS
        for family in ("-4", "-6")
    }


def test_a_run_without_neutron_stops_before_anything_is_touched(without_api: Fabric) -> None:
    known = {name: without_api.prefixes_at(name) for name in without_api.switches}
    before = routes(without_api)
    assert all(len(hops) >= 75 for hops in known.values()), "a fabric without routes would prove nothing"
    run = attempt_from_neutron("sync_ports.yml")
    assert run.code != 0, run.output
    assert not any(run.changed.values()), run.output
    assert "127.0.0.1" in run.output, "the message must say who did not answer"
    assert routes(without_api) == before
    assert {name: without_api.prefixes_at(name) for name in without_api.switches} == known


def test_a_run_after_the_outage_has_nothing_to_do(fabric: Fabric) -> None:
    before = routes(fabric)
    play_from_neutron("sync_ports.yml")
    assert routes(fabric) == before
