"""What the lab writes into a node before its first boot."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from lab import seed
from lab.topology import load

TOPOLOGY = load(Path(__file__).parents[3] / "inventories" / "lab" / "topology.yml")


def files(node: str) -> dict[str, seed.SeedFile]:
    return {file.path: file for file in seed.files(TOPOLOGY, TOPOLOGY.nodes[node], "0" * 32)}


def test_a_hypervisor_gets_its_name_and_nothing_else():
    assert sorted(files("hv1")) == ["etc/hostname", "etc/hosts", "etc/machine-id"]


def test_a_switch_gets_its_addresses_and_forwards():
    found = files("tor1")
    assert "Address=10.1.1.0/31" in found["etc/systemd/network/10-lab-hv1.network"].text
    assert "Address=192.0.2.1/32" in found["etc/systemd/network/10-lab-lo.network"].text
    sysctls = found["etc/sysctl.d/10-lab-router.conf"].text
    assert "net.ipv4.ip_forward = 1" in sysctls
    assert "fib_multipath_hash_seed = 101" in sysctls
    assert not any("frr" in path for path in found)


def test_the_client_has_its_gateway_of_both_families():
    text = files("client")["etc/systemd/network/10-lab-eth0.network"].text
    assert "Gateway=203.0.113.1\n" in text
    assert "Gateway=2001:db8:c::1\n" in text


def test_the_spine_gives_both_switches_the_default_in_both_families():
    text = files("spine")["etc/frr/frr.conf"].text
    for peer in ("10.255.1.1", "10.255.2.1", "2001:db8:255:1::b", "2001:db8:255:2::b"):
        assert f" neighbor {peer} remote-as external\n" in text
        assert f"  neighbor {peer} default-originate\n" in text
    assert "router bgp 65000\n bgp router-id 192.0.2.254\n" in text
    assert text.count("  maximum-paths 64\n") == 2


def test_directories_keep_owner_and_mode_of_the_base(tmp_path):
    base, upper = tmp_path / "base", tmp_path / "upper"
    (base / "etc" / "frr").mkdir(parents=True)
    (base / "etc" / "frr").chmod(0o750)
    me = pwd.getpwuid(os.getuid())
    (base / "etc" / "passwd").write_text(f"frr:x:{me.pw_uid}:{me.pw_gid}::/:/bin/false\n")
    upper.mkdir()
    seed.write(upper, [base], iter([seed.SeedFile("etc/frr/frr.conf", "!\n", mode=0o640, owner="frr")]))
    assert (upper / "etc" / "frr").stat().st_mode & 0o777 == 0o750
    assert (upper / "etc" / "frr" / "frr.conf").stat().st_mode & 0o777 == 0o640


def test_an_owner_the_base_does_not_know_is_an_error(tmp_path):
    (tmp_path / "base" / "etc").mkdir(parents=True)
    (tmp_path / "base" / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (tmp_path / "upper").mkdir()
    with pytest.raises(KeyError, match="frr"):
        seed.write(tmp_path / "upper", [tmp_path / "base"], iter([seed.SeedFile("a", owner="frr")]))
