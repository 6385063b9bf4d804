#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read from Neutron which routes hosts should have."""

from __future__ import annotations

DOCUMENTATION = r"""
module: neutron_ports_info
short_description: Read from Neutron which routes hosts should have
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Reads the ports of provider networks and gives, for each host, its routes in the form that
    M(roth.fabric.host_routes) takes, and each address that is left out with the reason.
  - An answer that is not whole fails the module, because what is not in it would be withdrawn.
  - Needs an account that sees C(binding:host_id) of all projects' ports.
extends_documentation_fragment:
  - roth.fabric.neutron
  - roth.fabric.neutron.reads
options:
  networks:
    description:
      - The provider networks, C(roth_provider_networks) of role C(roth.fabric.common).
      - What is announced is selected here, by network, by C(subnets), by C(projects), by C(tags), and for allowed
        address pairs by C(pair_prefix_length).
    type: list
    elements: dict
    required: true
  hosts:
    description: Hosts, C(binding:host_id) of their ports. Empty means all that have ports.
    type: list
    elements: str
    default: []
  device_owners:
    description: Ports are announced whose C(device_owner) begins with one of these.
    type: list
    elements: str
    default: ["compute:"]
  listing_from:
    description:
      - From this number of hosts on all ports are listed once; below it each host is asked for by itself.
      - A listing costs all ports of the networks, a query a little more than the host's share of them. So it pays for
        about three quarters of the hosts that there are; the default is right for 40. Raise it for a larger cloud.
    type: int
    default: 30
  document:
    description: Whether RV(document) is returned.
    type: bool
    default: false
seealso:
  - module: roth.fabric.host_routes
  - module: roth.fabric.routed_network
"""

EXAMPLES = r"""
- name: Read what this host should have
  roth.fabric.neutron_ports_info:
    cloud: lab
    networks: "{{ roth_provider_networks }}"
    hosts: ["{{ inventory_hostname }}"]
  delegate_to: localhost
  register: ports

- name: Install exactly that
  roth.fabric.host_routes:
    routes: "{{ ports.hosts[inventory_hostname].routes }}"

- name: Keep the port document in a file
  roth.fabric.neutron_ports_info:
    cloud: lab
    networks: "{{ roth_provider_networks }}"
    document: true
  register: ports
"""

RETURN = r"""
hosts:
  description:
    - By host, as filter P(roth.fabric.instance_routes#filter) gives it.
    - C(routes) in the grammar of M(roth.fabric.host_routes).
    - C(taps), C(PREFIX INTERFACE) for each route of an instance whose port is an interface of the host.
    - C(left_out) with C(port) (its id), C(name), C(address) and C(reason).
    - C(neighbors) in the grammar of M(roth.fabric.neighbors), for networks with static neighbors.
    - C(ignored), the number of ports in networks that are not provider networks.
  returned: success
  type: dict
  sample:
    hv1:
      routes: ["10.64.1.53/32 dev br-mobile"]
      taps: ["10.64.1.53/32 tap2b1f0e5c-9d"]
      left_out: []
      neighbors: []
      ignored: 0
document:
  description: C(networks), C(subnets) and C(ports) as the API answered, a port document for C(roth_ports_file).
  returned: when O(document=true)
  type: dict
queries:
  description: How often ports were asked for.
  returned: success
  type: int
  sample: 1
kind:
  description: What kind of failure it was, V(unreachable), V(refused) or V(broken), where Neutron gave no whole answer.
  returned: failure
  type: str
  sample: unreachable
"""

from ..module_utils.arguments import Module, check_integer
from ..module_utils.neutron.cloud import NeutronError
from ..module_utils.neutron.ports_by_host import LISTING_FROM, HostPorts, ports_by_host
from ..module_utils.neutron_module import CLOUD, fail, open_cloud
from ..module_utils.wanted.networks import provider_networks
from ..module_utils.wanted.plain import routes_as_mapping

ARGUMENTS = {
    **CLOUD,
    "networks": {"type": "list", "elements": "dict", "required": True},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "device_owners": {"type": "list", "elements": "str", "default": ["compute:"]},
    "listing_from": {"type": "int", "default": LISTING_FROM},
    "document": {"type": "bool", "default": False},
}


def as_result(found: HostPorts, document: bool) -> dict[str, object]:
    """What the module returns."""
    result: dict[str, object] = {
        "changed": False,
        "hosts": {host: routes_as_mapping(routes) for host, routes in found.hosts.items()},
        "queries": found.queries,
    }
    return {**result, "document": dict(found.document)} if document else result


def main() -> None:
    module = Module(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    try:
        check_integer("listing_from", given["listing_from"], 1, 1_000_000, "hosts")
        if not given["device_owners"] or not all(given["device_owners"]):
            raise ValueError("device_owners: expected at least one, none of them empty")
        networks = provider_networks(given["networks"])
        cloud = open_cloud(module)
        found = ports_by_host(cloud, networks, given["hosts"], given["device_owners"], given["listing_from"])
    except ValueError as error:
        module.fail_json(msg=str(error).replace("roth_provider_networks[", "networks["))
    except NeutronError as error:
        fail(module, error, "no ports were read")
    module.exit_json(**as_result(found, given["document"]))


if __name__ == "__main__":
    main()
