"""Who runs as whom with which capability, how exposed each unit is, and who may speak to agent and bridge."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from .fabric import ROOT, Fabric, eventually

EXPOSURE = yaml.safe_load((ROOT / "docs/generate/exposure.yml").read_text())
NET_BIND_SERVICE, NET_ADMIN, NET_RAW, SYS_ADMIN = (1 << bit for bit in (10, 12, 13, 21))
"""Bits of linux/capability.h."""
LIMIT = 2.0
CALLER = """
import socket, sys
opened = socket.socket(socket.AF_UNIX)
opened.settimeout(10)
try:
    opened.connect(sys.argv[1])
    opened.sendall(sys.argv[2].encode() + b"\\n")
    print(opened.recv(4096).decode(errors="replace"))
except OSError as error:
    print(type(error).__name__)
"""
AGENT, BRIDGE, BFDD = "/run/roth/agent.sock", "/run/roth-exabgp/bridge.sock", "/run/roth-bfdd/bfdd.vty"


@dataclass(frozen=True)
class Process:
    """A process of a unit as /proc tells: all four ids of user and group, and each set of capabilities."""

    command: str
    users: frozenset[str]
    groups: frozenset[str]
    capabilities: dict[str, int]
    no_new_privileges: bool


def processes(fabric: Fabric, unit: str) -> list[Process]:
    """Every process in the unit's cgroup, but for one that ends while they are read."""
    group = fabric.run("hv1", "systemctl", "show", "-P", "ControlGroup", unit).strip()
    listed = fabric.run("hv1", f"cat /sys/fs/cgroup{group}/cgroup.procs || systemctl show -P MainPID {unit}").split()
    return [found for pid in listed if (found := process(fabric, pid))]


