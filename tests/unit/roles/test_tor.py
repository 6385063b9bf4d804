"""What the tor role renders for the example inventory: complete, valid in each language, keys hidden in the copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from roth.attributes import ARRIVED

ROOT = Path(__file__).resolve().parents[3]
PLAY = """
- hosts: tors
  gather_facts: false
  roles: [roth.fabric.tor]
"""


def run_role(folder, *arguments):
    playbook = folder / "tor.yml"
    playbook.write_text(PLAY)
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", ROOT / "inventories" / "example", playbook]
    ran = subprocess.run(
        [*command, "-e", f"tor_render_dir={folder / 'out'}", *arguments],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tor")
    output = run_role(folder, "--diff")
    return folder, output


def text(rendered, switch, name):
    return (rendered[0] / "out" / switch / name).read_text()


def test_a_second_run_changes_nothing(rendered):
    assert "changed=0" in run_role(rendered[0], "--limit", "rack1_tors")


def test_keys_are_in_the_file_alone_and_in_no_output(rendered):
    for switch, name in (("rack1-tor1", "frr.conf"), ("rack1-tor2", "bird.conf")):
        path = rendered[0] / "out" / switch / name
        assert "change-me-rack1" in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600
        assert "change-me" not in text(rendered, switch, f"{name}.masked")
    assert "********" in rendered[1]
    assert "change-me" not in rendered[1]


def test_the_last_key_that_is_taken_away_is_in_no_output(tmp_path):
    without = '{"vault_bgp_keys": {"rack1": "", "rack2": ""}}'
    run_role(tmp_path, "--limit", "rack1_tors")
    output = run_role(tmp_path, "--limit", "rack1_tors", "--diff", "-vvv", "-e", without)
    assert "change-me" not in (tmp_path / "out" / "rack1-tor1" / "frr.conf").read_text()
    assert "-neighbor 10.11.2.1 password ********" in output.replace("- ", "-")
    assert "change-me" not in output


def test_frr_lets_each_host_announce_its_own_prefixes_only(rendered):
    frr = text(rendered, "rack1-tor1", "frr.conf")
    lists = [line for line in frr.splitlines() if "prefix-list roth-host-rack1-hv2-ipv4 seq" in line]
    assert [line.split(" permit ")[1] for line in lists] == [
        "192.0.2.12/32",
        "203.0.113.0/24 ge 32 le 32",
        "198.51.100.32/27",
    ]
    assert "  neighbor 10.11.2.1 route-map roth-host-rack1-hv2-ipv4 in" in frr
    assert "bgp as-path access-list roth-as-4200001002 seq 5 permit ^4200001002(_4200001002)*$" in frr


def test_frr_gives_hosts_nothing_but_the_default(rendered):
    frr = text(rendered, "rack1-tor1", "frr.conf")
    assert "  neighbor 10.11.2.1 route-map roth-default-ipv4 out" in frr
    assert [line for line in frr.splitlines() if "roth-default-ipv4 seq" in line] == [
        "ip prefix-list roth-default-ipv4 seq 5 permit 0.0.0.0/0"
    ]


def test_bird_has_gtsm_and_frr_only_where_there_is_no_bfd(rendered):
    assert "ttl security on;" in text(rendered, "rack1-tor2", "bird.conf")
    # FRR would wait for multihop BFD.
    assert "ttl-security" not in text(rendered, "rack1-tor1", "frr.conf")


def test_frr_neighbors_have_bfd_and_a_limit(rendered):
    frr = text(rendered, "rack1-tor1", "frr.conf")
    for line in (
        " neighbor 10.11.1.1 bfd",  # without this line frr-reload.py switches BFD off
        " neighbor 10.11.1.1 bfd profile roth",
        " neighbor 10.11.1.1 graceful-restart-helper",
        "  neighbor 10.11.1.1 maximum-prefix 256 80 restart 5",
        " neighbor 10.11.1.1 description rack1-hv1 enp65s0f0np0 on port swp1",
    ):
        assert line in frr.splitlines()


def test_a_switch_knows_the_hosts_of_its_rack_only(rendered):
    assert "rack2-hv" not in text(rendered, "rack1-tor1", "frr.conf")
    assert "rack1-hv" not in text(rendered, "rack2-tor2", "bird.conf")


def test_bird_filters_each_host(rendered):
    bird = text(rendered, "rack1-tor2", "bird.conf")
    start = bird.index("filter 'roth_from_rack1-hv2_ipv4' {")
    assert " ".join(bird[start : bird.index("\n}\n", start)].split()) == (
        "filter 'roth_from_rack1-hv2_ipv4' { if ! (bgp_path ~ [= 4200001002+ =]) then reject; # a host is no transit "
        "if net ~ [ 192.0.2.12/32{32,32}, 203.0.113.0/24{32,32}, 198.51.100.32/27{27,27} ] then { "
        "roth_host_communities(); accept; } reject;"
    )


def route_maps(rendered, switch):
    """Each entry of FRR's route maps by `NAME ACTION NUMBER`."""
    parts = text(rendered, switch, "frr.conf").split("\nroute-map ")[1:]
    return {part.splitlines()[0]: part[: part.index("\nexit")].splitlines()[1:] for part in parts}


