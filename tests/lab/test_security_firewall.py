"""The table roth: what may speak BGP and BFD to a host, and that nothing else is touched."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lab import instances, lab
from lab.settings import netns_path

from .fabric import INVENTORY, Fabric, eventually
from .playbooks import play

KNOCK = Path(__file__).with_name("knock.py")
ONLY_HERE = ("--limit", "hv1", "--tags", "firewall")
OFF = ("-e", '{"firewall_enabled": false}')
UNITS = ("roth-firewall.service", "roth-firewall-again.service")
FILES = ("/etc/roth/firewall.nft", *(f"/etc/systemd/system/{unit}" for unit in UNITS))
WATCH = """
table inet watch {
    chain arriving {
        type filter hook input priority filter;
        udp dport 3784 meta nfproto ipv4 ct state untracked counter comment "untracked"
        udp dport 3784 meta nfproto ipv6 ct state untracked counter comment "untracked"
        udp dport 3784 ct state != untracked counter comment "tracked"
    }
    chain leaving {
        type filter hook output priority filter;
        udp dport 3784 meta nfproto ipv4 ct state untracked counter comment "untracked"
        udp dport 3784 meta nfproto ipv6 ct state untracked counter comment "untracked"
        udp dport 3784 ct state != untracked counter comment "tracked"
    }
}
"""
"""A table of somebody else's, which also makes the kernel track connections."""


@dataclass(frozen=True)
class Knock:
    """A packet that must be dropped: where it comes from, what it is, and the counter that tells."""

    node: str
    protocol: str
    ttl: int
    address: str
    port: int
    counter: str
    source: tuple[str, ...] = ()


STRANGERS = {
    "bgp-from-outside": Knock("client", "tcp", 255, "192.0.2.11", 179, "bgp_dropped"),
    "bgp-from-outside-ipv6": Knock("client", "tcp", 255, "2001:db8:ffff::11", 179, "bgp_dropped"),
    "bfd-from-outside": Knock("client", "udp", 255, "192.0.2.11", 3784, "bfd_dropped"),
    "multihop-bfd-from-outside": Knock("client", "udp", 255, "2001:db8:ffff::11", 4784, "bfd_dropped"),
    "bgp-from-an-instance": Knock("hv1-vm0", "tcp", 255, "10.64.0.1", 179, "bgp_dropped"),
    "bgp-from-an-instance-ipv6": Knock("hv1-vm0", "tcp", 255, "2001:db8:64::1", 179, "bgp_dropped"),
    "bfd-from-an-instance": Knock("hv1-vm0", "udp", 255, "10.1.1.1", 3784, "bfd_dropped"),
    "bfd-from-an-instance-ipv6": Knock("hv1-vm0", "udp", 255, "2001:db8:1:1::b", 3784, "bfd_dropped"),
    "a-switch's-other-address": Knock("tor1", "tcp", 255, "10.1.1.1", 179, "bgp_dropped", ("192.0.2.1",)),
    "bfd-of-a-switch's-other-address": Knock("tor1", "udp", 255, "10.1.1.1", 3784, "bfd_dropped", ("192.0.2.1",)),
    "bgp-with-ttl-64": Knock("tor2", "tcp", 64, "10.2.1.1", 179, "bgp_dropped"),
    "bgp-with-hop-limit-64": Knock("tor2", "tcp", 64, "2001:db8:2:1::b", 179, "bgp_dropped"),
    "bfd-with-ttl-64": Knock("tor1", "udp", 64, "10.1.1.1", 3784, "bfd_dropped"),
    "bfd-with-hop-limit-64": Knock("tor2", "udp", 64, "2001:db8:2:1::b", 3784, "bfd_dropped"),
    "tor1's-address-by-tor2's-uplink": Knock("tor2", "udp", 255, "10.1.1.1", 3784, "bfd_dropped", ("10.1.1.0%hv1",)),
    "an-instance-as-switch": Knock(
        "hv1-vm0", "tcp", 255, "2001:db8:64::1", 40000, "bgp_dropped", ("2001:db8:2:1::a", "179")
    ),
    "echo": Knock("tor1", "udp", 255, "10.1.1.1", 3785, "bfd_echo_dropped"),
    "echo-ipv6": Knock("tor2", "udp", 255, "2001:db8:2:1::b", 3785, "bfd_echo_dropped"),
}