def process(fabric: Fabric, pid: str) -> Process | None:
    text = fabric.run("hv1", "sh", "-c", f"cat /proc/{pid}/status 2>/dev/null || true")
    if "NoNewPrivs:" not in text:
        return None
    fields = {key: value.split() for key, _, value in (line.partition(":") for line in text.splitlines())}
    return Process(
        command=fabric.run("hv1", f"tr '\\0' ' ' </proc/{pid}/cmdline || true").strip(),
        users=frozenset(fields["Uid"]),
        groups=frozenset(fields["Gid"]),
        capabilities={name: int(fields[name][0], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")},
        no_new_privileges=fields["NoNewPrivs"] == ["1"],
    )


def ids(fabric: Fabric, user: str) -> tuple[str, str]:
    return fabric.run("hv1", "id", "-u", user).strip(), fabric.run("hv1", "id", "-g", user).strip()


@pytest.mark.parametrize(
    ("unit", "user", "commands", "capabilities"),
    [
        ("roth-exabgp.service", "roth-exabgp", ("exabgp server", "roth-bridge"), 0),
        ("roth-agent.service", "roth-agent", ("roth-agent",), NET_ADMIN),
        ("roth-bfdd.service", "frr", ("bfdd",), NET_BIND_SERVICE | NET_RAW | SYS_ADMIN),
    ],
    ids=lambda value: value if isinstance(value, str) and value.endswith(".service") else "",
)
def test_a_daemon_is_its_own_user_with_exactly_its_capabilities(
    whole: Fabric, unit: str, user: str, commands: tuple[str, ...], capabilities: int
) -> None:
    found = eventually(
        lambda: processes(whole, unit), lambda found: len(found) == len(commands), f"one process each: {commands}"
    )
    uid, gid = ids(whole, user)
    for command, it in zip(commands, sorted(found, key=lambda it: "bridge" in it.command), strict=True):
        assert command in it.command
        assert (it.users, it.groups) == (frozenset({uid}), frozenset({gid}))
        # FRR lowers its effective set between two uses, and passes nothing on to what it would start
        lowered = {capabilities, 0} if user == "frr" else {capabilities}
        assert it.capabilities["CapEff"] in lowered
        assert it.capabilities["CapAmb"] in lowered
        assert (it.capabilities["CapPrm"], it.capabilities["CapBnd"]) == (capabilities, capabilities)
        assert it.no_new_privileges


def test_what_speaks_with_neutron_and_open_vswitch_has_given_its_capabilities_up(whole: Fabric) -> None:
    if "roth-ports.service" not in units(whole):
        pytest.skip("no port watcher in this lab")
    found = processes(whole, "roth-ports.service")
    children = [it for it in found if re.search(r"roth\.port_watcher\.(reader|ovsdb)", it.command)]
    (watcher,) = [it for it in found if it not in children]
    assert children
    assert {it.users for it in found} == {frozenset({ids(whole, "roth-ports")[0]})}
    assert all(it.no_new_privileges for it in found)
    # what has opened the packet socket gave CAP_NET_RAW up before it became the watcher
    assert {watcher.capabilities[name] for name in ("CapPrm", "CapEff", "CapAmb")} == {NET_ADMIN}
    assert watcher.capabilities["CapBnd"] == NET_ADMIN | NET_RAW
    assert "--packet-socket" in watcher.command
    for child in children:
        assert {child.capabilities[name] for name in ("CapPrm", "CapEff", "CapAmb")} == {0}, child.command


def test_radvd_s_parts_have_no_more_than_raw_sockets(whole: Fabric) -> None:
    found = processes(whole, "roth-radvd.service")
    assert found
    assert {it.users for it in found} == {frozenset({ids(whole, "radvd")[0]})}
    assert all(it.capabilities["CapBnd"] == NET_RAW for it in found)


def units(fabric: Fabric) -> set[str]:
    """The services of ours that the host has."""
    listed = fabric.run("hv1", "systemctl", "list-unit-files", "--no-legend", "roth-*.service").split("\n")
    return {line.split()[0] for line in listed if line}


def exposure(fabric: Fabric, unit: str) -> tuple[float, set[str]]:
    """What systemd-analyze says: the overall figure, and each setting that adds to it."""
    answer = json.loads(fabric.run("hv1", "systemd-analyze", "security", "--no-pager", "--json=short", unit))
    adding = {entry["name"].rstrip("=") for entry in answer if float(entry["exposure"] or 0) > 0}
    # the figure itself is in the text alone
    text = fabric.run("hv1", "systemd-analyze", "security", "--no-pager", unit)
    return float(text.rpartition("Overall exposure level for ")[2].split()[1]), adding


@pytest.mark.parametrize("unit", EXPOSURE["units"])
def test_a_unit_is_no_more_exposed_than_recorded_and_each_remainder_has_its_reason(fabric: Fabric, unit: str) -> None:
    recorded = EXPOSURE["units"][unit]
    if recorded.get("optional") and unit not in units(fabric):
        pytest.skip(f"{unit} is not on this lab's hosts")
    overall, adding = exposure(fabric, unit)
    assert overall <= LIMIT
    assert adding - EXPOSURE["everywhere"].keys() - recorded["settings"].keys() == set(), "settings without a reason"
    version = fabric.run("hv1", "systemctl", "--version").split()[1]
    if version == str(EXPOSURE["systemd"]):
        assert overall == recorded["exposure"]
        assert recorded["settings"].keys() <= adding, "reasons for settings that are not needed any more"


def test_every_unit_of_ours_is_recorded(fabric: Fabric) -> None:
    optional = {unit for unit, recorded in EXPOSURE["units"].items() if recorded.get("optional")}
    assert units(fabric) | optional == set(EXPOSURE["units"])


def call(fabric: Fabric, user: str, groups: str, socket: str, line: str) -> str:
    """What a user gets who opens one of hv1's sockets. `groups` are his supplementary ones, his own is nogroup."""
    options = [f"--groups={groups}"] if groups else ["--clear-groups"]
    identity = ["setpriv", f"--reuid={user}", "--regid=nogroup", *options, "--bounding-set=-all", "--inh-caps=-all"]
    return fabric.run("hv1", *identity, "/usr/bin/python3", "-c", CALLER, socket, line).strip()


@pytest.fixture
def stranger(fabric: Fabric) -> Iterator[str]:
    """A user of hv1 in no group of ours."""
    fabric.run("hv1", "useradd", "--system", "--no-create-home", "stranger")
    yield "stranger"
    fabric.run("hv1", "userdel", "stranger")


@pytest.mark.parametrize("path", [AGENT, BRIDGE, BFDD])
def test_a_user_in_no_group_of_ours_cannot_even_open_a_socket(whole: Fabric, stranger: str, path: str) -> None:
    for user in ("nobody", stranger):
        assert call(whole, user, "", path, "{}") == "PermissionError"


def test_the_agent_answers_nobody_who_only_got_to_its_socket(whole: Fabric, stranger: str) -> None:
    for user in ("nobody", stranger):
        answer = call(whole, user, "roth-agent", AGENT, '{"command": "status"}')
        assert "may not ask" in answer
        assert "sessions" not in answer
    assert whole.status("hv1")["sessions"], "root may"


def test_the_bridge_lets_nobody_speak_to_exabgp_who_only_got_to_its_socket(whole: Fabric, stranger: str) -> None:
    """And the agent's own connection stays."""
    prefix = "10.64.99.99/32"

    def log(text: str) -> int:
        return whole.run("hv1", "journalctl", "-u", "roth-exabgp", "--no-pager", "-o", "cat").count(text)

    refused, gone = log("event=client_refused"), log("event=client_gone")
    for user in ("nobody", stranger):
        command = f"neighbor * announce attributes next-hop self nlri {prefix}"
        assert call(whole, user, "roth-exabgp", BRIDGE, command) in ("", "ConnectionResetError", "BrokenPipeError")
    eventually(lambda: log("event=client_refused") - refused, lambda lines: lines == 2, "two refusals in the log", 20)
    assert log("event=client_gone") == gone
    assert all(prefix not in whole.prefixes_at(name) for name in whole.switches)


def test_no_other_user_reads_the_keys_the_agent_included(whole: Fabric) -> None:
    """The agent is in ExaBGP's group, for the bridge's socket."""
    agent = ["setpriv", "--reuid=roth-agent", "--regid=roth-agent", "--init-groups"]
    for identity in (agent, ["setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=roth-exabgp"]):
        line = " ".join([*identity, "cat", "/etc/roth/exabgp.conf", "2>&1 || true"])
        assert whole.run("hv1", line).endswith("Permission denied\n")


def test_exabgp_and_bfdd_reach_the_switches_and_no_other_address(whole: Fabric) -> None:
    switches = {"10.1.1.0", "10.2.1.0", "2001:db8:1:1::a", "2001:db8:2:1::a"}
    for unit in ("roth-exabgp.service", "roth-bfdd.service"):
        shown = whole.run("hv1", "systemctl", "show", "-p", "IPAddressAllow", "-p", "IPAddressDeny", unit)
        properties = dict(line.split("=") for line in shown.splitlines())
        assert {word.partition("/")[0] for word in properties["IPAddressAllow"].split()} == switches
        assert set(properties["IPAddressDeny"].split()) == {"0.0.0.0/0", "::/0"}


def test_what_sets_kernel_values_at_boot_names_an_interface_that_is_missing(fabric: Fabric) -> None:
    file = "/etc/sysctl.d/60-roth-test.conf"
    fabric.run("hv1", f"echo '-net/ipv4/conf/gone0/forwarding = 1' >{file}")
    try:
        said = fabric.run("hv1", "/usr/local/lib/roth/roth-sysctl 0 2>&1")
    finally:
        fabric.run("hv1", "rm", file)
    assert said.splitlines() == ["interface=gone0 event=missing"]


def test_what_sets_kernel_values_at_boot_needs_not_be_root(fabric: Fabric) -> None:
    name = "net.ipv4.conf.br-mobile.proxy_arp"
    fabric.run("hv1", "sysctl", "-qw", f"{name}=0")
    fabric.run("hv1", "systemctl", "restart", "roth-sysctl.service")
    assert fabric.run("hv1", "sysctl", "-n", name).strip() == "1"
    assert "DynamicUser=yes" in fabric.run("hv1", "systemctl", "show", "-p", "DynamicUser", "roth-sysctl.service")
