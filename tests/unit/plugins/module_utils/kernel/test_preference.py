"""Which routes say that their address has just arrived on the host."""

from __future__ import annotations

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.kernel.preference import ARRIVED_METRIC, arrived
from ansible_collections.roth.fabric.plugins.module_utils.kernel.text import DEFAULT_METRIC, parse_packed


@pytest.mark.parametrize("prefix", ["10.64.1.5/32", "2001:db8:64::5/128"])
def test_a_host_route_with_the_metric_has_arrived(prefix: str) -> None:
    assert arrived(parse_packed(f"{prefix} dev br-rpn metric {ARRIVED_METRIC}")[0])


@pytest.mark.parametrize(
    "text", ["10.64.1.5/32 dev br-rpn", "2001:db8:64::5/128 dev br-rpn", "10.64.1.5/32 dev a metric 143"]
)
def test_a_route_of_another_metric_has_not(text: str) -> None:
    assert not arrived(parse_packed(text)[0])


@pytest.mark.parametrize("prefix", ["10.64.1.0/24", "2001:db8:64::/64"])
def test_an_aggregate_never_has(prefix: str) -> None:
    assert not arrived(parse_packed(f"blackhole {prefix} metric {ARRIVED_METRIC}")[0])


def test_the_metric_is_no_familys_default() -> None:
    assert ARRIVED_METRIC not in DEFAULT_METRIC.values()
