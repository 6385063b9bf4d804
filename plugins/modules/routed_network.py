#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ensure a routed provider network in Neutron."""

from __future__ import annotations

DOCUMENTATION = r"""
module: routed_network
short_description: Ensure a routed provider network in Neutron
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Ensures a network with a segment for each host (or each rack) and its subnets, each pinned to a segment or spanning
    all of them.
  - What is wanted is compared with what Neutron has, and only the difference is sent. A new host adds its segment and
    nothing else.
  - What Neutron cannot do is refused before anything is changed, with the name of the network and of the segment or
    subnet, the value and what was expected.
  - Needs an account that may change provider attributes and segments, an administrator as a rule.
extends_documentation_fragment:
  - roth.fabric.neutron
  - roth.fabric.neutron.writes
options:
  name:
    description: Name of the network. It must be the only network of that name.
    type: str
    required: true
  state:
    description: V(absent) removes the network with its segments and subnets, and refuses while it has ports.
    type: str
    choices: [present, absent]
    default: present
  segments:
    description:
      - The layer 2 segments. Several of one host are allowed.
      - They are known by type, physical network and VLAN, which Neutron never changes.
      - Needed when O(state=present).
    type: list
    elements: dict
    default: []
    suboptions:
      physical_network:
        description: A key of C(bridge_mappings) of the hosts on this segment; each host's own where it is a host's.
        type: str
        required: true
      name:
        description: Name of the segment. The default is the physical network.
        type: str
      network_type:
        description: Kind of the segment.
        type: str
        choices: [flat, vlan]
        default: flat
      segmentation_id:
        description: The VLAN, 1 to 4094; for V(vlan) only.
        type: int
  subnets:
    description:
      - The subnets. What is left out of one is left to Neutron, and not compared.
      - Neutron takes no mixture of subnets with a segment and without, but for those with C(network:routed) among their
        service types.
    type: list
    elements: dict
    default: []
    suboptions:
      cidr:
        description: The prefix.
        type: str
        required: true
      segment:
        description: Name of the segment that it is pinned to. Without it the subnet spans all segments.
        type: str
      name:
        description: Name of the subnet.
        type: str
      gateway:
        description: Gateway address, inside the prefix.
        type: str
      enable_dhcp:
        description: Whether Neutron serves addresses by DHCP.
        type: bool
      service_types:
        description: Device owners whose ports get addresses from here, C(compute:nova) for example. Empty means all.
        type: list
        elements: str
      dns_nameservers:
        description: DNS servers that are told by DHCP, in their order.
        type: list
        elements: str
      allocation_pools:
        description: Ranges of addresses that Neutron gives away.
        type: list
        elements: dict
        suboptions:
          start:
            description: First address.
            type: str
            required: true
          end:
            description: Last address.
            type: str
            required: true
      ipv6_mode:
        description: How IPv6 addresses are configured, both C(ipv6_address_mode) and C(ipv6_ra_mode). Only when made.
        type: str
        choices: [slaac, dhcpv6-stateful, dhcpv6-stateless]
  shared:
    description: Whether all projects may use the network. Left as it is without this option.
    type: bool
  mtu:
    description: MTU in bytes. Left as it is without this option.
    type: int
  purge:
    description:
      - Remove segments and subnets that are not listed. One with ports on it is refused.
      - Without it they stay, and are told in RV(surplus).
    type: bool
    default: false
seealso:
  - module: roth.fabric.neutron_ports_info
"""

EXAMPLES = r"""
- name: A network whose addresses can live on any host
  roth.fabric.routed_network:
    cloud: lab
    name: mobile
    shared: true
    segments:
      - physical_network: rpn-hv1
      - physical_network: rpn-hv2
    subnets:
      - cidr: 10.64.0.0/16
        gateway: 10.64.0.1
        service_types: ["compute:nova"]
      - cidr: 2001:db8:64::/64
        gateway: 2001:db8:64::1
        ipv6_mode: dhcpv6-stateful
        service_types: ["compute:nova"]

- name: A network with a subnet for each rack
  roth.fabric.routed_network:
    cloud: lab
    name: pinned
    segments:
      - name: rack1
        physical_network: rack1
        network_type: vlan
        segmentation_id: 100
    subnets:
      - cidr: 198.51.100.0/26
        gateway: 198.51.100.1
        segment: rack1

- name: No such network
  roth.fabric.routed_network:
    cloud: lab
    name: old
    state: absent
"""

