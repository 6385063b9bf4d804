"""Two hosts announce one address, as while its instance moves: all forward to the one where it has just arrived.

The instance runs on hv3 all the time; hv1 only announces it. So a packet that a switch forwards to hv1 is lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from roth.attributes import ARRIVED
from roth.kernel.preference import ARRIVED_METRIC

from .fabric import Fabric, eventually
from .test_agent_killed import main_pid

RATE = 500
PORT = "hv3-vm0"
OLD, NEW = "hv1", "hv3"
TABLE = ("dev", "br-mobile", "proto", "142", "table", "142")
ARRIVED_ROUTE = (*TABLE, "metric", str(ARRIVED_METRIC))


def prefixes(fabric: Fabric) -> list[str]:
    """The instance's addresses, both families."""
    addresses = [fixed["ip_address"] for fixed in fabric.port(PORT)["fixed_ips"]]
    return [f"{address}/{128 if ':' in address else 32}" for address in addresses]


def addresses(fabric: Fabric) -> list[str]:
    return [prefix.partition("/")[0] for prefix in prefixes(fabric)]


def route(fabric: Fabric, host: str, verb: str, *words: str) -> None:
    """Write the routes of both families on a host."""
    for prefix in prefixes(fabric):
        fabric.ip(host, "-6" if ":" in prefix else "-4", "route", verb, prefix, *words)


def forwarding(fabric: Fabric) -> dict[tuple[str, str], set[str]]:
    """The nodes that each switch's kernel forwards to, by switch and prefix (a switch's port bears its peer's name)."""
    return {
        (switch, prefix): fabric.devices(switch, prefix) for switch in fabric.switches for prefix in prefixes(fabric)
    }


def wait_for(fabric: Fabric, **hosts: set[str]) -> None:
    """Each switch, by name, comes to forward to these hosts and no other."""
    eventually(
        lambda: forwarding(fabric),
        lambda found: all(devices == hosts[switch] for (switch, _prefix), devices in found.items()),
        f"both prefixes forwarded to {hosts}",
    )


def told(fabric: Fabric) -> dict[tuple[str, str], int]:
    """From how many hosts each switch has each prefix."""
    at = {switch: fabric.prefixes_at(switch) for switch in fabric.switches}
    return {(switch, prefix): len(at[switch].get(prefix, ())) for switch in at for prefix in prefixes(fabric)}


def wait_until_told(fabric: Fabric, count: int) -> None:
    eventually(
        lambda: told(fabric), lambda found: set(found.values()) == {count}, f"{count} hosts of each prefix at switches"
    )


def marked(fabric: Fabric) -> list[str]:
    """The switches and the spine that have the prefixes with the community, both families."""
    found = []
    for node, software in {**fabric.switches, "spine": "frr"}.items():
        for address in addresses(fabric):
            if software == "frr":
                family = "ipv6" if ":" in address else "ipv4"
                shown = fabric.run(node, "vtysh", "-c", f"show bgp {family} unicast {address}")
                found += [node] if f"Large Community: {ARRIVED}" in shown else []
            else:
                shown = fabric.run(node, "birdc", "-r", f"show route for {address} all")
                found += [node] if f"BGP.large_community: ({ARRIVED.replace(':', ', ')})" in shown else []
    return sorted(found)


@pytest.fixture
def moving(whole: Fabric) -> Iterator[Fabric]:
    """The old host alone announces the instance; afterwards all is as the ports want it."""
    try:
        route(whole, NEW, "del", *TABLE)
        route(whole, OLD, "add", *TABLE)
        wait_for(whole, tor1={OLD}, tor2={OLD})
        yield whole
    finally:
        for host in (OLD, NEW):
            for prefix in prefixes(whole):
                whole.ip(host, "-6" if ":" in prefix else "-4", "route", "flush", prefix, "table", "142")
        route(whole, NEW, "add", *TABLE)
        wait_for(whole, tor1={NEW}, tor2={NEW})
        eventually(lambda: marked(whole), lambda found: found == [], "no announcement marked any more")


def arrive(fabric: Fabric) -> None:
    """The new host announces the instance, while the old one still does."""
    route(fabric, NEW, "add", *ARRIVED_ROUTE)
    wait_for(fabric, tor1={NEW}, tor2={NEW})
    wait_until_told(fabric, 2)
    eventually(
        lambda: marked(fabric),
        lambda found: found == sorted([*fabric.switches, "spine"] * 2),
        f"{ARRIVED} at both switches and the spine, both families",
    )


def test_the_switches_change_over_at_once_and_never_forward_to_both_hosts(moving: Fabric) -> None:
    with ExitStack() as stack:
        monitors = {name: stack.enter_context(moving.monitoring(name)) for name in moving.switches}
        arrive(moving)
        assert sorted(moving.status(NEW)["preferred"]) == sorted(prefixes(moving))
        assert moving.status(OLD)["preferred"] == []
        assert f"{prefixes(moving)[0]}  preferred" in moving.run(NEW, "roth", "status", "--all")
    for name, monitor in monitors.items():
        shared = [each.text for each in monitor.changes if each.text.count("dev hv") > 1]
        assert shared == [], f"{name} spread flows over both hosts"
        assert {each.prefix for each in monitor.changes} >= set(prefixes(moving)), f"{name} has not been watched"


