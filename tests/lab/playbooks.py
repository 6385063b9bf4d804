"""Runs the collection's playbooks against the lab, as an operator would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.settings import Settings
from lab.topology import FILE, chain, load

from .fabric import INVENTORY, ROOT

AT_ONCE = ("-e", '{"roth_serial": "100%", "roth_switch_serial": "100%"}')


@dataclass(frozen=True)
class Play:
    """A run that has ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """All that it wrote."""
        return self.stdout + self.stderr

    @property
    def changed(self) -> dict[str, int]:
        """How many tasks changed something, by host, as the recap says."""
        found = re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+)", self.output, re.MULTILINE)
        return {host: int(count) for host, count in found}


def with_neutron() -> list[Path]:
    """The inventories that the running lab lays over its own, if it has a Neutron: ports are read from there then."""
    folders = chain(Settings.from_environment().inventory(INVENTORY))
    files = [folder / "hosts.yml" for folder in reversed(folders[:-1])]
    return [Path(os.path.relpath(file, ROOT)) for file in files if file.exists()]


def command(playbook: str, inventory: Path, *options: str) -> list[str]:
    """The command line of a playbook, with an inventory of the running lab's nodes, or of another lab's."""
    tool = str(Path(sys.executable).with_name("ansible-playbook"))
    own = load(inventory / FILE).nodes == load(INVENTORY / FILE).nodes
    inventories = [inventory, *((ROOT / each for each in with_neutron()) if own else ())]
    named = [word for each in inventories for word in ("-i", str(each))]
    return [tool, *named, *options, str(ROOT / "playbooks" / playbook)]


def environment(**more: str) -> dict[str, str]:
    """Without molecule's own settings (ANSIBLE_FORCE_COLOR for one), nor its working directory, for tor_render_dir."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    if with_neutron():
        kept["OS_CLIENT_CONFIG_FILE"] = str(Settings.from_environment().clouds_file)
    return kept | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "PWD": str(ROOT)} | more


def attempt(playbook: str, inventory: Path, *options: str, **more: str) -> Play:
    """A run of one of the collection's playbooks, however it ends; `more` is added to its environment."""
    return _run(command(playbook, inventory, *options), more)


def as_shown(words: list[str], **more: str) -> Play:
    """A run of the ansible-playbook that a page of docs/ shows, with this environment's tools and the lab's Neutron."""
    assert words[0].endswith("ansible-playbook"), words
    tools = Path(sys.executable).parent
    inventories = [word for each in with_neutron() if str(each) not in words for word in ("-i", str(each))]
    line = [str(tools / "ansible-playbook"), *words[1:], *inventories]
    return _run(line, {"PATH": f"{tools}:{os.environ['PATH']}", **more})


def _run(line: list[str], more: Mapping[str, str]) -> Play:
    done = subprocess.run(
        line, cwd=ROOT, env=environment(**more), capture_output=True, text=True, timeout=1200, check=False
    )
    return Play(done.returncode, done.stdout, done.stderr)


def play(playbook: str, inventory: Path, *options: str, **more: str) -> str:
    """The output of one of the collection's playbooks, which must succeed."""
    run = attempt(playbook, inventory, *options, **more)
    assert run.code == 0, run.output
    return run.output


def refused(playbook: str, inventory: Path, *options: str) -> str:
    """The output of one of the collection's playbooks, which must fail without having changed anything on any host."""
    run = attempt(playbook, inventory, *options)
    assert run.code != 0, run.output
    assert not any(run.changed.values()), run.output
    return run.output
