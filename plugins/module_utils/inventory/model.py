# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory under validation: every host's variables, reduced to those whose shape is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ReadText = Callable[[str], str]
ReadCloud = Callable[[str, Sequence[str], float, Sequence[str]], object]


@dataclass(frozen=True)
class Inventory:
    """What is validated. `read_text` reads a file of the controller (raises OSError, UnicodeDecodeError).

    `read_cloud` gives the port document of Neutron: name of the cloud, names of networks, timeout in seconds, names of
    those whose floating IPs are wanted as well (raises NeutronError, OSError). It is asked only where
    `roth_neutron_cloud` is set.
    """

    hosts: Mapping[str, Mapping[str, Any]]
    hypervisors: Sequence[str]
    switches: Sequence[str]
    read_text: ReadText
    unreadable: Mapping[tuple[str, str], str] = field(default_factory=dict)
    read_cloud: ReadCloud | None = None

    def value(self, host: str, variable: str) -> Any:  # noqa: ANN401
        """The variable, or None when it is missing or has a wrong shape, which is reported already."""
        return self.hosts.get(host, {}).get(variable)
