#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: host_routes_info
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
short_description: Read the host routes of a hypervisor
description:
  - Reads the routes of our protocol in our table from the kernel, as M(roth.fabric.host_routes) writes them.
extends_documentation_fragment:
  - roth.fabric.kernel
  - roth.fabric.kernel.table
  - roth.fabric.kernel.reads
seealso:
  - module: roth.fabric.host_routes
"""

EXAMPLES = r"""
- name: Read the host routes
  roth.fabric.host_routes_info:
  register: host_routes

- name: Expect both addresses of an instance
  ansible.builtin.assert:
    that: "['10.64.1.53/32 dev br-mobile', '2001:db8:64::135/128 dev br-mobile'] is subset(host_routes.routes)"
"""

RETURN = r"""
routes:
  description: Our routes in the form that M(roth.fabric.host_routes) takes, sorted by family, address and metric.
  returned: always
  type: list
  elements: str
  sample: ["10.64.1.53/32 dev br-mobile", "blackhole 198.51.100.0/26 metric 4294967295"]
other_forms:
  description: Routes with our protocol number that have a gateway, several paths or other things ours never have.
  returned: always
  type: list
  elements: str
  sample: []
linkdown:
  description: Prefixes whose route the kernel flags as unusable, because the link has no carrier.
  returned: always
  type: list
  elements: str
  sample: []
by_device:
  description: Number of routes by interface. Blackholes are not counted here.
  returned: always
  type: dict
  sample: {"br-mobile": 41, "lo": 2}
by_family:
  description: Number of routes by address family.
  returned: always
  type: dict
  sample: {"ipv4": 22, "ipv6": 22}
"""

from collections import Counter

from ..module_utils.arguments import Module
from ..module_utils.kernel.model import Family, KernelRoute, Link, RouteKind, route_key
from ..module_utils.kernel.text import route_text
from ..module_utils.kernel_module import PROTOCOL, TABLE, open_kernel


def describe_routes(routes: list[KernelRoute], links: dict[int, Link]) -> dict[str, object]:
    names = {link.index: link.name for link in links.values()}
    texts: list[str] = []
    other: list[str] = []
    linkdown: list[str] = []
    by_device: Counter[str] = Counter()
    by_family: Counter[str] = Counter({"ipv4": 0, "ipv6": 0})
    for route in sorted(routes, key=lambda route: (route.prefix.version, route.prefix, route.metric)):
        blackhole = route.kind == RouteKind.BLACKHOLE.value
        device = None if blackhole else names.get(route.oif or 0, "?")
        (texts if route.plain else other).append(route_text(route_key(route.prefix, route.metric), device))
        by_family[f"ipv{route.prefix.version}"] += 1
        if device:
            by_device[device] += 1
        if route.linkdown:
            linkdown.append(str(route.prefix))
    return {
        "routes": texts,
        "other_forms": other,
        "linkdown": linkdown,
        "by_device": dict(sorted(by_device.items())),
        "by_family": dict(by_family),
    }


def main() -> None:
    module = Module(argument_spec={**PROTOCOL, **TABLE}, supports_check_mode=True)
    table, protocol = module.params["table"], module.params["protocol"]
    with open_kernel(module) as kernel:
        links = kernel.links()
        routes = [route for family in Family for route in kernel.routes(table, protocol, family)]
    module.exit_json(changed=False, **describe_routes(routes, links))


if __name__ == "__main__":
    main()
