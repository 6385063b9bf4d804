# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that the modules on Neutron share."""

from __future__ import annotations


class ModuleDocFragment:
    """How Neutron is reached."""

    DOCUMENTATION = r"""
options:
  cloud:
    description:
      - Name of an entry of C(clouds.yaml), with any auth plugin of keystoneauth1.
      - Without it the environment is taken (E(OS_CLOUD), E(OS_AUTH_URL) and so on).
    type: str
  timeout:
    description: How long (seconds) one request to Neutron may take.
    type: int
    default: 30
requirements:
  - openstacksdk >= 4 (where the module runs, which is the controller as a rule)
"""

    WRITES = r"""
attributes:
  check_mode:
    support: full
    description: Says what would change. The check and the real run share one plan.
  diff_mode:
    support: full
    description: Shows what changes, one line an item.
"""

    READS = r"""
attributes:
  check_mode:
    description: Changes nothing, in check mode or without.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
"""
