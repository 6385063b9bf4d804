"""Broken arguments are refused in exact words, and the host is afterwards as it was before."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from .broken import CASES

SETTINGS = Path("/proc/sys/net")
# routes of whoever writes some: the kernel's own local ones still come while the links are young
SHOWN = (
    *(f"{family} route show table all proto {protocol}" for family in ("-4", "-6") for protocol in (142, "static")),
    "nexthop",
    "neigh show nud permanent",
    "rule",
)


@pytest.fixture
def before(shell, tmp_path):
    """A host with routes, nexthops and neighbours of ours and of others, and a folder with files."""
    for command in (
        "ip address add 10.1.1.1/31 dev v0",
        "ip route add 10.64.1.60/32 dev v0 proto 142 table 142",
        "ip route add 10.64.1.61/32 dev v0 proto static table 142",
        "ip -6 route add 2001:db8:64::60/128 dev v0 proto 142 table 142",
        "ip nexthop add id 142104 via 10.1.1.0 dev v0 proto 142",
        "ip nexthop add id 142004 group 142104 proto 142",
        "ip nexthop add id 77 dev v0 proto static",
        "ip neigh add 10.64.1.60 lladdr fa:16:3e:00:00:60 dev v0 nud permanent protocol 142",
        "ip neigh add 10.64.1.61 lladdr fa:16:3e:00:00:61 dev v0 nud permanent",
    ):
        shell(command)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").write_text("old\n")
    (tmp_path / "file").write_text("old\n")
    (tmp_path / "60-test.conf").write_text("net/ipv4/ip_forward = 0\n")
    return lambda: state(shell, tmp_path)


def state(shell, folder):
    found = {f"ip {words}": shell(f"ip {words}") for words in SHOWN}
    settings = (path for family in ("ipv4", "ipv6") for path in sorted((SETTINGS / family).rglob("*")))
    found["settings"] = {str(path): value(path) for path in settings if steady(path)}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (status.st_ino, status.st_mode, status.st_uid, status.st_mtime_ns, content)
    return found


def steady(path):
    return path.is_file() and os.access(path, os.R_OK) and path.name != "flush"  # that one can only be written


def value(path):
    try:
        return path.read_text()
    except OSError as error:  # stable_secret before it is set
        return error.errno


def placed(value, folder):
    if isinstance(value, str):
        return value.replace("{tmp}", folder)
    if isinstance(value, dict):
        return {placed(key, folder): placed(item, folder) for key, item in value.items()}
    return [placed(item, folder) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", CASES, ids=[case[0].replace(" ", "_") for case in CASES])
def test_a_broken_argument_is_refused_by_name_and_nothing_is_touched(case, module, before, tmp_path):
    _title, name, arguments, message = case
    was = before()
    refused = module(name, **placed(arguments, str(tmp_path)))
    assert refused["failed"] is True
    assert refused["msg"] == placed(message, str(tmp_path))
    assert "canary" not in str(refused)
    assert before() == was


def test_titles_are_unique_and_every_module_is_among_the_cases():
    titles = [case[0] for case in CASES]
    assert len(titles) == len(set(titles))
    modules = {path.stem for path in (Path(__file__).parents[2] / "plugins" / "modules").glob("*.py")}
    assert modules - {case[1] for case in CASES} == {"preflight"}  # an action, judged with its inventories
