#!/usr/bin/python
# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build, on the controller, the wheels that hosts install without any package index."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wheelhouse
short_description: Build the wheels that hosts install without a package index
version_added: 0.1.0
author: roth.fabric contributors (@roth-fabric)
description:
  - Runs on the controller. Collects the pinned requirements and builds a source tree into one folder of wheels.
  - The folder is named by a digest of its inputs and made only when it is missing; the digest also names the release
    on the hosts.
  - Where the packages come from is pip's own configuration.
options:
  requirements:
    description: A file of pinned requirements, dependencies included. Needed unless O(ready) is given.
    type: path
  source:
    description: The Python project that is built. Needed unless O(ready) is given.
    type: path
  cache:
    description: Folder on the controller below which wheelhouses are kept.
    type: path
    default: ~/.cache/roth-fabric/wheelhouse
  ready:
    description: A folder of wheels made elsewhere; nothing is built then.
    type: path
  python:
    description: Interpreter whose C(pip) builds. The default is the one that runs Ansible.
    type: path
  source_date_epoch:
    description: Time stamp of the files in wheels that are built (seconds since 1970), so that a build can be repeated.
    type: int
    default: 1767225600
attributes:
  check_mode:
    support: full
    description: Returns the digest and says whether something would be built.
  diff_mode:
    support: none
    description: Wheels are binary.
requirements:
  - C(pip) on the controller, unless O(ready) is given
"""

EXAMPLES = r"""
- name: Make the wheelhouse
  roth.fabric.wheelhouse:
    requirements: requirements/host.txt
    source: agent
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
digest:
  description: Name of the release that these wheels make.
  returned: success
  type: str
  sample: 0f343b0931126a20
folder:
  description: The folder of wheels.
  returned: success
  type: str
  sample: /root/.cache/roth-fabric/wheelhouse/0f343b0931126a20
archive:
  description: A tar file of the wheels in O(cache), to copy in one go; not there yet in check mode.
  returned: success
  type: str
  sample: /root/.cache/roth-fabric/wheelhouse/0f343b0931126a20.tar
wheels:
  description: File names; empty in check mode when they are still to be built.
  returned: success
  type: list
  elements: str
"""

import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.arguments import Module, check_integer, check_path
from ..module_utils.kernel.text import quoted
from ..module_utils.software.wheels import inputs_digest, is_leftover, not_portable, source_files, wheelhouse_digest


class BuildError(Exception):
    """pip failed; the text is for the operator."""


def copy_source(source: Path, target: Path) -> None:
    """Copy the tree with links resolved and fixed modes: pip builds in place, and a wheel records modes."""
    shutil.copytree(source, target, ignore=lambda folder, names: [name for name in names if is_leftover(name)])
    for path in source_files(target):
        (target / path).chmod(0o644)


def pip(module: AnsibleModule, *arguments: str) -> None:
    """Run pip; raises BuildError with its last lines."""
    python = module.params["python"] or sys.executable
    code, _output, errors = module.run_command([python, "-m", "pip", "--disable-pip-version-check", *arguments])
    if code:
        raise BuildError(f"{python} -m pip {arguments[0]} failed: " + "\n".join(errors.strip().splitlines()[-12:]))


def build(module: AnsibleModule, target: Path) -> None:
    """Build into a temporary folder beside `target`, then move it in place in one step. Raises BuildError, OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    requirements = str(Path(module.params["requirements"]).absolute())
    module.run_command_environ_update = {"SOURCE_DATE_EPOCH": str(module.params["source_date_epoch"])}
    with tempfile.TemporaryDirectory(prefix=".build-", dir=target.parent) as scratch:
        wheels, source = Path(scratch) / "wheels", Path(scratch) / "source"
        copy_source(Path(module.params["source"]), source)
        pip(module, "wheel", "--no-deps", "--wheel-dir", str(wheels), "--requirement", requirements, str(source))
        found = sorted(wheels.glob("*.whl"))
        if not_portable(found):
            raise BuildError(f"{', '.join(not_portable(found))}: compiled wheels need not fit the hosts")
        # what the hosts will do, tried here first: complete without an index?
        pip(
            module,
            "install",
            "--dry-run",
            "--ignore-installed",
            "--quiet",
            "--no-index",
            *[str(path) for path in found],
        )
        if not target.exists():
            wheels.rename(target)


def pack(wheels: Path, archive: Path) -> None:
    """Write the wheels into a tar file, unless it is there already. Raises OSError."""
    if archive.exists():
        return
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pack-", dir=archive.parent) as scratch:
        packed = Path(scratch) / archive.name
        with tarfile.open(packed, mode="w") as tar:
            for wheel in sorted(wheels.glob("*.whl")):
                tar.add(wheel, arcname=wheel.name)
        packed.rename(archive)


def ready(path: Path) -> str:
    """The digest of a wheelhouse that was made elsewhere. Raises BuildError when it is empty."""
    wheels = sorted(path.glob("*.whl"))
    if not wheels:
        raise BuildError(f"ready = {quoted(str(path))}: expected a folder of wheels on the controller")
    return wheelhouse_digest(wheels)


def ensure(module: AnsibleModule) -> tuple[bool, str, Path]:
    """Whether something was (in check mode would be) built, the digest and the folder. Raises BuildError, OSError."""
    if module.params["ready"]:
        return False, ready(Path(module.params["ready"])), Path(module.params["ready"])
    requirements, source = Path(module.params["requirements"]), Path(module.params["source"])
    if not requirements.is_file():
        raise BuildError(f"requirements = {quoted(str(requirements))}: expected a file on the controller")
    if not (source / "pyproject.toml").is_file():
        raise BuildError(f"source = {quoted(str(source))}: expected a folder with a pyproject.toml on the controller")
    digest = inputs_digest(requirements, source)
    target = Path(module.params["cache"]) / digest
    missing = not target.is_dir()
    if missing and not module.check_mode:
        build(module, target)
    return missing, digest, target


def main() -> None:
    module = Module(
        argument_spec={
            "requirements": {"type": "path"},
            "source": {"type": "path"},
            "cache": {"type": "path", "default": "~/.cache/roth-fabric/wheelhouse"},
            "ready": {"type": "path"},
            "python": {"type": "path"},
            "source_date_epoch": {"type": "int", "default": 1767225600},
        },
        required_one_of=[("ready", "requirements")],
        mutually_exclusive=[("ready", "requirements"), ("ready", "source")],
        required_together=[("requirements", "source")],
        supports_check_mode=True,
    )
    os.umask(0o022)
    try:
        for name in ("requirements", "source", "cache", "ready", "python"):
            if module.params[name]:
                check_path(name, str(Path(module.params[name]).absolute()))
        check_integer("source_date_epoch", module.params["source_date_epoch"], 315532800, 4354819199, "seconds (zip)")
        changed, digest, path = ensure(module)
        archive = Path(module.params["cache"]) / f"{digest}.tar"
        if not module.check_mode:
            pack(path, archive)
    except (BuildError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=changed,
        digest=digest,
        folder=str(path),
        archive=str(archive),
        wheels=sorted(wheel.name for wheel in path.glob("*.whl")),
    )


if __name__ == "__main__":
    main()
