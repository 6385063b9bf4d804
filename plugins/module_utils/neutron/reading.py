# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port document, read from Neutron: whole or not at all, because what is not in it would be withdrawn.

All filters are the server's (`binding:host_id`, `network_id`, `fields`), and every answer is checked against them: a
server or a proxy that drops a filter would hand out the ports of other hosts.
Source: https://docs.openstack.org/api-ref/network/v2/ (List ports, Pagination, Filtering and Column Selection).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_network
from urllib.parse import parse_qsl, urlsplit

from ..kernel.model import Prefix
from ..wanted.document import FLOATING_IP, ROUTER_GATEWAY, read_document
from ..wanted.networks import ProviderNetwork, contains
from .cloud import Cloud, NeutronError, Query, path_of

Entry = Mapping[str, object]

PORT_FIELDS = (
    "id",
    "name",
    "network_id",
    "binding:host_id",
    "binding:vif_type",
    "device_owner",
    "admin_state_up",
    "mac_address",
    "fixed_ips",
    "allowed_address_pairs",
    "project_id",
    "tags",
)
"""What the planner needs of a port. Each field less is time less: 10,000 ports took 12 s with all fields, 6.5 s so."""

FLOATING_FIELDS = ("id", "floating_ip_address", "floating_network_id", "router_id", "project_id", "tags")

HOST_LENGTHS: Mapping[int, int] = {4: 32, 6: 128}
NO_PAIR = 129
"""Longer than any prefix (bits): no allowed address pair is routed."""

MATCHED = "matched"

MOST_MOVING = 100
"""Ports of other hosts with an inactive binding on one host that are taken without asking whether the server filters.

So many hardly migrate live at once; but Nova leaves a binding behind where it could not delete it.
"""
_NO_HOST = "no host/has this name"

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_QUERY_SIZE = 4000  # characters of values in one request line: servers accept 8 kB of it, names are quoted
_MOST_PAGES = 10_000


def read_ports(
    cloud: Cloud,
    networks: Sequence[str],
    host: str | None = None,
    *,
    pair_lengths: Mapping[str, Mapping[int, int]] | None = None,
    base: Mapping[str, object] | None = None,
    more: Sequence[str] = (),
    floating: Collection[str] = (),
) -> dict[str, object]:
    """The port document (`networks`, `subnets`, `ports`) of the named networks; see `wanted.document.read_document`.

    `networks` are names or ids. With `host` only ports with that `binding:host_id` are read; where these have address
    pairs that could become routes, ports elsewhere that hold the same addresses come with them, so that the planner
    sees who shares an address. `pair_lengths` gives, by network and IP version, the shortest pair that is routed
    (bits; a host's length where it is missing). `base` is a document of the same networks that was read just now: its
    networks and subnets are taken, so that many hosts cost one request each. `more` are further fields of ports.
    Of the networks in `floating` the `floatingips` are in the document and the `routers` that deliver them, with `host`
    those whose gateway is there. A port in live migration is asked for by either of its hosts, and has only the active
    one as its host. Which ports matched, and not just share an address, is listed by id under `MATCHED`.
    Raises NeutronError, also for a network that is not there: a document is whole or there is none.
    """
    document = _networks_and_subnets(cloud, networks) if base is None else _without_ports(base)
    ids = [str(entry["id"]) for entry in document["networks"]]  # type: ignore[attr-defined]
    ports = _ports(cloud, ids, host, (*more, "device_id") if floating else more)
    if floating:
        here = [port for port in ports if host in (None, port.get("binding:host_id"))]
        document |= _floating(cloud, _ids_of(document, floating), here, host)
    _check(document, ports)
    if host is not None:
        own = [port for port in ports if port["binding:host_id"] == host]
        matched = [port["id"] for port in ports]
        ports += _sharing(cloud, ports, _pair_prefixes(document, own, pair_lengths or {}))
        _check(document, ports)
        return {**document, "ports": ports, MATCHED: matched}
    return {**document, "ports": ports}


def read_ports_of(
    cloud: Cloud,
    networks: Sequence[ProviderNetwork],
    host: str | None = None,
    base: Mapping[str, object] | None = None,
    more: Sequence[str] = (),
) -> dict[str, object]:
    """The same for the provider networks of the inventory. Raises NeutronError."""
    none = dict.fromkeys(HOST_LENGTHS, NO_PAIR)
    lengths = {network.name: network.pair_length if network.address_pairs else none for network in networks}
    floating = [network.name for network in networks if network.floating_ips]
    names = [network.name for network in networks]
    return read_ports(cloud, names, host, pair_lengths=lengths, base=base, more=more, floating=floating)


def bound_to(cloud: Cloud, host: str, ports: Sequence[str]) -> set[str]:
    """Those of the `ports` (by id) that have a binding for a host, active or not. Raises NeutronError."""
    rest = [("binding:host_id", host), ("fields", "id")]
    return {_text(entry, "id", "ports") for entry in _listed(cloud, "ports", [("id", each) for each in ports], rest)}


