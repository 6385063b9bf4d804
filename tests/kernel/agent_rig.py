"""A hypervisor and two ToRs (FRR, BIRD) in namespaces, with real ExaBGP, agent and bfdd. Needs root, frr and bird2."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from roth.status import ask

from .sockets import listens

ROOT = Path(__file__).parents[2]
FRR = Path("/usr/lib/frr")
DEADLINE = 60.0  # seconds
MISSING = [str(path) for path in (FRR / "bgpd", FRR / "bfdd", Path("/usr/sbin/bird")) if not path.exists()]

EXABGP = """
process bridge {{ run {run}/roth-bridge {run}/bridge.sock; encoder json; }}
template {{ neighbor tor {{
  local-as 65011; router-id 192.0.2.11; hold-time 9;
  manual-eor true; adj-rib-out true; adj-rib-in true; group-updates true;
  capability {{ graceful-restart 120; route-refresh enable; }}
  api {{ processes [ bridge ]; neighbor-changes; negotiated; receive {{ parsed; update; }} }}
}} }}
"""
NEIGHBOR = "neighbor {peer} {{ inherit tor; local-address {local}; peer-as {asn}; family {{ {family} unicast; }} }}\n"
ENVIRONMENT = {
    "exabgp_daemon_user": "root",
    "exabgp_api_ack": "true",
    "exabgp_api_cli": "false",
    "exabgp_log_level": "WARNING",
    "exabgp_log_short": "false",
    "exabgp_log_destination": "stderr",
    "exabgp_reactor_speed": "1.0",
}
BGPD = """
router bgp 65101
 bgp router-id 192.0.2.1
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 bgp graceful-restart
 timers bgp 3 9
 neighbor 10.1.1.1 remote-as 65011
 neighbor 10.1.1.1 timers connect 1
 neighbor 2001:db8:1:1::b remote-as 65011
 neighbor 2001:db8:1:1::b timers connect 1
 address-family ipv4 unicast
  neighbor 10.1.1.1 activate
  neighbor 10.1.1.1 default-originate
 exit-address-family
 address-family ipv6 unicast
  neighbor 2001:db8:1:1::b activate
  neighbor 2001:db8:1:1::b default-originate
"""
BIRD = """
router id 192.0.2.2;
log "{run}/bird.log" all;
protocol device {{ scan time 10; }}
protocol static default4 {{ ipv4; route 0.0.0.0/0 blackhole; }}
protocol static default6 {{ ipv6; route ::/0 blackhole; }}
protocol bfd {{ interface "hv1" {{ interval 300 ms; multiplier 10; }};
  neighbor 10.2.1.1; neighbor 2001:db8:2:1::b local 2001:db8:2:1::a; }}
template bgp host {{ local as 65102; graceful restart on; hold time 9;
  connect retry time 1; connect delay time 1; error wait time 1,2; }}
protocol bgp hv4 from host {{ neighbor 10.2.1.1 as 65011; ipv4 {{ import all; export where net = 0.0.0.0/0; }}; }}
protocol bgp hv6 from host {{ neighbor 2001:db8:2:1::b as 65011; ipv6 {{ import all; export where net = ::/0; }}; }}
"""
PATIENT = " profile patient\n  detect-multiplier 10\n exit\n"
"""A machine that stands still for a second is no silent path: 10 x 300 ms."""
BFDD = f"""
bfd
{PATIENT}
 peer 10.1.1.0 local-address 10.1.1.1
  profile patient
 peer 2001:db8:1:1::a local-address 2001:db8:1:1::b
  profile patient
 peer 10.2.1.0 local-address 10.2.1.1
  profile patient
 peer 2001:db8:2:1::a local-address 2001:db8:2:1::b
  profile patient
"""
TOR_BFDD = f"""
bfd
{PATIENT}
 peer 10.1.1.1 local-address 10.1.1.0 interface hv1
  profile patient
 peer 2001:db8:1:1::b local-address 2001:db8:1:1::a interface hv1
  profile patient
