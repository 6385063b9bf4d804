"""Configurations of the bench fabric: two switches, a spine, and the hosts that run FRR or BIRD instead of ours.

Timers are those that the roles give: BGP 3/9, connect retry 5, BFD as asked for. FRR and BIRD get large netlink
buffers, as our agent has one: a burst of routes overruns BIRD's default, and it then waits for its next scan (60 s).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """BFD timers: detect multiplier, and interval in ms for both directions."""

    multiplier: int
    interval: int

    def __str__(self) -> str:
        return f"{self.multiplier} × {self.interval} ms"

    @property
    def detection(self) -> float:
        """Seconds until a dead path is noticed."""
        return self.multiplier * self.interval / 1000

    @property
    def frr(self) -> str:
        """As a profile of FRR's."""
        timers = f"receive-interval {self.interval}\n  transmit-interval {self.interval}"
        return f"bfd\n profile roth\n  detect-multiplier {self.multiplier}\n  {timers}\n exit\nexit\n"

    @property
    def bird(self) -> str:
        """As BIRD's protocol."""
        timers = f"min rx interval {self.interval} ms; min tx interval {self.interval} ms"
        return f'protocol bfd {{ accept direct; interface "*" {{ {timers}; multiplier {self.multiplier}; }}; }}\n'


@dataclass(frozen=True)
class Host:
    """A host of the bench fabric: `number` is its place in addresses and ASN, `table` where its own routes are."""

    name: str
    number: int
    table: int

    @property
    def asn(self) -> int:
        """Its AS."""
        return 65010 + self.number

    @property
    def instance(self) -> str:
        """The IPv4 address of its instance."""
        return f"10.64.255.{self.number}"


TORS = ((1, 65101), (2, 65102))
"""Number and AS of each switch: the first is FRR, the second BIRD."""


def session(tor: int, host: int, version: int) -> tuple[str, str]:
    """Addresses of the switch and of the host on the link between them."""
    if version == 4:
        return f"10.{tor}.{host}.0", f"10.{tor}.{host}.1"
    return f"2001:db8:{tor}:{host}::a", f"2001:db8:{tor}:{host}::b"


def bfdd(sessions: list[tuple[str, str, str]], profile: Profile) -> str:
    """FRR's bfdd with (peer, local address, interface) sessions."""
    peers = "".join(
        f" peer {peer} local-address {local}{f' interface {device}' if device else ''}\n  profile roth\n exit\n"
        for peer, local, device in sessions
    )
    return f"{profile.frr}bfd\n{peers}exit\n"


def _frr_neighbors(neighbors: list[tuple[str, int, str]], bfd: bool) -> str:
    lines = []
    for peer, asn, extra in neighbors:
        lines += [f" neighbor {peer} remote-as {asn}", f" neighbor {peer} timers 3 9"]
        lines += [f" neighbor {peer} timers connect 5", extra and f" neighbor {peer} {extra}"]
        lines += [f" neighbor {peer} bfd", f" neighbor {peer} bfd profile roth"] if bfd else []
    return "\n".join(line for line in lines if line)


def _frr(asn: int, router_id: str, neighbors: str) -> str:
    return f"""
router bgp {asn}
 bgp router-id {router_id}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 bgp bestpath as-path multipath-relax
{neighbors}
"""


def _frr_family(version: int, peers: list[str], lines: list[str], each: list[str]) -> str:
    found = [f" address-family ipv{version} unicast", *(f"  {line}" for line in lines)]
    found += [f"  neighbor {peer} {what}" for peer in peers for what in ["activate", *each]]
    return "\n".join([*found, "  maximum-paths 64", " exit-address-family\n"])


def frr_tor(hosts: list[Host]) -> str:
    """The first switch's bgpd: the default to its hosts, host routes from them."""
    tor, asn = TORS[0]
    neighbors = [(session(tor, host.number, version)[1], host.asn, "graceful-restart-helper")
                 for host in hosts for version in (4, 6)]  # fmt: skip
    text = _frr(asn, "192.0.2.1", _frr_neighbors(neighbors, True))
    text += _frr_neighbors([("10.255.1.0", 65000, "")], False) + "\n"
    for version in (4, 6):
        peers = [session(tor, host.number, version)[1] for host in hosts]
        text += _frr_family(version, peers, [], ["default-originate", "route-map hosts in", "route-map default out"])
    text += _frr_family(4, ["10.255.1.0"], [], ["route-map hosts out"])
    text += "ip prefix-list default permit 0.0.0.0/0\nipv6 prefix-list default permit ::/0\n"
    text += "ip prefix-list hosts permit 10.64.0.0/16 le 32\n"
    text += "route-map default permit 10\n match ip address prefix-list default\nexit\n"
    text += "route-map default permit 20\n match ipv6 address prefix-list default\nexit\n"
    text += "ipv6 prefix-list hosts permit 2001:db8:64::/64 le 128\n"
    text += "route-map hosts permit 10\n match ip address prefix-list hosts\nexit\n"
    return text + "route-map hosts permit 20\n match ipv6 address prefix-list hosts\nexit\n"


