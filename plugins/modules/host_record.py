#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remember what a host was like before it was changed, and give links back as they were."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_record
short_description: Remember what a host was like before it was changed
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Keeps one JSON file with links and facts as they were found. What is in it already is never overwritten, so it has
    to be written before the first change.
  - Gives links back as they were - MTU, up or down, addresses, and the kernel settings that systemd-networkd changes on
    a link that it configures. Addresses that came since then stay.
options:
  path:
    description: The record.
    type: path
    default: /var/lib/roth/found.json
  links:
    description:
      - Names of links to record or to give back. A name that no link has is left out.
      - With O(state=absent) every link of the record is given back.
    type: list
    elements: str
    default: []
  facts:
    description: What else is to be remembered, by name.
    type: dict
    default: {}
  state:
    description:
      - V(present) records, V(restored) gives O(links) back and forgets them, V(absent) gives all links back and removes
        the record, V(read) only reads it.
    type: str
    choices: [present, read, restored, absent]
    default: present
attributes:
  check_mode:
    support: full
    description: Says what would be recorded or done.
  diff_mode:
    support: full
    description: Shows the record, and each step back.
"""

EXAMPLES = r"""
- name: Remember what the uplink was like
  roth.fabric.host_record:
    path: /var/lib/roth-example/found.json
    links: [up0]
    facts:
      networkd: disabled

- name: Give it back
  roth.fabric.host_record:
    path: /var/lib/roth-example/found.json
    links: [up0]
    state: restored
"""

RETURN = r"""
found:
  description: The record, as it was before this call when links were given back, else as it is now.
  returned: success
  type: dict
  contains:
    links:
      description: Links by name.
      type: dict
      returned: success
    facts:
      description: Facts by name.
      type: dict
      returned: success
  sample:
    links: {}
    facts: {networkd: disabled}
steps:
  description: What was (in check mode would be) done to the links.
  returned: success
  type: list
  elements: str
  sample: ["ip link set dev up0 down"]
"""

import json
import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.arguments import Module, check_path
from ..module_utils.layout.found import (
    SIDE_EFFECTS,
    Command,
    FoundLink,
    Step,
    from_json,
    link_of,
    new_facts,
    steps_back,
    to_give_back,
    to_json,
)

PROC = Path("/proc/sys")


def settings_of(link: str) -> dict[str, str]:
    """The kernel's values that systemd-networkd may change; what this kernel lacks is left out."""
    found = {}
    for path in (pattern.format(link) for pattern in SIDE_EFFECTS):
        try:
            found[path] = (PROC / path).read_text(encoding="ascii").strip()
        except OSError:
            continue
    return found


def read_links(module: AnsibleModule) -> dict[str, FoundLink]:
    """Every link of the host by name."""
    _code, output, _errors = module.run_command(["ip", "-json", "address", "show"], check_rc=True)
    entries = [entry for entry in json.loads(output) if "ifname" in entry]
    return {entry["ifname"]: link_of(entry, settings_of(entry["ifname"])) for entry in entries}


def read_record(module: AnsibleModule, path: Path) -> dict[str, dict[str, Any]]:
    """The record; one that cannot be read ends the module, since a new one would be wrong."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        for link in record["links"].values():
            from_json(link)
        return {"links": dict(record["links"]), "facts": dict(record["facts"])}
    except FileNotFoundError:
        return {"links": {}, "facts": {}}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        module.fail_json(msg=f"{path}: no record of this host's state before ({error!r}); nothing was changed")
    raise AssertionError  # fail_json does not come back


def text_of(record: dict[str, dict[str, Any]] | None) -> str:
    return "" if record is None else json.dumps(record, indent=1, sort_keys=True) + "\n"


def write_record(module: AnsibleModule, path: Path, record: dict[str, dict[str, Any]] | None) -> None:
    """Replace or remove the file in one step. Raises OSError."""
    if record is None:
        path.unlink()
        return
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text_of(record), encoding="utf-8")
    module.atomic_move(str(new), str(path))


def take(module: AnsibleModule, steps: list[Step]) -> None:
    """Do the steps; the first that fails ends the module. The record is still there, so the next run goes on."""
    for step in steps:
        if isinstance(step, Command):
            module.run_command(list(step.argv), check_rc=True)
            continue
        try:
            (PROC / step.path).write_text(step.value, encoding="ascii")
        except OSError as error:
            module.fail_json(msg=f"{step}: {error.strerror}")


def work_out(
    module: AnsibleModule, record: dict[str, dict[str, Any]], links: dict[str, FoundLink]
) -> tuple[dict[str, dict[str, Any]], list[Step]]:
    """The record afterwards, and the steps to take."""
    state, names = module.params["state"], module.params["links"]
    if state == "present":
        added = {name: to_json(links[name]) for name in names if name in links and name not in record["links"]}
        facts = new_facts(record["facts"], module.params["facts"])
        return {"links": {**record["links"], **added}, "facts": {**record["facts"], **facts}}, []
    given = to_give_back(list(record["links"]), list(links), None if state == "absent" else names)
    steps = [step for name in given for step in steps_back(name, from_json(record["links"][name]), links[name])]
    kept = {name: link for name, link in record["links"].items() if name not in names}
    return {"links": kept, "facts": record["facts"]}, steps


def main() -> None:
    module = Module(
        argument_spec={
            "path": {"type": "path", "default": "/var/lib/roth/found.json"},
            "links": {"type": "list", "elements": "str", "default": []},
            "facts": {"type": "dict", "default": {}},
            "state": {"type": "str", "choices": ["present", "read", "restored", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)
    try:
        check_path("path", module.params["path"])
    except ValueError as error:
        module.fail_json(msg=str(error))
    path, state = Path(module.params["path"]), module.params["state"]
    before = read_record(module, path)
    if state == "read":
        module.exit_json(changed=False, found=before, steps=[])
    after, steps = work_out(module, before, read_links(module))
    there = path.exists()
    last = None if state == "absent" else after
    differs = (there if last is None else last != before) or bool(steps)
    text = "".join(f"{step}\n" for step in steps)
    diffs = [{"before": "", "after": text, "before_header": "links", "after_header": "links as found"}] if text else []
    if text_of(before if there else None) != text_of(last) and (there or any(after.values())):
        old, new = text_of(before if there else None), text_of(last)
        diffs.append({"before": old, "after": new, "before_header": str(path), "after_header": str(path)})
    if not module.check_mode and differs:
        take(module, steps)
        if there or last is not None:
            write_record(module, path, last)
    found = after if state == "present" else before
    module.exit_json(changed=differs, found=found, steps=[str(step) for step in steps], diff=diffs)


if __name__ == "__main__":
    main()