def _networks_and_subnets(cloud: Cloud, networks: Sequence[str]) -> dict[str, object]:
    found = read_networks(cloud, networks)
    subnets = _listed(cloud, "subnets", [("network_id", str(entry["id"])) for entry in found])
    return {"networks": found, "subnets": subnets}


def _without_ports(document: Mapping[str, object]) -> dict[str, object]:
    return {"networks": document["networks"], "subnets": document["subnets"]}


def read_networks(cloud: Cloud, networks: Sequence[str]) -> list[Entry]:
    """The networks of these names or ids, whole, each once. Raises NeutronError, also where one is not there."""
    found: dict[str, Entry] = {}
    for entry in _listed(cloud, "networks", [("name", name) for name in dict.fromkeys(networks)]):
        found[_text(entry, "id", "networks")] = entry
    missing = _missing(networks, found)
    for entry in _listed(cloud, "networks", [("id", each) for each in missing if _ID.fullmatch(each)]):
        found[_text(entry, "id", "networks")] = entry
    missing = _missing(networks, found)
    if missing:
        names = ", ".join(repr(name) for name in missing)
        raise NeutronError("broken", f"Neutron shows no network {names}: not there, or not for this account")
    for entry in found.values():
        if not {str(entry["id"]), str(entry.get("name"))} & set(networks):
            raise NeutronError("broken", f"Neutron answered network {entry['id']}, which was not asked for")
    return list(found.values())


def _missing(networks: Iterable[str], found: Mapping[str, Entry]) -> list[str]:
    known = {*found, *(str(entry.get("name")) for entry in found.values())}
    return [name for name in dict.fromkeys(networks) if name not in known]


def pages(cloud: Cloud, kind: str, query: Query) -> Iterator[Entry]:
    """Every entry of GET /v2.0/`kind`, all pages followed. Raises NeutronError.

    Of a link to the next page only the query is taken: behind a proxy its host may be another one.
    """
    path = path_of(kind)
    seen: set[str] = set()
    for _page in range(_MOST_PAGES):
        answer = cloud.get(path, query)
        entries = answer.get(kind)
        if not isinstance(entries, list):
            raise NeutronError("broken", f"GET {path}: {kind!r} is {type(entries).__name__}, expected a list")
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise NeutronError(
                    "broken", f"GET {path}: {kind}[{index}] is {type(entry).__name__}, expected an object"
                )
            yield entry
        following = _next_link(path, answer.get(f"{kind}_links"))
        if following is None:
            return
        if following in seen or not entries:
            raise NeutronError("broken", f"GET {path}: the link to the next page leads back: {following}")
        seen.add(following)
        query = parse_qsl(following, keep_blank_values=True)
    raise NeutronError("broken", f"GET {path}: more than {_MOST_PAGES} pages")


def _next_link(path: str, links: object) -> str | None:
    if links is None:
        return None
    if not isinstance(links, list) or not all(isinstance(link, dict) for link in links):
        raise NeutronError("broken", f"GET {path}: the links to other pages are no list of objects")
    for link in links:
        if link.get("rel") == "next":
            return urlsplit(str(link.get("href"))).query
    return None


def _listed(cloud: Cloud, kind: str, values: Query, rest: Query = ()) -> list[Entry]:
    """Entries that match any of `values` and all of `rest`; no request where there are no values."""
    return [entry for part in _parts(values) for entry in pages(cloud, kind, [*part, *rest])]


def _parts(values: Query) -> Iterator[Query]:
    part: list[tuple[str, str]] = []
    size = 0
    for name, value in values:
        length = len(name) + 3 * len(value)  # as long as quoting can make it
        if part and size + length > _QUERY_SIZE:
            yield part
            part, size = [], 0
        part.append((name, value))
        size += length
    if part:
        yield part


def _ids_of(document: Mapping[str, object], names: Collection[str]) -> list[str]:
    entries: Sequence[Entry] = document["networks"]  # type: ignore[assignment]
    return [str(entry["id"]) for entry in entries if {str(entry["id"]), str(entry.get("name"))} & set(names)]


def _floating(cloud: Cloud, networks: Sequence[str], ports: Sequence[Entry], host: str | None) -> dict[str, object]:
    """Floating IPs that a router delivers, and the routers; no request where `host` has no router's gateway."""
    values = [("floating_network_id", each) for each in networks]
    rest = [("fields", field) for field in FLOATING_FIELDS]
    gateways = {
        _text(port, "device_id", f"port {port.get('id')}")
        for port in ports
        if port.get("device_owner") == ROUTER_GATEWAY and port.get("network_id") in networks
    }
    if host is not None:
        values, rest = [("router_id", each) for each in sorted(gateways)], [*values, *rest]
    found = [entry for entry in _listed(cloud, "floatingips", values, rest) if entry.get("router_id")]
    for entry in found:
        if entry.get("floating_network_id") not in networks or (host and entry["router_id"] not in gateways):
            raise NeutronError("broken", f"floating IP {entry.get('id')} came, which was not asked for")
    wanted = sorted({str(entry["router_id"]) for entry in found})
    fields = [("fields", "id"), ("fields", "distributed")]
    routers = _listed(cloud, "routers", [("id", each) for each in wanted], fields)
    return {"floatingips": found, "routers": routers}


