#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: switch_routes_info
short_description: Read BGP sessions, BFD sessions and BGP routes of a switch
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Asks FRR through C(vtysh) or BIRD 2 through C(birdc), and returns the same words for both.
  - Needs nothing on the switch but its Python. Changes nothing.
options:
  software:
    description: What speaks BGP on the switch.
    type: str
    required: true
    choices: [frr, bird]
  vtysh:
    description: Where FRR's shell is.
    type: path
    default: /usr/bin/vtysh
  birdc:
    description: Where BIRD's client is.
    type: path
    default: /usr/sbin/birdc
attributes:
  check_mode:
    description: Reads only, so it runs in check mode as well.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: none
seealso:
  - module: roth.fabric.fabric_info
"""

EXAMPLES = r"""
- name: Read what a switch that runs FRR has
  roth.fabric.switch_routes_info:
    software: frr
  register: switch

- name: Read what a switch that runs BIRD has
  roth.fabric.switch_routes_info:
    software: bird
  register: switch
"""

RETURN = r"""
switch:
  description: What the switch knows.
  returned: success
  type: dict
  contains:
    sessions:
      description:
        - A BGP session for each configured peer.
        - C(state) is C(established) or the software's own word in lower case, C(asn) is the peer's.
        - C(uptime_seconds) and C(prefixes_received) are null while the session is down.
        - C(limit_reached) is the number of prefixes beyond which BIRD takes no new ones, once it has been reached.
      type: list
      elements: dict
      returned: success
    bfd:
      description: A BFD session for each peer that has one. C(state) is C(up), C(down), C(init) or C(admin-down).
      type: list
      elements: dict
      returned: success
    routes:
      description:
        - All BGP paths from peers, by family C(ipv4) and C(ipv6).
        - C(prefix), C(peer), C(next_hop), C(best) and C(stale) (kept by graceful restart, RFC 4724).
      type: dict
      returned: success
  sample:
    sessions:
      - peer: 10.1.1.1
        asn: 65011
        state: established
        uptime_seconds: 19
        prefixes_received: 3
        limit_reached: null
    bfd:
      - peer: 10.1.1.1
        state: up
    routes:
      ipv4:
        - prefix: 10.64.1.53/32
          peer: 10.1.1.1
          next_hop: 10.1.1.1
          best: true
          stale: false
      ipv6: []
"""

from datetime import datetime

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.arguments import Module
from ..module_utils.report import bird, frr
from ..module_utils.report.switches import SwitchState


def _outputs(module: AnsibleModule, program: list[str], commands: tuple[str, ...]) -> dict[str, str]:
    outputs = {}
    for command in commands:
        try:
            code, out, err = module.run_command([*program, command], handle_exceptions=False)
        except OSError as error:
            module.fail_json(msg=f"{program[0]}: {error.strerror}")
        if code != 0:
            said = (err or out).strip() or f"exit code {code}"
            module.fail_json(msg=f"{' '.join([*program, command])}: {said}", rc=code)
        outputs[command] = out
    return outputs


def _read(module: AnsibleModule) -> SwitchState:
    if module.params["software"] == "frr":
        return frr.switch_state(_outputs(module, [module.params["vtysh"], "-c"], frr.COMMANDS))
    # -r: birdc may look but not change anything
    return bird.switch_state(_outputs(module, [module.params["birdc"], "-r"], bird.COMMANDS), datetime.now())


def main() -> None:
    module = Module(
        argument_spec={
            "software": {"type": "str", "required": True, "choices": ["frr", "bird"]},
            "vtysh": {"type": "path", "default": "/usr/bin/vtysh"},
            "birdc": {"type": "path", "default": "/usr/sbin/birdc"},
        },
        supports_check_mode=True,
    )
    try:
        state = _read(module)
    except (KeyError, TypeError, ValueError) as error:
        module.fail_json(msg=f"cannot read what {module.params['software']} answered: {error!r}")
    module.exit_json(changed=False, switch=state.as_result())


if __name__ == "__main__":
    main()