def knock(fabric: Fabric, it: Knock, patience: float = 1.0) -> str:
    """What comes of it within `patience` seconds. An answer takes less than one ms, a neighbour's MAC somewhat more."""
    words = [str(patience), it.protocol, str(it.ttl), it.address, str(it.port), *it.source]
    line = ["nsenter", f"--net={netns_path(fabric.netns(it.node))}", sys.executable, str(KNOCK), *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def nft(fabric: Fabric, *words: str) -> list[dict[str, Any]]:
    """What `nft -j` answers on hv1."""
    return list(json.loads(fabric.run("hv1", "nft", "--json", *words))["nftables"])


def dropped(fabric: Fabric) -> dict[str, int]:
    """Packets by counter of our table on hv1."""
    found = (entry.get("counter") for entry in nft(fabric, "list", "counters", "table", "inet", "roth"))
    return {counter["name"]: counter["packets"] for counter in found if counter}


def tables(fabric: Fabric) -> set[str]:
    found = (entry.get("table") for entry in nft(fabric, "list", "tables"))
    return {f"{table['family']} {table['name']}" for table in found if table}


def sessions(fabric: Fabric) -> dict[str, tuple[str, float]]:
    """State of hv1's sessions and since when, by switch address: a session that was cut has another time."""
    return {it["peer"]: (it["state"], it["since"]) for it in fabric.status("hv1")["sessions"]}


def changes(output: str) -> str:
    """The number in hv1's line of the recap."""
    return output.rpartition("hv1 ")[2].partition("changed=")[2].split()[0]


@pytest.fixture
def watched(whole: Fabric) -> Iterator[Fabric]:
    """With a foreign table on hv1."""
    whole.run("hv1", "nft", WATCH)
    yield whole
    whole.run("hv1", "nft", "delete table inet watch")


@pytest.fixture
def guarded(whole: Fabric) -> Iterator[Fabric]:
    """hv1 is guarded again when the test is over."""
    yield whole
    if "inet roth" not in tables(whole):
        play("site.yml", INVENTORY, *ONLY_HERE)


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS.keys())
def test_what_no_switch_would_send_is_dropped_and_counted(fabric: Fabric, stranger: Knock) -> None:
    before = dropped(fabric)
    assert knock(fabric, stranger) == ("silent" if stranger.protocol == "tcp" else "sent")
    after = eventually(
        lambda: dropped(fabric), lambda now: now[stranger.counter] > before[stranger.counter], stranger.counter, 10
    )
    assert {name: after[name] for name in after if name != stranger.counter} == {
        name: before[name] for name in before if name != stranger.counter
    }


def test_a_switch_gets_through_and_other_ports_are_nobody_s_business(whole: Fabric) -> None:
    """ExaBGP does not listen, so the host's kernel refuses: the packet came to it."""
    before = dropped(whole)
    for it in (
        Knock("tor2", "tcp", 255, "10.2.1.1", 179, ""),
        Knock("tor2", "tcp", 255, "2001:db8:2:1::b", 179, ""),
        Knock("tor1", "tcp", 1, "10.1.1.1", 179, ""),  # FRR with BFD sends no better
        Knock("client", "tcp", 64, "192.0.2.11", 178, ""),
        Knock("hv1-vm0", "tcp", 64, "10.64.0.1", 22, ""),
    ):
        assert knock(whole, it, patience=30) == "refused", it
    assert dropped(whole) == before


def test_bfd_is_not_tracked_in_either_direction_and_family(watched: Fabric) -> None:
    def counted() -> list[tuple[str, int]]:
        """Comment and packets of each rule of the foreign table, six in all."""
        rules = [it["rule"] for it in nft(watched, "list", "table", "inet", "watch") if "rule" in it]
        return [
            (rule["comment"], part["counter"]["packets"])
            for rule in rules
            for part in rule["expr"]
            if "counter" in part
        ]

    found = eventually(
        counted, lambda now: all(packets > 5 for name, packets in now if name == "untracked"), "untracked packets"
    )
    assert [name for name, _packets in found].count("untracked") == 4
    assert [packets for name, packets in found if name == "tracked"] == [0, 0]


