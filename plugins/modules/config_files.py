#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep several small files equal to a wanted content, in one go."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config_files
short_description: Keep several small files equal to a wanted content
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Writes a group of configuration files and removes others, in one call. Every file that differs is checked first, if
    it has a checker, and only when all are good is any of them put in place.
  - Folders that are missing are made. Check mode shows the diffs on a host that has neither folders nor users yet.
options:
  files:
    description: The wanted files.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The file.
        type: path
        required: true
      content:
        description: The whole content. Needed unless O(secrets) has it.
        type: str
      owner:
        description: Its user.
        type: str
        default: root
      group:
        description: Its group.
        type: str
        default: root
      mode:
        description: Its permissions, octal.
        type: str
        default: "0644"
      validate:
        description:
          - A command, not a shell, with C(%s) for the file; it must succeed before the file is put in place.
          - The copy that it reads has owner, group and mode of the file.
        type: str
      silent_is_valid:
        description: Whether any output of O(files[].validate) means that the file is bad, whatever the exit status.
        type: bool
        default: false
      secret_pattern:
        description:
          - A regular expression. A file that has a match, before or after, is treated as one of O(secrets).
          - So a diff does not show the last secret that leaves a file.
        type: str
  secrets:
    description:
      - The whole contents of files with secrets, by path. No log, diff or message shows them or what the checker says.
      - They are apart from O(files) because Ansible hides only options of a module itself from the target's journal.
    type: dict
    default: {}
  absent:
    description: Files that are removed.
    type: list
    elements: path
    default: []
  pending:
    description:
      - A file that is there for as long as what was written has not been applied, below C(/run) since a reboot applies
        all. It is made before the first change; who reloads or restarts removes it.
      - If it is there already, an earlier run was cut off between the two, and the module reports a change again.
    type: path
attributes:
  check_mode:
    support: full
    description: Says what would be written. The checkers do not run, since they may not be installed yet.
  diff_mode:
    support: full
    description: >-
      Shows each file that differs, without the content of sensitive ones. Of a removed file the content is shown if
      everybody could read it.
"""

EXAMPLES = r"""
- name: Write two files
  roth.fabric.config_files:
    files:
      - path: /etc/roth-example/agent.json
        content: "{}"
        validate: python3 -m json.tool %s /dev/null
      - path: /etc/roth-example/key
        mode: "0640"
    secrets:
      /etc/roth-example/key: "{{ example_key | default('secret') }}"
    absent:
      - /etc/roth-example/old
"""

RETURN = r"""
written:
  description: Files that were (in check mode would be) written, or whose owner, group or mode changed.
  returned: always
  type: list
  elements: str
  sample: [/etc/roth-example/agent.json]
removed:
  description: Files that were (in check mode would be) removed.
  returned: always
  type: list
  elements: str
  sample: [/etc/roth-example/old]
pending:
  description: Whether an earlier run was cut off before what it had written was applied.
  returned: always
  type: bool
  sample: false
"""

import grp
import os
import pwd
import re
import shlex
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.arguments import Module, check_path
from ..module_utils.kernel.text import quoted


@dataclass(frozen=True)
class File:
    """One wanted file; `validate` is a command with %s, `mode` the permission bits."""

    path: Path
    content: str
    owner: str
    group: str
    mode: int
    validate: str | None
    silent_is_valid: bool
    sensitive: bool
    secret_pattern: str | None

    def hides(self, before: str | None) -> bool:
        """Whether old or new content has a secret."""
        pattern = self.secret_pattern
        return self.sensitive or any(pattern and re.search(pattern, text) for text in (before or "", self.content))


class Invalid(Exception):
    """A file can't be put in place, or its checker refused it; the text is for the operator."""


def content_of(path: Path) -> str | None:
    """The file's text, None when there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None


def readable_by_all(path: Path) -> bool:
    """Whether the file's mode keeps nothing back."""
    return bool(path.stat().st_mode & stat.S_IROTH)


