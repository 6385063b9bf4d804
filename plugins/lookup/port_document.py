# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup roth.fabric.port_document."""

from __future__ import annotations

DOCUMENTATION = r"""
name: port_document
short_description: The port document, from a file or from Neutron
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Gives networks, subnets and ports as Neutron's API answers them, from a file on the controller or from Neutron.
  - Neutron is asked once by all hosts and roles that need the ports within a minute. Later batches of a long run ask
    again, and so does every other run.
  - Fails where Neutron gives no whole answer, because what is not in it would be withdrawn.
options:
  _terms:
    description: The file, C(roth_ports_file). It is not read where O(cloud) is given.
    type: list
    elements: str
    required: true
  cloud:
    description: Name of an entry of C(clouds.yaml), C(roth_neutron_cloud). Empty means the file.
    type: str
    default: ""
  networks:
    description: The provider networks, C(roth_provider_networks). Only ports of these are read from Neutron.
    type: list
    elements: dict
    default: []
  timeout:
    description: How long (seconds) one request to Neutron may take.
    type: int
    default: 30
requirements:
  - openstacksdk >= 4, where O(cloud) is given
"""

EXAMPLES = r"""
- name: Count the ports
  ansible.builtin.debug:
    msg: >-
      {{ lookup('roth.fabric.port_document', roth_ports_file, cloud=roth_neutron_cloud,
                networks=roth_provider_networks).ports | length }}
"""

RETURN = r"""
_raw:
  description: One document with C(networks), C(subnets) and C(ports).
  type: list
  elements: dict
"""

import json
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils.neutron.cloud import NeutronError
from ..module_utils.neutron.once import read_once


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: object) -> list[object]:
        """See DOCUMENTATION. Raises AnsibleLookupError."""
        self.set_options(var_options=variables, direct=kwargs)
        cloud = str(self.get_option("cloud") or "")
        try:
            if cloud:
                names = [str(network["name"]) for network in self.get_option("networks")]
                timeout = float(self.get_option("timeout"))
                floating = [str(entry["name"]) for entry in self.get_option("networks") if entry.get("floating_ips")]
                return [read_once(Path(constants.DEFAULT_LOCAL_TMP), cloud, names, timeout, floating=floating)]
            return [json.loads(Path(str(term)).read_text(encoding="utf-8")) for term in terms]
        except NeutronError as error:
            raise AnsibleLookupError(f"the ports cannot be read from Neutron : {error}") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            place = f"cloud {cloud!r}" if cloud else f"roth_ports_file = {terms!r}"
            raise AnsibleLookupError(f"{place}: the port document cannot be read: {error}") from error