def test_the_guard_goes_and_comes_without_cutting_a_session_or_touching_another_table(
    watched: Fabric, guarded: Fabric
) -> None:
    foreign, before = watched.run("hv1", "nft", "-s", "list", "table", "inet", "watch"), sessions(watched)

    assert changes(play("site.yml", INVENTORY, *ONLY_HERE, *OFF)) != "0"
    assert tables(watched) == {"inet watch"}
    assert watched.run("hv1", "sh", "-c", f"ls -d {' '.join(FILES)} 2>/dev/null || true") == ""
    assert set(watched.run("hv1", "systemctl", "show", "-P", "LoadState", *UNITS).split()) == {"not-found"}
    assert knock(watched, STRANGERS["bgp-from-outside"], patience=30) == "refused", "no guard, no drop"

    watched.run("hv1", "nft", "add table inet roth; add chain inet roth theirs")
    try:
        with pytest.raises(AssertionError) as refusal:
            play("site.yml", INVENTORY, *ONLY_HERE)
        assert 'hv1: nftables has a table "inet roth" here that this role did not make' in str(refusal.value)
        assert "chain theirs" in watched.run("hv1", "nft", "list", "table", "inet", "roth")
    finally:
        watched.run("hv1", "nft", "delete table inet roth")

    play("site.yml", INVENTORY, *ONLY_HERE)
    assert tables(watched) == {"inet watch", "inet roth"}
    assert watched.run("hv1", "nft", "-s", "list", "table", "inet", "watch") == foreign
    assert sessions(watched) == before


@pytest.mark.parametrize("harm", ["flush ruleset", "flush chain inet roth bgp"])
def test_a_table_that_somebody_flushed_or_changed_is_loaded_again(guarded: Fabric, harm: str) -> None:
    guarded.run("hv1", "nft", harm)
    assert changes(play("site.yml", INVENTORY, *ONLY_HERE)) == "1"
    assert "bgp_gtsm_ipv4" in guarded.run("hv1", "nft", "list", "chain", "inet", "roth", "bgp")


def test_the_guard_stands_again_when_the_operator_s_own_rules_are_loaded_again(guarded: Fabric) -> None:
    """Debian's /etc/nftables.conf begins with `flush ruleset`."""
    assert "flush ruleset" in guarded.run("hv1", "cat", "/etc/nftables.conf")
    before = sessions(guarded)
    assert tables(guarded) == {"inet roth"}, "the first start comes to a host that is guarded"
    try:
        for verb in ("start", "reload", "restart", "stop", "start"):
            guarded.run("hv1", "systemctl", verb, "nftables.service")
            wanted = set() if verb == "stop" else {"inet roth", "inet filter"}
            quiet(guarded)  # else the verb before may still load the guard after this one took it away
            eventually(lambda: tables(guarded), lambda now: now == wanted, f"{wanted} after {verb}")  # noqa: B023
        assert sessions(guarded) == before
    finally:
        quiet(guarded)
        guarded.run("hv1", "systemctl", "stop", "nftables.service")
        guarded.run("hv1", "systemctl", "start", "roth-firewall.service")


def quiet(fabric: Fabric) -> None:
    """Wait until systemd on hv1 has nothing left to start or stop."""
    eventually(
        lambda: fabric.run("hv1", "systemctl", "list-jobs", "--no-legend"), lambda jobs: not jobs, "no job of systemd"
    )


def test_the_guard_stands_before_the_network_after_a_reboot(whole: Fabric) -> None:
    try:
        lab.reboot(whole.settings, whole.topology, ["hv1"])
        assert "inet roth" in tables(whole)
        order = whole.run(
            "hv1", "systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "roth-firewall", "systemd-networkd"
        )
        guard, network = (int(line) for line in order.split())
        assert 0 < guard < network
        assert not whole.run("hv1", "journalctl", "-b", "-p", "warning", "-u", "roth-firewall", "-q")
    finally:
        instances.plug(whole.settings, whole.topology, INVENTORY)
        play("sync_ports.yml", INVENTORY, "--limit", "hv1")
