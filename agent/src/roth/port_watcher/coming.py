"""Which ports are on their way here, and which are about to leave, by what was read of this host's ports. Pure.

In live migration a port is bound to its source until the instance runs on the target, but Nova makes a second, inactive
binding first, and Neutron counts that as well when it is asked for the ports of a host: a port of another host in the
answer has a binding here. Neutron makes no second binding that fails, so such a one is good (ml2/plugin.py,
create_port_binding). `migrating_to` is Nova's own mark on the port (nova/network/neutron.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..neutron.reading import MATCHED, Entry
from ..wanted.document import read_document
from ..wanted.ports import InstanceRoutes, PortPlan, interface_of
from .config import Config

PROFILE = "binding:profile"


def leaving(document: Mapping[str, object], host: str) -> list[str]:
    """Taps of this host's ports that Nova has marked as on their way to another one."""
    found = []
    for port in _ports(document):
        profile = port.get(PROFILE)
        target = profile.get("migrating_to") if isinstance(profile, dict) else None
        if port.get("binding:host_id") == host and target not in (None, "", host):
            found.append(interface_of(str(port["id"])))
    return found


def coming(config: Config, document: Mapping[str, object]) -> list[dict[str, object]]:
    """Ports of other hosts that have a binding here, in the form of `arrivals.Coming`. Raises ValueError.

    Their routes are those that this host would have if it were the active one.
    """
    matched = document[MATCHED]
    assert isinstance(matched, list)  # noqa: S101
    ports = _ports(document)
    there = {
        str(port["id"]): {**port, "binding:host_id": config.host}
        for port in ports
        if port.get("binding:host_id") not in ("", config.host) and port["id"] in matched
    }
    if not there:
        return []
    whole = read_document({**document, "ports": [there.get(str(port["id"]), port) for port in ports]})
    found = PortPlan(whole, config.networks, config.device_owners).routes(config.host, config.loopbacks)
    return [_coming(port, found) for port in there.values()]


def _coming(port: Entry, found: InstanceRoutes) -> dict[str, object]:
    tap = interface_of(str(port["id"]))
    prefixes = {each.prefix for each in found.taps if each.device == tap}
    routes = [line for line in found.routes if line.partition(" ")[0] in prefixes]
    return {"tap": tap, "mac": str(port.get("mac_address")).lower(), "routes": routes}


def _ports(document: Mapping[str, object]) -> Sequence[Entry]:
    found = document["ports"]
    assert isinstance(found, list)  # noqa: S101
    return found
