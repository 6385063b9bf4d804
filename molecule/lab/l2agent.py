"""Hosts with Neutron's layer-2 agent on Open vSwitch: an agent that the collection works beside, and did not deploy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from .base import build, recipe
from .seed import ETC_SYSTEMD, SeedFile, tree_files
from .software import build_layer
from .topology import Topology

FILES = Path(__file__).with_name("agent-root")
PACKAGES = ["conntrack", "ethtool", "isc-dhcp-client", "openvswitch-switch"]
SERVICE = "neutron-openvswitch-agent.service"
BUS_PORT = 5672


def host_root(suite: str | None, home: Path) -> Path:
    """The base root of hosts with an agent; their instances have their programs from it, too."""
    return build(recipe(suite, more=PACKAGES), home)


def layers(suite: str | None, home: Path) -> list[Path]:
    """The trees below such a host's own files, uppermost first."""
    return [build_layer(suite, home), host_root(suite, home)]


def files(topology: Topology, host: str) -> Iterator[SeedFile]:
    """Units and configuration of a host's agent.

    :param host: one of ``topology.agents``.
    """
    yield from tree_files(FILES)
    mappings = topology.agents[host]
    yield SeedFile("etc/neutron/host.ini", host_ini(host, bus_address(topology), mappings))
    yield SeedFile("etc/neutron/bridges.env", f"BRIDGES={' '.join(dict.fromkeys(mappings.values()))}\n")
    yield SeedFile(f"{ETC_SYSTEMD}/multi-user.target.wants/{SERVICE}", link=f"/{ETC_SYSTEMD}/{SERVICE}")


def bus_address(topology: Topology) -> str:
    """Where hosts find the message bus: the controller's first address in the fabric, IPv6 in brackets."""
    nodes = [node.name for node in topology.nodes.values() if node.neutron]
    address = next(address.ip for node in nodes for end in topology.ends_of(node) for address in end.addresses)
    return f"[{address}]" if address.version == 6 else str(address)


def host_ini(host: str, bus: str, mappings: Mapping[str, str]) -> str:
    """What differs between the agents of two hosts.

    :param mappings: bridges by physical network.
    """
    bridges = ",".join(f"{network}:{bridge}" for network, bridge in mappings.items())
    return (
        f"[DEFAULT]\nhost = {host}\ntransport_url = rabbit://neutron:neutron@{bus}:{BUS_PORT}/\n\n"
        f"[ovs]\nbridge_mappings = {bridges}\n"
    )
