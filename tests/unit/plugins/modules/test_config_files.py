"""config_files as Ansible runs it: arguments as JSON on its standard input, the result as JSON on its output."""

from __future__ import annotations

import contextlib
import grp
import io
import json
import os
import pwd
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from ansible_collections.roth.fabric.plugins.modules import config_files
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[4]
MODULE = "ansible_collections.roth.fabric.plugins.modules.config_files"
ME = {"owner": pwd.getpwuid(os.geteuid()).pw_name, "group": grp.getgrgid(os.getegid()).gr_name}


def run(files, umask=0o022, **arguments):
    check, diff = arguments.pop("check", False), arguments.pop("diff", False)
    parameters = {"files": [{**ME, **file} for file in files], **arguments}
    done = subprocess.run(
        [sys.executable, "-m", MODULE],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**parameters, "_ansible_check_mode": check, "_ansible_diff": diff}}),
        env={**os.environ, "PYTHONPATH": str(ROOT / ".cache" / "collections")},
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
    )
    return json.loads(done.stdout), done.stdout


def test_files_and_their_folders_are_made_and_a_second_run_changes_nothing(tmp_path):
    files = [{"path": str(tmp_path / "a" / "one"), "content": "1\n"}]
    assert run(files)[0]["changed"] is True
    assert (tmp_path / "a" / "one").read_text() == "1\n"
    assert run(files)[0]["changed"] is False


def test_a_hardened_umask_leaves_folders_that_services_can_enter(tmp_path):
    run([{"path": str(tmp_path / "a" / "one"), "content": "1\n"}], umask=0o077)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o755


def test_check_mode_writes_nothing_and_shows_the_diff(tmp_path):
    result, _ = run([{"path": str(tmp_path / "a" / "one"), "content": "1\n"}], check=True, diff=True)
    assert result["changed"] is True
    assert result["diff"][0]["after"] == "1\n"
    assert list(tmp_path.iterdir()) == []


def test_one_file_that_its_checker_refuses_keeps_all_as_they_were(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("old\n")
    files = [
        {"path": str(good), "content": "new\n"},
        {"path": str(bad), "content": "x\n", "validate": "grep -q y %s"},
    ]
    result, _ = run(files)
    assert result["failed"] is True
    assert "refused by grep" in result["msg"]
    assert (good.read_text(), bad.exists()) == ("old\n", False)


def test_a_secret_is_in_its_file_alone(tmp_path):
    path = tmp_path / "key"
    result, output = run([{"path": str(path), "mode": "0600"}], secrets={str(path): "canary\n"}, diff=True)
    assert result["changed"] is True
    assert path.read_text() == "canary\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "canary" not in output


def test_the_last_secret_that_leaves_a_file_is_not_shown(tmp_path):
    path = tmp_path / "bgp.conf"
    path.write_text("md5-password canary\n")
    file = {"path": str(path), "content": "no key\n", "secret_pattern": "md5-password"}
    _result, output = run([file], diff=True, check=True)
    assert "canary" not in output
    _result, output = run([file], diff=True)
    assert (path.read_text(), "canary" in output) == ("no key\n", False)
    _result, output = run([{**file, "content": "other\n"}], diff=True)
    assert "no key" in output, "without a secret the diff is shown"


def test_a_removed_file_is_shown_if_everybody_could_read_it(tmp_path):
    for mode, shown in ((0o644, True), (0o640, False)):
        path = tmp_path / "old"
        path.write_text("canary")
        path.chmod(mode)
        _result, output = run([], absent=[str(path)], diff=True)
        assert ("canary" in output) is shown


def test_surplus_files_are_removed(tmp_path):
    (tmp_path / "old").write_text("x")
    result, _ = run([], absent=[str(tmp_path / "old")])
    assert result["removed"] == [str(tmp_path / "old")]
    assert not (tmp_path / "old").exists()


def test_what_a_run_that_was_cut_off_wrote_is_a_change_until_it_was_applied(tmp_path):
    files, pending = [{"path": str(tmp_path / "one"), "content": "1\n"}], tmp_path / "run" / "one-reload"
    run(files, pending=str(pending))
    assert pending.exists()
    result, _ = run(files, pending=str(pending))
    assert (result["changed"], result["written"], result["pending"]) == (True, [], True)
    pending.unlink()
    assert run(files, pending=str(pending))[0]["changed"] is False


def test_check_mode_notes_nothing_as_pending(tmp_path):
    run([{"path": str(tmp_path / "one"), "content": "1\n"}], pending=str(tmp_path / "pending"), check=True)
    assert list(tmp_path.iterdir()) == []


def test_the_diff_of_a_removed_file_shows_only_what_everybody_may_read(tmp_path):
    for name, mode in (("public", 0o644), ("secret", 0o640)):
        (tmp_path / name).write_text(f"{name} content\n")
        (tmp_path / name).chmod(mode)
    _, output = run([], absent=[str(tmp_path / "public"), str(tmp_path / "secret")], diff=True)
    assert "public content" in output
    assert "secret content" not in output


testing = pytest.importorskip("ansible.module_utils.testing")
NAMES = st.sampled_from(["a", "b", "sub/c", "sub/d"])
CONTENTS = st.sampled_from(["", "1\n", "2\n"])


def here(check, **arguments):
    """The module in this process, which is ten times as fast."""
    printed = io.StringIO()
    patched = testing.patch_module_args({**arguments, "_ansible_check_mode": check})
    with patched, contextlib.redirect_stdout(printed), pytest.raises(SystemExit):
        config_files.main()
    return json.loads(printed.getvalue())


def tree(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@settings(max_examples=20)
@given(st.dictionaries(NAMES, CONTENTS), st.dictionaries(NAMES, CONTENTS), st.sets(NAMES))
def test_any_files_become_as_wanted_as_the_check_said_and_others_stay(before, wanted, absent):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, content in before.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(content)
            (folder / path).chmod(0o644)
        files = [{**ME, "path": str(folder / path), "content": content} for path, content in wanted.items()]
        arguments = {"files": files, "absent": [str(folder / path) for path in sorted(absent - wanted.keys())]}
        would = here(True, **arguments)
        assert tree(folder) == before
        assert here(False, **arguments) == would
        kept = {path: content for path, content in before.items() if path not in absent}
        assert tree(folder) == {**kept, **wanted}
        again = here(False, **arguments)
        assert (again["changed"], again["written"], again["removed"]) == (False, [], [])
