# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that the modules on the kernel's routes share."""

from __future__ import annotations


class ModuleDocFragment:
    """Options, attributes and requirements of every module that speaks netlink."""

    DOCUMENTATION = r"""
options:
  protocol:
    description:
      - Routing protocol number (rtm_protocol) that marks what is ours.
      - Nothing that carries another number is changed or removed.
    type: int
    default: 142
requirements:
  - pyroute2 >= 0.9.7 (on the target)
attributes:
  platform:
    description: Target operating system.
    support: full
    platforms: linux
notes:
  - Needs root or CAP_NET_ADMIN to change anything.
"""

    TABLE = r"""
options:
  table:
    description:
      - Routing table that holds our routes.
    type: int
    default: 142
"""

    WRITES = r"""
attributes:
  check_mode:
    description: Can run in check mode and say what would change. The check and the real run share one plan.
    support: full
  diff_mode:
    description: Shows what changes, one line an item.
    support: full
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
