# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules on Neutron share on the side of Ansible: options, and a cloud whose failures end the module."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from .arguments import check_integer
from .neutron.cloud import NeutronError, SessionCloud, connect

CLOUD = {"cloud": {"type": "str"}, "timeout": {"type": "int", "default": 30}}


def open_cloud(module: AnsibleModule) -> SessionCloud:
    """Neutron of the module's options. Raises NeutronError, and ValueError for a wrong option."""
    timeout = check_integer("timeout", module.params["timeout"], 1, 3600, "seconds")
    return connect(module.params["cloud"] or None, timeout=timeout)


def fail(module: AnsibleModule, error: NeutronError, nothing: str) -> None:
    """End the module with what went wrong, and say that nothing was touched in `nothing`'s words."""
    module.fail_json(msg=f"{error}; {nothing}", kind=error.kind, status=error.status)
