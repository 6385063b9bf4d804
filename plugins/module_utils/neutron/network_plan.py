# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the network that is wanted and the one that Neutron has to the steps between them: pure.

What Neutron cannot do is refused here, before anything is changed, in words that name network, segment or subnet, the
value and what was expected. Neutron itself answers some of it with an HTTP 500.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .found import FoundNetwork, FoundPort, FoundSegment, FoundSubnet
from .routed import ROUTED, RoutedNetwork, Segment, SegmentKey, Subnet

Body = Mapping[str, object]
Action = Literal["create", "update", "delete"]
What = Literal["network", "segment", "subnet"]

_SHOWN_PORTS = 5


@dataclass(frozen=True)
class Step:
    """One request. `id` is empty for what is created; `segment` is the key of the segment a new subnet is pinned to.

    `before` is what of `body` was there. `implied` is what Neutron does by itself when it removes the network.
    """

    action: Action
    what: What
    label: str
    id: str = ""
    body: Body = field(default_factory=dict)
    before: Body = field(default_factory=dict)
    segment: SegmentKey | None = None
    implied: bool = False

    @property
    def text(self) -> str:
        """One line for the operator: what, its name and the values."""
        return self._line(self.body)

    @property
    def before_text(self) -> str:
        """The same with what was there."""
        return self._line(self.before)

    def _line(self, values: Body) -> str:
        shown = [f"{key}={_shown(value)}" for key, value in sorted(values.items()) if value != self.label]
        if self.segment is not None:
            shown.append(f"segment={self.segment[1]}")
        return " ".join([self.what, self.label, *shown])