"""


def eventually(observe: Callable[[], object], expected: object, seconds: float = DEADLINE) -> None:
    """Poll until `observe()` gives `expected`."""
    deadline = time.monotonic() + seconds
    while (observed := observe()) != expected:
        assert time.monotonic() < deadline, f"observed {observed!r}, expected {expected!r} within {seconds} s"
        time.sleep(0.02)


def addresses(index: int) -> list[dict[str, object]]:
    """The two sessions of an uplink as agent.json has them."""
    asn = 65101 + index
    return [
        {"family": "ipv4", "address": f"10.{index + 1}.1.0", "local_address": f"10.{index + 1}.1.1", "asn": asn},
        {
            "family": "ipv6",
            "address": f"2001:db8:{index + 1}:1::a",
            "local_address": f"2001:db8:{index + 1}:1::b",
            "asn": asn,
        },
    ]


class Rig:
    """Namespaces and processes; every process is ours and is killed by its number."""

    def __init__(self) -> None:
        self.run = Path(tempfile.mkdtemp(prefix="roth-rig-"))
        self.run.chmod(0o755)
        self.prefix = f"rig{os.getpid()}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.python = sys.executable

    # -- the network ----------------------------------------------------------------------------------------------

    def ip(self, node: str, *words: str) -> str:
        return self.shell("ip", "-n", f"{self.prefix}-{node}", *words)

    def shell(self, *words: str, text: str | None = None) -> str:
        done = subprocess.run(words, input=text, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr or done.stdout}"
        return done.stdout

    def build(self) -> None:
        for node in ("hv1", "tor1", "tor2"):
            self.shell("ip", "netns", "add", f"{self.prefix}-{node}")
            self.ip(node, "link", "set", "lo", "up")
        for index in (0, 1):
            tor, far = f"tor{index + 1}", f"{self.prefix}-tor{index + 1}"
            self.ip("hv1", "link", "add", f"up{index}", "type", "veth", "peer", "name", "hv1", "netns", far)
            self.uplink_addresses(index)
            self.ip("hv1", "link", "set", f"up{index}", "up")
            self.ip(tor, "link", "set", "hv1", "up")
        self.ip("hv1", "link", "add", "tap0", "type", "veth", "peer", "name", "instance")
        self.ip("hv1", "link", "set", "instance", "up")
        self.ip("hv1", "link", "set", "tap0", "up")
        for address in ("192.0.2.11/32", "2001:db8:ffff::11/128"):
            self.ip("hv1", "address", "add", address, "dev", "lo")
        self.inside("hv1", "sysctl", "-qw", "net.ipv4.nexthop_compat_mode=0")

    def uplink_addresses(self, index: int) -> None:
        for session in addresses(index):
            length = 31 if session["family"] == "ipv4" else 127
            for node, device, key in (("hv1", f"up{index}", "local_address"), (f"tor{index + 1}", "hv1", "address")):
                words = ["address", "replace", f"{session[key]}/{length}", "dev", device]
                self.ip(node, *words, *(["nodad"] if length == 127 else []))

    def inside(self, node: str, *words: str) -> str:
        return self.shell("ip", "netns", "exec", f"{self.prefix}-{node}", *words)

    # -- processes ------------------------------------------------------------------------------------------------

    def start(self, name: str, node: str, *words: str, **environment: str) -> None:
        log = (self.run / f"{name}.log").open("ab")
        command = ["ip", "netns", "exec", f"{self.prefix}-{node}", *words]
        self.processes[name] = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **environment}
        )
        log.close()

    def stop(self, name: str, number: int = signal.SIGKILL) -> None:
        process = self.processes.pop(name)
        process.send_signal(number)
        process.wait(DEADLINE)

    def frr(self, daemon: str, node: str, text: str, *more: str) -> None:
        folder = self.run / node
        folder.mkdir(exist_ok=True)
        (folder / f"{daemon}.conf").write_text(text)
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "frr", "frr")
        options = ["--vty_socket", str(folder), "-z", str(folder / "zserv"), "-P", "0"]
        files = ["-i", str(folder / f"{daemon}.pid"), "-f", str(folder / f"{daemon}.conf")]
        self.start(f"{node}-{daemon}", node, str(FRR / daemon), *options, *files, *more)

    def start_tors(self) -> None:
        self.frr("zebra", "tor1", "")
        eventually(lambda: listens(self.run / "tor1" / "zserv"), True)
        self.frr("bgpd", "tor1", BGPD)
        self.frr("bfdd", "tor1", TOR_BFDD)
        (self.run / "bird.conf").write_text(BIRD.format(run=self.run))
        self.start("bird", "tor2", "bird", "-f", "-c", f"{self.run}/bird.conf", "-s", f"{self.run}/bird.ctl")

    def start_exabgp(self) -> None:
        source = str(ROOT / "agent" / "src")
        wrapper = self.run / "roth-bridge"
        wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={source} exec {self.python} -m roth.bridge "$@"\n')
        wrapper.chmod(0o755)
        neighbors = [
            NEIGHBOR.format(peer=each["address"], local=each["local_address"], asn=each["asn"], family=each["family"])
            for index in (0, 1)
            for each in addresses(index)
        ]
        (self.run / "exabgp.conf").write_text(EXABGP.format(run=self.run) + "".join(neighbors))
        words = [self.python, "-m", "roth.steady_exabgp", "server", f"{self.run}/exabgp.conf"]
        self.start("exabgp", "hv1", *words, **ENVIRONMENT, PYTHONPATH=source)

    def start_agent(self) -> None:
        document = {
            "asn": 65011, "router_id": "192.0.2.11", "protocol": 142, "table": 142,
            "default_table": 143, "default_metric": 20,
            "source": {"ipv4": "192.0.2.11", "ipv6": "2001:db8:ffff::11"},
            "allowed_prefixes": [
                {"prefix": "10.64.0.0/16", "ge": 32, "le": 32}, {"prefix": "2001:db8:64::/64", "ge": 128, "le": 128},
            ],
            "imports": ["0.0.0.0/0", "::/0"],
            "uplinks": [
                {"name": f"up{index}", "tor": f"tor{index + 1}", "index": index, "bfd": True, "peers": addresses(index)}
                for index in (0, 1)
            ],
            "isolated_bridges": [],
            "damping": {"half_life": 10, "suppress": 2500, "reuse": 1000, "longest": 60},
            "routes_file": "/nonexistent/instance-routes",
            "taps_file": "/nonexistent/instance-taps",
            "bridge_socket": f"{self.run}/bridge.sock",
            "status_socket": f"{self.run}/agent.sock",
            "bfdd_vty": f"{self.run}/hv1/bfdd.vty",
        }  # fmt: skip
        path = self.run / "agent.json"
        path.write_text(json.dumps(document))
        source = str(ROOT / "agent" / "src")
        self.start("agent", "hv1", self.python, "-m", "roth.service", "--config", str(path), PYTHONPATH=source)

    def start_bfdd(self) -> None:
        self.frr("bfdd", "hv1", BFDD)

    def destroy(self) -> None:
        for name in list(self.processes):
            self.stop(name)
        for node in ("hv1", "tor1", "tor2"):
            subprocess.run(["ip", "netns", "delete", f"{self.prefix}-{node}"], capture_output=True)
        shutil.rmtree(self.run)

    # -- what is seen ---------------------------------------------------------------------------------------------

    def at_frr(self) -> set[str]:
        """Host routes that the FRR ToR holds, both families."""
        found: set[str] = set()
        for family in ("ipv4", "ipv6"):
            question = f"show bgp {family} unicast json"
            text = self.shell("vtysh", "--vty_socket", f"{self.run}/tor1", "-c", question)
            found |= set(json.loads(text).get("routes", {}))
        return {prefix for prefix in found if prefix.endswith(("/32", "/128"))}

    def at_bird(self) -> set[str]:
        """Host routes that the BIRD ToR holds, both families."""
        text = self.shell("birdc", "-s", f"{self.run}/bird.ctl", "show", "route")
        words = [line.split()[0] for line in text.splitlines() if "[hv" in line]
        return {word for word in words if word.endswith(("/32", "/128"))}

    def at_both(self) -> list[set[str]]:
        return [self.at_frr(), self.at_bird()]

    def status(self) -> dict[str, object]:
        try:
            return ask(f"{self.run}/agent.sock", "status")
        except (OSError, ValueError):  # ended, or ends before it answers
            return {}

    def group(self, id: int) -> set[int]:
        """Members of a nexthop group in the kernel."""
        for entry in json.loads(self.ip("hv1", "-json", "nexthop")):
            if entry["id"] == id:
                return {member["id"] for member in entry["group"]}
        return set()

    def routes(self, action: str, prefixes: list[str]) -> None:
        """Add or delete host routes of ours as an operator would."""
        lines = [f"route {action} {prefix} dev tap0 proto 142 table 142\n" for prefix in prefixes]
        self.shell("ip", "-n", f"{self.prefix}-hv1", "-batch", "-", text="".join(lines))
