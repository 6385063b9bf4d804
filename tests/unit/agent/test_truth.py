"""`roth reconcile`: the host's own lists against its kernel against what ExaBGP announces."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from roth import cli, truth
from roth.config import Config
from roth.kernel.model import KernelRoute, Link
from roth.lists import Lists
from roth.reconcile.findings import disagreements
from roth.reconcile.model import Kind, PortName
from roth.restore import Listed, read_listed
from roth.truth import AGREE, DIFFER, UNREAD, Read, exit_code, own_world, read_host, run

from tests.unit.agent.fakes import V4, V6, config, document

LIST = """\
10.64.0.1/32 dev br-mobile
2001:db8:64::1/128 dev br-mobile
198.51.100.0/26 dev br-mobile
blackhole 198.51.100.0/26 metric 4294967295
192.0.2.11/32 dev lo
"""
TAPS = "10.64.0.1/32 tap2b1f0e5c-9d\n"
LINKS = {1: Link(1, "lo", True, True), 7: Link(7, "br-mobile", True, True)}
MINE = "10.64.0.1/32"
STATUS = {"withheld": [], "drain": {"uplinks": [], "host": None, "withdrawn": []}}


def kernel_route(prefix: str, oif: int = 7, metric: int = 0, kind: int = 1, protocol: int = 142) -> KernelRoute:
    return KernelRoute(ip_network(prefix), metric, oif, kind, protocol, 142)


KERNEL = [
    kernel_route(MINE),
    kernel_route("2001:db8:64::1/128", metric=1024),
    kernel_route("198.51.100.0/26"),
    kernel_route("198.51.100.0/26", metric=4294967295, kind=6),
    kernel_route("192.0.2.11/32", oif=1),
]


def announcements(*prefixes: str) -> list[dict[str, str]]:
    return [
        {"peer": str(peer), "prefix": prefix, "next_hop": str(peer + 1)}
        for prefix in prefixes
        for peer in (V6 if ":" in prefix else V4)
    ]


PREFIXES = (MINE, "2001:db8:64::1/128", "198.51.100.0/26", "192.0.2.11/32")


@pytest.fixture
def listed(tmp_path: Path) -> Listed:
    (tmp_path / "routes").write_text(LIST)
    (tmp_path / "taps").write_text(TAPS)
    return read_listed(Lists(str(tmp_path / "routes"), str(tmp_path / "taps")))


@pytest.fixture
def well(listed: Listed) -> Read:
    """A host on which all agree."""
    return Read(listed, (KERNEL, LINKS), STATUS, announcements(*PREFIXES))


def found(read: Read):
    return disagreements(own_world(config(), "hv1", read))


def test_a_host_on_which_all_agree_has_no_finding(well: Read) -> None:
    assert found(well) == []
    assert exit_code([]) == AGREE


def test_a_listed_route_that_the_kernel_lacks_is_missing_and_its_tap_is_named(well: Read) -> None:
    (finding,) = found(replace(well, table=(KERNEL[1:], LINKS), routes=announcements(*PREFIXES[1:])))
    assert (finding.kind, finding.prefix) == (Kind.MISSING, MINE)
    assert finding.missing == ("kernel", "adj-rib-out tor1", "adj-rib-out tor2")
    assert finding.port == PortName("2b1f0e5c-9d", "tap2b1f0e5c-9d", "hv1")
    assert exit_code([finding]) == DIFFER


def test_an_aggregate_without_its_blackhole_is_missing(well: Read) -> None:
    (finding,) = found(replace(well, table=([*KERNEL[:3], KERNEL[4]], LINKS)))
    assert finding.install == ("blackhole 198.51.100.0/26 metric 4294967295",)


def test_a_route_of_ours_that_is_not_listed_is_an_orphan(well: Read) -> None:
    more = kernel_route("10.64.77.7/32")
    (finding,) = found(replace(well, table=([*KERNEL, more], LINKS)))
    assert (finding.kind, finding.seen, finding.reason) == (Kind.ORPHAN, ("kernel",), "not on the list")
    assert finding.remove == ("10.64.77.7/32 dev br-mobile",)


def test_routes_of_others_are_no_findings_but_in_the_place_of_a_listed_one(well: Read) -> None:
    assert found(replace(well, table=([*KERNEL, kernel_route("10.64.77.8/32", protocol=4)], LINKS))) == []
    taken = [kernel_route(MINE, protocol=4), *KERNEL[1:]]
    (finding,) = found(replace(well, table=(taken, LINKS)))
    assert finding.reason == f"another protocol has its place: {MINE} dev br-mobile proto 4"
    assert (finding.install, finding.remove) == ((), ())


def test_what_is_announced_outside_the_allowed_prefixes_is_leaked(well: Read) -> None:
    (finding,) = found(replace(well, routes=announcements(*PREFIXES, "10.99.0.1/32")))
    assert (finding.kind, finding.prefix) == (Kind.LEAKED, "10.99.0.1/32")


def test_over_a_drained_uplink_nothing_is_missing(well: Read) -> None:
    less = [each for each in announcements(*PREFIXES) if each["peer"] not in (str(V4[0]), str(V6[0]))]
    drained = {**STATUS, "drain": {"uplinks": [{"uplink": "up0", "state": "drained"}], "host": None, "withdrawn": []}}
    assert found(replace(well, routes=less, status=drained)) == []
    assert {each.missing for each in found(replace(well, routes=less))} == {("adj-rib-out tor1",)}


@pytest.mark.parametrize("what", ["table", "routes", "status", "listed"])
def test_what_could_not_be_read_is_a_finding_and_never_agreement(well: Read, what: str) -> None:
    findings = found(replace(well, unread={what: "refused"}, **{what: None}))
    assert [(each.kind, each.missing, each.reason) for each in findings] == [(Kind.UNREADABLE, (what,), "refused")]
    assert exit_code(findings) == UNREAD


def test_a_list_that_is_not_there_makes_no_orphans(tmp_path: Path) -> None:
    read = read_host(
        config(routes_file=str(tmp_path / "none")), str(tmp_path / "none.sock"), table=lambda _config: (KERNEL, LINKS)
    )
    assert set(read.unread) == {"list", "agent", "adj-rib-out"}
    assert {each.kind for each in found(read)} == {Kind.UNREADABLE}


def test_the_list_that_was_written_last_is_what_is_wanted(tmp_path: Path) -> None:
    playbook = Lists(str(tmp_path / "routes"), str(tmp_path / "taps"))
    watcher = Lists(str(tmp_path / "watched-routes"), str(tmp_path / "watched-taps"))
    playbook.write([f"{MINE} dev br-mobile"], [])
    watcher.write(["192.0.2.11/32 dev lo"], [], after=playbook.written())
    both = config(
        routes_file=playbook.routes,
        taps_file=playbook.taps,
        watcher_routes_file=watcher.routes,
        watcher_taps_file=watcher.taps,
    )
    read = read_host(both, str(tmp_path / "none.sock"), table=lambda _config: (KERNEL, LINKS))
    assert read.listed is not None
    assert [str(route.prefix) for route in read.listed.routes.values()] == ["192.0.2.11/32"]


def test_a_kernel_that_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    def refuse(_config: Config) -> truth.Table:
        raise PermissionError(1, "Operation not permitted")

    read = read_host(config(), str(tmp_path / "none.sock"), table=refuse)
    assert read.unread["kernel"] == "[Errno 1] Operation not permitted"


@pytest.fixture
def settings(tmp_path: Path) -> str:
    path = tmp_path / "agent.json"
    path.write_text(json.dumps(document()))
    return str(path)


Reader = Callable[[Config, str], Read]


def test_the_command_prints_json_and_ends_with_its_code(
    settings: str, well: Read, capsys: pytest.CaptureFixture[str]
) -> None:
    reader: Reader = lambda _config, _socket: well  # noqa: E731
    assert run(settings, "socket", table=False, read=reader) == AGREE
    told = json.loads(capsys.readouterr().out)
    assert (told["agree"], told["findings"]) == (True, [])
    assert told["not_looked_at"] == {"hosts": [], "switches": ["tor1", "tor2"]}
    lost = replace(well, table=(KERNEL[1:], LINKS))
    assert run(settings, "socket", table=True, read=lambda _config, _socket: lost) == DIFFER
    text = capsys.readouterr().out
    assert "install dev br-mobile" in text
    assert text.endswith("Not looked at: switches tor1, tor2\n\nNot all agree: 1 missing\n")


def test_a_configuration_that_is_not_there_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reconcile", "--config", str(tmp_path / "none.json")]) == UNREAD
    told = capsys.readouterr()
    assert "none.json" in told.err
    assert json.loads(told.out)["agree"] is False
