"""An uplink, a switch or a host is drained under traffic: no packet is lost, and what is drained may go."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from lab import instances, lab

from .fabric import INVENTORY, Fabric, eventually
from .playbooks import attempt, play, refused
from .test_agent_killed import main_pid
from .test_uplink_cut import both, uplinks

RATE = 500
IDLE = 27
"""Packets a second each way on an idle uplink with BFD every 300 ms, the role's own measure."""
ADDRESSES = ("10.64.1.53", "2001:db8:64::bd")
OTHER = {"tor1": "tor2", "tor2": "tor1"}
UPLINK = {"tor1": "up0", "tor2": "up1"}


@pytest.fixture
def drainable(whole: Fabric) -> Iterator[Fabric]:
    """Nothing is drained when the test is over."""
    yield whole
    play("undrain.yml", INVENTORY)


def recap(output: str) -> dict[str, dict[str, int]]:
    """The counts of each host's line."""
    lines = re.findall(r"^(\w+) +: (ok=.*)$", output, re.MULTILINE)
    return {host: {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", rest)} for host, rest in lines}


def states(fabric: Fabric, host: str = "hv1") -> dict[str, str]:
    """State by uplink, as the agent says; nothing of what is in service."""
    status = fabric.status(host)
    return {each["uplink"]: each["state"] for each in status["drain"]["uplinks"]} if status else {"agent": "no answer"}


def shutdown_at(fabric: Fabric, switch: str, address: str) -> bool:
    """Whether a switch has hv1's own path of an address with GRACEFUL_SHUTDOWN and LOCAL_PREF 0."""
    if fabric.switches[switch] == "frr":
        family = "ipv6" if ":" in address else "ipv4"
        paths = json.loads(fabric.run(switch, "vtysh", "-c", f"show bgp {family} unicast {address} json"))["paths"]
        own = [path for path in paths if path["peer"]["peerId"] in fabric.uplinks]
        marks = [(path.get("community", {}).get("string"), path.get("locPrf")) for path in own]
        return marks == [("graceful-shutdown", 0)]
    text = fabric.run(
        switch, "birdc", "-r", f"show route for {address} all protocol hv1_up1_ipv{6 if ':' in address else 4}"
    )
    return "BGP.community: (65535,0)" in text and "BGP.local_pref: 0\n" in text


def rates(fabric: Fabric, *ports: tuple[str, str]) -> dict[tuple[str, str], float]:
    """Packets a second that leave through ports (node, interface), over two seconds."""
    began, before = time.monotonic(), {port: fabric.counter(*port) for port in ports}
    eventually(time.monotonic, lambda now: now > began + 2, "two seconds to go by")
    return {port: (fabric.counter(*port) - before[port]) / (time.monotonic() - began) for port in ports}


def spine_paths(fabric: Fabric, address: str) -> set[str]:
    """The switches over which the spine's kernel reaches an address."""
    return fabric.devices("spine", address)


def test_one_uplink_is_drained_and_comes_back_without_loss(
    drainable: Fabric, switch: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fabric, uplink, other = drainable, UPLINK[switch], OTHER[switch]
    request = ("-e", f"roth_drain_tor={switch}", "--limit", "hv1")
    with fabric.streaming("client", fabric.addresses("hv1"), rate=RATE) as stream:
        output = play("drain.yml", INVENTORY, *request)
        assert states(fabric) == {uplink: "drained"}
        assert uplinks(fabric) == both(UPLINK[other])
        assert all(shutdown_at(fabric, switch, address) for address in ADDRESSES)
        assert not any(shutdown_at(fabric, other, address) for address in ADDRESSES)
        assert [spine_paths(fabric, address) for address in ADDRESSES] == [{other}, {other}]
        seen = rates(fabric, ("hv1", uplink), (switch, "hv1"), ("hv1", UPLINK[other]), (other, "hv1"))
        assert [rate < IDLE for rate in seen.values()] == [True, True, False, False], seen
        assert f"uplink {uplink} to {switch} is drained" in fabric.run("hv1", "roth", "status")
        assert recap(play("drain.yml", INVENTORY, *request))["hv1"]["changed"] == 0

        play("undrain.yml", INVENTORY, "--limit", "hv1")
        assert states(fabric) == {}
        assert uplinks(fabric) == both("up0", "up1")
        assert not any(shutdown_at(fabric, switch, address) for address in ADDRESSES)
        eventually(
            lambda: [spine_paths(fabric, address) for address in ADDRESSES],
            lambda found: found == [{"tor1", "tor2"}] * 2,
            "both switches at the spine again",
        )
        assert recap(play("undrain.yml", INVENTORY, "--limit", "hv1"))["hv1"]["changed"] == 0
    with capsys.disabled():
        print(f"\nhv1 drained from {switch} and back: {stream.result}")
        print("\n".join(line.strip() for line in output.splitlines() if re.match(r"\s+(host|---|hv1) ", line)))
    assert stream.result.lost == 0, stream.result


@pytest.mark.slow
def test_a_drain_outlives_the_agent_and_exabgp(drainable: Fabric, switch: str) -> None:
    fabric, uplink = drainable, UPLINK[switch]
    play("drain.yml", INVENTORY, "-e", f"roth_drain_tor={switch}", "--limit", "hv1")
    killed = main_pid(fabric, "hv1")
    with fabric.streaming("client", fabric.addresses("hv1"), rate=RATE) as stream, fabric.monitoring(switch) as monitor:
        fabric.run("hv1", "systemctl", "kill", "--signal=KILL", "--kill-whom=main", "roth-agent.service")
        eventually(lambda: main_pid(fabric, "hv1"), lambda pid: pid not in (0, killed), "another agent")
        eventually(lambda: states(fabric), lambda found: found == {uplink: "drained"}, f"{uplink} still drained")
        assert all(shutdown_at(fabric, switch, address) for address in ADDRESSES)
    assert stream.result.lost == 0, stream.result
    assert monitor.changes == [], "a new agent must not say anything else"

    with fabric.streaming("client", fabric.addresses("hv1"), rate=RATE) as stream:
        fabric.run("hv1", "systemctl", "restart", "roth-exabgp.service")
        eventually(
            lambda: [session["state"] for session in fabric.status("hv1").get("sessions", ())],
            lambda found: found == ["established"] * 4,
            "all sessions again",
        )
        eventually(
            lambda: [shutdown_at(fabric, switch, address) for address in ADDRESSES], all, "announced as drained again"
        )
        eventually(lambda: states(fabric), lambda found: found == {uplink: "drained"}, f"{uplink} still drained")
        assert uplinks(fabric) == both(UPLINK[OTHER[switch]])
    assert stream.result.lost == 0, stream.result


def names(fabric: Fabric, switch: str) -> list[str]:
    """The units of the switch's daemons."""
    return {"frr": ["frr.service"], "bird": ["bird.service"]}[fabric.switches[switch]]


@contextmanager
def switched_off(fabric: Fabric, switch: str) -> Iterator[None]:
    """In the block the switch speaks no BGP, and its ports to the hosts have no carrier."""
    fabric.run(switch, "systemctl", "stop", *names(fabric, switch))
    try:
        for host in fabric.hosts:
            fabric.ip(switch, "link", "set", host, "down")
        yield
    finally:
        for host in fabric.hosts:
            fabric.ip(switch, "link", "set", host, "up")
        fabric.run(switch, "systemctl", "start", *names(fabric, switch))


@pytest.mark.slow
def test_a_drained_switch_is_switched_off_and_on_without_loss(
    drainable: Fabric, switch: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fabric = drainable
    addresses = [address for host in fabric.hosts for address in fabric.addresses(host)]
    with fabric.streaming("client", addresses, rate=RATE) as stream:
        play("drain.yml", INVENTORY, "-e", f"roth_drain_tor={switch}")
        with switched_off(fabric, switch):
            eventually(
                lambda: {it["state"] for it in fabric.status("hv1")["sessions"] if it["tor"] == switch},
                lambda found: found == {"down"},
                f"{switch} gone",
            )
            assert "State: drained" in fabric.run("hv1", "roth", "status")
            play("verify.yml", INVENTORY, "-e", "verify_timeout=5")
        eventually(
            lambda: {it["state"] for host in fabric.hosts for it in fabric.status(host)["sessions"]},
            lambda found: found == {"established"},
            f"{switch} back",
            120,
        )
        eventually(
            lambda: [shutdown_at(fabric, switch, address) for address in ADDRESSES], all, f"{switch} told of the drain"
        )
        assert [states(fabric, host) for host in fabric.hosts] == [{UPLINK[switch]: "drained"}] * 3
        play("undrain.yml", INVENTORY)
        assert uplinks(fabric) == both("up0", "up1")
    with capsys.disabled():
        print(f"\n{switch} drained, off, on and back: {stream.result}")
    assert stream.result.lost == 0, stream.result


@pytest.mark.slow
def test_a_host_comes_back_from_a_reboot_as_drained_as_it_went(drainable: Fabric, switch: str) -> None:
    fabric, uplink = drainable, UPLINK[switch]
    play("drain.yml", INVENTORY, "-e", f"roth_drain_tor={switch}", "--limit", "hv1")
    lab.reboot(fabric.settings, fabric.topology, ["hv1"])
    instances.plug(fabric.settings, fabric.topology, INVENTORY)
    answers = fabric.reach("client", fabric.addresses("hv1"), 60)
    assert [address for address, took in answers.items() if took is None] == []
    eventually(lambda: states(fabric), lambda found: found == {uplink: "drained"}, f"{uplink} drained")
    text = eventually(
        lambda: fabric._run("hv1", "roth", "status").stdout, lambda told: "State: drained" in told, "State: drained"
    )
    assert f"uplink {uplink} to {switch} is drained" in text
    assert uplinks(fabric) == both(UPLINK[OTHER[switch]])
    eventually(
        lambda: [shutdown_at(fabric, switch, address) for address in ADDRESSES], all, f"{switch} told of the drain"
    )


@pytest.mark.slow
def test_an_uplink_is_drained_by_its_name_without_loss(
    drainable: Fabric, switch: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fabric, uplink, other = drainable, UPLINK[switch], UPLINK[OTHER[switch]]
    request = ("-e", f"roth_drain_uplink={uplink}", "--limit", "hv1")
    with fabric.streaming("client", fabric.addresses("hv1"), rate=RATE) as stream:
        play("drain.yml", INVENTORY, *request)
        assert [states(fabric, host) for host in fabric.hosts] == [{uplink: "drained"}, {}, {}]
        assert uplinks(fabric) == both(other)
        assert all(shutdown_at(fabric, switch, address) for address in ADDRESSES)
        assert recap(play("drain.yml", INVENTORY, *request))["hv1"]["changed"] == 0

        output = refused("drain.yml", INVENTORY, "-e", f"roth_drain_uplink={other}", "--limit", "hv1")
        assert f"hv1: roth_drain_uplink = '{other}': no uplink would be left for ipv4" in output
        assert states(fabric) == {uplink: "drained"}

        play("undrain.yml", INVENTORY, *request)
        assert states(fabric) == {}
        assert uplinks(fabric) == both("up0", "up1")
        assert recap(play("undrain.yml", INVENTORY, *request))["hv1"]["changed"] == 0
    with capsys.disabled():
        print(f"\nhv1's {uplink} drained and back: {stream.result}")
    assert stream.result.lost == 0, stream.result


@pytest.fixture(params=["tor1", pytest.param("tor2", marks=pytest.mark.slow)])
def switch(request: pytest.FixtureRequest) -> str:
    """FRR and BIRD."""
    return str(request.param)


@pytest.mark.slow
def test_a_drain_that_would_leave_no_uplink_is_refused_and_touches_nothing(drainable: Fabric) -> None:
    fabric = drainable
    play("drain.yml", INVENTORY, "-e", "roth_drain_tor=tor1", "--limit", "hv1")
    output = refused("drain.yml", INVENTORY, "-e", "roth_drain_tor=tor2")
    assert "hv1: roth_drain_tor = 'tor2': no uplink would be left for ipv4" in output
    assert [states(fabric, host) for host in fabric.hosts] == [{"up0": "drained"}, {}, {}]

    fabric.run("hv1", "sed", "-i", 's/"up0"/"up0", "up1"/', "/etc/roth/drain.json")
    fabric.run("hv1", "systemctl", "reload", "roth-agent.service")
    status = eventually(
        lambda: fabric.run("hv1", "sh", "-c", "roth status || true"), lambda text: "refused" in text, "refusal"
    )
    assert "no uplink would be left for ipv4, expected at least one that is not drained" in status
    assert uplinks(fabric) == both("up1")
    assert states(fabric) == {"up0": "drained"}


@pytest.mark.slow
def test_a_timeout_names_host_uplink_and_what_was_seen(drainable: Fabric) -> None:
    impossible = json.dumps({"roth_drain_tor": "tor1", "drain_idle_packets": 0, "drain_timeout": 8})
    run = attempt("drain.yml", INVENTORY, "-e", impossible, "--limit", "hv1")
    assert run.code != 0, run.output
    assert re.search(
        r"hv1: not as wanted after 8 s: up0 to tor1: [\d.]+ packets/s received, expected under 0", run.output
    )


SHARED = ("10.64.250.1", "2001:db8:64::fa01")


@pytest.fixture
def anycast(drainable: Fabric, tmp_path: Path) -> Iterator[Path]:
    """An inventory in which an address that three instances hold is announced from all three hosts."""
    copy = tmp_path / "lab"
    shutil.copytree(INVENTORY, copy)
    path = copy / "group_vars" / "all.yml"
    variables = yaml.safe_load(path.read_text())
    variables["roth_provider_networks"][0]["shared_addresses"] = "anycast"
    path.write_text(yaml.safe_dump(variables))
    play("sync_ports.yml", copy)
    yield copy
    play("undrain.yml", INVENTORY)
    play("sync_ports.yml", INVENTORY)


def holders(fabric: Fabric, switch: str) -> list[int]:
    """How many hosts a switch has each shared address from."""
    return [len(fabric.prefixes_at(switch).get(f"{a}/{128 if ':' in a else 32}", ())) for a in SHARED]


@pytest.mark.slow
def test_a_drained_host_gives_shared_addresses_to_the_others_without_loss(
    drainable: Fabric, anycast: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fabric = drainable
    eventually(
        lambda: [holders(fabric, name) for name in fabric.switches], lambda found: found == [[3, 3]] * 2, "three"
    )
    with fabric.streaming("client", fabric.addresses("hv1"), rate=RATE) as stream:
        output = play("drain.yml", anycast, "-e", "roth_drain=host", "--limit", "hv1")
        assert [holders(fabric, name) for name in fabric.switches] == [[2, 2], [2, 2]]
        assert "hv1: only migrating their instances moves these:" in output
        assert re.search(r"10\.64\.1\.53/32  on this host only", output)
        assert uplinks(fabric) == both("up0", "up1")
        assert recap(play("drain.yml", anycast, "-e", "roth_drain=host", "--limit", "hv1"))["hv1"]["changed"] == 0
        play("verify.yml", anycast, "-e", "verify_timeout=5")
        play("undrain.yml", anycast, "-e", "roth_drain=host", "--limit", "hv1")
        assert [holders(fabric, name) for name in fabric.switches] == [[3, 3], [3, 3]]
    with capsys.disabled():
        print(f"\nhv1 drained as a host and back: {stream.result}")
    assert stream.result.lost == 0, stream.result


@pytest.mark.slow
def test_the_last_hosts_of_a_shared_address_keep_it(drainable: Fabric, anycast: Path) -> None:
    play("drain.yml", anycast, "-e", "roth_drain=host", "--limit", "hv1,hv2")
    output = play("drain.yml", anycast, "-e", "roth_drain=host", "--limit", "hv3")
    assert re.search(r"10\.64\.250\.1/32  its other holders are drained or not reachable", output)
    assert [holders(drainable, name) for name in drainable.switches] == [[1, 1], [1, 1]]
