"""Must show 5: whatever ails Neutron, nothing is withdrawn wrongly, somebody is told, and afterwards all comes right.

Each ailment is the real Neutron's. What counts as proof is what the hosts' kernels and both switches had all the time,
and a flow of packets that crosses the fabric meanwhile.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lab import instances
from lab.api import Api

from tests.lab.fabric import Fabric, eventually

from .ailing import configured, forget, keep, policy, restore, serving, stopped
from .cloud import attempt_from_neutron, create, play_from_neutron, prefixes
from .plugged import (
    HOSTS,
    SWITCHES,
    addresses,
    all_routes,
    everywhere,
    failure,
    nowhere,
    of_all,
    plain,
    plug,
    ports,
    read_now,
    recovered,
    watcher,
)

OUTAGE = float(os.environ.get("ROTH_OUTAGE_SECONDS", "20"))
"""How long Neutron is away."""
RATE = 100
"""Packets a second of the flow."""
KEYSTONE = 5000
"""A port of the controller's where tokens are asked for."""
TOKENS = f"""\
[DEFAULT]
auth_strategy = keystone
[keystone_authtoken]
auth_type = none
endpoint = http://127.0.0.1:{KEYSTONE}
auth_version = v3
"""


@contextmanager
def undisturbed(
    fabric: Fabric, stays: Sequence[dict[str, Any]] = (), goes: Sequence[dict[str, Any]] = ()
) -> Iterator[None]:
    """Whatever the block does, no route but those of `goes` leaves a switch, and no packet of the rest's is lost.

    The kernels of both switches are watched for each route that is deleted, and their BGP is read before and after.
    """
    may_go = of_all(goes)
    steady = {name: _without(fabric.prefixes_at(name), may_go) for name in SWITCHES}
    mine = of_all(stays)
    assert all(len(hops) >= 75 and mine <= hops.keys() for hops in steady.values()), "without routes it proves nothing"
    own = [port for port in fabric.good_ports if not port["name"].startswith("new-")]
    flow = [port["fixed_ips"][0]["ip_address"] for port in own] + [*map(_v6, stays)]
    # an instance that was just plugged has its default route of IPv6 with the first router advertisement
    assert None not in fabric.reach("client", flow, 60).values()
    with ExitStack() as stack:
        monitors = {name: stack.enter_context(fabric.monitoring(name)) for name in SWITCHES}
        stream = stack.enter_context(fabric.streaming("client", flow, RATE))
        yield
    for name, monitor in monitors.items():
        lost = [change for change in monitor.changes if change.deleted and change.prefix in steady[name]]
        assert lost == [], f"{name} lost routes"
        now = fabric.prefixes_at(name)
        assert {prefix: now.get(prefix) for prefix in steady[name]} == steady[name]
    assert stream.result.sent > 0
    assert stream.result.lost == 0, stream.result


def _without(known: dict[str, set[str]], prefixes: set[str]) -> dict[str, set[str]]:
    return {prefix: hops for prefix, hops in known.items() if prefix not in prefixes}


def _v6(port: dict[str, Any]) -> str:
    return next(address for address in addresses(port) if ":" in address)


def alarm(fabric: Fabric, host: str) -> str:
    """What an operator sees on a host of its ports, from `Neutron's ports` on."""
    shown = fabric.run(host, "sh", "-c", "roth status || true")
    return shown[shown.index("Neutron's ports") :]


def logged(fabric: Fabric, host: str, event: str, words: str) -> None:
    """Wait until the last line of a host's watcher with this event has these words: the journal comes later."""

    def last() -> str:
        lines = fabric.run(host, "journalctl", "--unit", "roth-ports", "--output", "cat", "--no-pager").splitlines()
        return next((line for line in reversed(lines) if line.startswith(f"event={event} ")), "")

    eventually(last, lambda line: words in line, f"{words} in the log of {host}")


# -- Neutron is away ----------------------------------------------------------------------------------------------


def churn(fabric: Fabric, coming: Sequence[dict[str, Any]], known: Path, seconds: float) -> int:
    """Instances come and go, one after the other, until the time is over; gives how often."""
    rounds, until = 0, time.monotonic() + seconds
    while time.monotonic() < until or rounds < len(coming):
        port = coming[rounds % len(coming)]
        plug(fabric, [port], known)
        everywhere(fabric, prefixes(port))
        instances.unplug(fabric.settings, [port["id"]])
        nowhere(fabric, prefixes(port))
        rounds += 1
    return rounds


