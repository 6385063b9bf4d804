# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel over rtnetlink: the only file that imports pyroute2.

pyroute2 encodes messages (routes: one per kind of change, then patched) and brings the socket; replies are read
with the struct readers of wire.py. Every method raises OSError with the kernel's errno and words.
"""

from __future__ import annotations

import errno
import struct
import traceback
from collections.abc import Sequence
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any, Optional

from . import wire
from .collector import collector_paused
from .events import RouteEvents
from .exchange import Exchange, WriteError
from .model import (
    ODD,
    Action,
    Address,
    Family,
    InterfaceAddress,
    KernelNeighbor,
    KernelRoute,
    Link,
    Neighbor,
    Nexthop,
    NexthopGroup,
    Prefix,
    RouteChange,
    RouteFailure,
    RouteKey,
    RouteOperation,
    RouteTable,
    Rule,
    route_key,
)

__all__ = ["HAS_PYROUTE2", "PYROUTE2_IMPORT_ERROR", "Netlink", "RouteEvents"]

PYROUTE2_IMPORT_ERROR: Optional[str] = None
try:
    from pyroute2 import IPRSocket
    from pyroute2.netlink import nlmsg
    from pyroute2.netlink.rtnl.fibmsg import fibmsg
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
    from pyroute2.netlink.rtnl.ndmsg import ndmsg
    from pyroute2.netlink.rtnl.rtmsg import rtmsg
except ImportError:
    HAS_PYROUTE2 = False
    PYROUTE2_IMPORT_ERROR = traceback.format_exc()
    nlmsg = rtmsg = object
else:
    HAS_PYROUTE2 = True

_SKIP_STATISTICS = 8  # RTEXT_FILTER_SKIP_STATS: a third of a link's message
_DUMP = wire.NLM_F_REQUEST | wire.NLM_F_DUMP
_REPLACE = wire.NLM_F_REQUEST | wire.NLM_F_ACK | wire.NLM_F_CREATE | wire.NLM_F_REPLACE
_NUD_PERMANENT = 0x80
_GONE = (errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.ENXIO)


class NexthopMessage(nlmsg):  # type: ignore[misc]
    """struct nhmsg (linux/nexthop.h), which pyroute2 0.9 does not know."""

    fields = (("family", "B"), ("scope", "B"), ("protocol", "B"), ("resvd", "B"), ("flags", "I"))
    nla_map = (
        ("NHA_UNSPEC", "none"),
        ("NHA_ID", "uint32"),
        ("NHA_GROUP", "cdata"),
        ("NHA_GROUP_TYPE", "uint16"),
        ("NHA_BLACKHOLE", "flag"),
        ("NHA_OIF", "uint32"),
        ("NHA_GATEWAY", "cdata"),
    )


class GroupRouteMessage(rtmsg):  # type: ignore[misc]
    """rtmsg with RTA_NH_ID (30), which pyroute2 0.9 does not know."""

    nla_map = (
        *getattr(rtmsg, "nla_map", ()),
        ("RTA_PAD", "hex"),
        ("RTA_UID", "uint32"),
        ("RTA_TTL_PROPAGATE", "uint8"),
        ("RTA_IP_PROTO", "uint8"),
        ("RTA_SPORT", "uint16"),
        ("RTA_DPORT", "uint16"),
        ("RTA_NH_ID", "uint32"),
    )


def encode(message: nlmsg, kind: int, flags: int) -> bytes:
    """The bytes of a pyroute2 message, its sequence number zero."""
    message["header"] = {"type": kind, "flags": flags, "sequence_number": 0, "pid": 0}
    message.reset()
    message.encode()
    return bytes(message.data)


def encode_route(family: Family, attributes: Sequence[tuple[str, Any]], kind: int, flags: int, **fields: int) -> bytes:
    """A route message of type `kind` (RTM_*ROUTE); `fields` are those of struct rtmsg."""
    message = GroupRouteMessage()
    message.update(family=family.value, **fields)
    message["attrs"] = list(attributes)
    return encode(message, kind, flags)


class RouteEncoder:
    """Route changes as bytes: pyroute2 encodes one message for each shape, the rest are patched copies."""

    def __init__(self, table: int, protocol: int) -> None:
        self._table, self._protocol = table, protocol
        self._templates: dict[tuple[Action, int, int, int, int], tuple[struct.Struct, bytes, bytes, bytes]] = {}

    def encode(self, change: RouteChange, sequence: int) -> bytes:
        """One message without NLM_F_ACK."""
        action, (address, length, metric), (oif, kind) = change
        shape = (action, len(address), length, metric, kind)
        template = self._templates.get(shape)
        if template is None:
            template = self._templates[shape] = self._template(*shape)
        layout, head, middle, tail = template
        packed: bytes = layout.pack(head, sequence, middle, oif, tail, address)
        return packed

    def _template(
        self, action: Action, size: int, length: int, metric: int, kind: int
    ) -> tuple[struct.Struct, bytes, bytes, bytes]:
        """The message up to its sequence number, from there to the ifindex, the address's attribute header."""
        family = Family.IPV4 if size == 4 else Family.IPV6
        scope = 253 if family is Family.IPV4 and kind == wire.RTN_UNICAST else 0
        message, flags = wire.RTM_NEWROUTE, wire.NLM_F_REQUEST | wire.NLM_F_CREATE
        if action is Action.REMOVE:
            message, flags, scope = wire.RTM_DELROUTE, wire.NLM_F_REQUEST, 255  # RT_SCOPE_NOWHERE: of any scope
        elif action is Action.REPLACE:
            flags |= wire.NLM_F_REPLACE
        else:
            flags |= wire.NLM_F_EXCL
        attributes = [
            ("RTA_TABLE", self._table),
            ("RTA_PRIORITY", metric),
            ("RTA_OIF", 0),
            ("RTA_DST", inet_ntop(AF_INET if size == 4 else AF_INET6, bytes(size))),
        ]
        fields = {"dst_len": length, "proto": self._protocol, "scope": scope, "type": kind}
        encoded = encode_route(family, attributes, message, flags, **fields)
        middle = encoded[12 : -8 - size]
        layout = struct.Struct(f"=8sI{len(middle)}sI4s{size}s")
        return layout, encoded[:8], middle, encoded[-4 - size : -size]


