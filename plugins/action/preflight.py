# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action roth.fabric.preflight: judges the variables of all hosts on the controller and touches none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase

from ..module_utils.inventory.model import Inventory
from ..module_utils.inventory.problems import readable
from ..module_utils.inventory.validate import validate
from ..module_utils.neutron.once import read_once


class ActionModule(ActionBase):  # type: ignore[misc]
    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = False
    _VALID_ARGS = frozenset({"hypervisors", "switches", "ports"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp  # no longer used by ansible-core
        variables = task_vars or {}
        groups = variables.get("groups", {})
        _options, arguments = self.validate_argument_spec(
            argument_spec={
                "hypervisors": {"type": "list", "elements": "str", "default": list(groups.get("hypervisors", []))},
                "switches": {"type": "list", "elements": "str", "default": list(groups.get("tors", []))},
                "ports": {"type": "bool", "default": True},
            }
        )
        inventory = _inventory(variables["hostvars"], arguments["hypervisors"], arguments["switches"])
        problems = validate(inventory, ports=arguments["ports"])
        result["changed"] = False
        if problems:
            result["failed"] = True
            lines = readable(problems)
            count = len(lines.splitlines())
            result["msg"] = f"{count} problem{'s' if count > 1 else ''} in the inventory, nothing was touched:\n{lines}"
        else:
            result["msg"] = (
                f"{len(inventory.hypervisors)} hypervisors and {len(inventory.switches)} switches are consistent."
            )
        return result


def _inventory(hostvars: Mapping[str, Any], hypervisors: list[str], switches: list[str]) -> Inventory:
    hosts: dict[str, dict[str, Any]] = {}
    unreadable: dict[tuple[str, str], str] = {}
    for host in dict.fromkeys([*hypervisors, *switches]):
        hosts[host] = {}
        known = hostvars.get(host, {})
        for name in sorted(str(key) for key in known if str(key).startswith("roth_")):
            try:
                hosts[host][name] = _plain(known[name])
            except Exception as error:
                unreadable[host, name] = f"a value that can be templated ({_reason(error)})"
        if host in hypervisors and "roth_ports_file" not in {*hosts[host], *(v for h, v in unreadable if h == host)}:
            hosts[host]["roth_ports_file"] = f"{known.get('inventory_dir')}/neutron.json"
    return Inventory(hosts, hypervisors, switches, _read_text, unreadable, _read_cloud)


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Force every lazy template inside `value` now, where its failure can be told by host and variable."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return str.__str__(value)
    return value


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def _read_cloud(name: str, networks: Sequence[str], timeout: float, floating: Sequence[str]) -> object:
    """As lookup port_document reads it: what is judged here is what the roles get."""
    return read_once(Path(constants.DEFAULT_LOCAL_TMP), name, networks, timeout, floating=floating)


def _read_text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")
