"""Names of a lab, and its command line as far as it needs no root."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab.cli import main
from lab.errors import LabError
from lab.settings import Settings


@pytest.mark.parametrize("prefix", ["Roth", "1lab", "a-b", "a_b", "elevenchars", "i.", " "])
def test_a_prefix_that_could_collide_is_refused(prefix):
    with pytest.raises(LabError, match="ROTH_LAB_PREFIX="):
        Settings(prefix=prefix)


def test_defaults_stand_in_for_empty_variables():
    assert Settings.from_environment({"ROTH_LAB_PREFIX": "", "ROTH_LAB_DIR": ""}) == Settings()


def test_two_prefixes_share_nothing_but_the_base():
    one, two = Settings(prefix="a", home=Path("/x")), Settings(prefix="ab", home=Path("/x"))
    assert one.run_dir != two.run_dir
    assert one.netns("hv1") != two.netns("hv1")
    assert not one.is_instance_netns(two.instance_netns("ecb2dd23-2c59"))


def test_only_names_of_ports_are_instances():
    settings = Settings(prefix="roth")
    assert settings.is_instance_netns("roth-i-ecb2dd23-2c")
    assert not settings.is_instance_netns("roth-i-other")
    assert not settings.is_instance_netns("roth-hv1")


def test_a_bad_prefix_ends_the_command_with_one_line(monkeypatch, capsys):
    monkeypatch.setenv("ROTH_LAB_PREFIX", "Not Good")
    assert main(["status"]) == 1
    assert capsys.readouterr().err.startswith("lab: ROTH_LAB_PREFIX='Not Good'")


def test_a_wrong_topology_is_told_before_anything_is_touched(tmp_path, capsys):
    (tmp_path / "topology.yml").write_text("nodes: {}\n")
    assert main(["--inventory", str(tmp_path), "up"]) == 1
    assert "topology.yml: nodes: expected at least one node" in capsys.readouterr().err


def test_later_commands_use_the_inventory_that_the_lab_was_brought_up_with(tmp_path):
    settings, default = Settings(home=tmp_path), Path("/default")
    assert settings.inventory(default) == default
    settings.run_dir.mkdir(parents=True)
    settings.inventory_file.write_text("/other\n")
    assert settings.inventory(default) == Path("/other")
