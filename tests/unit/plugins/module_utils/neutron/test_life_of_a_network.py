"""Two networks from nothing to nothing, with the answers of a real Neutron 29.0.0."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.neutron.carrying_out import StepError
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import NeutronError
from ansible_collections.roth.fabric.plugins.module_utils.neutron.found import find_network
from life_of_a_network import RECORDED, V4, V6, Replay, ensure, flat, walk

KEPT = json.loads(RECORDED.read_text())
TOLD = {
    "make": [
        "create network spanning mtu=1400 shared=yes",
        "create segment rec-hv1 network_type=flat",
        "create segment rec-hv2 network_type=flat",
        "create subnet 10.77.0.0/16 gateway_ip=10.77.0.1 ip_version=4 service_types=compute:nova",
        "create subnet 2001:db8:77::/64 gateway_ip=2001:db8:77::1 ip_version=6 ipv6_address_mode=dhcpv6-stateful"
        " ipv6_ra_mode=dhcpv6-stateful",
    ],
    "again": [],
    "new host": ["create segment rec-hv3 network_type=flat"],
    "host left": [],
    "change": ["update network spanning mtu=1450", "update subnet 10.77.0.0/16 service_types=none"],
    "racks": [
        "create network racks",
        "create segment rack-a network_type=vlan physical_network=rec-hv1 segmentation_id=100",
        "create segment rack-b network_type=vlan physical_network=rec-hv4 segmentation_id=100",
        "create subnet 198.51.100.0/26 gateway_ip=198.51.100.1 ip_version=4 name=a-v4 segment=rec-hv1",
        "create subnet 198.51.100.64/26 gateway_ip=198.51.100.65 ip_version=4 segment=rec-hv4",
    ],
    "racks again": [],
    "purge in use": [
        "network spanning, subnet 2001:db8:77::/64: 1 port (vm-hv3) is in it, expected none before it is removed",
        "network spanning, segment rec-hv3: 1 port (vm-hv3) is on its hosts, expected none before it is removed",
    ],
    "absent in use": ["network spanning: 1 port (vm-hv3) is there, expected none before it is removed"],
    "purge": [
        "delete segment rec-hv2",
        "delete segment rec-hv3",
        "delete subnet 2001:db8:77::/64",
        "update subnet 10.77.0.0/16 service_types=compute:nova",
    ],
    "absent": ["delete network spanning", "delete segment rec-hv1", "delete subnet 10.77.0.0/16"],
    "racks absent": [
        "delete network racks",
        "delete segment rack-a",
        "delete segment rack-b",
        "delete subnet 198.51.100.0/26",
        "delete subnet 198.51.100.64/26",
    ],
    "absent again": [],
}
ANY_ORDER = ("purge", "absent", "racks absent")  # Neutron lists segments and subnets in no order


def test_each_step_does_what_is_needed_and_no_more():
    replay = Replay(KEPT)
    told = walk(replay)
    taken = told.pop("taken")
    assert {step: sorted(lines) if step in ANY_ORDER else lines for step, lines in told.items()} == TOLD
    assert len(taken) == 1
    assert "segment rec-hv1: flat on rec-hv1 is a segment of network " in taken[0]
    assert replay.left == []


def test_segments_and_their_ids_are_the_servers():
    """A pinned subnet carries the id that Neutron gave its segment."""
    segments = {
        kept["answer"]["segment"]["id"]
        for kept in KEPT
        if kept["path"] == "/v2.0/segments" and kept["method"] == "POST"
    }
    renamed = {
        kept["path"].rsplit("/", 1)[1] for kept in KEPT if kept["method"] == "PUT" and "segments" in kept["path"]
    }
    sent = [kept["sent"]["subnet"] for kept in KEPT if kept["method"] == "POST" and "subnets" in kept["path"]]
    pinned = [subnet["segment_id"] for subnet in sent if "segment_id" in subnet]
    assert len(pinned) == 2
    assert set(pinned) <= segments | renamed


def first(method, place):
    return next(index for index, kept in enumerate(KEPT) if (kept["method"], kept["path"]) == (method, place))


class Failing(Replay):
    """Refuses the request at `index` of what was recorded."""

    def __init__(self, index):
        super().__init__(KEPT)
        self._index = index

    def _next(self, method, path, sent):
        if len(KEPT) - len(self.left) == self._index:
            raise NeutronError("broken", f"{method} {path}: HTTP 500: no", 500)
        return super()._next(method, path, sent)


def test_a_step_that_neutron_refuses_is_named_with_those_before_it():
    with pytest.raises(StepError) as caught:
        ensure(
            Failing(first("POST", "/v2.0/segments")), "spanning", flat("hv1", "hv2"), [V4, V6], shared=True, mtu=1400
        )
    assert str(caught.value) == (
        "create segment rec-hv2 network_type=flat: POST /v2.0/segments: HTTP 500: no; done before: create network"
        " spanning mtu=1400 shared=yes, create segment rec-hv1 network_type=flat"
    )


def test_a_neutron_without_the_segments_plugin_is_told_so():
    class Without(Replay):
        def get(self, path, query=()):
            if path == "/v2.0/segments":
                raise NeutronError("broken", "GET /v2.0/segments: HTTP 404", 404)
            return {"networks": [{"id": "1", "name": "n", "shared": True, "mtu": 1500}]}

    with pytest.raises(NeutronError, match="expected 'segments' in service_plugins"):
        find_network(Without([]), "n", with_ports=False)


def test_two_networks_of_one_name_are_refused_with_their_ids():
    answer = {"networks": [{"id": "b", "name": "n"}, {"id": "a", "name": "n"}]}
    kept = [{"method": "GET", "path": "/v2.0/networks", "sent": [["name", "n"]], "answer": answer}]
    with pytest.raises(ValueError, match=r"network n: 2 networks have this name \(a, b\), expected one"):
        find_network(Replay(kept), "n", with_ports=False)


@pytest.mark.parametrize("key", ["cidr", "gateway_ip", "allocation_pools", "enable_dhcp", "id"])
def test_a_subnet_of_another_form_is_no_answer(key):
    kept = copy.deepcopy(KEPT)
    second = [index for index, each in enumerate(kept) if each["path"] == "/v2.0/networks" and each["method"] == "GET"][
        1
    ]
    for each in kept[second:]:
        for subnet in each["answer"].get("subnets", ()):
            del subnet[key]
    with pytest.raises(NeutronError, match="is not in the API's form") as caught:
        find_network(Replay(kept[second:]), "spanning", with_ports=False)
    assert caught.value.kind == "broken"
