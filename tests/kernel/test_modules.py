"""The modules, run as Ansible runs them, against a real kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


ROUTES = ["10.64.1.53/32 dev v0", "2001:db8:64::135/128 dev v0"]
ANNOUNCED = [{"prefix": "10.64.0.0/16", "ge": 32}]


def test_check_mode_plans_what_the_real_run_does(module, shell):
    would = module("host_routes", check=True, routes=ROUTES, announced=ANNOUNCED)
    assert shell("ip route show table all proto 142") == ""
    done = module("host_routes", routes=ROUTES, announced=ANNOUNCED)
    assert done == would
    assert done["changed"] is True
    assert done["installed"] == ROUTES
    assert module("host_routes", routes=ROUTES)["changed"] is False


def test_the_diff_says_what_is_announced_and_withdrawn(module):
    module("host_routes", routes=ROUTES)
    done = module("host_routes", routes=["10.64.1.60/32 dev v0", ROUTES[1]], announced=ANNOUNCED)
    assert done["diff"] == {
        "before": "10.64.1.53/32 dev v0  # removed, withdrawn\n",
        "after": "10.64.1.60/32 dev v0  # installed, announced\n",
    }
    assert (done["announced"], done["withdrawn"]) == (["10.64.1.60/32"], ["10.64.1.53/32"])


def test_what_the_host_knew_of_an_instance_goes_with_its_route(module, shell):
    """The next instance with its address has another MAC."""
    module("host_routes", routes=[*ROUTES, "10.64.1.54/32 dev v0"])
    for address in ("10.64.1.53", "10.64.1.54", "2001:db8:64::135"):
        shell(f"ip neigh add {address} lladdr fa:16:3e:00:00:01 dev v0 nud stale")
    shell("ip neigh add 10.64.1.53 lladdr fa:16:3e:00:00:01 dev br0 nud permanent")
    removal = {"routes": ["10.64.1.54/32 dev v0"], "allow_mass_removal": True}
    module("host_routes", check=True, **removal)
    assert len(shell("ip neigh show dev v0").splitlines()) == 3
    module("host_routes", **removal)
    assert [line.split()[0] for line in shell("ip neigh show dev v0").splitlines()] == ["10.64.1.54"]
    assert "10.64.1.53" in shell("ip neigh show dev br0")


def test_problems_are_reported_by_prefix_after_the_rest_was_applied(module, shell):
    shell("ip route add 10.64.1.54/32 dev br0 table 142 proto static")
    wanted = [*ROUTES, "10.64.1.54/32 dev v0", "10.64.1.55/32 dev gone"]
    failed = module("host_routes", routes=wanted)
    assert failed["failed"] is True
    assert {entry["prefix"] for entry in failed["failed_routes"]} == {"10.64.1.54/32", "10.64.1.55/32"}
    assert failed["installed"] == ROUTES
    assert "10.64.1.55/32: link gone does not exist" in failed["msg"]
    tolerated = module("host_routes", routes=wanted, ignore_problems=True)
    assert (tolerated.get("failed"), len(tolerated["failed_routes"]), tolerated["changed"]) == (None, 2, False)


def test_what_the_kernel_refuses_is_not_called_installed(module, shell):
    shell("echo 1 > /proc/sys/net/ipv6/conf/v0/disable_ipv6")
    failed = module("host_routes", routes=ROUTES)
    assert failed["installed"] == ROUTES[:1]
    assert failed["failed_routes"] == [
        {"prefix": "2001:db8:64::135/128", "reason": "IPv6 is disabled on the link (disable_ipv6)"}
    ]


@pytest.mark.parametrize("text", ["\n".join(["# wanted", *ROUTES, ""]), json.dumps(ROUTES)])
def test_routes_come_from_a_file_on_the_target(module, tmp_path, text):
    path = tmp_path / "routes"
    path.write_text(text)
    assert module("host_routes", src=str(path))["installed"] == ROUTES


def test_an_empty_list_is_refused_unless_it_is_allowed(module, shell, tmp_path):
    module("host_routes", routes=ROUTES)
    (tmp_path / "empty").write_text("")
    for arguments in ({"routes": []}, {"src": str(tmp_path / "empty")}):
        refused = module("host_routes", **arguments)
        assert refused["failed"] is True
        assert "expected at least one route, or allow_mass_removal: true" in refused["msg"]
    assert module("host_routes", src=str(tmp_path / "missing"), allow_mass_removal=True)["failed"] is True
    assert module("host_routes_info")["by_family"] == {"ipv4": 1, "ipv6": 1}
    assert module("host_routes", routes=[], allow_mass_removal=True)["removed"] == ROUTES


def test_a_bad_route_is_named_and_nothing_is_touched(module, shell):
    refused = module("host_routes", routes=[*ROUTES, "10.64.1.53/24 dev v0"])
    assert "route 3: '10.64.1.53/24' has host bits set; expected 10.64.1.0/24" in refused["msg"]
    assert shell("ip route show table all proto 142") == ""


@pytest.mark.parametrize(("name", "value"), [("protocol", 4), ("protocol", 256), ("table", 0)])
def test_a_protocol_or_table_that_is_not_ours_is_refused(module, name, value):
    assert str(value) in module("host_routes", routes=ROUTES, **{name: value})["msg"]


def test_info_reads_what_was_installed(module):
    blackhole = "blackhole 198.51.100.0/26 metric 4294967295"
    module("host_routes", routes=[*ROUTES, "192.0.2.11/32 dev lo", blackhole])
    info = module("host_routes_info")
    assert info["routes"] == [ROUTES[0], "192.0.2.11/32 dev lo", blackhole, ROUTES[1]]
    assert info["by_device"] == {"lo": 1, "v0": 2}
    assert (info["by_family"], info["other_forms"], info["changed"]) == ({"ipv4": 3, "ipv6": 1}, [], False)


def test_a_nexthop_group_is_declared(module, shell):
    shell("ip link set v1 nomaster; ip address add 10.1.1.1/31 dev v0; ip address add 10.2.1.1/31 dev v1")
    members = [
        {"id": 142104, "gateway": "10.1.1.0", "device": "v0"},
        {"id": 142114, "gateway": "10.2.1.0", "device": "v1", "weight": 2},
    ]
    would = module("nexthop_group", check=True, id=142004, members=members)
    assert shell("ip nexthop") == ""
    assert module("nexthop_group", id=142004, members=members) == would
    assert module("nexthop_group", id=142004, members=members)["changed"] is False
    less = module("nexthop_group", id=142004, members=members[:1])
    assert less["operations"] == ["put group 142004 members 142104 weight 1", "delete 142114"]
    gone = module("nexthop_group", id=142004, state="absent")
    assert gone["operations"] == ["delete 142004", "delete 142104"]
    assert gone["diff"]["after"] == ""
    assert shell("ip nexthop") == ""


def test_a_nexthop_id_of_another_protocol_is_refused(module, shell):
    shell("ip nexthop add id 142104 dev v0 proto static")
    members = [{"id": 142104, "gateway": "10.1.1.0", "device": "v0"}]
    assert "belongs to protocol 4" in module("nexthop_group", id=142004, members=members)["msg"]


def test_a_member_that_another_group_uses_is_kept(module, shell):
    shell("ip address add 10.1.1.1/31 dev v0")
    members = [{"id": 142104, "gateway": "10.1.1.0", "device": "v0"}]
    module("nexthop_group", id=1, members=members)
    module("nexthop_group", id=2, members=members)
    assert module("nexthop_group", id=1, state="absent")["operations"] == ["delete 1"]


def test_static_neighbours_are_declared(module, shell):
    shell("ip neigh add 10.64.1.99 lladdr fa:16:3e:00:00:99 dev v0 nud permanent")
    wanted = ["10.64.1.53 lladdr fa:16:3e:00:00:01 dev v0", "2001:db8::1 lladdr fa:16:3e:00:00:01 dev v0"]
    would = module("neighbors", check=True, neighbors=wanted)
    assert module("neighbors", neighbors=wanted) == would
    assert would["written"] == wanted
    assert module("neighbors", neighbors=wanted)["changed"] is False
    changed = module("neighbors", neighbors=["10.64.1.53 lladdr fa:16:3e:00:00:02 dev v0"])
    assert changed["removed"] == wanted[1:]
    assert changed["diff"]["before"] == "".join(f"{line}\n" for line in wanted)
    refused = module("neighbors", neighbors=["10.64.1.99 lladdr fa:16:3e:00:00:01 dev v0"])
    assert refused["failed_neighbors"] == [{"address": "10.64.1.99", "reason": "protocol 0 has a static entry on v0"}]
    assert "10.64.1.99 dev v0 lladdr fa:16:3e:00:00:99 PERMANENT" in shell("ip neigh")


def test_ansible_runs_host_routes_end_to_end(shell, tmp_path):
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCAL_TEMP": str(tmp_path)}
    environment |= {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_REMOTE_TEMP": str(tmp_path)}
    arguments = json.dumps({"routes": ROUTES})
    command = [sys.executable, "-m", "ansible", "adhoc", "-i", "localhost,", "-c", "local", "localhost", "--diff"]
    command += ["-e", f"ansible_python_interpreter={sys.executable}", "-m", "roth.fabric.host_routes", "-a", arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "+10.64.1.53/32 dev v0  # installed" in done.stdout
    assert "10.64.1.53 dev v0" in shell("ip route show table 142")


MANY = [f"10.64.2.{n}/32 dev v0" for n in range(1, 21)]


@pytest.mark.parametrize(
    ("left", "text"), [(10, "10 of the 20 instance prefixes (50 %)"), (0, "20 of the 20 instance prefixes (100 %)")]
)
def test_a_list_that_lost_half_or_all_of_its_instances_is_refused_also_in_check_mode(module, shell, left, text):
    loopback = ["192.0.2.11/32 dev lo"]
    module("host_routes", routes=MANY + loopback)
    before = shell("ip -d route show table 142")
    for check in (True, False):
        refused = module("host_routes", check=check, routes=MANY[:left] + loopback)
        assert (refused["failed"], refused["mass_removal"]["of"]) == (True, 20)
        assert f"routes: {text} would be removed: 10.64.2.{left + 1}/32, " in refused["msg"]
        assert refused["msg"].endswith("Nothing was touched. If this is right, say so with allow_mass_removal: true")
    assert shell("ip -d route show table 142") == before
    done = module("host_routes", routes=MANY[:left] + loopback, allow_mass_removal=True)
    assert len(done["removed"]) == 20 - left
    assert len(shell("ip route show table 142").splitlines()) == left + 1


def test_the_share_and_the_floor_are_options(module):
    module("host_routes", routes=MANY)
    assert module("host_routes", check=True, routes=MANY[:16])["removed"] == MANY[16:]
    assert module("host_routes", check=True, routes=MANY[:15])["mass_removal"]["removed"] == 5
    assert module("host_routes", check=True, routes=MANY[:15], max_removed_percent=25)["removed"] == MANY[15:]
    assert module("host_routes", check=True, routes=MANY[:15], max_removed_floor=5)["removed"] == MANY[15:]
    assert module("host_routes", check=True, routes=MANY[:16], max_removed_floor=0, max_removed_percent=19)["failed"]
    assert module("host_routes", check=True, routes=["192.0.2.1/32 dev lo"], max_removed_percent=100)["failed"]
    assert "max_removed_percent: 120" in module("host_routes", routes=MANY, max_removed_percent=120)["msg"]
