"""From where the proofs in a running lab take the ports."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.lab.fabric import INVENTORY, ROOT
from tests.lab.playbooks import command, environment

PLAYBOOK = str(ROOT / "playbooks" / "sync_ports.yml")
NEUTRON = str(ROOT / "inventories" / "lab-neutron" / "hosts.yml")


@pytest.fixture
def brought_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A lab that was brought up from a folder of inventories/."""
    monkeypatch.setenv("ROTH_LAB_DIR", str(tmp_path / "labs"))
    monkeypatch.setenv("ROTH_LAB_PREFIX", "one")
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE", raising=False)

    def bring_up(name: str) -> None:
        file = tmp_path / "labs" / "run" / "one" / "inventory"
        file.parent.mkdir(parents=True)
        file.write_text(f"{ROOT / 'inventories' / name}\n")

    return bring_up


def inventories(line: list[str]) -> list[str]:
    return [word for option, word in pairwise(line) if option == "-i"]


def test_in_a_lab_without_neutron_the_ports_are_the_inventory_s(brought_up):
    brought_up("lab")
    line = command("sync_ports.yml", INVENTORY, "--check")
    assert inventories(line) == [str(INVENTORY)]
    assert line[-2:] == ["--check", PLAYBOOK]
    assert "OS_CLIENT_CONFIG_FILE" not in environment()


@pytest.mark.parametrize("name", ["lab-neutron", "lab-neutron-full"])
def test_in_a_lab_with_neutron_they_are_neutron_s(brought_up, tmp_path: Path, name: str):
    brought_up(name)
    assert inventories(command("sync_ports.yml", INVENTORY))[:2] == [str(INVENTORY), NEUTRON]
    assert environment()["OS_CLIENT_CONFIG_FILE"] == str(tmp_path / "labs" / "run" / "one" / "clouds.yaml")


def test_a_copy_of_the_inventory_has_neutron_over_it_and_that_of_other_nodes_has_not(brought_up, tmp_path: Path):
    brought_up("lab-neutron")
    copy = tmp_path / "copy"
    shutil.copytree(INVENTORY, copy)
    assert inventories(command("sync_ports.yml", copy)) == [str(copy), NEUTRON]
    topology = yaml.safe_load((copy / "topology.yml").read_text())
    del topology["nodes"]["client"]
    topology["links"] = [link for link in topology["links"] if not any(end.startswith("client:") for end in link)]
    (copy / "topology.yml").write_text(yaml.safe_dump(topology))
    assert inventories(command("sync_ports.yml", copy)) == [str(copy)]