def test_no_packet_is_lost_while_the_old_host_withdraws_and_the_new_one_becomes_plain(
    moving: Fabric, capsys: pytest.CaptureFixture[str]
) -> None:
    arrive(moving)
    with ExitStack() as stack:
        stream = stack.enter_context(moving.streaming("client", addresses(moving), rate=RATE))
        monitors = [stack.enter_context(moving.monitoring(name)) for name in moving.switches]
        route(moving, OLD, "del", *TABLE)
        wait_until_told(moving, 1)
        assert set(marked(moving)) == {*moving.switches, "spine"}
        route(moving, NEW, "add", *TABLE)
        route(moving, NEW, "del", *ARRIVED_ROUTE)
        eventually(lambda: marked(moving), lambda found: found == [], "plain announcements")
        wait_for(moving, tor1={NEW}, tor2={NEW})
    with capsys.disabled():
        print(f"\nthe old host withdraws, the new one becomes plain: {stream.result}")
    # Of IPv6 routes zebra deletes the old one before it adds the new one, also where both are alike.
    ipv4 = [each for monitor in monitors for each in monitor.changes if each.prefix == prefixes(moving)[0]]
    assert not any(each.deleted for each in ipv4), "the switches' kernels must not lose the route"
    assert stream.result.lost == 0, stream.result


def test_it_stays_preferred_over_new_agents_and_exabgps_without_loss(moving: Fabric) -> None:
    arrive(moving)
    before = marked(moving)
    killed = main_pid(moving, NEW)
    with moving.streaming("client", addresses(moving), rate=RATE) as stream:
        moving.run(NEW, "systemctl", "kill", "--signal=KILL", "--kill-whom=main", "roth-agent.service")
        eventually(lambda: main_pid(moving, NEW), lambda pid: pid not in (0, killed), "another agent")
        eventually(lambda: moving.status(NEW).get("preferred"), bool, "the new agent to know what is preferred")
        assert marked(moving) == before
        moving.run(NEW, "systemctl", "restart", "roth-exabgp.service")
        eventually(
            lambda: [session["state"] for session in moving.status(NEW).get("sessions", ())],
            lambda found: found == ["established"] * 4,
            "all sessions again",
        )
        eventually(lambda: marked(moving), lambda found: found == before, "announced as preferred again")
        wait_for(moving, tor1={NEW}, tor2={NEW})
    assert stream.result.lost == 0, stream.result


def test_graceful_shutdown_takes_it_away_from_a_drained_uplink_and_gives_it_back(moving: Fabric) -> None:
    """Both switches, one after the other: an uplink is always left."""
    arrive(moving)
    try:
        for uplink, old, new in (("up0", "tor1", "tor2"), ("up1", "tor2", "tor1")):
            state = json.dumps({"uplinks": [uplink], "settle": 1})
            moving.run(NEW, "sh", "-c", f"echo '{state}' >/etc/roth/drain.json")
            moving.run(NEW, "systemctl", "reload", "roth-agent.service")
            wait_for(moving, **{old: {OLD}, new: {NEW}})
    finally:
        moving.run(NEW, "rm", "-f", "/etc/roth/drain.json")
        moving.run(NEW, "systemctl", "reload", "roth-agent.service")
    wait_for(moving, tor1={NEW}, tor2={NEW})
    wait_until_told(moving, 2)


@contextmanager
def another_rack(fabric: Fabric) -> Iterator[Callable[[bool], None]]:
    """The spine announces the prefixes as from another rack; call what is given to say whether as just arrived."""

    def configure(*lines: str) -> None:
        fabric.run("spine", "vtysh", *(word for line in ("configure terminal", *lines) for word in ("-c", line)))

    def networks(words: str, no: str = "") -> list[str]:
        lines = []
        for prefix in prefixes(fabric):
            lines.append(f"{no}{'ipv6' if ':' in prefix else 'ip'} route {prefix} blackhole")
            family = "ipv6" if ":" in prefix else "ipv4"
            lines += ["router bgp 65000", f"address-family {family} unicast", f"{no}network {prefix}{words}", "end"]
            lines.append("configure terminal")
        return lines

    try:
        configure("route-map proof permit 10", f"set large-community {ARRIVED}", "exit")
        yield lambda arrived: configure(*networks(" route-map proof" if arrived else ""))
    finally:
        configure(*networks("", "no "), "no route-map proof")


def test_an_address_that_has_just_arrived_in_another_rack_is_taken_over_the_spine(moving: Fabric) -> None:
    """The spine stands for the other rack; its path is as short as that of the old host, which still announces."""
    with another_rack(moving) as announce:
        announce(False)
        wait_for(moving, tor1={OLD, "spine"}, tor2={OLD, "spine"})
        announce(True)
        wait_for(moving, tor1={"spine"}, tor2={"spine"})
    wait_for(moving, tor1={OLD}, tor2={OLD})
