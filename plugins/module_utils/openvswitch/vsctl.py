# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ovs-vsctl --format=json` prints (ovs-vsctl(8); values as in RFC 7047, 5.1), as bridges and ports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Union

from .model import PATCH, SYSTEM, Found, FoundBridge, FoundPort

Atom = Union[str, int, float, bool]
Value = Union[tuple[Atom, ...], dict[str, str]]
Row = Mapping[str, Value]

READ = (
    "--columns=name,datapath_type,ports,other_config,external_ids", "list", "Bridge",
    "--", "--columns=_uuid,name,interfaces,tag,external_ids", "list", "Port",
    "--", "--columns=_uuid,name,type,mtu_request,ofport,options", "list", "Interface",
)  # fmt: skip
"""One transaction, so that the three tables fit one another. Prints a line of JSON a table."""


def _value(raw: object) -> Value:
    """A set as a tuple, a single value as a tuple of one, a map as a dictionary, a uuid as its text."""
    if not isinstance(raw, list):
        if not isinstance(raw, (str, int, float, bool)):
            raise ValueError(f"{raw!r} is no value of OVSDB")
        return (raw,)
    kind, content = raw
    if kind == "uuid":
        return (str(content),)
    if kind == "set":
        return tuple(atom for item in content for atom in _value(item))
    if kind == "map":
        return {str(key): str(value) for key, value in content}
    raise ValueError(f"{raw!r} is no value of OVSDB")


def _rows(line: str) -> list[Row]:
    table = json.loads(line)
    return [{column: _value(raw) for column, raw in zip(table["headings"], row, strict=True)} for row in table["data"]]


def _first(row: Row, column: str) -> Atom | None:
    value = row[column]
    return next(iter(value), None)


def _map(row: Row, column: str) -> dict[str, str]:
    value = row[column]
    return value if isinstance(value, dict) else {}


def _interfaces(bridge: Row, ports: Mapping[Atom, Row], interfaces: Mapping[Atom, Row]) -> list[Row]:
    return [interfaces[interface] for port in bridge["ports"] for interface in ports[port]["interfaces"]]


def _bridge(row: Row, interfaces: list[Row]) -> FoundBridge:
    name = str(_first(row, "name"))
    local = next((found for found in interfaces if _first(found, "name") == name), None)
    mtu = _first(local, "mtu_request") if local else None
    others = [found for found in interfaces if found is not local and _first(found, "type") != PATCH]
    return FoundBridge(
        name=name,
        datapath_type=str(_first(row, "datapath_type") or SYSTEM),
        mac=_map(row, "other_config").get("hwaddr", "").lower() or None,
        mtu=int(mtu) if mtu is not None else None,
        ports=tuple(sorted(str(_first(found, "name")) for found in others)),
        works=local is not None and _works(local),
        external_ids=_map(row, "external_ids"),
    )


def _works(interface: Row) -> bool:
    return _first(interface, "ofport") not in (None, -1)


def _ports(bridge: Row, ports: Mapping[Atom, Row], interfaces: Mapping[Atom, Row]) -> Iterator[FoundPort]:
    """All but the local one, which has the bridge's name."""
    on = str(_first(bridge, "name"))
    for row in (ports[port] for port in bridge["ports"]):
        if (name := str(_first(row, "name"))) == on:
            continue
        member, *_others = row["interfaces"]
        first = interfaces[member]
        tag = _first(row, "tag")
        yield FoundPort(
            name=name,
            bridge=on,
            kind=str(_first(first, "type") or ""),
            peer=_map(first, "options").get("peer"),
            tag=int(tag) if tag is not None else None,
            external_ids=_map(row, "external_ids"),
            works=_works(first),
        )


def found_in(text: str) -> Found:
    """Bridges and ports, from what READ printed. Raises ValueError for anything else."""
    try:
        bridges, ports, interfaces = (_rows(line) for line in text.splitlines() if line.strip())
        by_port = {atom: row for row in ports for atom in row["_uuid"]}
        by_interface = {atom: row for row in interfaces for atom in row["_uuid"]}
        found = [_bridge(row, _interfaces(row, by_port, by_interface)) for row in bridges]
        members = [port for row in bridges for port in _ports(row, by_port, by_interface)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"ovs-vsctl printed something else than three tables: {error!r}") from error
    return Found({bridge.name: bridge for bridge in found}, {port.name: port for port in members})