def change_of(operation: RouteOperation) -> RouteChange:
    """The packed form of an operation."""
    kind = operation.kind.value
    if operation.action is Action.REMOVE and operation.oif is None and kind == wire.RTN_UNICAST:
        kind = ODD
    return operation.action, route_key(operation.prefix, operation.metric), (operation.oif or 0, kind)


def open_socket() -> IPRSocket:
    """pyroute2's netlink socket, not bound to any group."""
    if not HAS_PYROUTE2:
        raise ImportError(f"pyroute2 is needed to talk to the kernel: {PYROUTE2_IMPORT_ERROR}")
    return IPRSocket(ext_ack=True, strict_check=True)


class Netlink:
    """The kernel of the network namespace this was made in (implements model.Kernel)."""

    def __init__(self) -> None:
        self._netlink = open_socket()
        self._exchange = Exchange(self._netlink.socket)

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the socket."""
        self._netlink.close()

    def links(self) -> dict[int, Link]:
        """All interfaces by ifindex, bridge-port state (master, isolated) included."""
        message = ifinfmsg()
        message["attrs"] = [("IFLA_EXT_MASK", _SKIP_STATISTICS)]
        request = encode(message, wire.RTM_GETLINK, _DUMP)
        return {link.index: link for link in self._exchange.dump(request, wire.read_link, "dump of links")}

    def received(self, index: int) -> int:
        """How many packets the interface `index` has received. Raises OSError (ENODEV) when it is not there."""
        message = ifinfmsg()
        message["index"] = index
        request = encode(message, wire.RTM_GETLINK, wire.NLM_F_REQUEST | wire.NLM_F_ACK)
        (packets,) = self._exchange.dump(request, wire.read_received, f"counters of interface {index}")
        return packets

    def _raw_routes(self, table: int, protocol: int | None, family: Family) -> list[wire.RawRoute]:
        attributes = [("RTA_TABLE", table)]
        request = encode_route(family, attributes, wire.RTM_GETROUTE, _DUMP, proto=protocol or 0)
        found = self._exchange.dump(request, wire.read_route, f"dump of {family.name} routes of table {table}")
        return [route for route in found if route is not None and route[4] == table]

    @collector_paused()
    def routes(self, table: int, protocol: int | None, family: Family) -> list[KernelRoute]:
        """Kernel-side filtered dump (protocol None: of every protocol); a missing table is an empty list."""
        return [wire.kernel_route(route) for route in self._raw_routes(table, protocol, family)]

    @collector_paused()
    def route_table(self, table: int, protocol: int) -> RouteTable:
        """Our routes of both families in the form that plans compare: a third of the time that routes() takes."""
        found = RouteTable()
        for family in Family:
            for route in self._raw_routes(table, protocol, family):
                hop = (
                    (route[1], wire.RTN_UNICAST) if route[2] == wire.RTN_UNICAST and route[5] else wire.route_hop(route)
                )
                # An IPv6 dump of a table that changes can name a route twice.
                if found.hops.setdefault(route[0], hop) != hop:
                    found.extra.append((route[0], hop))
        return found

    def foreign_routes(self, table: int, protocol: int) -> dict[RouteKey, int]:
        """The keys that routes of other protocols hold in a table, with their protocol."""
        return {
            route[0]: route[3]
            for family in Family
            for route in self._raw_routes(table, None, family)
            if route[3] != protocol
        }

    def nexthops(self, protocol: int) -> tuple[dict[int, Nexthop], dict[int, NexthopGroup]]:
        """Our nexthop objects and groups by id."""
        found = [item for _id, owner, item in self._nexthop_objects() if owner == protocol]
        return (
            {item.id: item for item in found if isinstance(item, Nexthop)},
            {item.id: item for item in found if isinstance(item, NexthopGroup)},
        )

    def nexthop_protocols(self) -> dict[int, int]:
        """The protocol that owns each nexthop id in use, of every kind and owner."""
        return {identifier: protocol for identifier, protocol, _item in self._nexthop_objects()}

    def _nexthop_objects(self) -> list[tuple[int, int, Nexthop | NexthopGroup | None]]:
        return self._exchange.dump(
            encode(NexthopMessage(), wire.RTM_GETNEXTHOP, _DUMP), wire.read_nexthop, "dump of nexthops"
        )

    def rules(self, family: Family) -> list[Rule]:
        """Policy rules in order of priority."""
        message = fibmsg()
        message["family"] = family.value
        request = encode(message, wire.RTM_GETRULE, _DUMP)
        return sorted(self._exchange.dump(request, wire.read_rule, "dump of rules"), key=lambda rule: rule.priority)

    def addresses(self, family: Family) -> list[InterfaceAddress]:
        """Addresses of all interfaces."""
        message = ifaddrmsg()
        message["family"] = family.value
        found = self._exchange.dump(
            encode(message, wire.RTM_GETADDR, _DUMP), wire.read_interface_address, "dump of addresses"
        )
        return [address for address in found if address is not None]

    def neighbors(self, index: int | None = None) -> list[KernelNeighbor]:
        """Neighbour entries of both families, of one interface or all; bridge forwarding entries left out."""
        found = []
        for family in Family:
            message = ndmsg()
            message["family"] = family.value
            message["attrs"] = [("NDA_IFINDEX", index)] if index else []
            request = encode(message, wire.RTM_GETNEIGH, _DUMP)
            found += self._exchange.dump(request, wire.read_neighbor, "dump of neighbours")
        return [neighbor for neighbor in found if neighbor is not None]

    # Writing

    def apply(self, table: int, protocol: int, operations: Sequence[RouteOperation]) -> list[RouteFailure]:
        """Write in order, at most BATCH a send; what fails is returned, the rest is applied.

        Removing what is gone already is no failure. Raises PermissionError without CAP_NET_ADMIN.
        """
        failures = self.write(table, protocol, [change_of(operation) for operation in operations])
        return [RouteFailure(operations[index], code, text) for index, code, text in failures]

    def write(self, table: int, protocol: int, changes: Sequence[RouteChange]) -> list[WriteError]:
        """apply() in the packed form: position in `changes`, errno and text of each failure."""
        failures = self._exchange.write(changes, RouteEncoder(table, protocol).encode, "change of routes")
        return [
            failure for failure in failures if not (changes[failure[0]][0] is Action.REMOVE and failure[1] in _GONE)
        ]

    def replace_group_route(
        self, prefix: Prefix, group: int, table: int, metric: int, protocol: int, source: Address | None = None
    ) -> None:
        """Install or change `prefix` through nexthop group `group`, with `source` as preferred source address."""
        attributes: list[tuple[str, Any]] = [("RTA_TABLE", table), ("RTA_PRIORITY", metric), ("RTA_NH_ID", group)]
        if prefix.prefixlen:
            attributes.append(("RTA_DST", str(prefix.network_address)))
        if source is not None:
            attributes.append(("RTA_PREFSRC", str(source)))
        family = Family.IPV4 if prefix.version == 4 else Family.IPV6
        fields = {"dst_len": prefix.prefixlen, "proto": protocol, "scope": 0, "type": wire.RTN_UNICAST}
        message = encode_route(family, attributes, wire.RTM_NEWROUTE, _REPLACE, **fields)
        self._exchange.request(message, f"route {prefix} through nexthop group {group}")

    def replace_nexthop(self, nexthop: Nexthop, protocol: int) -> None:
        """Create or change one nexthop object."""
        message = NexthopMessage()
        message["family"] = AF_INET if nexthop.gateway.version == 4 else AF_INET6
        message["protocol"] = protocol
        message["attrs"] = [
            ("NHA_ID", nexthop.id),
            ("NHA_OIF", nexthop.oif),
            ("NHA_GATEWAY", nexthop.gateway.packed),
        ]
        self._exchange.request(
            encode(message, wire.RTM_NEWNEXTHOP, _REPLACE), f"nexthop {nexthop.id} ({nexthop.gateway})"
        )

    def replace_group(self, group: NexthopGroup, protocol: int) -> None:
        """Create or change one multipath group (linux/nexthop.h, struct nexthop_grp)."""
        message = NexthopMessage()
        message["protocol"] = protocol
        members = b"".join(struct.pack("=IBBH", member, weight - 1, 0, 0) for member, weight in group.members)
        message["attrs"] = [("NHA_ID", group.id), ("NHA_GROUP", members)]
        self._exchange.request(encode(message, wire.RTM_NEWNEXTHOP, _REPLACE), f"nexthop group {group.id}")

    def delete_nexthop(self, id: int) -> None:
        """Remove a nexthop object or group; absent is not an error."""
        message = NexthopMessage()
        message["attrs"] = [("NHA_ID", id)]
        try:
            flags = wire.NLM_F_REQUEST | wire.NLM_F_ACK
            self._exchange.request(encode(message, wire.RTM_DELNEXTHOP, flags), f"removal of nexthop {id}")
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def replace_neighbor(self, neighbor: Neighbor, protocol: int) -> None:
        """Create or change one static neighbour entry; NDA_PROTOCOL marks it as ours."""
        message = ndmsg()
        message["family"] = AF_INET if neighbor.address.version == 4 else AF_INET6
        message["ifindex"] = neighbor.oif
        message["state"] = _NUD_PERMANENT
        message["attrs"] = [
            ("NDA_DST", str(neighbor.address)),
            ("NDA_LLADDR", neighbor.mac),
            ("NDA_PROTOCOL", protocol),
        ]
        self._exchange.request(encode(message, wire.RTM_NEWNEIGH, _REPLACE), f"neighbour {neighbor.address}")

    def delete_neighbor(self, address: Address, oif: int) -> None:
        """Remove a neighbour entry; absent is not an error."""
        message = ndmsg()
        message["family"] = AF_INET if address.version == 4 else AF_INET6
        message["ifindex"] = oif
        message["attrs"] = [("NDA_DST", str(address))]
        try:
            flags = wire.NLM_F_REQUEST | wire.NLM_F_ACK
            self._exchange.request(encode(message, wire.RTM_DELNEIGH, flags), f"removal of neighbour {address}")
        except OSError as error:
            if error.errno not in _GONE:
                raise

    def isolate_port(self, index: int) -> None:
        """Set IFLA_BRPORT_ISOLATED on bridge port `index`: bridged frames reach no other isolated port."""
        message = ifinfmsg()
        message["index"] = index
        isolated = {"attrs": [("IFLA_BRPORT_ISOLATED", 1)]}
        settings = [("IFLA_INFO_SLAVE_KIND", "bridge"), ("IFLA_INFO_SLAVE_DATA", isolated)]
        message["attrs"] = [("IFLA_LINKINFO", {"attrs": settings})]
        flags = wire.NLM_F_REQUEST | wire.NLM_F_ACK
        self._exchange.request(encode(message, wire.RTM_NEWLINK, flags), f"isolation of bridge port {index}")