def _ports(cloud: Cloud, networks: Sequence[str], host: str | None, more: Sequence[str] = ()) -> list[Entry]:
    rest = [("fields", field) for field in (*PORT_FIELDS, *more)]
    if host is not None:
        rest.append(("binding:host_id", host))
    ports = _listed(cloud, "ports", [("network_id", each) for each in networks], rest)
    for port in ports:
        identity = _text(port, "id", "ports")
        shown = port.get("binding:host_id")
        if host is not None and not isinstance(shown, str):
            text = f"port {identity} of host {shown!r} came, but only those of {host!r} were asked for"
            raise NeutronError("broken", f"{text} (Neutron shows binding:host_id to administrators only)")
        if port.get("network_id") not in networks:
            shown = port.get("network_id")
            raise NeutronError("broken", f"port {identity}: its network_id {shown!r} was not asked for")
    others = [port for port in ports if host is not None and port["binding:host_id"] != host]
    if len(others) > MOST_MOVING and bound_to(cloud, _NO_HOST, [_text(others[0], "id", "ports")]):
        text = f"{len(others)} ports of other hosts came, such as {others[0]['id']} of {others[0]['binding:host_id']!r}"
        raise NeutronError("broken", f"{text}, but only those of {host!r} were asked for")
    return ports


def _text(entry: Entry, key: str, place: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise NeutronError("broken", f"{place}: {key!r} is {value!r}, expected a string")
    return value


def _check(document: Mapping[str, object], ports: Sequence[Entry]) -> None:
    try:
        read_document({**document, "ports": ports})
    except ValueError as error:
        raise NeutronError("broken", str(error)) from None


def _pair_prefixes(
    document: Mapping[str, object], ports: Sequence[Entry], lengths: Mapping[str, Mapping[int, int]]
) -> dict[str, set[Prefix]]:
    """By network id: pairs of `ports` that lie in a subnet of their network and are long enough to be routed."""
    typed = read_document({**document, "ports": ports})
    subnets = {str(entry["id"]): entry.get("subnets") for entry in document["networks"]}  # type: ignore[attr-defined]
    wanted: dict[str, set[Prefix]] = {}
    for port in typed.ports:
        rule = lengths.get(typed.networks[port.network_id]) or lengths.get(port.network_id) or HOST_LENGTHS
        inside = [typed.subnets[subnet] for subnet in subnets[port.network_id]]
        for pair in port.pairs:
            prefix = pair.prefix
            if prefix.prefixlen >= rule[prefix.version] and any(contains(subnet, prefix) for subnet in inside):
                wanted.setdefault(port.network_id, set()).add(prefix)
    return wanted


def _sharing(cloud: Cloud, ports: Sequence[Entry], wanted: Mapping[str, Collection[Prefix]]) -> list[Entry]:
    """Bound ports that are not in `ports` and hold one of the `wanted` prefixes, as fixed address or as a pair.

    Neutron filters by fixed address but not by pair, so an address that some port has as its own is settled by the
    cheap first question, and only for the others all ports of the network are read.
    """
    known = {port["id"] for port in ports}
    found: dict[str, Entry] = {}
    for network, prefixes in wanted.items():
        owned: set[Prefix] = set()
        addresses = [("fixed_ips", f"ip_address={each.network_address}") for each in sorted(prefixes, key=str)]
        rest = [("network_id", network), *(("fields", field) for field in PORT_FIELDS)]
        for port in _listed(cloud, "ports", addresses, rest):
            owned |= _holdings(port, ("fixed_ips",)) if _holds(port) else set()
            found[_text(port, "id", "ports")] = port
        open_ones = set(prefixes) - owned
        if open_ones:
            for port in _ports(cloud, [network], None):
                if _holdings(port, ("fixed_ips", "allowed_address_pairs")) & open_ones:
                    found[_text(port, "id", "ports")] = port
    return [port for identity, port in found.items() if identity not in known and _holds(port)]


def _holds(port: Entry) -> bool:
    """Whether its addresses are in use: it is bound, or the one by which Neutron keeps a floating IP."""
    return bool(port.get("binding:host_id")) or port.get("device_owner") == FLOATING_IP


def _holdings(port: Entry, keys: Iterable[str]) -> set[Prefix]:
    try:
        return {
            ip_network(str(item["ip_address"]), strict=False)
            for key in keys
            for item in port.get(key) or ()  # type: ignore[attr-defined]
        }
    except (KeyError, TypeError, ValueError):
        raise NeutronError("broken", f"port {port.get('id')}: its addresses are not in the API's form") from None
