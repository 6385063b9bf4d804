"""What the lab writes into a node before its first boot: identity, addresses, and the BGP of routers that simply exist.

The first half is pure (a topology gives files); ``write`` puts them into the upper directory of the node's overlay.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path

from .topology import Bgp, Node, Topology

ETC_SYSTEMD = "etc/systemd/system"


@dataclass(frozen=True)
class SeedFile:
    """A file of a node.

    :param path: relative to the node's root.
    :param link: target of a symbolic link, instead of ``text``.
    :param owner: a user of the layers below.
    """

    path: str
    text: str = ""
    mode: int = 0o644
    owner: str = "root"
    link: str = ""


def files(topology: Topology, node: Node, machine_id: str) -> Iterator[SeedFile]:
    """Everything the lab puts into a node.

    :param machine_id: 32 hexadecimal digits, machine-id(5).
    """
    yield SeedFile("etc/hostname", f"{node.name}\n")
    yield SeedFile("etc/machine-id", f"{machine_id}\n", mode=0o444)
    yield SeedFile("etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {node.name}\n::1 localhost ip6-localhost\n")
    interfaces = {end.port: [str(a) for a in end.addresses] for end in topology.ends_of(node.name) if end.addresses}
    if node.loopbacks:
        interfaces["lo"] = [str(address) for address in node.loopbacks]
    if interfaces:
        yield from _networkd()
    for name, addresses in interfaces.items():
        yield SeedFile(f"etc/systemd/network/10-lab-{name}.network", _network_file(topology, node, name, addresses))
    if node.forwarding:
        yield SeedFile("etc/sysctl.d/10-lab-router.conf", _router_sysctls(node.hash_seed))
    if node.bgp:
        yield SeedFile("etc/frr/daemons", FRR_DAEMONS, mode=0o640, owner="frr")
        yield SeedFile("etc/frr/frr.conf", frr_config(topology, node.name, node.bgp), mode=0o640, owner="frr")
        yield _enabled("multi-user.target.wants", "frr.service")


def tree_files(tree: Path) -> Iterator[SeedFile]:
    """Every file of a folder, as a node has it below its root."""
    for path in sorted(path for path in tree.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        yield SeedFile(str(path.relative_to(tree)), path.read_text())


def _networkd() -> Iterator[SeedFile]:
    yield SeedFile(
        "etc/systemd/networkd.conf.d/10-lab.conf",
        "# routes and rules of the routing daemon are not networkd's to remove\n"
        "[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n",
    )
    yield _enabled("multi-user.target.wants", "systemd-networkd.service")
    yield _enabled("sockets.target.wants", "systemd-networkd.socket")
    yield SeedFile(
        f"{ETC_SYSTEMD}/dbus-org.freedesktop.network1.service", link="/lib/systemd/system/systemd-networkd.service"
    )


def _enabled(wants: str, unit: str) -> SeedFile:
    return SeedFile(f"{ETC_SYSTEMD}/{wants}/{unit}", link=f"/lib/systemd/system/{unit}")


def _network_file(topology: Topology, node: Node, name: str, addresses: list[str]) -> str:
    """A systemd.network(5) file. Nothing waits for a carrier: the other end may come up later."""
    lines = ["[Match]", f"Name={name}", "", "[Link]", "RequiredForOnline=no", "", "[Network]"]
    if name != "lo":
        lines += ["LinkLocalAddressing=ipv6", "IPv6AcceptRA=no", "ConfigureWithoutCarrier=yes", "IgnoreCarrierLoss=yes"]
        networks = [ip_network(address, strict=False) for address in addresses]
        lines += [f"Gateway={g}" for g in node.gateways if any(ip_address(g) in network for network in networks)]
    for address in addresses:
        lines += ["", "[Address]", f"Address={address}"]
        if ":" in address:
            lines.append("DuplicateAddressDetection=none")  # usable at once, as a point-to-point link's address may be
    return "\n".join(lines) + "\n"


def _router_sysctls(hash_seed: int | None) -> str:
    lines = ["net.ipv4.ip_forward = 1", "net.ipv6.conf.all.forwarding = 1", "net.ipv6.conf.default.forwarding = 1"]
    # two equal paths: the way back need not be the way there
    lines += ["net.ipv4.conf.all.rp_filter = 0", "net.ipv4.conf.default.rp_filter = 0"]
    # a flow is addresses and ports; routers in a row with one seed would all choose alike
    lines += ["net.ipv4.fib_multipath_hash_policy = 1", "net.ipv6.fib_multipath_hash_policy = 1"]
    if hash_seed is not None:
        lines.append(f"-net.ipv4.fib_multipath_hash_seed = {hash_seed}")  # since Linux 6.11; "-": go on without
    return "\n".join(lines) + "\n"


FRR_DAEMONS = """\
bgpd=yes
vtysh_enable=yes
zebra_options="  -A 127.0.0.1 -s 90000000"
bgpd_options="   -A 127.0.0.1"
staticd_options="-A 127.0.0.1"
"""


def frr_config(topology: Topology, node: str, bgp: Bgp) -> str:
    """frr.conf of a router that gives its peers the default and carries the lab's outside networks."""
    peers = [address.ip for peer in bgp.peers for address in topology.addresses_towards(node, peer)]
    lines = ["frr defaults datacenter", "log syslog informational", f"hostname {node}", "!", f"router bgp {bgp.asn}"]
    loopback = next((a.ip for a in topology.nodes[node].loopbacks if a.version == 4), None)
    if loopback:
        lines.append(f" bgp router-id {loopback}")
    # the lab's edge trusts its switches: filters are theirs towards the hosts
    lines += [" no bgp ebgp-requires-policy", " no bgp default ipv4-unicast", " bgp bestpath as-path multipath-relax"]
    for peer in peers:
        lines += [
            f" neighbor {peer} remote-as external",
            f" neighbor {peer} timers 3 9",
            f" neighbor {peer} timers connect 2",
        ]
    for version in (4, 6):
        lines += [" !", f" address-family ipv{version} unicast"]
        lines += [f"  network {network}" for network in bgp.networks if ip_network(network).version == version]
        for peer in (p for p in peers if p.version == version):
            lines += [f"  neighbor {peer} activate", f"  neighbor {peer} default-originate"]
        lines += ["  maximum-paths 64", " exit-address-family"]
    return "\n".join([*lines, "exit", "!"]) + "\n"


