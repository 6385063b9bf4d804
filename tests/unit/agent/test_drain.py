"""Draining an uplink or a host: the state's file, its refusals, and what the agent does step by step."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path

import pytest
from roth.attributes import Treatment
from roth.config import ConfigError
from roth.drain import Drain, parse
from roth.health import drained, problems
from roth.kernel.model import Family
from roth.service import main
from roth.uplinks import BfdState

from tests.unit.agent.fakes import V4, V6, FakeKernel, config, document
from tests.unit.agent.host import Host, bring_up


class Drained:
    """A host with a drain.json that can be changed, and what its peers are told of one prefix."""

    def __init__(self, folder: Path) -> None:
        self.file, self.agent_file = folder / "drain.json", folder / "agent.json"
        self.agent_file.write_text(json.dumps(document()))
        self.host: Host | None = None

    def start(self, kernel: FakeKernel | None = None) -> Host:
        kernel = kernel or FakeKernel()
        for prefix in ("10.64.0.1/32", "10.64.250.1/32", "2001:db8:64::1/128"):
            kernel.add(prefix)
        self.host = bring_up(kernel, str(self.file))
        self.host.advance(1)
        self.host.advance(60)
        return self.host

    def want(self, **state: object) -> None:
        self.file.write_text(json.dumps(state))
        if self.host:
            self.host.agent.reload(str(self.agent_file))
            self.host.settle()

    def said(self, peer: object, prefix: str = "10.64.0.1/32") -> str | None:
        """What ExaBGP was last told about a prefix: None, `plain`, `longer` or `shutdown`."""
        assert self.host
        if prefix not in self.host.exabgp.out[str(peer)]:
            return None
        text = self.host.exabgp.said[str(peer), prefix]
        return "shutdown" if "65535:0" in text and "med 1000" in text else "longer" if "as-path" in text else "plain"


@pytest.fixture
def drain(tmp_path: Path) -> Drained:
    return Drained(tmp_path)


def state(host: Host) -> list[tuple[str, str]]:
    return [(each["uplink"], each["state"]) for each in host.status()["drain"]["uplinks"]]


# -- the file -------------------------------------------------------------------------------------------------------


def test_a_whole_document_is_read() -> None:
    text = '{"uplinks": ["up0"], "host": true, "withdrawn": ["10.64.250.1/32"], "settle": 3}'
    expected = Drain(frozenset({"up0"}), True, frozenset({ip_network("10.64.250.1/32")}), 3.0)
    assert parse(text, config()) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "not a mapping"),
        ('{"uplinks": "up0"}', "uplinks: 'up0' is not a list of interface names"),
        ('{"host": 1}', "host: 1 is not true or false"),
        ('{"withdrawn": ["10.0.0.1/24"]}', "withdrawn: ['10.0.0.1/24'] is not a list of prefixes"),
        ('{"settle": -1}', "settle: -1 is not seconds, 0 to 600"),
        ('{"settle": true}', "settle: True is not seconds, 0 to 600"),
        ('{"uplink": []}', "uplink: unknown key, expected one of uplinks, host, withdrawn, settle"),
        ('{"uplinks": ["up9"]}', "uplinks: up9: no such uplink, expected some of up0, up1"),
        ('{"uplinks": ["up0", "up1"]}', "uplinks: up0, up1: no uplink would be left for ipv4, expected at least one"),
    ],
)
def test_a_bad_document_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text, config())
    assert message in str(error.value)


def test_the_last_uplink_of_a_family_counts_on_its_own() -> None:
    uplinks = document()["uplinks"]
    uplinks[1]["peers"] = uplinks[1]["peers"][:1]  # type: ignore[index]
    with pytest.raises(ConfigError, match="left for ipv6"):
        parse('{"uplinks": ["up0"]}', config(uplinks=uplinks))


def test_a_family_that_no_uplink_has_is_no_reason_to_refuse() -> None:
    uplinks = document()["uplinks"]
    for uplink in uplinks:  # type: ignore[attr-defined]
        uplink["peers"] = uplink["peers"][:1]
    assert parse('{"uplinks": ["up0"]}', config(uplinks=uplinks)).uplinks == {"up0"}


def test_check_refuses_a_state_that_leaves_no_uplink(drain: Drained, capsys: pytest.CaptureFixture[str]) -> None:
    check = ["--config", str(drain.agent_file), "--drain", str(drain.file), "--check"]
    drain.want(uplinks=["up0"])
    assert main(check) == 0
    drain.want(uplinks=["up0", "up1"])
    assert main(check) == 2
    assert "no uplink would be left for ipv4" in capsys.readouterr().err


def test_a_drained_host_s_paths_are_longer_and_a_drained_uplink_s_longer_than_those() -> None:
    both = Drain(frozenset({"up0"}), host=True)
    treatments = [both.treatment(uplink) for uplink in config().uplinks]
    assert treatments == [Treatment(2, True), Treatment(1, False)]


# -- an uplink --------------------------------------------------------------------------------------------------------


def test_a_drained_uplink_leaves_both_groups_at_once_and_its_tor_is_told_in_two_steps(drain: Drained) -> None:
    host = drain.start()
    drain.want(uplinks=["up0"], settle=5)
    assert [host.members(family) for family in Family] == [(142114,), (142116,)]
    assert (drain.said(V4[0]), drain.said(V6[0], "2001:db8:64::1/128")) == ("longer", "longer")
    assert state(host) == [("up0", "draining")]
    host.advance(4)
    assert drain.said(V4[0]) == "longer"
    host.advance(2)
    assert (drain.said(V4[0]), drain.said(V6[0], "2001:db8:64::1/128")) == ("shutdown", "shutdown")
    assert (drain.said(V4[1]), drain.said(V6[1], "2001:db8:64::1/128")) == ("plain", "plain")
    assert state(host) == [("up0", "drained")]
    assert problems(host.status()) == []
    assert drained(host.status()) == ["uplink up0 to tor1 is drained"]


def test_it_comes_back_the_other_way_round(drain: Drained) -> None:
    drain.want(uplinks=["up0"], settle=5)
    host = drain.start()
    assert drain.said(V4[0]) == "shutdown"
    drain.want(settle=5)
    assert [host.members(family) for family in Family] == [(142104, 142114), (142106, 142116)]
    assert (drain.said(V4[0]), state(host)) == ("longer", [("up0", "returning")])
    host.advance(6)
    assert (drain.said(V4[0]), state(host)) == ("plain", [])


def test_a_new_prefix_is_announced_to_a_drained_tor_as_drained(drain: Drained) -> None:
    drain.want(uplinks=["up0"])
    host = drain.start()
    host.event(host.kernel.add("10.64.0.9/32"))
    assert (drain.said(V4[0], "10.64.0.9/32"), drain.said(V4[1], "10.64.0.9/32")) == ("shutdown", "plain")
    host.event(host.kernel.remove("10.64.0.9/32"))
    assert (drain.said(V4[0], "10.64.0.9/32"), drain.said(V4[1], "10.64.0.9/32")) == (None, None)


def test_a_new_agent_says_nothing_again_while_drained(drain: Drained) -> None:
    host = drain.start()
    drain.want(uplinks=["up0"], settle=0)
    host.advance(1)
    assert drain.said(V4[0]) == "shutdown"
    successor = Host(host.kernel, str(drain.file))
    successor.exabgp = host.exabgp
    successor.agent.send = host.exabgp.send
    host.exabgp.commands.clear()
    successor.agent.start()
    successor.connect()
    assert [line for line in host.exabgp.commands if " nlri " in line] == []
    assert state(successor) == [("up0", "drained")]
    assert [successor.members(family) for family in Family] == [(142114,), (142116,)]


def test_a_restarted_exabgp_is_told_the_drained_state_at_once(drain: Drained) -> None:
    drain.want(uplinks=["up0"])
    host = drain.start()
    host.agent.speaker.disconnect()
    for held in host.exabgp.out.values():
        held.clear()
    host.exabgp.commands.clear()
    host.connect()
    assert drain.said(V4[0]) == "shutdown"
    told = [line for line in host.exabgp.commands if f"neighbor {V4[0]} " in line and " nlri " in line]
    assert told
    assert all("65535:0" in line for line in told)


def test_the_tor_of_a_drained_uplink_may_go_and_the_host_stays_healthy(drain: Drained) -> None:
    drain.want(uplinks=["up0"])
    host = drain.start()
    for peer in (V4[0], V6[0]):
        host.agent.speaker.line(host.exabgp.event(str(peer), "down"))
    host.bfd(BfdState.UP, up0=BfdState.DOWN)
    assert problems(host.status()) == []


def test_a_drained_uplink_carries_traffic_rather_than_none(drain: Drained) -> None:
    drain.want(uplinks=["up0"])
    host = drain.start()
    assert host.members() == (142114,)
    host.bfd(BfdState.UP, up1=BfdState.DOWN)
    assert host.members() == (142104,)
    assert "not in the ipv4 default's group: up1" in problems(host.status())
    host.bfd(BfdState.UP)
    assert host.members() == (142114,)


def test_a_state_edited_to_leave_no_uplink_is_refused_and_the_old_one_stays(drain: Drained) -> None:
    host = drain.start()
    drain.want(uplinks=["up0"], settle=0)
    host.advance(1)
    drain.want(uplinks=["up0", "up1"])
    assert [host.members(family) for family in Family] == [(142114,), (142116,)]
    assert state(host) == [("up0", "drained")]
    (alarm,) = host.status()["alarms"]
    assert alarm.startswith(f"drain refused: {drain.file}: uplinks: up0, up1: no uplink would be left for ipv4")
    drain.want()
    assert host.status()["alarms"] == []


def test_a_new_agent_that_finds_a_bad_state_drains_nothing_and_says_so(drain: Drained) -> None:
    drain.file.write_text('{"uplinks": ["up0", "up1"]}')
    host = drain.start()
    assert host.members() == (142104, 142114)
    assert host.status()["alarms"][0].startswith("drain refused")


# -- a host -----------------------------------------------------------------------------------------------------------

SHARED = "10.64.250.1/32"


def test_a_drained_host_becomes_the_worse_choice_before_it_gives_shared_addresses_up(drain: Drained) -> None:
    host = drain.start()
    drain.want(host=True, withdrawn=[SHARED], settle=5)
    assert [drain.said(peer, SHARED) for peer in V4] == ["longer", "longer"]
    assert host.status()["drain"]["host"] == "giving up"
    host.advance(6)
    assert [drain.said(peer, SHARED) for peer in V4] == [None, None]
    assert [drain.said(peer) for peer in V4] == ["longer", "longer"]
    assert host.members() == (142104, 142114)
    assert host.status()["drain"] == {"uplinks": [], "host": "given up", "withdrawn": [SHARED]}
    assert host.status()["withheld"] == [{"prefix": SHARED, "reason": "drained: other hosts have it as well"}]
    assert problems(host.status()) == []


def test_a_host_takes_them_back_before_it_becomes_as_good_as_the_others(drain: Drained) -> None:
    drain.want(host=True, withdrawn=[SHARED], settle=5)
    host = drain.start()
    assert drain.said(V4[0], SHARED) is None
    drain.want()
    assert drain.said(V4[0], SHARED) == "longer"
    host.advance(6)
    assert [drain.said(peer, SHARED) for peer in V4] == ["plain", "plain"]


def test_a_new_agent_does_not_announce_what_was_given_up(drain: Drained) -> None:
    drain.want(host=True, withdrawn=[SHARED])
    host = drain.start()
    assert not any(SHARED in line for line in host.exabgp.commands)


def test_of_an_uplink_that_exabgp_can_not_be_asked_about_nothing_is_said_unless_it_is_drained(drain: Drained) -> None:
    drain.want(uplinks=["up0"], settle=0)
    host = drain.start()
    host.agent.speaker.disconnect()
    assert state(host) == [("up0", "draining")]


def lags(host: Host, peer: object) -> None:
    """One session is a step behind the others."""
    host.agent.draining.taken[peer] = host.clock.monotonic() + 3  # type: ignore[index]


@pytest.mark.parametrize("last", [*V4, *V6])
def test_a_host_gives_nothing_up_before_the_last_of_its_sessions_has_settled(drain: Drained, last: object) -> None:
    host = drain.start()
    drain.want(host=True, withdrawn=[SHARED], settle=5)
    lags(host, last)
    host.advance(6)
    assert [drain.said(peer, SHARED) for peer in V4] == ["longer", "longer"]
    assert host.status()["drain"]["host"] == "giving up"
    host.advance(3)
    assert [drain.said(peer, SHARED) for peer in V4] == [None, None]
    assert host.status()["drain"]["host"] == "given up"
    assert host.agent.draining.step() == frozenset(), "it is given up once"


def test_an_uplink_that_returns_takes_its_time_from_each_session_s_own_last_step(drain: Drained) -> None:
    drain.want(uplinks=["up0"], settle=5)
    host = drain.start()
    drain.want(settle=5)
    lags(host, V4[0])
    host.advance(6)
    assert (drain.said(V4[0]), drain.said(V6[0], "2001:db8:64::1/128")) == ("longer", "plain")
    assert state(host) == [("up0", "returning")]
    host.advance(3)
    assert (drain.said(V4[0]), state(host)) == ("plain", [])


def test_a_drain_state_that_is_nested_too_deeply_is_refused_in_words():
    with pytest.raises(ConfigError, match="nested too deeply"):
        parse("[" * 100_000, config())
