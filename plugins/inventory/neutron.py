# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory plugin roth.fabric.neutron."""

from __future__ import annotations

DOCUMENTATION = r"""
name: neutron
short_description: Hypervisors and provider networks from Neutron
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Reads layer 2 agents, segments and subnets from Neutron, so that hosts and C(roth_provider_networks) need not be
    written twice.
  - Every host whose agent maps a physical network of the given networks becomes a member of the group O(group). Its
    inventory name is what ports have as C(binding:host_id).
  - Each host gets C(roth_physical_networks), C(neutron_bridge_mappings), C(neutron_agent_alive) and
    C(neutron_segments), each with C(id), C(network) (its name) and C(physical_network).
  - A network gets C(bridge_kind=openvswitch) if all agents that map it are of type C(Open vSwitch agent) and report an
    Open vSwitch with patch ports and their own datapath (C(ovs_capabilities)). Else it is left out.
  - What only the operator knows (C(roth_asn), C(roth_uplinks) …) stays in C(host_vars) and C(group_vars) beside it.
  - The file's name has to end in C(neutron.yml) or C(neutron.yaml).
extends_documentation_fragment:
  - constructed
  - inventory_cache
requirements:
  - openstacksdk
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [roth.fabric.neutron]
  cloud:
    description:
      - Name of an entry of C(clouds.yaml). Without it, openstacksdk looks at the C(OS_*) environment variables.
      - Its user has to see agents and segments, which Neutron shows to administrators only.
    type: str
    env:
      - name: OS_CLOUD
  timeout:
    description: How long (seconds) a request may take.
    type: float
    default: 30
  networks:
    description: Names or ids of the routed provider networks.
    type: list
    elements: str
    required: true
  network_settings:
    description:
      - What Neutron does not know of a network, by its name, in the form of an entry of C(roth_provider_networks),
        such as C(gateway_mac), C(announce) and C(agent_bridge). It wins over what Neutron says.
    type: dict
    default: {}
  agent_types:
    description: Agents whose hosts are taken.
    type: list
    elements: str
    default: [Open vSwitch agent]
  group:
    description: Group of the hosts. It gets the variable C(roth_provider_networks).
    type: str
    default: hypervisors
"""

EXAMPLES = r"""
# inventories/production/neutron.yml
plugin: roth.fabric.neutron
cloud: production
networks: [mobile, pinned]
network_settings:
  mobile:
    gateway_mac: "02:8e:00:00:00:01"
  pinned:
    announce: both
# hosts whose agent is dead are not touched
groups:
  maintenance: not neutron_agent_alive
"""

from collections.abc import Mapping, Sequence

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ..module_utils.neutron.cloud import Cloud, NeutronError, connect
from ..module_utils.neutron.discovered import Answers, Discovered, discover
from ..module_utils.neutron.reading import pages, read_networks


def read(cloud: Cloud, names: Sequence[str]) -> Answers:
    """The networks of these names or ids with their segments and subnets, and all agents. Raises NeutronError."""
    networks = read_networks(cloud, names)
    own = [("network_id", str(network["id"])) for network in networks]
    return {
        "networks": networks,
        "agents": list(pages(cloud, "agents", ())),
        "segments": list(pages(cloud, "segments", own)),
        "subnets": list(pages(cloud, "subnets", own)),
    }


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]  # ansible has no types
    """See DOCUMENTATION."""

    NAME = "roth.fabric.neutron"

    def verify_file(self, path: str) -> bool:
        """Whether the file is meant for this plugin."""
        return bool(super().verify_file(path)) and path.endswith(("neutron.yml", "neutron.yaml"))

    def parse(self, inventory: object, loader: object, path: str, cache: bool = True) -> None:
        """Fill the inventory. Raises AnsibleParserError."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            found = discover(
                self._answers(path, cache),
                self.get_option("networks"),
                self.get_option("network_settings"),
                self.get_option("agent_types"),
            )
        except (NeutronError, ValueError) as error:
            raise AnsibleParserError(f"roth.fabric.neutron: {path}: {error}") from error
        self._fill(found)

    def _answers(self, path: str, cache: bool) -> Answers:
        self.load_cache_plugin()
        key = self.get_cache_key(path)
        if cache and self.get_option("cache") and key in self._cache:
            return dict(self._cache[key])
        cloud = connect(self.get_option("cloud"), timeout=self.get_option("timeout"))
        answers = read(cloud, self.get_option("networks"))
        if self.get_option("cache"):
            self._cache[key] = dict(answers)
        return answers

    def _fill(self, found: Discovered) -> None:
        group = self.inventory.add_group(self.get_option("group"))
        self.inventory.set_variable(group, "roth_provider_networks", [dict(network) for network in found.networks])
        for subnet in found.unused:
            self.display.warning(f"roth.fabric.neutron: {subnet} is left out: no host has its segment")
        for host in found.hosts:
            self.inventory.add_host(host.name, group=group)
            variables = {
                "neutron_agent_alive": host.alive,
                "neutron_bridge_mappings": dict(host.bridge_mappings),
                "neutron_segments": [vars(segment) for segment in host.segments],
                "roth_physical_networks": host.physical_networks,
            }
            for name, value in variables.items():
                self.inventory.set_variable(host.name, name, value)
            self._construct(host.name, variables)

    def _construct(self, host: str, variables: Mapping[str, object]) -> None:
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)