def test_frr_honours_graceful_shutdown_and_arrivals_and_takes_no_other_community_from_a_host(rendered):
    maps = route_maps(rendered, "rack1-tor1")
    name = "roth-host-rack1-hv2-ipv6"
    drained, arrived, others = (maps[f"{name} permit {number}"] for number in (5, 7, 10))
    matches = [f" match ipv6 address prefix-list {name}", " match as-path roth-as-4200001002"]
    nothing = [" set extcommunity none", " set large-community none"]
    drain = [" match community roth-drained", " set community graceful-shutdown", *nothing, " set local-preference 0"]
    assert drained == matches + drain
    assert arrived == [
        *matches,
        " match large-community roth-arrived",
        " set community none",
        " set extcommunity none",
        " set large-community 4294967294:142:1",
        " set local-preference 200",
    ]
    assert others == [*matches, " set community none", *nothing]
    frr = text(rendered, "rack1-tor1", "frr.conf").splitlines()
    assert "bgp community-list standard roth-drained seq 5 permit graceful-shutdown" in frr
    assert f"bgp large-community-list standard roth-arrived seq 5 permit {ARRIVED}" in frr
    assert " set comm-list roth-drained delete" in maps["roth-hosts-ipv6 permit 10"]


def test_frr_believes_the_fabric_about_arrivals_at_other_racks_hosts_only(rendered):
    maps = route_maps(rendered, "rack1-tor1")
    assert maps["roth-fabric-ipv4 permit 3"] == [
        " match ip address prefix-list roth-fabric-ipv4",
        " match as-path roth-own-hosts",
    ]
    assert maps["roth-fabric-ipv4 permit 5"] == [
        " match ip address prefix-list roth-addresses-ipv4",
        " match large-community roth-arrived",
        " set local-preference 200",
    ]
    frr = text(rendered, "rack1-tor1", "frr.conf").splitlines()
    own = [line for line in frr if "access-list roth-own-hosts" in line]
    assert [line.rpartition(" ")[2] for line in own] == [f"_420000100{host}$" for host in (1, 2, 3)]
    listed = [line.partition(" seq ")[2] for line in frr if "prefix-list roth-addresses-ipv4" in line and "seq" in line]
    assert "10 deny 127.0.0.0/8 le 32" in listed
    assert listed[-1] == "10000 permit 0.0.0.0/0 ge 32"


def test_bird_honours_graceful_shutdown_and_arrivals_and_takes_no_other_community_from_a_host(rendered):
    bird = " ".join(text(rendered, "rack1-tor2", "bird.conf").split())
    assert (
        "function roth_host_communities() { bgp_ext_community.empty; "
        "if (65535, 0) ~ bgp_community then { bgp_large_community.empty; bgp_community.empty; "
        "bgp_community.add((65535, 0)); bgp_local_pref = 0; } "
        "else { bgp_community.empty; if (4294967294, 142, 1) ~ bgp_large_community then { bgp_large_community.empty; "
        "bgp_large_community.add((4294967294, 142, 1)); bgp_local_pref = 200; } else bgp_large_community.empty; } }"
    ) in bird
    start = bird.index("filter roth_to_fabric_ipv4 {")
    assert "then { bgp_community.delete([(65535, 0)]); accept; }" in bird[start : bird.index("reject; }", start)]


def test_bird_believes_the_fabric_about_arrivals_at_other_racks_hosts_only(rendered):
    bird = " ".join(text(rendered, "rack1-tor2", "bird.conf").split())
    start = bird.index("filter roth_from_fabric_ipv6 {")
    assert (
        "if net.len = 128 && (4294967294, 142, 1) ~ bgp_large_community then { "
        "if ! (bgp_path.last ~ [ 4200001001, 4200001002, 4200001003 ]) then bgp_local_pref = 200; } accept; }"
    ) in bird[start:]


@pytest.mark.skipif(shutil.which("vtysh") is None, reason="FRR's vtysh is not installed")
@pytest.mark.parametrize("switch", ["rack1-tor1", "rack2-tor1"])
def test_frr_takes_the_configuration(rendered, switch):
    path = rendered[0] / "out" / switch / "frr.conf"
    ran = subprocess.run(["vtysh", "--dryrun", "--inputfile", path], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.skipif(shutil.which("bird") is None, reason="BIRD is not installed")
@pytest.mark.parametrize("switch", ["rack1-tor2", "rack2-tor2"])
def test_bird_takes_the_configuration(rendered, switch):
    path = rendered[0] / "out" / switch / "bird.conf"
    ran = subprocess.run(["bird", "-p", "-c", path], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_communities_of_hosts_and_switches_are_the_same():
    variables = yaml.safe_load((ROOT / "roles" / "tor" / "vars" / "main.yml").read_text())
    assert variables["__tor_arrived"] == ARRIVED


def test_originate_and_blackholes_are_valid_too(tmp_path):
    options = '{"tor_default_route": "originate", "tor_blackhole_prefixes": ["10.0.0.0/8", "2001:db8::/32"]}'
    run_role(tmp_path, "-e", options, "--limit", "rack1_tors")
    frr, bird = tmp_path / "out" / "rack1-tor1" / "frr.conf", tmp_path / "out" / "rack1-tor2" / "bird.conf"
    assert "  neighbor 10.11.1.1 default-originate" in frr.read_text().splitlines()
    assert "ipv6 route 2001:db8::/32 blackhole 254" in frr.read_text().splitlines()
    assert "  route 10.0.0.0/8 blackhole;" in bird.read_text().splitlines()
    assert "  route 0.0.0.0/0 unreachable;" in bird.read_text().splitlines()
    if shutil.which("vtysh"):
        subprocess.run(["vtysh", "--dryrun", "--inputfile", frr], check=True)
    if shutil.which("bird"):
        subprocess.run(["bird", "-p", "-c", bird], check=True)
