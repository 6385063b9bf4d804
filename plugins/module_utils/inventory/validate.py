# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight: the whole inventory is judged before any host is touched."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..neutron.cloud import TIMEOUT, NeutronError
from ..wanted.document import PortDocument, read_document
from ..wanted.networks import provider_networks
from ..wanted.ports import PortPlan
from . import checks
from .hypervisors import hypervisor_problems
from .model import Inventory
from .networks import network_problems
from .problems import MISSING, Problem, problem
from .schema import HYPERVISOR_NEEDS, SWITCH_NEEDS, variable_problems
from .switches import switch_problems


def validate(inventory: Inventory, *, ports: bool = True) -> list[Problem]:
    """Everything that is wrong, shapes first; what has a wrong shape is not judged further.

    `inventory.unreadable` are variables that could not be templated, with the reason. Neutron's `ports` are read
    from file or API and judged last, unless they are left out.
    """
    found = list(_shapes(inventory))
    sound = _without(inventory, {(item.host, _top(item.variable)) for item in found})
    found += hypervisor_problems(sound)
    found += switch_problems(sound)
    in_networks = list(network_problems(sound))
    found += in_networks
    if not ports:
        return found
    found += _port_documents(_without(sound, {(item.host, _top(item.variable)) for item in in_networks}))
    return found


def _top(variable: str) -> str:
    return variable.split(".", 1)[0].split("[", 1)[0]


def _without(inventory: Inventory, broken: Collection[tuple[str, str]]) -> Inventory:
    hosts = {
        host: {name: value for name, value in variables.items() if (host, name) not in broken}
        for host, variables in inventory.hosts.items()
    }
    return replace(inventory, hosts=hosts)


def _shapes(inventory: Inventory) -> Iterator[Problem]:
    if not inventory.hypervisors:
        yield problem("inventory", "group hypervisors", MISSING, "at least one host in it")
    for (host, variable), reason in inventory.unreadable.items():
        yield Problem(host, variable, "cannot be read", reason)
    for members, needs in ((inventory.hypervisors, HYPERVISOR_NEEDS), (inventory.switches, SWITCH_NEEDS)):
        for host in members:
            wrong = checks.name(host)
            if wrong is not None:
                yield problem(host, "inventory_hostname", host, wrong)
            known = [name for name in needs if (host, name) not in inventory.unreadable]
            yield from variable_problems(host, inventory.hosts.get(host, {}), known)
    for host in sorted(set(inventory.hypervisors) & set(inventory.switches)):
        yield problem(host, "group_names", ["hypervisors", "tors"], "one of the two groups")


def _port_documents(inventory: Inventory) -> Iterator[Problem]:
    """Each file or cloud is read once, and matched once with each set of networks, whatever the number of hosts."""
    users: dict[tuple[str, str], list[str]] = defaultdict(list)
    for host in inventory.hypervisors:
        for variable in ("roth_neutron_cloud", "roth_ports_file"):
            source = inventory.value(host, variable)
            if source:
                users[variable, source].append(host)
                break
    for (variable, source), hosts in users.items():
        from_cloud = variable == "roth_neutron_cloud"
        document = _ask(inventory, source, hosts) if from_cloud else _read(inventory, source)
        if isinstance(document, str):
            yield from (problem(host, variable, source, document) for host in hosts)
        else:
            yield from _unmatched(inventory, (variable, source), document, hosts)


def _ask(inventory: Inventory, cloud: str, hosts: Sequence[str]) -> PortDocument | str:
    networks = [network for host in hosts for network in inventory.value(host, "roth_provider_networks") or ()]
    wanted = {network["name"] for network in networks}
    floating = {network["name"] for network in networks if network.get("floating_ips")}
    timeouts = [inventory.value(host, "roth_neutron_timeout") or TIMEOUT for host in hosts]
    if inventory.read_cloud is None:
        return "a Neutron that this check can ask"
    try:
        return read_document(inventory.read_cloud(cloud, sorted(wanted), float(max(timeouts)), sorted(floating)))
    except (NeutronError, OSError, ValueError) as error:
        return f"a Neutron that gives a whole answer ({error})"


def _read(inventory: Inventory, path: str) -> PortDocument | str:
    try:
        return read_document(json.loads(inventory.read_text(path)))
    except OSError as error:
        return f"a file that can be read ({error.strerror or type(error).__name__})"
    except json.JSONDecodeError as error:
        return f"JSON ({error.msg} in line {error.lineno})"
    except UnicodeDecodeError:
        return "JSON in UTF-8"
    except RecursionError:
        return "JSON of a few levels, this is nested too deeply"
    except ValueError as error:
        return f"a whole answer of Neutron's API ({error})"


def _unmatched(
    inventory: Inventory, source: tuple[str, str], document: PortDocument, hosts: Iterable[str]
) -> Iterator[Problem]:
    verdicts: dict[str, str | None] = {}
    for host in hosts:
        raw: Sequence[Mapping[str, Any]] = inventory.value(host, "roth_provider_networks") or ()
        key = repr(raw)
        if key not in verdicts:
            verdicts[key] = _mismatch(document, raw)
        verdict = verdicts[key]
        if verdict is not None:
            yield problem(host, *source, f"an answer that fits roth_provider_networks ({verdict})")


def _mismatch(document: PortDocument, raw: Sequence[Mapping[str, Any]]) -> str | None:
    try:
        PortPlan(document, provider_networks(raw))
    except ValueError as error:
        return str(error)
    return None
