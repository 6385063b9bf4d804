#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: bfd_peers
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
short_description: Declare the BFD peers of a running bfdd
description:
  - Adds, changes and removes single-hop BFD sessions of FRR's bfdd live, through its vty socket. The daemon is never
    restarted and sessions that stay are not interrupted.
  - What the daemon reads at its next start is its configuration file. This module does not write it.
options:
  vty:
    description:
      - bfdd's vty socket on the target.
    type: path
    default: /run/roth-bfdd/bfdd.vty
  peers:
    description:
      - The wanted sessions.
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description: Address of the other end.
        type: str
        required: true
      local_address:
        description: Own address, of the same family.
        type: str
        required: true
      interface:
        description: Interface. Needed for link-local addresses, which need zebra beside bfdd as well.
        type: str
  profile:
    description:
      - The timers of all wanted sessions, as a bfdd profile. Other peers that use the profile change with it.
    type: dict
    default: {}
    suboptions:
      name:
        description: Name of the profile.
        type: str
        default: roth
      detect_multiplier:
        description: Packets that may go missing before a session counts as down, 1 to 255.
        type: int
        default: 3
      receive_interval:
        description: Shortest interval between two packets that this end accepts, in milliseconds.
        type: int
        default: 300
      transmit_interval:
        description: Shortest interval between two packets that this end sends, in milliseconds.
        type: int
        default: 300
  purge:
    description:
      - Remove single-hop peers that are not listed.
    type: bool
    default: true
  timeout:
    description:
      - Seconds to wait for the socket of a daemon that is just starting, and for each of its replies.
    type: int
    default: 10
attributes:
  check_mode:
    description: Can run in check mode and say what would change. The check and the real run share one plan.
    support: full
  diff_mode:
    description: Shows what changes, one line a peer.
    support: full
  platform:
    description: Target operating system.
    support: full
    platforms: linux
notes:
  - The user needs access to the socket (root, or the groups C(frr) and C(frrvty)).
"""

EXAMPLES = r"""
- name: Watch both uplinks with BFD
  roth.fabric.bfd_peers:
    peers:
      - {address: 10.1.1.0, local_address: 10.1.1.1}
      - {address: "2001:db8:1:1::a", local_address: "2001:db8:1:1::b"}
      - {address: 10.2.1.0, local_address: 10.2.1.1}
      - {address: "2001:db8:2:1::a", local_address: "2001:db8:2:1::b"}

- name: Add one peer with fast timers and leave the others alone
  roth.fabric.bfd_peers:
    peers:
      - {address: 10.3.1.0, local_address: 10.3.1.1}
    profile: {name: fast, detect_multiplier: 3, receive_interval: 100, transmit_interval: 100}
    purge: false
"""

RETURN = r"""
added:
  description: Peers that were, or would be, added.
  returned: always
  type: list
  elements: str
  sample: ["peer 10.1.1.0 local-address 10.1.1.1"]
changed_peers:
  description: Peers whose timers were, or would be, changed.
  returned: always
  type: list
  elements: str
  sample: []
removed:
  description: Peers that were, or would be, removed.
  returned: always
  type: list
  elements: str
  sample: []
commands:
  description: The configuration lines given to bfdd.
  returned: always
  type: list
  elements: str
  sample: ["bfd", "profile roth", "detect-multiplier 3", "receive-interval 300", "transmit-interval 300", "exit"]
states:
  description: State of each session as bfdd reported it before the change, by peer address.
  returned: always
  type: dict
  sample: {"10.1.1.0": "up"}
"""

import re
import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.arguments import Module, check_address, check_integer, check_path
from ..module_utils.bfdd.peers import PeerKey, Plan, Timers, diff, peer_key, plan, read_peers
from ..module_utils.bfdd.vty import Vty, VtyError
from ..module_utils.kernel.text import parse_device, quoted

PROFILE = {
    "name": {"type": "str", "default": "roth"},
    "detect_multiplier": {"type": "int", "default": 3},
    "receive_interval": {"type": "int", "default": 300},
    "transmit_interval": {"type": "int", "default": 300},
}
PEER = {
    "address": {"type": "str", "required": True},
    "local_address": {"type": "str", "required": True},
    "interface": {"type": "str"},
}
ARGUMENTS = {
    "vty": {"type": "path", "default": "/run/roth-bfdd/bfdd.vty"},
    "peers": {"type": "list", "elements": "dict", "required": True, "options": PEER},
    "profile": {"type": "dict", "default": {}, "options": PROFILE, "apply_defaults": True},
    "purge": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 10},
}


def connect(path: str, timeout: int) -> Vty:
    """Wait for a daemon that is just starting."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return Vty(path, timeout)
        except VtyError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.1)


def word(name: str) -> str:
    """A profile's name goes into a command line: it must be one word."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,63}", name):
        raise ValueError(f"profile.name = {quoted(name)}: expected a word of at most 63 letters, digits, - _ and .")
    return name


def wanted_peer(place: str, peer: dict[str, str]) -> PeerKey:
    """One entry of O(peers). Raises ValueError, naming it."""
    for name in ("address", "local_address"):
        check_address(f"{place}.{name}", peer[name])
    try:
        if peer["interface"] is not None:
            parse_device(peer["interface"])
        return peer_key(peer["address"], peer["local_address"], peer["interface"])
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def run(module: AnsibleModule) -> dict[str, object]:
    """Read, plan, apply. Raises ValueError for wrong arguments and VtyError when bfdd does not take part."""
    options = module.params
    profile = options["profile"]
    name = word(profile["name"])
    # the bounds of Timers, which names no option
    multiplier = check_integer("profile.detect_multiplier", profile["detect_multiplier"], 1, 255)
    receive, transmit = (
        check_integer(f"profile.{name}", profile[name], 10, 4294967, "ms")
        for name in ("receive_interval", "transmit_interval")
    )
    timers = Timers(multiplier, receive, transmit)
    wanted = [wanted_peer(f"peers[{index}]", peer) for index, peer in enumerate(options["peers"])]
    check_integer("timeout", options["timeout"], 0, 3600, "seconds")
    check_path("vty", options["vty"])
    with connect(options["vty"], options["timeout"]) as vty:
        current = read_peers(vty.command("show bfd peers json"))
        planned = plan(wanted, name, timers, current, options["purge"])
        if planned.lines and not module.check_mode:
            vty.configure(planned.lines)
    result = report(planned)
    result["diff"] = diff(planned, timers, current)
    result["states"] = {peer.key.address: peer.status for peer in current}
    return result


def report(planned: Plan) -> dict[str, object]:
    """The plan as the module returns it."""
    return {
        "changed": bool(planned.lines),
        "added": [key.words() for key in planned.added],
        "changed_peers": [key.words() for key in planned.changed],
        "removed": [key.words() for key in planned.removed],
        "commands": list(planned.lines),
    }


def main() -> None:
    module = Module(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        result = run(module)
    except (ValueError, VtyError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
