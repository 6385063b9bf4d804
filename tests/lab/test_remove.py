"""`remove.yml` leaves a host as it was found, and what others put there untouched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .fabric import eventually
from .lone import HOST, Lone, differences, lone_lab
from .playbooks import AT_ONCE

YES = ("-e", "roth_remove=yes")
FOREIGN = (
    "printf 'net.ipv4.tcp_keepalive_time = 1234\n' >/etc/sysctl.d/90-foreign.conf",
    "sysctl --quiet --load=/etc/sysctl.d/90-foreign.conf",
    # as it will be of ours, and as it is not
    "sysctl --quiet -w net.ipv4.conf.up0.log_martians=1 net.ipv4.conf.up1.send_redirects=0",
    "useradd --system --no-create-home foreign",
    "printf '[Service]\nExecStart=/bin/true\n' >/etc/systemd/system/foreign.service",
    "mkdir -p /etc/systemd/networkd.conf.d",
    "ip link add br-foreign type bridge",
    # no link-local address: that comes some time later, and the first listing must not be in between
    "ip link set br-foreign addrgenmode none",  # in one command, "up" would come first
    "ip link set br-foreign up",
    "ip address add 203.0.113.65/28 dev br-foreign",
    # the tables, priorities and uplinks that will be ours
    "ip route add blackhole 203.0.113.99/32 proto 77 table 142",
    "ip -6 route add blackhole 2001:db8:77::/64 proto 77 table 143",
    "ip route add default via 203.0.113.66 dev br-foreign",
    "ip rule add priority 142 from 203.0.113.99 lookup 999",
    "ip -6 rule add priority 144 to 2001:db8:77::/64 lookup 999",
    "ip nexthop add id 900 blackhole proto 77",
    "nft add table inet foreign",
)
"""What others have on the host before ours comes."""
REPOSITORY = Path(__file__).with_name("repository.py")
COMING = ("frr", "radvd", "nftables")
"""Packages that the lab's hosts have from the start, and that roles install where they are missing."""


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with lone_lab(tmp_path_factory.mktemp("lone")) as found:
        yield found


@pytest.mark.slow
def test_a_removed_host_is_as_it_was_found_and_can_be_deployed_again(lone: Lone) -> None:
    for text in FOREIGN:
        lone.fabric().run(HOST, "sh", "-ec", text)
    before = lone.listing()
    deployed = lone.play("site.yml", *AT_ONCE)
    assert deployed.code == 0, deployed.output
    lone.plug()
    assert lone.play("verify.yml").code == 0
    with_ours = lone.listing()

    refused = lone.play("remove.yml")
    assert refused.code != 0
    assert "say yes with -e roth_remove=yes" in refused.output
    in_use = lone.play("remove.yml", *YES)
    assert in_use.code != 0
    assert "still attached to it" in in_use.output
    assert differences(with_ours, lone.listing()) == {}, "a refusal touches nothing"
    lone.unplug()

    with_ours = lone.listing()
    plan = lone.play("remove.yml", "--check", "--diff")
    assert plan.code == 0, plan.output
    for expected in (
        "-192.0.2.11/32 dev lo  # removed, withdrawn",
        "-net/ipv6/conf/all/forwarding = 1",
        "before: /etc/roth/exabgp.conf",
        "-Wants=network.target",
    ):
        assert expected in plan.output, plan.output
    assert "lab-hv1-tor1" not in plan.output, "a key is shown to nobody"
    assert differences(with_ours, lone.listing()) == {}, "a check changes nothing"

    removed = lone.play("remove.yml", *YES)
    assert removed.code == 0, removed.output
    assert {name: lone.fabric().prefixes_at(name) for name in ("tor1", "tor2")} == {"tor1": {}, "tor2": {}}
    assert differences(before, lone.listing()) == {}
    again = lone.play("remove.yml", *YES)
    assert (again.code, again.changed[HOST]) == (0, 0), again.output

    assert lone.play("site.yml", *AT_ONCE).code == 0
    lone.plug()
    verified = lone.play("verify.yml")
    assert verified.code == 0, verified.output
    eventually(lambda: lone.fabric().status(HOST).get("announced"), bool, "announced prefixes")


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Lone]:
    """A host without the packages of our daemons, which can get them: from a folder of its own, without a network."""
    with lone_lab(tmp_path, "y") as found:
        run = found.fabric().run
        purge = ("purge", "--auto-remove", *COMING)
        plan = run(HOST, "apt-get", "--simulate", *purge)
        going = [line.split()[1] for line in plan.splitlines() if line.startswith("Purg ")]
        run(HOST, "python3", "-c", REPOSITORY.read_text(), "/srv/packages", *going)
        run(HOST, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", *purge)
        for text in (
            "userdel frr; groupdel -f frrvty; ! getent passwd frr radvd",
            "rm -f /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] file:/srv/packages ./' >/etc/apt/sources.list",
            "apt-get update",
        ):
            run(HOST, "sh", "-c", text)
        yield found


def packages(listing: dict[str, dict[str, str]]) -> set[str]:
    return {line.split()[0] for line in listing["packages"]}


@pytest.mark.slow
def test_packages_that_roles_installed_are_purged_with_what_came_with_them(bare: Lone) -> None:
    before = bare.listing()
    assert not packages(before) & set(COMING)
    deployed = bare.play("site.yml", *AT_ONCE)
    assert deployed.code == 0, deployed.output
    bare.plug()
    assert bare.play("verify.yml").code == 0
    bare.unplug()
    came = packages(bare.listing()) - packages(before)
    assert came > set(COMING), "with what they depend on"

    removed = bare.play("remove.yml", *YES)
    assert removed.code == 0, removed.output
    assert differences(before, bare.listing()) == {}
