"""The topology file: nodes and links as data. Pure: parsing and validation only, nothing is touched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

import yaml

from .errors import TopologyError

Interface = IPv4Interface | IPv6Interface

NODE_NAME = re.compile(r"[a-z][a-z0-9-]{0,14}")
PORT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,15}")  # IFNAMSIZ is 16 with its final zero
TOP_KEYS = {"suite", "nodes", "links"}
NODE_KEYS = {"loopbacks", "gateways", "forwarding", "hash_seed", "bgp", "neutron"}
NEUTRON_KEYS = {"mode", "bridge_mappings"}
MODES = ("min", "full")
FILE = "topology.yml"
BGP_KEYS = {"asn", "peers", "networks"}
MAX_ASN = 2**32 - 1


@dataclass(frozen=True)
class End:
    """One end of a link: an interface of a node, with the addresses the lab gives it (none on a hypervisor)."""

    node: str
    port: str
    addresses: tuple[Interface, ...] = ()

    def __str__(self) -> str:
        return f"{self.node}:{self.port}"


@dataclass(frozen=True)
class Link:
    """A cable between two nodes."""

    a: End
    b: End

    @property
    def ends(self) -> tuple[End, End]:
        """Both ends, in the order of the file."""
        return (self.a, self.b)


@dataclass(frozen=True)
class Bgp:
    """A router whose BGP the lab itself configures: the default to its peers, and its networks."""

    asn: int
    peers: tuple[str, ...]
    networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Neutron:
    """A node that runs a real Neutron.

    :param mode: ``min``: SQLite, no message bus; ``full``: MariaDB and RabbitMQ.
    :param bridge_mappings: what the layer-2 agent of each host reports, or would: its bridges, by physical network.
    """

    bridge_mappings: Mapping[str, Mapping[str, str]]
    mode: str = MODES[0]


@dataclass(frozen=True)
class Node:
    """One machine of the lab."""

    name: str
    loopbacks: tuple[Interface, ...] = ()
    gateways: tuple[str, ...] = ()
    forwarding: bool = False
    hash_seed: int | None = None
    bgp: Bgp | None = None
    neutron: Neutron | None = None


@dataclass(frozen=True)
class Topology:
    """A whole lab."""

    nodes: Mapping[str, Node]
    links: tuple[Link, ...]
    suite: str | None = None

    @property
    def controller(self) -> Node | None:
        """The node that runs Neutron, if the lab has one."""
        return next((node for node in self.nodes.values() if node.neutron), None)

    @property
    def agents(self) -> Mapping[str, Mapping[str, str]]:
        """Nodes that run Neutron's layer-2 agent, each with its bridges by physical network; none without a bus."""
        neutron = self.controller.neutron if self.controller else None
        return neutron.bridge_mappings if neutron and neutron.mode == "full" else {}

    def ends_of(self, node: str) -> Iterator[End]:
        """The interfaces of a node, in the order of the file."""
        return (end for link in self.links for end in link.ends if end.node == node)

    def addresses_towards(self, node: str, peer: str) -> list[Interface]:
        """The addresses a node's neighbour has on the links between them."""
        return [
            address
            for link in self.links
            for end, other in (link.ends, link.ends[::-1])
            if end.node == node and other.node == peer
            for address in other.addresses
        ]