def outage(api: Api, fabric: Fabric, known: Path, seconds: float) -> None:
    """Neutron is stopped while instances come and go, one is made that no host has heard of, and one is deleted."""
    with ports(api, fabric, ["hv2", "hv2", "hv1", "hv2"]) as made:
        stays, deleted, *coming = made
        plug(fabric, [stays, deleted])
        everywhere(fabric, prefixes(stays) | prefixes(deleted))
        for host in HOSTS:
            assert read_now(fabric, host)["failure"] is None
        late = create(api, "hv3", "new-late")
        made.append(late)
        known.write_text(json.dumps(dict(api.document())))
        with undisturbed(fabric, [stays], [deleted]):
            with stopped(api, fabric):
                before = all_routes(fabric)
                rounds = _without_neutron(fabric, coming, known, seconds)
                plug(fabric, [late], known)
                kept = all_routes(fabric)
                assert {host: kept[host] for host in ("hv1", "hv2")} == {host: before[host] for host in ("hv1", "hv2")}
                forget(fabric, deleted["id"])
            print(f"{seconds:.0f} s without Neutron, {rounds} instances came and went: no other route, no packet lost")
            for host in HOSTS:  # by themselves: nobody tells them
                failure(fabric, host, told=False, seconds=90)
            everywhere(fabric, prefixes(late), 60)
            nowhere(fabric, prefixes(deleted))
        expected = {**before, "hv2": before["hv2"] - plain(prefixes(deleted))}
        expected["hv3"] = before["hv3"] | plain(prefixes(late))
        assert all_routes(fabric) == expected
        play_from_neutron("sync_ports.yml")
        assert all_routes(fabric) == expected
        assert None not in fabric.reach("client", addresses(stays) + addresses(late), 30).values()


def _without_neutron(fabric: Fabric, coming: Sequence[dict[str, Any]], known: Path, seconds: float) -> int:
    """What happens while it is away, and what the hosts say of it; gives how many instances came and went."""
    for host in HOSTS:
        assert read_now(fabric, host)["failure"]["kind"] == "unreachable"
    without_an_answer("sync_ports.yml", "127.0.0.1")
    rounds = churn(fabric, coming, known, seconds)
    status = watcher(fabric, "hv2")
    age = time.time() - status["good"]
    assert age > seconds
    told = alarm(fabric, "hv2")
    assert "reads failed since: GET http://10.255.9.1:9696" in told, told
    assert ("State: DEGRADED" in told) == (age > status["age_bound"]), told
    return rounds


def test_while_neutron_is_away_instances_come_and_go_and_what_stays_loses_no_packet(
    api: Api, fabric: Fabric, tmp_path: Path
) -> None:
    outage(api, fabric, tmp_path / "neutron.json", OUTAGE)


@pytest.mark.slow
def test_the_same_holds_for_ten_minutes_and_the_hosts_say_that_their_knowledge_is_old(
    api: Api, fabric: Fabric, tmp_path: Path
) -> None:
    outage(api, fabric, tmp_path / "neutron.json", 600)


def without_an_answer(playbook: str, words: str) -> None:
    """A run stops before anything is touched, and says with these words why."""
    run = attempt_from_neutron(playbook)
    assert run.code != 0, run.output
    assert not any(run.changed.values()), run.output
    assert words in run.output, run.output


# -- Neutron's database is older than the fabric ------------------------------------------------------------------


def test_ports_that_a_restored_database_lacks_stay_where_they_are_many_and_come_back_with_it(
    api: Api, fabric: Fabric
) -> None:
    """Few are within the share: Neutron is believed, as for any deleted port, and they come back when it knows them."""
    older = keep(fabric, "older")
    with ports(api, fabric, ["hv2"] * 6 + ["hv3"]) as made:
        many, few = made[:6], made[6:]
        plug(fabric, made)
        everywhere(fabric, of_all(made))
        before = all_routes(fabric)
        newer = keep(fabric, "newer")
        try:
            with undisturbed(fabric, many, few):
                _older_database(api, fabric, older, many, few, before)
        finally:
            restore(api, fabric, newer)
        for host in HOSTS:
            assert read_now(fabric, host)["failure"] is None
        everywhere(fabric, of_all(made))
        assert all_routes(fabric) == before
        assert watcher(fabric, "hv2")["refused"] is None
        assert "State: healthy" in alarm(fabric, "hv2")
        assert None not in fabric.reach("client", [each for port in made for each in addresses(port)], 30).values()


def _older_database(
    api: Api,
    fabric: Fabric,
    older: str,
    many: Sequence[dict[str, Any]],
    few: Sequence[dict[str, Any]],
    before: dict[str, set[str]],
) -> None:
    restore(api, fabric, older)
    assert not {port["id"] for port in many} & {row["id"] for row in api.rows("ports")}
    for host in HOSTS:
        assert read_now(fabric, host)["failure"] is None
    nowhere(fabric, of_all(few))
    expected = {**before, "hv3": before["hv3"] - plain(of_all(few))}
    assert all_routes(fabric) == expected
    assert watcher(fabric, "hv3")["refused"] is None
    refusals(fabric, ["hv2"], f"{len(of_all(many))} of the ")
    assert all_routes(fabric) == expected