RETURN = r"""
steps:
  description: What was (in check mode would be) done, in this order.
  returned: success
  type: list
  elements: str
  sample: ["create segment rpn-hv3 network_type=flat physical_network=rpn-hv3"]
surplus:
  description: Segments and subnets of the network that are not listed and stay.
  returned: success
  type: list
  elements: str
  sample: ["segment rpn-hv9"]
network_id:
  description: Id of the network; empty when there is none.
  returned: success
  type: str
  sample: 44aaebd3-b5c3-49a0-b0f3-907bd21b6d46
kind:
  description: What kind of failure it was, V(unreachable), V(refused) or V(broken), where Neutron gave no whole answer.
  returned: failure
  type: str
  sample: unreachable
"""

from ..module_utils.arguments import Module
from ..module_utils.neutron.carrying_out import StepError, carry_out
from ..module_utils.neutron.cloud import Cloud, NeutronError
from ..module_utils.neutron.found import FoundNetwork, find_network, networks_on
from ..module_utils.neutron.network_plan import NetworkPlan, plan_absent, plan_present
from ..module_utils.neutron.routed import RoutedNetwork, routed_network
from ..module_utils.neutron_module import CLOUD, fail, open_cloud

_SEGMENT = {
    "physical_network": {"type": "str", "required": True},
    "name": {"type": "str"},
    "network_type": {"type": "str", "choices": ["flat", "vlan"], "default": "flat"},
    "segmentation_id": {"type": "int"},
}
_POOL = {"start": {"type": "str", "required": True}, "end": {"type": "str", "required": True}}
_SUBNET = {
    "cidr": {"type": "str", "required": True},
    "segment": {"type": "str"},
    "name": {"type": "str"},
    "gateway": {"type": "str"},
    "enable_dhcp": {"type": "bool"},
    "service_types": {"type": "list", "elements": "str"},
    "dns_nameservers": {"type": "list", "elements": "str"},
    "allocation_pools": {"type": "list", "elements": "dict", "options": _POOL},
    "ipv6_mode": {"type": "str", "choices": ["slaac", "dhcpv6-stateful", "dhcpv6-stateless"]},
}
ARGUMENTS = {
    **CLOUD,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "segments": {"type": "list", "elements": "dict", "options": _SEGMENT, "default": []},
    "subnets": {"type": "list", "elements": "dict", "options": _SUBNET, "default": []},
    "shared": {"type": "bool"},
    "mtu": {"type": "int"},
    "purge": {"type": "bool", "default": False},
}


def make_plan(
    cloud: Cloud, name: str, wanted: RoutedNetwork | None, purge: bool
) -> tuple[FoundNetwork | None, NetworkPlan]:
    """What Neutron has, and the plan; `wanted` is None where no such network should be.

    Raises NeutronError, and ValueError where several networks have the name.
    """
    found = find_network(cloud, name, with_ports=wanted is None or purge)
    if wanted is None:
        return found, plan_absent(name, found)
    known = {segment.key for segment in found.segments} if found else set()
    taken = networks_on(cloud, [each.physical_network for each in wanted.segments if each.key not in known])
    return found, plan_present(wanted, found, taken, purge=purge)


def main() -> None:
    module = Module(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    name, wanted = given["name"], None
    try:
        if given["state"] == "present":
            wanted = routed_network(name, given["segments"], given["subnets"], given["shared"], given["mtu"])
        cloud = open_cloud(module)
        found, plan = make_plan(cloud, name, wanted, given["purge"])
    except ValueError as error:
        module.fail_json(msg=f"{error}; nothing was changed")
    except NeutronError as error:
        fail(module, error, "nothing was changed")
    if plan.refused:
        module.fail_json(msg="\n".join([*plan.refused, "Nothing was changed."]))
    network_id = found.id if found else ""
    if not module.check_mode and plan.steps:
        try:
            network_id = carry_out(cloud, plan, network_id)
        except StepError as error:
            module.fail_json(msg=f"network {name}: {error}", changed=bool(error.done))
        except NeutronError as error:
            fail(module, error, "nothing was changed")
    module.exit_json(
        changed=bool(plan.steps),
        steps=[f"{step.action} {step.text}" for step in plan.steps],
        surplus=list(plan.surplus),
        network_id="" if wanted is None else network_id,
        diff=plan.diff(),
    )


if __name__ == "__main__":
    main()