@dataclass
class _Reader:
    """Collects every problem instead of stopping at the first."""

    problems: list[str] = field(default_factory=list)

    def problem(self, where: str, text: str) -> None:
        self.problems.append(f"{where}: {text}")

    def mapping(self, where: str, value: object, keys: Iterable[str] | None = None) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.problem(where, f"expected a mapping, found {value!r}")
            return {}
        if keys is not None:
            for key in sorted(str(k) for k in value if k not in set(keys)):
                self.problem(where, f"unknown key {key!r}; expected one of {', '.join(sorted(keys))}")
        return value

    def listing(self, where: str, value: object) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(where, f"expected a list, found {value!r}")
            return []
        return value

    def interfaces(self, where: str, value: object) -> tuple[Interface, ...]:
        found = []
        for text in self.listing(where, value):
            try:
                if "/" not in str(text):
                    raise ValueError(f"{text!r} has no prefix length")
                found.append(ip_interface(str(text)))
            except ValueError as error:
                self.problem(where, f"expected addresses such as 10.1.1.0/31: {error}")
        return tuple(found)

    def texts(self, where: str, value: object, check: Callable[[str], object]) -> tuple[str, ...]:
        found = []
        for text in self.listing(where, value):
            try:
                found.append(str(check(str(text))))
            except ValueError as error:
                self.problem(where, str(error))
        return tuple(found)

    def number(self, where: str, value: object, low: int, high: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.problem(where, f"expected a number from {low} to {high}, found {value!r}")
            return low
        return value

    def node(self, name: str, value: object) -> Node:
        where = f"nodes.{name}"
        if not NODE_NAME.fullmatch(name) or name.startswith("i-"):
            self.problem(
                where, "expected a name of 1 to 15 lower-case letters, digits and hyphens that does not begin with 'i-'"
            )
        raw = self.mapping(where, value, NODE_KEYS)
        seed = raw.get("hash_seed")
        forwarding = raw.get("forwarding", False)
        if not isinstance(forwarding, bool):
            self.problem(f"{where}.forwarding", f"expected true or false, found {forwarding!r}")
        return Node(
            name=name,
            loopbacks=self.interfaces(f"{where}.loopbacks", raw.get("loopbacks")),
            gateways=self.texts(f"{where}.gateways", raw.get("gateways"), ip_address),
            forwarding=forwarding is True,
            hash_seed=None if seed is None else self.number(f"{where}.hash_seed", seed, 1, MAX_ASN),
            bgp=None if raw.get("bgp") is None else self.bgp(f"{where}.bgp", raw["bgp"]),
            neutron=None if raw.get("neutron") is None else self.neutron(f"{where}.neutron", raw["neutron"]),
        )

    def neutron(self, where: str, value: object) -> Neutron:
        raw = self.mapping(where, value, NEUTRON_KEYS)
        mode = raw.get("mode", MODES[0])
        if mode not in MODES:
            self.problem(f"{where}.mode", f"expected one of {', '.join(MODES)}, found {mode!r}")
        where += ".bridge_mappings"
        hosts = self.mapping(where, raw.get("bridge_mappings"))
        mappings = {str(host): self.mapping(f"{where}.{host}", bridges) for host, bridges in hosts.items()}
        for host, bridges in mappings.items():
            for network, bridge in bridges.items():
                if not isinstance(bridge, str) or not PORT_NAME.fullmatch(bridge):
                    self.problem(f"{where}.{host}.{network}", f"expected the name of a bridge, found {bridge!r}")
        return Neutron(mappings, str(mode))

    def bgp(self, where: str, value: object) -> Bgp:
        raw = self.mapping(where, value, BGP_KEYS)
        return Bgp(
            asn=self.number(f"{where}.asn", raw.get("asn"), 1, MAX_ASN),
            peers=self.texts(f"{where}.peers", raw.get("peers"), str),
            networks=self.texts(f"{where}.networks", raw.get("networks"), ip_network),
        )

    def link(self, where: str, value: object) -> Link | None:
        raw = self.mapping(where, value)
        if len(raw) != 2:
            self.problem(where, f"expected two ends 'node:interface', found {', '.join(map(str, raw)) or 'none'}")
            return None
        ends = []
        for name, addresses in raw.items():
            node, _, port = str(name).partition(":")
            if not PORT_NAME.fullmatch(port):
                self.problem(where, f"{name!r}: expected node:interface, the interface in 1 to 15 characters")
            ends.append(End(node, port, self.interfaces(f"{where} {name}", addresses)))
        return Link(*ends)


def parse(document: object) -> Topology:
    """Read a topology.

    :param document: what YAML gave.
    :raises TopologyError: with every problem, each by its place in the file.
    """
    reader = _Reader()
    top = reader.mapping("topology", document, TOP_KEYS)
    nodes = {str(n): reader.node(str(n), v) for n, v in reader.mapping("nodes", top.get("nodes")).items()}
    if not nodes:
        reader.problem("nodes", "expected at least one node")
    links = [reader.link(f"links[{i}]", v) for i, v in enumerate(reader.listing("links", top.get("links")))]
    suite = top.get("suite")
    if suite is not None and not re.fullmatch(r"[a-z][a-z0-9-]*", str(suite)):
        reader.problem("suite", f"expected a release name such as bookworm, found {suite!r}")
    topology = Topology(nodes, tuple(link for link in links if link), None if suite is None else str(suite))
    reader.problems += _contradictions(topology)
    if reader.problems:
        raise TopologyError(reader.problems)
    return topology


def chain(folder: Path) -> list[Path]:
    """A lab's folder, and those that its topology extends, one after the other.

    :raises TopologyError: when one of them has no topology, or extends what leads back to it.
    """
    return [path.parent for path, _ in _documents(folder / FILE)]


def _documents(path: Path) -> list[tuple[Path, object]]:
    found = [(path.resolve(), _read(path))]
    while isinstance(document := found[-1][1], dict) and "extends" in document:
        below = (found[-1][0].parent / str(document["extends"]) / FILE).resolve()
        if below in (file for file, _ in found):
            raise TopologyError([f"{found[-1][0]}: extends: {document['extends']} leads back to itself"])
        found.append((below, _read(below)))
    return found


def load(path: Path) -> Topology:
    """Read a topology file, and what it extends; raise TopologyError when it is missing, no YAML, or wrong.

    ``extends`` names another lab's folder, relative to the file's own. The file adds links to that one's and lays its
    nodes over them, key by key.
    """
    (_, merged), *others = _documents(path)
    for _, below in others:
        merged = _laid_over(below, merged)
    try:
        return parse(merged)
    except TopologyError as error:
        raise TopologyError([f"{path}: {problem}" for problem in error.problems]) from None


def _read(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text())
    except OSError as error:
        raise TopologyError([f"{path}: {error.strerror}"]) from error
    except yaml.YAMLError as error:
        raise TopologyError([f"{path}: no YAML: {error}"]) from error


def _laid_over(below: object, above: object) -> object:
    """Two documents as one. Where they are no mappings, ``parse`` has its say on what is above."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    own = {key: value for key, value in above.items() if key != "extends"}
    merged = {key: _laid_over(value, own[key]) if key in own else value for key, value in below.items()}
    if isinstance(below.get("links"), list) and isinstance(own.get("links"), list):
        merged["links"] = [*below["links"], *own["links"]]
    return merged | {key: value for key, value in own.items() if key not in merged}


def _contradictions(topology: Topology) -> Iterator[str]:
    """What is well-formed but cannot be built."""
    yield from _wrong_ends(topology)
    yield from _wrong_addresses(topology)
    yield from _wrong_neutrons(topology)
    for node in topology.nodes.values():
        for peer in node.bgp.peers if node.bgp else ():
            if not topology.addresses_towards(node.name, peer):
                yield f"nodes.{node.name}.bgp.peers: no link with addresses between {node.name} and {peer!r}"
        networks = [address.network for end in topology.ends_of(node.name) for address in end.addresses]
        for gateway in node.gateways:
            if not any(ip_address(gateway) in network for network in networks):
                yield f"nodes.{node.name}.gateways: {gateway} is in no subnet of {node.name}'s links"


def _wrong_neutrons(topology: Topology) -> Iterator[str]:
    controllers = [node for node in topology.nodes.values() if node.neutron]
    if len(controllers) > 1:
        yield f"nodes: expected one node with neutron, found {', '.join(node.name for node in controllers)}"
    for node in controllers:
        for host in node.neutron.bridge_mappings if node.neutron else ():
            if host not in topology.nodes:
                yield f"nodes.{node.name}.neutron.bridge_mappings: unknown node {host!r}"


def _wrong_ends(topology: Topology) -> Iterator[str]:
    used: set[tuple[str, str]] = set()
    for i, link in enumerate(topology.links):
        for end in link.ends:
            if end.node not in topology.nodes:
                yield f"links[{i}] {end}: unknown node {end.node!r}; known are {', '.join(topology.nodes)}"
            if (end.node, end.port) in used:
                yield f"links[{i}] {end}: this interface already has a link"
            used.add((end.node, end.port))


def _wrong_addresses(topology: Topology) -> Iterator[str]:
    owners: dict[object, str] = {}
    places = [(f"nodes.{n.name}.loopbacks", n.loopbacks) for n in topology.nodes.values()]
    places += [(f"links[{i}] {end}", end.addresses) for i, link in enumerate(topology.links) for end in link.ends]
    for where, addresses in places:
        for address in addresses:
            if address.ip in owners:
                yield f"{where}: {address.ip} is already used by {owners[address.ip]}"
            owners.setdefault(address.ip, where)
    for i, link in enumerate(topology.links):
        for address in link.a.addresses if link.b.addresses else ():
            if not any(other.network == address.network for other in link.b.addresses):
                yield f"links[{i}] {link.a}: {address} has no address of its subnet at the other end, {link.b}"
