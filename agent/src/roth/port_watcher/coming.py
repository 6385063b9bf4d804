"""Which ports are on their way here, and which are about to leave, as Neutron tells who asks for it.

A port in live migration is bound to its source until the instance runs on the target, so the ports of this host don't
have it. But its tap is here, and has the first 11 characters of its id in its name; where these are all that is known
of the id, the MAC finds it: libvirt gives a tap the one of its guest, with fe as the first byte (virnetdevtap.c,
virNetDevTapCreateInBridgePort). Sources: https://docs.openstack.org/api-ref/network/v2/ (List ports, List port
bindings); nova/network/neutron.py for `migrating_to`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..neutron.cloud import Cloud, NeutronError, path_of
from ..neutron.reading import Entry, read_ports_by
from ..wanted.document import read_document
from ..wanted.ports import InstanceRoutes, PortPlan
from .answer import TAP
from .config import Config

PROFILE = "binding:profile"
BLIND = "Neutron shows no port bindings to this account (policy get_port_binding)"
MOST = 50  # ports whose bindings are asked for in one read: one request each
_TAPS_MARK, _BASE = "fe", "fa"  # the first byte of a tap's MAC, and of a guest's by Neutron's default (base_mac)
_ID = 11  # characters of a port's id in the name of its tap


@dataclass(frozen=True)
class SeenTap:
    """A tap that no port of this host explains. `port` is the port's whole id where the host knows it."""

    name: str
    mac: str | None = None
    port: str | None = None


@dataclass(frozen=True)
class Question:
    """What the reader is asked: `number` comes back with the answer."""

    number: int
    taps: tuple[SeenTap, ...] = ()


def leaving(document: Mapping[str, object], host: str) -> list[str]:
    """Taps of this host's ports that Nova has marked as on their way to another one."""
    ports = document["ports"]
    assert isinstance(ports, list)  # noqa: S101
    found = []
    for port in ports:
        profile = port.get(PROFILE)
        target = profile.get("migrating_to") if isinstance(profile, dict) else None
        if port.get("binding:host_id") == host and target not in (None, "", host):
            found.append(_tap(port))
    return found


def coming(
    cloud: Cloud, config: Config, document: Mapping[str, object], taps: Iterable[SeenTap]
) -> tuple[list[dict[str, object]], str | None]:
    """Ports of other hosts that have one of the `taps`, in the form of `arrivals.Coming`, and why not all is known.

    `document` is what was just read of this host. Raises NeutronError, and ValueError for what is not the API's form.
    """
    found = candidates(cloud, document, taps)[:MOST]
    elsewhere = [port for port in found if port.get("binding:host_id") not in (None, "", config.host)]
    ready, blind = [], None
    for port in elsewhere:
        bindings = _bindings(cloud, str(port["id"]))
        if bindings is None:
            blind = BLIND
        ready += [
            {**port, "binding:host_id": config.host, "binding:vif_type": each.get("vif_type")}
            for each in bindings or ()
            if each.get("host") == config.host
        ]
    routes = _routes(config, document, ready)
    here = {str(port["id"]) for port in ready}
    return [_coming(port, str(port["id"]) in here, routes) for port in elsewhere], blind


def candidates(cloud: Cloud, document: Mapping[str, object], taps: Iterable[SeenTap]) -> list[Entry]:
    """Ports in our networks, on whatever host, that a tap's name and MAC (or id) may be of. Raises NeutronError."""
    known = _entries(document, "ports")
    octets = sorted({_BASE} | {str(port.get("mac_address"))[:2].lower() for port in known})
    explained = {_tap(port) for port in known}
    asked = [tap for tap in taps if tap.name not in explained]
    values = [("id", tap.port) for tap in asked if tap.port is not None]
    macs = [
        ("mac_address", octet + tap.mac[2:])
        for tap in asked
        if tap.port is None and tap.mac is not None and tap.mac.startswith(_TAPS_MARK)
        for octet in octets
    ]
    names = {tap.name for tap in asked}
    networks = [str(entry["id"]) for entry in _entries(document, "networks")]
    return [
        port
        for query in (values, macs)
        for port in read_ports_by(cloud, networks, query)
        if isinstance(port.get("id"), str) and _tap(port) in names
    ]


def _bindings(cloud: Cloud, port: str) -> list[Entry] | None:
    """None where this account may not see them: Neutron leaves out what a policy forbids, and a bound port has one."""
    path = path_of("ports", port, "bindings")
    try:
        found = cloud.get(path).get("bindings")
    except NeutronError as error:
        if error.status == 403:
            return None
        if error.status == 404:  # the port is gone
            return []
        raise
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise NeutronError("broken", f"GET {path}: 'bindings' is no list of objects")
    return found or None


def _routes(config: Config, document: Mapping[str, object], ready: Sequence[Entry]) -> InstanceRoutes | None:
    """What this host would have if these ports were bound here."""
    if not ready:
        return None
    known = {str(port["id"]) for port in ready}
    ports = [port for port in _entries(document, "ports") if port["id"] not in known]
    whole = read_document({**document, "ports": [*ports, *ready]})
    return PortPlan(whole, config.networks, config.device_owners).routes(config.host, config.loopbacks)


def _coming(port: Entry, ready: bool, found: InstanceRoutes | None) -> dict[str, object]:
    tap = _tap(port)
    prefixes = {each.prefix for each in found.taps if each.device == tap} if found and ready else set()
    routes = [line for line in found.routes if line.partition(" ")[0] in prefixes] if found else []
    return {"tap": tap, "mac": str(port.get("mac_address")).lower(), "ready": bool(routes), "routes": routes}


def _tap(port: Entry) -> str:
    return f"{TAP}{str(port['id'])[:_ID]}"


def _entries(document: Mapping[str, object], kind: str) -> list[Entry]:
    found = document[kind]
    assert isinstance(found, list)  # noqa: S101
    return found
