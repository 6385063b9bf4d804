"""What ExaBGP says is understood: the golden lines come from ExaBGP 5.0.15 with FRR and BIRD peers."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from roth.exabgp_api import (
    Action,
    Answer,
    EndOfRib,
    Neighbors,
    RibRoute,
    Session,
    Unknown,
    Update,
    decode,
    end_of_rib_line,
    is_foreign_update,
    route_line,
)
from roth.kernel.model import Family

from tests.unit.agent.fakes import GOLDEN, V4, V6

LINES = (GOLDEN / "exabgp-5.0.15.txt").read_text().splitlines()
DEFAULTS = ["0.0.0.0/0", "::/0"]


def of(kind: type) -> list:
    return [message for message in map(decode, LINES) if isinstance(message, kind)]


def test_sessions_go_up_and_down_and_a_tcp_connection_alone_is_no_news() -> None:
    assert of(Session) == [Session(V6[0], False, "closing connection"), Session(V4[0], True, "")]


def test_a_default_with_two_next_hops_is_one_route() -> None:
    default = of(Update)[0]
    assert default == Update(
        V6[1],
        (65102,),
        ((ip_network("::/0"), (V6[1], ip_address("fe80::6818:59ff:fee6:567"))),),
        (),
    )


def test_the_as_path_of_a_reflected_route_holds_our_own_number() -> None:
    reflected = of(Update)[2]
    assert reflected.as_path == (65101, 65011)
    assert [prefix for prefix, _hops in reflected.announced] == [
        ip_network("10.64.0.1/32"),
        ip_network("10.64.0.2/32"),
    ]


def test_withdrawn_routes_have_no_path() -> None:
    assert of(Update)[3] == Update(V4[0], (), (), (ip_network("10.64.0.1/32"),))


def test_end_of_rib_names_its_family() -> None:
    assert of(EndOfRib) == [EndOfRib(V4[1], Family.IPV4)]


def test_neighbors_are_established_by_their_state_machine() -> None:
    assert of(Neighbors) == [Neighbors(tuple((peer, True) for peer in (*V4, *V6)))]


def test_a_session_in_its_first_second_counts_though_exabgp_calls_it_down() -> None:
    young = '[{"state": "down", "duration": 0, "fsm": "ESTABLISHED", "peer": {"address": "10.1.1.0"}}]'
    assert decode(young) == Neighbors(((V4[0], True),))


def test_rib_lines_of_both_forms_are_read() -> None:
    routes = of(RibRoute)
    assert len(routes) == 14
    assert routes[0] == RibRoute(V4[0], ip_network("0.0.0.0/0"), V4[0], mark=0)
    assert routes[4] == RibRoute(V4[0], ip_network("0.0.0.0/0"), V4[0], (65101,))
    assert routes[7].next_hop == ip_address("fe80::6818:59ff:fee6:567")
    assert routes[8] == RibRoute(V4[0], ip_network("10.64.0.1/32"), ip_address("10.1.1.1"), mark=0)


def test_every_segment_of_a_path_counts() -> None:
    line = "neighbor 10.1.1.0 local-ip x ipv4 unicast 0.0.0.0/0 next-hop 10.1.1.0 as-path ( 1 2 ) [ 3 4 ] med 0"
    assert decode(line).as_path == (1, 2, 3, 4)


def test_answers_have_no_content() -> None:
    assert of(Answer) == [Answer(True)] * 3 + [Answer(False)]


@pytest.mark.parametrize(
    "line",
    ["", "{", "[1]", '{"type": "state"}', '{"type": "update", "neighbor": {"direction": "receive"}}', "[{}]", "x y z",
     "10.1.1.0 ipv4 unicast 10.0.0.1/99 next-hop 1.1.1.1",
     '{"type": "state", "neighbor": {"state": "up", "address": {"peer": "x"}}}'],
)  # fmt: skip
def test_malformed_lines_are_unknown_and_never_raise(line: str) -> None:
    assert isinstance(decode(line), Unknown)


def test_updates_without_an_import_need_not_be_parsed() -> None:
    foreign = [line for line in LINES if is_foreign_update(line, DEFAULTS)]
    assert ["10.64.0.1/32" in line for line in foreign] == [True, True]


def test_a_line_names_all_peers_and_prefixes() -> None:
    line = route_line(Action.ANNOUNCE, V4, "next-hop self", [ip_network("10.64.0.1/32"), ip_network("10.64.0.2/32")])
    assert line == (
        "neighbor 10.1.1.0 , neighbor 10.2.1.0 announce attributes next-hop self nlri 10.64.0.1/32 10.64.0.2/32"
    )


def test_withdraw_and_announce_carry_the_same_attributes() -> None:
    announce = route_line(Action.ANNOUNCE, V4, "next-hop self med 1", [ip_network("10.64.0.1/32")])
    withdraw = route_line(Action.WITHDRAW, V4, "next-hop self med 1", [ip_network("10.64.0.1/32")])
    assert withdraw == announce.replace("announce", "withdraw")


@pytest.mark.parametrize(
    ("peers", "prefixes"),
    [(V4, ["10.0.0.1/32", "2001:db8::1/128"]), (V4, ["2001:db8::1/128"]), (V4 + V6, ["10.0.0.1/32"]),
     ([], ["10.0.0.1/32"]), (V4, [])],
)  # fmt: skip
def test_families_are_never_mixed_in_a_line(peers: list, prefixes: list[str]) -> None:
    with pytest.raises(ValueError, match="one family"):
        route_line(Action.ANNOUNCE, peers, "next-hop self", [ip_network(prefix) for prefix in prefixes])


def test_end_of_rib_is_for_the_session_s_family() -> None:
    assert end_of_rib_line(V6[0]) == "neighbor 2001:db8:1:1::a announce eor ipv6 unicast"


def update(attributes: str, announce: str) -> str:
    """A line of ExaBGP 5.0.15 about an UPDATE, with what changes in it."""
    return (
        '{ "exabgp": "5.0.0", "time": 1795644059.1, "type": "update", "neighbor": { "address": { "local": "10.1.1.1", '
        '"peer": "10.1.1.0" }, "asn": { "local": 65011, "peer": 65101 }, "direction": "receive", "message": '
        f'{{ "update": {{ "attribute": {{ {attributes} '
        '"as-path": {"0": {"element": "as-sequence", "value": [65101, 65000]}} }, '
        f'"announce": {{ "ipv4 unicast": {{ "{announce}": [ {{ "nlri": "0.0.0.0/0" }} ] }} }} }} }} }} }}'
    )


def test_a_well_formed_update_announces() -> None:
    message = decode(update('"origin": "igp",', "10.1.1.0"))
    assert message == Update(V4[0], (65101, 65000), ((ip_network("0.0.0.0/0"), (V4[0],)),), ())


@pytest.mark.parametrize(
    ("attributes", "hop"),
    [
        ('"origin": "igp", "error": "treat-as-withdraw",', "10.1.1.0"),
        ('"origin": "invalid",', "10.1.1.0"),
        ('"origin": "igp",', "no-nexthop"),
    ],
    ids=["what ExaBGP calls so", "origin without a meaning", "no next hop"],
)
def test_a_route_with_malformed_attributes_counts_as_withdrawn(attributes: str, hop: str) -> None:
    """RFC 7606: ExaBGP hands such routes on, and leaves the session up."""
    assert decode(update(attributes, hop)) == Update(V4[0], (65101, 65000), (), (ip_network("0.0.0.0/0"),))


@pytest.mark.parametrize(
    "text",
    [
        "neighbor 10.1.1.0 ipv4 unicast 0.0.0.0/0 next-hop no-nexthop origin igp as-path [ 65101 ]",
        "neighbor 10.1.1.0 ipv4 unicast 0.0.0.0/0 next-hop 10.1.1.0 origin invalid as-path [ 65101 ]",
    ],
)
def test_a_survey_does_not_find_it_either(text: str) -> None:
    assert decode(text) == Unknown(text)