def attributes_differ(file: File) -> bool:
    """Whether an existing file has another owner, group or mode. Unknown names differ from everything."""
    status = file.path.stat()
    try:
        wanted = (pwd.getpwnam(file.owner).pw_uid, grp.getgrnam(file.group).gr_gid)
    except KeyError:
        return True
    return (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) != (*wanted, file.mode)


def stage(file: File, folder: Path, number: int) -> Path:
    """A copy with the file's owner, group and mode, never readable by more. Raises OSError, Invalid."""
    copy = folder / str(number) / file.path.name
    copy.parent.mkdir(mode=0o711)
    copy.touch(mode=0o600)
    copy.write_text(file.content, encoding="utf-8", errors="surrogateescape")
    try:
        shutil.chown(copy, file.owner, file.group)
    except LookupError as error:
        raise Invalid(f"{file.path}: {error}") from error
    copy.chmod(file.mode)
    return copy


def check(module: AnsibleModule, file: File, copy: Path) -> None:
    """Run the file's checker on a copy. Raises Invalid."""
    if not file.validate:
        return
    code, output, errors = module.run_command([word.replace("%s", str(copy)) for word in shlex.split(file.validate)])
    said = (output + errors).strip()
    if code or (file.silent_is_valid and said):
        said = said or f"exit status {code}"
        reason = "the file holds secrets, so what it said is not shown" if file.hides(None) else said
        raise Invalid(f"{file.path}: refused by {shlex.split(file.validate)[0]}: {reason}")


def write(module: AnsibleModule, files: list[File]) -> None:
    """Check all, then put each in place in one step. Raises Invalid, OSError."""
    folder = Path(tempfile.mkdtemp(prefix="roth-"))
    try:
        folder.chmod(0o711)  # a checker may run as the file's own user
        copies = [(file, stage(file, folder, number)) for number, file in enumerate(files)]
        for file, copy in copies:
            check(module, file, copy)
        for file, copy in copies:
            file.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            module.atomic_move(str(copy), str(file.path), keep_dest_attrs=False)
            shutil.chown(file.path, file.owner, file.group)
            file.path.chmod(file.mode)
    finally:
        shutil.rmtree(folder)


def difference(path: Path, before: str | None, after: str | None, sensitive: bool) -> dict[str, str]:
    """The diff of one file; secrets are replaced by a remark."""
    texts = ["" if text is None else ("(not shown)\n" if sensitive else text) for text in (before, after)]
    if sensitive and None not in (before, after):
        texts[1] = "(not shown; differs)\n"
    return {"before_header": str(path), "after_header": str(path), "before": texts[0], "after": texts[1]}


def parse(place: str, parameters: dict[str, Any], secrets: dict[str, Any]) -> File:
    """One entry of O(files). Raises ValueError naming option, value and what was expected, never a secret."""
    path = target(f"{place}.path", parameters["path"])
    content = secrets.get(path, parameters["content"])
    if not isinstance(content, str):
        where = f"secrets[{path!r}]" if path in secrets else f"{place}.content"
        found = "is missing" if content is None else f"is {type(content).__name__}"
        raise ValueError(f"{where} {found}: expected the content of {path} as a string")
    mode, validate = parameters["mode"], parameters["validate"]
    if not re.fullmatch(r"0?[0-7]{3}|[0-7]{4}", mode):
        raise ValueError(f"{place}.mode = {quoted(mode)}: expected an octal number in quotes, such as '0644'")
    return File(
        path=Path(path),
        content=content,
        owner=name(f"{place}.owner", parameters["owner"]),
        group=name(f"{place}.group", parameters["group"]),
        mode=int(mode, 8),
        validate=checker(f"{place}.validate", validate) if validate else None,
        silent_is_valid=parameters["silent_is_valid"],
        sensitive=path in secrets,
        secret_pattern=str(parameters["secret_pattern"]) if parameters["secret_pattern"] else None,
    )


