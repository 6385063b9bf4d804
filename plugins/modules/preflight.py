#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin roth.fabric.preflight, which does all of the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Validate the whole inventory before any host is touched
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Checks every C(roth_*) variable of every hypervisor and switch, alone and against one another, addresses,
    AS numbers, uplinks, provider networks, timers, and the port document.
  - Fails with one line a problem that names host, variable, value and what was expected. Keys are never shown.
  - Runs on the controller alone; no host is connected to. Hosts outside C(--limit) are judged as well.
options:
  hypervisors:
    description: Inventory names of the hypervisors. The default is group C(hypervisors).
    type: list
    elements: str
  switches:
    description: Inventory names of the switches. The default is group C(tors).
    type: list
    elements: str
  ports:
    description: Whether the port document, from file or from Neutron, is read and judged as well.
    type: bool
    default: true
attributes:
  check_mode:
    description: Can run in check mode, where it does the same.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: none
  action:
    description: Has an action plugin on the controller.
    support: full
"""

EXAMPLES = r"""
- name: Validate the inventory
  roth.fabric.preflight:
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
msg:
  description: One line a problem, or how many hosts are consistent.
  returned: always
  type: str
  sample: "hv2: roth_uplinks[1].ipv4 = '10.2.2.1/33': expected an IPv4 address with its length, such as 10.1.1.1/31"
"""
