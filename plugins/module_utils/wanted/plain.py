# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wanted routes as Ansible's plain values, the same from the filter and from the module on Neutron."""

from __future__ import annotations

from .ports import InstanceRoutes, LeftOut


def left_out_as_mapping(entry: LeftOut) -> dict[str, str]:
    """One left-out address as roles report it."""
    return {"port": entry.port_id, "name": entry.name, "address": entry.address, "reason": entry.reason}


def routes_as_mapping(found: InstanceRoutes) -> dict[str, object]:
    """What one host should have, in the grammars of modules host_routes and neighbors."""
    return {
        "routes": list(found.routes),
        "taps": [f"{tap.prefix} {tap.device}" for tap in found.taps],
        "left_out": [left_out_as_mapping(entry) for entry in found.left_out],
        "neighbors": [f"{n.address} lladdr {n.mac} dev {n.device}" for n in found.neighbors],
        "ignored": found.ignored,
    }
