"""The learned default in the kernel: nexthop objects, one group and one route a family.

The kernel deletes nexthops and shrinks groups on carrier loss without a message and doesn't restore them, and takes
the group and its routes with the last member. So each application reads what is there and writes the difference.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .config import GROUP_IDS, Config, Uplink
from .kernel.model import Family, Kernel, Link, Nexthop, NexthopGroup
from .log import log
from .uplinks import DEFAULT


@dataclass
class DefaultRoute:
    """One family's default as we want it and whether the kernel has it. `members` are uplink names.

    `failure` says why it can't be installed, `sourceless` why it stands without the configured source address.
    """

    members: tuple[str, ...] = ()
    installed: bool = False
    fail_static: bool = False
    failure: str | None = None
    sourceless: str | None = None


@dataclass
class Fib:
    """Writes the group of each family through `kernel`, and reads it back."""

    kernel: Kernel
    config: Config
    defaults: dict[Family, DefaultRoute] = field(default_factory=lambda: {family: DefaultRoute() for family in Family})

    def adopt(self) -> None:
        """Take over the groups that stand in the kernel: before we know better, they are right. Raises OSError."""
        nexthops, groups = self.kernel.nexthops(self.config.protocol)
        for family, default in self.defaults.items():
            group = groups.get(GROUP_IDS[family])
            ids = {member for member, _weight in group.members} if group else set()
            default.members = tuple(
                uplink.name
                for uplink in self.config.uplinks
                if uplink.nexthop_id(family) in ids and uplink.nexthop_id(family) in nexthops
            )
            if default.members:
                log("group_adopted", group=GROUP_IDS[family], uplinks=",".join(default.members))

    def apply(self, family: Family, members: tuple[str, ...], links: Mapping[int, Link]) -> bool:
        """Make the kernel's group, nexthops and route of a family equal to `members`; True when something was written.

        A refusal is kept in the family's `failure` and tried again at the next application."""
        default = self.defaults[family]
        before = default.members
        default.members = members
        try:
            wrote = self._write(family, members, {link.name: link for link in links.values()})
            default.installed, default.failure = any(u.name in members for u in self.config.uplinks), None
        except OSError as error:
            default.installed, wrote = False, True
            text = f"default of group {GROUP_IDS[family]} can't be installed: {error}"
            if text != default.failure:
                log("default_not_installed", "error", group=GROUP_IDS[family], error=error)
            default.failure = text
        if before != members:
            log("group", group=GROUP_IDS[family], was=",".join(before) or "none", uplinks=",".join(members) or "none")
        return wrote

    def _write(self, family: Family, members: tuple[str, ...], links: Mapping[str, Link]) -> bool:
        nexthops, groups = self.kernel.nexthops(self.config.protocol)
        group = groups.get(GROUP_IDS[family])
        chosen = [uplink for uplink in self.config.uplinks if uplink.name in members]
        if not chosen:
            if group is not None:
                self.kernel.delete_nexthop(GROUP_IDS[family])  # its route goes with it
            self.defaults[family].sourceless = None
            return group is not None
        wrote = False
        self._refuse_foreign_ids([GROUP_IDS[family], *(uplink.nexthop_id(family) for uplink in chosen)])
        for uplink in chosen:
            wanted = self._nexthop(uplink, family, links)
            if nexthops.get(wanted.id) != wanted:
                self.kernel.replace_nexthop(wanted, self.config.protocol)
                wrote = True
        wanted_group = NexthopGroup(GROUP_IDS[family], tuple((uplink.nexthop_id(family), 1) for uplink in chosen))
        if group is None or set(group.members) != set(wanted_group.members):
            self.kernel.replace_group(wanted_group, self.config.protocol)
            wrote = True
        return self._write_route(family) or wrote

    def _nexthop(self, uplink: Uplink, family: Family, links: Mapping[str, Link]) -> Nexthop:
        peer, link = uplink.peer(family), links.get(uplink.name)
        if peer is None or link is None:
            raise OSError(19, f"no interface {uplink.name}")
        return Nexthop(uplink.nexthop_id(family), link.index, peer.address)

    def _refuse_foreign_ids(self, ids: Iterable[int]) -> None:
        """Replacing a nexthop object takes it over, whoever made it: the kernel doesn't ask. Raises OSError."""
        owners = self.kernel.nexthop_protocols()
        for id in ids:
            owner = owners.get(id, self.config.protocol)
            if owner != self.config.protocol:
                raise OSError(errno.EEXIST, f"nexthop id {id} belongs to routing protocol {owner}")

    def _write_route(self, family: Family) -> bool:
        """Install the default unless it stands as wanted; True when something was written."""
        config, source = self.config, self.config.source.get(family)
        found = [
            route
            for route in self.kernel.routes(config.default_table, None, family)
            if route.prefix == DEFAULT[family] and route.metric == config.default_metric
        ]
        standing = [r for r in found if r.protocol == config.protocol and r.nhid == GROUP_IDS[family]]
        if any(route.source == source for route in standing):
            self.defaults[family].sourceless = None
            return False
        for route in found:
            if route.protocol != config.protocol:
                text = f"{route.prefix} metric {route.metric} in table {route.table} belongs to routing protocol"
                raise OSError(errno.EEXIST, f"{text} {route.protocol}")
        arguments = (GROUP_IDS[family], config.default_table, config.default_metric, config.protocol)
        try:
            self.kernel.replace_group_route(DEFAULT[family], *arguments, source)
        except OSError as error:
            if source is None:
                raise
            # The address may not be there yet (boot order): a default without it is better than none.
            if not standing:
                self.kernel.replace_group_route(DEFAULT[family], *arguments)
            self._without_source(family, f"{DEFAULT[family]} stands without its source address {source}: {error}")
            return not standing
        self.defaults[family].sourceless = None
        return True

    def _without_source(self, family: Family, text: str) -> None:
        if self.defaults[family].sourceless != text:
            log("default_without_source", "warning", reason=text)
        self.defaults[family].sourceless = text

    def remove_leftovers(self) -> None:
        """Delete nexthop objects of uplinks that the configuration no longer has. Raises OSError.

        One that a group still stands on stays: the kernel would take it out of the group, and the group with the last.
        """
        ours = {uplink.nexthop_id(family) for uplink in self.config.uplinks for family in Family}
        nexthops, groups = self.kernel.nexthops(self.config.protocol)
        used = {member for group in groups.values() for member, _weight in group.members}
        for id in nexthops:
            if 142100 <= id < 143000 and id not in ours | used:
                self.kernel.delete_nexthop(id)
                log("nexthop_removed", id=id)