def refusals(fabric: Fabric, hosts: Sequence[str], words: str) -> None:
    """What these hosts refuse is told in their status, their log and by verify; a run of sync_ports refuses as well."""
    found = {}
    for host in hosts:
        status = eventually(partial(watcher, fabric, host), lambda it: it["refused"], f"{host} refuses the answer")
        assert status["failure"] is None, "nothing failed: the answer was 200"
        found[host] = status["refused"]
        assert words in found[host]
        told = alarm(fabric, host)
        assert f"Neutron's answer is not followed: {found[host]}" in told, told
        assert "State: DEGRADED" in told, told
        logged(fabric, host, "answer_refused", "would be removed")
    run = attempt_from_neutron("verify.yml", "-e", "verify_timeout=0")
    assert run.code != 0, run.output
    for host, text in found.items():
        assert f"{host}: alarm of the port watcher: Neutron's answer is not followed: {text}" in run.output, run.output
    run = attempt_from_neutron("sync_ports.yml")
    assert run.code != 0, run.output
    assert "would be removed" in run.output, run.output


# -- Neutron answers, and it is not the truth ---------------------------------------------------------------------


def test_an_answer_of_200_with_an_empty_list_is_refused_and_alarmed(api: Api, fabric: Fabric) -> None:
    """A policy that shows no port is no error to Neutron: it answers 200 and leaves them out."""
    before = all_routes(fabric)
    with undisturbed(fabric):
        with policy(fabric, '"get_port": "!"\n'):
            eventually(lambda: api.rows("ports"), lambda ports: ports == [], "Neutron shows no port")
            for host in HOSTS:
                read_now(fabric, host)
            refusals(fabric, HOSTS, "would be removed")
            assert all_routes(fabric) == before
        eventually(lambda: api.rows("ports"), bool, "Neutron shows ports")
        for host in HOSTS:
            read_now(fabric, host)
            eventually(partial(watcher, fabric, host), lambda it: it["refused"] is None, f"{host} refuses nothing")
            assert "State: healthy" in alarm(fabric, host)
    assert all_routes(fabric) == before


def test_an_answer_without_the_hosts_of_ports_is_no_answer(api: Api, fabric: Fabric) -> None:
    """Neutron answers 200 with all ports and without binding:host_id, as to any account that is no administrator's."""
    before = all_routes(fabric)
    with undisturbed(fabric):
        with policy(fabric, '"get_port:binding:host_id": "!"\n'):
            eventually(lambda: "binding:host_id" in api.rows("ports")[0], lambda it: not it, "Neutron hides the hosts")
            refused_everywhere(fabric, "administrators only", "broken")
            without_an_answer("sync_ports.yml", "binding:host_id")
            assert all_routes(fabric) == before
        eventually(lambda: "binding:host_id" in api.rows("ports")[0], bool, "Neutron shows the hosts")
        recovered(fabric)
    assert all_routes(fabric) == before


# -- Neutron refuses ----------------------------------------------------------------------------------------------


def test_a_token_that_is_revoked_withdraws_nothing(api: Api, fabric: Fabric) -> None:
    """The 401 is that of Neutron's own keystonemiddleware, to which the identity service knows no such token (404)."""
    before = all_routes(fabric)
    with undisturbed(fabric):
        with serving(fabric, KEYSTONE, 404), configured(api, fabric, TOKENS):
            refused_everywhere(fabric, "HTTP 401")
            without_an_answer("sync_ports.yml", "HTTP 401")
            assert all_routes(fabric) == before
        recovered(fabric)
    assert all_routes(fabric) == before


def test_what_a_proxy_answers_in_neutrons_place_withdraws_nothing(api: Api, fabric: Fabric) -> None:
    """Neutron has no 403 for a list: it hides. One that comes is of what stands in front of it."""
    before = all_routes(fabric)
    with undisturbed(fabric):
        with stopped(api, fabric):
            for status, kind in ((403, "refused"), (503, "broken")):
                with serving(fabric, 9696, status):
                    refused_everywhere(fabric, f"HTTP {status}", kind)
                    assert all_routes(fabric) == before
        recovered(fabric)
    assert all_routes(fabric) == before


def refused_everywhere(fabric: Fabric, words: str, kind: str = "refused") -> None:
    """Each host's watcher is refused, and says so."""
    for host in HOSTS:
        fabric.run(host, "systemctl", "reload", "roth-ports")
        status = eventually(
            partial(watcher, fabric, host),
            lambda it: words in (it["failure"] or {}).get("text", ""),
            f"{host}: {words}",
        )
        told = status["failure"]
        assert told["kind"] == kind, told
        assert words in alarm(fabric, host)
        logged(fabric, host, "neutron_not_read", words)