def bird_tor(hosts: list[Host], profile: Profile) -> str:
    """The second switch: the same in BIRD."""
    tor, asn = TORS[1]
    text = f"router id 192.0.2.2;\nprotocol device {{ scan time 10; }}\n{profile.bird}"
    for version, default, own in ((4, "0.0.0.0/0", "10.64.0.0/16"), (6, "::/0", "2001:db8:64::/64")):
        text += f"""
protocol kernel {{ merge paths on; ipv{version} {{ import none; export where source = RTS_BGP; }}; }}
protocol static {{ ipv{version} {{ preference 1; }}; route {default} unreachable; }}
"""
        for host in hosts:
            local, peer = session(tor, host.number, version)
            text += f"""
protocol bgp {host.name}_{version} {{
  local {local} as {asn}; neighbor {peer} as {host.asn}; bfd on; graceful restart aware;
  hold time 9; keepalive time 3; connect delay time 1; connect retry time 5; error wait time 1, 30;
  ipv{version} {{ import where net ~ [{own}+]; export where net = {default}; next hop self; }};
}}
"""
    return (
        text
        + f"""
protocol bgp spine {{
  local 10.255.2.1 as {asn}; neighbor 10.255.2.0 as 65000;
  hold time 9; keepalive time 3; connect delay time 1; connect retry time 5;
  ipv4 {{ import all; export where net ~ [10.64.0.0/16+]; next hop self; }};
}}
"""
    )


def spine() -> str:
    """bgpd of the spine, which gives the switches the client's network and learns the hosts' routes from both."""
    peers = [("10.255.1.1", TORS[0][1], ""), ("10.255.2.1", TORS[1][1], "")]
    text = _frr(65000, "192.0.2.254", _frr_neighbors(peers, False))
    return text + _frr_family(4, [peer for peer, _asn, _extra in peers], ["network 203.0.113.0/24"], [])


def frr_host(host: Host) -> str:
    """A host whose BGP is FRR's: what stands in the kernel is redistributed."""
    neighbors = [(session(tor, host.number, version)[0], asn, "") for tor, asn in TORS for version in (4, 6)]
    text = _frr(host.asn, f"192.0.2.{10 + host.number}", _frr_neighbors(neighbors, True))
    for version in (4, 6):
        peers = [session(tor, host.number, version)[0] for tor, _asn in TORS]
        text += _frr_family(version, peers, ["redistribute kernel route-map own"], ["route-map own out"])
    text += "ip prefix-list own permit 10.64.0.0/16 le 32\nipv6 prefix-list own permit 2001:db8:64::/64 le 128\n"
    text += "route-map own permit 10\n match ip address prefix-list own\nexit\n"
    return text + "route-map own permit 20\n match ipv6 address prefix-list own\nexit\n"


def bird_host(host: Host, profile: Profile) -> str:
    """A host whose BGP is BIRD's: it learns what stands in the kernel."""
    text = f"router id 192.0.2.{10 + host.number};\nprotocol device {{ scan time 10; }}\n{profile.bird}"
    for version, own in ((4, "10.64.0.0/16"), (6, "2001:db8:64::/64")):
        text += f"""
protocol kernel {{ learn; merge paths on; scan time 10; netlink rx buffer 16777216;
  ipv{version} {{ import where net ~ [{own}+]; export where source = RTS_BGP; }}; }}
"""
        for tor, asn in TORS:
            peer, local = session(tor, host.number, version)
            text += f"""
protocol bgp tor{tor}_{version} {{
  local {local} as {host.asn}; neighbor {peer} as {asn}; bfd on;
  hold time 9; keepalive time 3; connect delay time 1; connect retry time 5; error wait time 1, 30;
  ipv{version} {{ import all; export where source = RTS_INHERIT; next hop self; }};
}}
"""
    return text