def write(upper: Path, layers: Sequence[Path], seeds: Iterable[SeedFile]) -> None:
    """Put files into an overlay's upper directory, owned by users whom the layers below know.

    :param layers: the trees below, uppermost first.
    """
    passwd = next(layer / "etc/passwd" for layer in layers if (layer / "etc/passwd").exists())
    users = {
        fields[0]: (int(fields[2]), int(fields[3]))
        for fields in (line.split(":") for line in passwd.read_text().splitlines())
    }
    for seed in seeds:
        path = upper / seed.path
        _make_parents(upper, layers, Path(seed.path).parent)
        path.unlink(missing_ok=True)
        if seed.link:
            path.symlink_to(seed.link)
            continue
        path.write_text(seed.text)
        path.chmod(seed.mode)
        os.chown(path, *users[seed.owner])


def _make_parents(upper: Path, layers: Sequence[Path], folder: Path) -> None:
    """A directory in the upper layer decides owner and mode of the merged one: take both from the layers below."""
    for part in [*reversed(folder.parents), folder]:
        here = upper / part
        if here.is_dir():
            continue
        here.mkdir()
        if below := next((layer / part for layer in layers if (layer / part).is_dir()), None):
            shutil.copystat(below, here)
            os.chown(here, below.stat().st_uid, below.stat().st_gid)