@dataclass(frozen=True)
class NetworkPlan:
    """Steps in their order; `surplus` is what Neutron has besides and keeps; where something is `refused`, no step."""

    steps: tuple[Step, ...]
    surplus: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def diff(self) -> dict[str, str]:
        """What changes, one line an item, as Ansible shows it."""
        before = [step.before_text for step in self.steps if step.action != "create"]
        after = [step.text for step in self.steps if step.action != "delete"]
        return {"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in after)}


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ",".join(_shown(each) for each in value) or "none"
    if isinstance(value, dict):
        return "-".join(str(each) for each in value.values())
    return "none" if value is None else str(value)


def plan_present(
    wanted: RoutedNetwork,
    found: FoundNetwork | None,
    taken: Mapping[SegmentKey, str],
    *,
    purge: bool = False,
) -> NetworkPlan:
    """The steps to the wanted network.

    `taken` gives the network id of each segment on the physical networks of those that are not there yet. With `purge`
    segments and subnets that are not wanted are removed, or refused where something is on them.
    """
    return _Planning(wanted, found, taken, purge).plan()


def plan_absent(name: str, found: FoundNetwork | None) -> NetworkPlan:
    """The step that removes the network with its segments and subnets; refused while ports are there."""
    if found is None:
        return NetworkPlan(())
    ports = found.ports or ()
    if ports:
        text = f"network {name}: {_ports_text(ports)} there, expected none before it is removed"
        return NetworkPlan((), refused=(text,))
    steps = [Step("delete", "subnet", str(each.cidr), each.id, implied=True) for each in found.subnets]
    steps += [Step("delete", "segment", each.label, each.id, implied=True) for each in found.segments]
    return NetworkPlan((*steps, Step("delete", "network", name, found.id)))


def _ports_text(ports: Sequence[FoundPort]) -> str:
    names = sorted(port.label for port in ports)
    more = f" and {len(names) - _SHOWN_PORTS} more" if len(names) > _SHOWN_PORTS else ""
    shown = f"({', '.join(names[:_SHOWN_PORTS])}{more})"
    return f"1 port {shown} is" if len(names) == 1 else f"{len(names)} ports {shown} are"


class _Planning:
    """Collects steps and refusals of one network."""

    def __init__(
        self, wanted: RoutedNetwork, found: FoundNetwork | None, taken: Mapping[SegmentKey, str], purge: bool
    ) -> None:
        self._wanted = wanted
        self._found = found
        self._taken = taken
        self._place = f"network {wanted.name}"
        self._segments = {each.key: each for each in found.segments} if found else {}
        self._subnets = {each.cidr: each for each in found.subnets} if found else {}
        keys = {segment.key for segment in wanted.segments}
        cidrs = {subnet.cidr for subnet in wanted.subnets}
        surplus_segments = [each for key, each in self._segments.items() if key not in keys]
        surplus_subnets = [each for cidr, each in self._subnets.items() if cidr not in cidrs]
        self._leaving_segments = surplus_segments if purge else []
        self._leaving_subnets = surplus_subnets if purge else []
        self._staying_subnets = [each for each in self._subnets.values() if each not in self._leaving_subnets]
        kept: list[str] = []
        if not purge:
            kept = [f"segment {each.label}" for each in surplus_segments]
            kept += [f"subnet {each.cidr}" for each in surplus_subnets]
        self._surplus = tuple(kept)
        self._keys = {segment.name: segment.key for segment in wanted.segments}

    def plan(self) -> NetworkPlan:
        refused = tuple(self._refusals())
        if refused:
            return NetworkPlan((), self._surplus, refused)
        return NetworkPlan(tuple(self._steps()), self._surplus)

    def _steps(self) -> Iterator[Step]:
        yield from self._network_steps()
        for leaving in self._leaving_subnets:
            yield Step("delete", "subnet", str(leaving.cidr), leaving.id, before=self._subnet_state(leaving))
        for each in self._leaving_segments:
            yield Step("delete", "segment", each.label, each.id, before=_segment_body(each))
        for wanted in self._wanted.segments:
            known = self._segments.get(wanted.key)
            if known is None:
                yield Step("create", "segment", wanted.name, body=_segment_body(wanted))
            elif known.name != wanted.name:
                name, before = {"name": wanted.name}, {"name": known.name or None}
                yield Step("update", "segment", known.physical_network, known.id, body=name, before=before)
        for subnet in self._wanted.subnets:
            yield from self._subnet_steps(subnet)

    def _network_steps(self) -> Iterator[Step]:
        body = {
            key: value
            for key, value in (("shared", self._wanted.shared), ("mtu", self._wanted.mtu))
            if value is not None
        }
        if self._found is None:
            yield Step("create", "network", self._wanted.name, body={"name": self._wanted.name, **body})
            return
        there: dict[str, object] = {"shared": self._found.shared, "mtu": self._found.mtu}
        changed = {key: value for key, value in body.items() if there[key] != value}
        if changed:
            before = {key: there[key] for key in changed}
            yield Step("update", "network", self._wanted.name, self._found.id, changed, before)

    def _subnet_steps(self, wanted: Subnet) -> Iterator[Step]:
        found = self._subnets.get(wanted.cidr)
        body = _subnet_body(wanted)
        if found is None:
            key = None if wanted.segment is None else self._keys[wanted.segment]
            if wanted.mode is not None:
                body = {**body, "ipv6_address_mode": wanted.mode, "ipv6_ra_mode": wanted.mode}
            body = {**body, "cidr": str(wanted.cidr), "ip_version": wanted.cidr.version}
            yield Step("create", "subnet", str(wanted.cidr), body=body, segment=key)
            return
        there = self._subnet_state(found)
        changed = {key: value for key, value in body.items() if not _same(key, there[key], value)}
        if changed:
            before = {key: there[key] for key in changed}
            yield Step("update", "subnet", str(wanted.cidr), found.id, changed, before)

    def _subnet_state(self, found: FoundSubnet) -> dict[str, object]:
        return {
            "name": found.name,
            "gateway_ip": None if found.gateway is None else str(found.gateway),
            "enable_dhcp": found.enable_dhcp,
            "service_types": list(found.service_types),
            "dns_nameservers": list(found.dns_nameservers),
            "allocation_pools": [{"start": str(start), "end": str(end)} for start, end in found.pools],
        }

    # --- what Neutron cannot do ---

    def _refusals(self) -> Iterator[str]:
        for segment in self._wanted.segments:
            yield from self._segment_refusals(segment)
        for subnet in self._wanted.subnets:
            yield from self._subnet_refusals(subnet)
        yield from self._mixture()
        for leaving in self._leaving_subnets:
            on_it = [port for port in self._ports() if leaving.id in port.subnet_ids]
            if on_it:
                place = f"{self._place}, subnet {leaving.cidr}"
                yield f"{place}: {_ports_text(on_it)} in it, expected none before it is removed"
        for each in self._leaving_segments:
            yield from self._segment_in_use(each)

    def _ports(self) -> Sequence[FoundPort]:
        return (self._found.ports if self._found else None) or ()

    def _segment_refusals(self, wanted: Segment) -> Iterator[str]:
        place = f"{self._place}, segment {wanted.name}"
        if wanted.key in self._segments:
            return
        same_name = [each for each in self._segments.values() if each.name == wanted.name]
        for each in same_name:
            if each not in self._leaving_segments:
                yield (
                    f"{place}: is {_key_text(each.key)} in Neutron and {_key_text(wanted.key)} here; Neutron cannot"
                    f" change a segment: expected {_key_text(each.key)}, or another name for a new segment"
                )
        owner = self._taken.get(wanted.key)
        if owner is not None and (self._found is None or owner != self._found.id):
            yield f"{place}: {_key_text(wanted.key)} is a segment of network {owner} already, expected one of its own"

    def _subnet_refusals(self, wanted: Subnet) -> Iterator[str]:
        place = f"{self._place}, subnet {wanted.cidr}"
        found = self._subnets.get(wanted.cidr)
        if found is None:
            for each in self._staying_subnets:
                if each.cidr.version == wanted.cidr.version and each.cidr.overlaps(wanted.cidr):
                    yield (
                        f"{place}: overlaps {each.cidr}, which is there; Neutron cannot change a subnet's cidr:"
                        f" expected {each.cidr}, or a prefix apart from it"
                    )
            return
        if self._segment_id(wanted) != found.segment_id:
            there, here = self._segment_label(found.segment_id), wanted.segment
            yield (
                f"{place}: its segment is {there or 'none'} in Neutron and {here or 'none'} here; Neutron cannot move a"
                f" subnet: expected {there or 'none'}, or another subnet"
            )
        yield from self._gateway_refusals(place, wanted, found)
        if wanted.mode is not None and (found.address_mode, found.ra_mode) != (wanted.mode, wanted.mode):
            yield (
                f"{place}: its IPv6 modes are {found.address_mode or 'none'} (addresses) and {found.ra_mode or 'none'}"
                f" (router advertisements) in Neutron and {wanted.mode} here; Neutron cannot change them"
            )

    def _gateway_refusals(self, place: str, wanted: Subnet, found: FoundSubnet) -> Iterator[str]:
        """With pools of its own the options have been checked; Neutron's default pools leave out the first gateway."""
        if wanted.gateway in (None, found.gateway) or wanted.pools is not None:
            return
        for start, end in found.pools:
            if int(start) <= int(wanted.gateway) <= int(end):
                yield (
                    f"{place}: gateway is {wanted.gateway}, which lies in its allocation pool {start} to {end}:"
                    f" expected an address outside of it, or allocation_pools without it"
                )

    def _segment_id(self, wanted: Subnet) -> str | None:
        """The id of the wanted segment, empty while it is not there; None for a subnet that spans all."""
        known = None if wanted.segment is None else self._segments.get(self._keys[wanted.segment])
        return None if wanted.segment is None else known.id if known else ""

    def _segment_label(self, identity: str | None) -> str | None:
        labels = {each.id: each.label for each in self._segments.values()}
        return None if identity is None else labels.get(identity, identity)

    def _mixture(self) -> Iterator[str]:
        known = [(str(each.cidr), each.segment_id is not None, each.service_types) for each in self._staying_subnets]
        there = {cidr for cidr, _pinned, _types in known}
        known += [
            (str(each.cidr), each.segment is not None, each.service_types or ())
            for each in self._wanted.subnets
            if str(each.cidr) not in there
        ]
        pinned = sorted(cidr for cidr, is_pinned, _types in known if is_pinned)
        spanning = sorted(cidr for cidr, is_pinned, types in known if not is_pinned and ROUTED not in types)
        if pinned and spanning:
            yield (
                f"{self._place}: subnets with a segment ({', '.join(pinned)}) and without one ({', '.join(spanning)});"
                f" Neutron takes no mixture: expected a segment for each of them, or for none"
            )

    def _segment_in_use(self, leaving: FoundSegment) -> Iterator[str]:
        place = f"{self._place}, segment {leaving.label}"
        subnets = [str(each.cidr) for each in self._staying_subnets if each.segment_id == leaving.id]
        if subnets:
            yield f"{place}: subnets are pinned to it ({', '.join(subnets)}), expected none before it is removed"
        hosts = ((self._found.hosts if self._found else None) or {}).get(leaving.physical_network, frozenset())
        on_it = [port for port in self._ports() if port.host in hosts]
        if on_it:
            yield f"{place}: {_ports_text(on_it)} on its hosts, expected none before it is removed"


def _key_text(key: SegmentKey) -> str:
    kind, physical, number = key
    return f"{kind} on {physical}" if number is None else f"{kind} {number} on {physical}"


def _segment_body(segment: Segment | FoundSegment) -> dict[str, object]:
    body: dict[str, object] = {
        "name": segment.name,
        "network_type": segment.network_type,
        "physical_network": segment.physical_network,
    }
    return body if segment.segmentation_id is None else {**body, "segmentation_id": segment.segmentation_id}


def _subnet_body(subnet: Subnet) -> dict[str, object]:
    pools = None
    if subnet.pools is not None:
        pools = [{"start": str(start), "end": str(end)} for start, end in subnet.pools]
    values: dict[str, object] = {
        "name": subnet.name,
        "gateway_ip": None if subnet.gateway is None else str(subnet.gateway),
        "enable_dhcp": subnet.enable_dhcp,
        "service_types": None if subnet.service_types is None else list(subnet.service_types),
        "dns_nameservers": None if subnet.dns_nameservers is None else list(subnet.dns_nameservers),
        "allocation_pools": pools,
    }
    return {key: value for key, value in values.items() if value is not None}


def _same(key: str, there: object, wanted: object) -> bool:
    if key == "service_types":  # a set: Neutron gives them back in any order
        return sorted(map(str, there)) == sorted(map(str, wanted))  # type: ignore[call-overload]
    return there == wanted
