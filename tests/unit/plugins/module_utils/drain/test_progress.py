"""When traffic counts as moved: the agent's word and the counters, and what is said while it has not."""

from __future__ import annotations

from ansible_collections.roth.fabric.plugins.module_utils.drain.progress import (
    Traffic,
    Wanted,
    counters,
    outstanding,
    progress,
    refusals,
)

HEAD = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compr
"""
ZERO = "0    0    0     0          0         0"
DEV = f"""{HEAD}    lo:       0       1    {ZERO}        0       2    {ZERO}
   up0: 9000000   12345    {ZERO}  8000000   23456    {ZERO}
   up1:9000000   1    {ZERO}  8000000   2    {ZERO}
"""
UP0 = Wanted(frozenset({"up0"}), False, 27)


def status(state="drained", host=None):
    uplinks = [{"uplink": "up0", "tor": "tor1", "state": state}] if state else []
    sessions = [{"uplink": f"up{n}", "tor": f"tor{n + 1}"} for n in (0, 1) for _family in (4, 6)]
    return {"drain": {"uplinks": uplinks, "host": host, "withdrawn": []}, "sessions": sessions, "alarms": []}


def said(document, rates, wanted=UP0):
    return outstanding(wanted, document, progress(document, rates))


IDLE = {"up0": Traffic(7, 7), "up1": Traffic(900, 900)}


def test_the_kernel_s_counters_are_read_by_interface():
    assert counters(DEV, {"up0", "up1", "up9"}) == {"up0": Traffic(12345, 23456), "up1": Traffic(1, 2)}


def test_a_rate_is_packets_a_second_in_each_direction():
    assert Traffic(250, 30).rate(Traffic(50, 10), 2.0) == Traffic(100, 10)


def test_a_counter_that_began_anew_counts_from_zero():
    assert Traffic(20, 10).rate(Traffic(5000, 5000), 2.0) == Traffic(10, 5)


def test_a_rate_has_one_decimal_in_both_directions():
    assert Traffic(101, 34).rate(Traffic(0, 0), 3.0) == Traffic(33.7, 11.3)


def test_one_counter_that_began_anew_is_enough():
    assert Traffic(20, 9000).rate(Traffic(5000, 5000), 2.0) == Traffic(10, 4500)
    assert Traffic(9000, 20).rate(Traffic(5000, 5000), 2.0) == Traffic(4500, 10)


def test_a_drained_idle_uplink_leaves_nothing_to_wait_for():
    assert said(status(), IDLE) == []


def test_traffic_in_either_direction_is_waited_for():
    assert said(status(), {**IDLE, "up0": Traffic(310.5, 7)}) == [
        "up0 to tor1: 310.5 packets/s received, expected under 27"
    ]
    assert said(status(), {**IDLE, "up0": Traffic(7, 27)}) == ["up0 to tor1: 27 packets/s sent, expected under 27"]


def test_an_idle_uplink_that_the_agent_has_not_drained_yet_is_waited_for():
    assert said(status("draining"), IDLE) == ["up0 to tor1 is draining, expected drained"]
    assert said(status(None), IDLE) == ["up0 to tor1 is in service, expected drained"]


def test_an_uplink_that_is_to_come_back_need_not_be_busy():
    nothing = Wanted(frozenset(), False, 27)
    assert said(status("returning"), IDLE, nothing) == ["up0 to tor1 is returning, expected in service"]
    assert said(status(None), {"up0": Traffic(0, 0), "up1": Traffic(0, 0)}, nothing) == []


def test_an_uplink_without_counters_or_unknown_to_the_agent_is_never_done():
    assert said(status(), {})[0] == "up0 to tor1: no counters, expected the interface up0"
    assert said(status(), IDLE, Wanted(frozenset({"up0", "up9"}), False, 27)) == ["up9 is no uplink of the agent"]


def test_a_host_is_done_when_it_has_given_up_what_it_shares():
    whole = Wanted(frozenset(), True, 27)
    assert said(status(None, "giving up"), IDLE, whole) == ["host is giving up, expected drained"]
    assert said(status(None, "given up"), IDLE, whole) == []


def test_a_refusal_of_the_agent_is_told_from_other_alarms():
    refused = "drain refused: /etc/roth/drain.json: uplinks: up0, up1: no uplink would be left for ipv4"
    assert refusals({"alarms": ["bfdd can't be asked", refused]}) == [refused]