def target(place: str, path: str) -> str:
    """A path that a file can be put at. Raises ValueError for a folder, and for what lies below a file."""
    check_path(place, path)
    if Path(path).is_dir():
        raise ValueError(f"{place} = {quoted(path)}: expected a file, this is a folder")
    above = next(folder for folder in Path(path).parents if os.path.lexists(folder))
    if not above.is_dir():
        raise ValueError(f"{place} = {quoted(path)}: expected a file below folders, {above} is none")
    return path


def name(place: str, value: str) -> str:
    """The name of a user or group; it need not exist yet in check mode. Raises ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}", value):
        raise ValueError(f"{place} = {quoted(value)}: expected the name of a user or group")
    return value


def checker(place: str, command: str) -> str:
    """A command for the file. Raises ValueError when it cannot be split into words, or has no place for the file."""
    expected = "a command with %s for the file"
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ValueError(f"{place} = {quoted(command)}: expected {expected} ({error})") from None
    if not any("%s" in word for word in words) or not command.isprintable():
        raise ValueError(f"{place} = {quoted(command)}: expected {expected}")
    return command


def parse_all(parameters: dict[str, Any]) -> tuple[list[File], list[Path]]:
    """The wanted files, and those to remove. Raises ValueError; a path that is meant twice is one reason."""
    secrets = parameters["secrets"]
    files = [parse(f"files[{index}]", entry, secrets) for index, entry in enumerate(parameters["files"])]
    absent = [target(f"absent[{index}]", path) for index, path in enumerate(parameters["absent"])]
    seen: dict[str, str] = {}
    places = [(f"files[{index}].path", str(file.path)) for index, file in enumerate(files)]
    places += [(f"absent[{index}]", str(Path(path))) for index, path in enumerate(absent)]
    for place, path in places:
        owner = seen.setdefault(path, place)
        if owner != place:
            raise ValueError(f"{place} = {quoted(path)}: expected each file once, {owner} has it")
    for path in secrets:
        if str(Path(path)) not in seen:
            raise ValueError(f"secrets[{quoted(path)}]: expected the path of one of the files")
    return files, list(map(Path, absent))


def argument_spec() -> dict[str, object]:
    file = {
        "path": {"type": "path", "required": True},
        "content": {"type": "str"},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
        "mode": {"type": "str", "default": "0644"},
        "validate": {"type": "str"},
        "silent_is_valid": {"type": "bool", "default": False},
        "secret_pattern": {"type": "str", "no_log": False},
    }
    return {
        "files": {"type": "list", "elements": "dict", "required": True, "options": file},
        "secrets": {"type": "dict", "default": {}, "no_log": True},
        "absent": {"type": "list", "elements": "path", "default": []},
        "pending": {"type": "path"},
    }


def main() -> None:
    module = Module(argument_spec=argument_spec(), supports_check_mode=True)
    os.umask(0o022)  # a hardened host's would make folders that services cannot enter
    try:
        files, absent = parse_all(module.params)
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    before = {file.path: content_of(file.path) for file in files}
    differing = [file for file in files if before[file.path] != file.content]
    unequal = [file for file in files if before[file.path] == file.content and attributes_differ(file)]
    surplus = [path for path in absent if os.path.lexists(path)]
    diffs = [difference(it.path, before[it.path], it.content, it.hides(before[it.path])) for it in differing]
    diffs += [difference(path, content_of(path), None, not readable_by_all(path)) for path in surplus]
    pending = Path(module.params["pending"]) if module.params["pending"] else None
    owed = pending is not None and pending.exists()
    if not module.check_mode:
        if pending and (differing or unequal or surplus):
            pending.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            pending.touch()
        try:
            write(module, differing + unequal)
        except (Invalid, OSError) as error:
            module.fail_json(
                msg=f"{error}; none of the files was changed" if isinstance(error, Invalid) else str(error)
            )
        for path in surplus:
            path.unlink()
    written = [str(file.path) for file in files if file in differing or file in unequal]
    module.exit_json(
        changed=bool(written or surplus or owed),
        written=written,
        removed=[str(path) for path in surplus],
        pending=owed,
        diff=diffs,
    )


if __name__ == "__main__":
    main()
